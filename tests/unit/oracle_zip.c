/* Reads METADATA out of wheels for differential_zip.py, by ranges, as from a server. One question a
 * line on stdin, fields between tabs:
 *
 *   read PATH FILENAME TAIL    the file, what to call it, the bytes at its end that are there from
 *                              the start (0: none)
 *
 * The answer: "found SHA256 STEPS BYTES", STEPS being how often bytes were lacking, and BYTES how
 * many were read in all; or "failed TEXT". */
#include "oracle.h"

#include "dray/py/zip.h"
#include "dray/util/digest.h"

struct reading {
    struct zip *zip;
    struct str file;
    uint64_t bytes;
    unsigned steps;
};

static void give(struct reading *r, struct zip_span span)
{
    zip_feed(r->zip, span.first, r->file.p + span.first, (size_t)span.n);
    r->bytes += span.n;
}

static enum zip_step read_all(struct reading *r, struct err *e)
{
    struct zip_span lacks = { 0 };
    enum zip_step step;

    while ((step = zip_step(r->zip, &lacks, e)) == ZIP_LACKS && r->steps < LIMIT_ZIP_STEPS) {
        give(r, lacks);
        r->steps++;
    }
    return step;
}

static void answer_found(const struct reading *r)
{
    struct str text = zip_metadata(r->zip);
    struct digest digest = digest_sha256(text);
    char hex[DIGEST_HEX_SIZE];

    printf("found\t%s\t%u\t%llu\n", digest_hex(&digest, hex), r->steps,
           (unsigned long long)r->bytes);
}

static void answer_read(const struct question *q)
{
    struct buf file = { 0 };
    uint64_t tail;

    if (!str_to_u64(q->fields[3], UINT64_MAX, &tail) ||
        file_read(q->fields[1].p, (size_t)1 << 30, &file, q->e))
        abort();
    struct reading r = { .zip = zip_create(file.n, q->fields[2]), .file = buf_str(&file) };
    if (tail > file.n)
        tail = file.n;
    give(&r, (struct zip_span){ file.n - tail, tail });
    enum zip_step step = read_all(&r, q->e);
    if (step == ZIP_FOUND)
        answer_found(&r);
    else
        printf("failed\t%s\n", step == ZIP_LACKS ? "took too many steps" : err_text(q->e));
    zip_destroy(r.zip);
    buf_done(&file);
}

int main(void)
{
    static const struct oracle_answer answers[] = { { "read", answer_read } };

    return oracle_run(answers, sizeof(answers) / sizeof(answers[0]));
}
