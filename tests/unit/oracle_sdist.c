/* Reads PKG-INFO out of source distributions for differential_sdist.py. One question a line on
 * stdin, fields between tabs:
 *
 *   read PATH PIECE    the file, and how many bytes of it are fed at a time (0: all at once)
 *
 * The answer: "found SHA256", or "failed TEXT". */
#include "oracle.h"

#include "dray/py/sdist.h"
#include "dray/util/digest.h"

static int feed_all(struct sdist_reader *r, struct str file, size_t piece, struct err *e)
{
    int code = 0;

    for (size_t at = 0; !code && at < file.n; at += piece) {
        struct str part = str_sub(file, at, at + piece);
        code = sdist_reader_feed(r, part.p, part.n, e);
    }
    return code;
}

static void answer_found(struct str text)
{
    struct digest digest = digest_sha256(text);
    char hex[DIGEST_HEX_SIZE];

    printf("found\t%s\n", digest_hex(&digest, hex));
}

static void answer_read(const struct question *q)
{
    struct sdist_reader *r = sdist_reader_create();
    struct str text = STR_NONE;
    struct buf file = { 0 };
    uint64_t piece;

    if (!str_to_u64(q->fields[2], UINT32_MAX, &piece) ||
        file_read(q->fields[1].p, (size_t)1 << 30, &file, q->e))
        abort();
    if (!feed_all(r, buf_str(&file), piece ? (size_t)piece : file.n, q->e))
        text = sdist_reader_finish(r, q->e);
    if (text.p)
        answer_found(text);
    else
        printf("failed\t%s\n", err_text(q->e));
    sdist_reader_destroy(r);
    buf_done(&file);
}

int main(void)
{
    static const struct oracle_answer answers[] = { { "read", answer_read } };

    return oracle_run(answers, sizeof(answers) / sizeof(answers[0]));
}
