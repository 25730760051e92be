/* Reads METADATA out of wheels for differential_zip.py, by ranges, as from a server. One question a
 * line on stdin, fields between tabs:
 *
 *   PATH FILENAME TAIL    the file, what to call it, the bytes at its end that are there from the
 *                         start (0: none)
 *
 * The answer: "found SHA256 STEPS BYTES", STEPS being how often bytes were lacking, and BYTES how
 * many were read in all; or "failed TEXT". */
#include <stdlib.h>

#include "case.h"
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
    struct digest digests[DIGEST_COUNT];
    char hex[DIGEST_HEX_SIZE];
    struct hasher h;

    hasher_init(&h, 1u << DIGEST_SHA256);
    hasher_add(&h, text.p, text.n);
    hasher_finish(&h, digests);
    hasher_done(&h);
    printf("found\t%s\t%u\t%llu\n", digest_hex(&digests[DIGEST_SHA256], hex), r->steps,
           (unsigned long long)r->bytes);
}

static bool answer(struct case_line *c)
{
    struct buf file = { 0 };
    struct err e = { 0 };
    uint64_t tail;

    if (c->n != 3 || !str_to_u64(c->fields[2], UINT64_MAX, &tail) ||
        file_read(c->fields[0].p, (size_t)1 << 30, &file, &e))
        return false;
    struct reading r = { .zip = zip_create(file.n, c->fields[1]), .file = buf_str(&file) };
    if (tail > file.n)
        tail = file.n;
    give(&r, (struct zip_span){ file.n - tail, tail });
    enum zip_step step = read_all(&r, &e);
    if (step == ZIP_FOUND)
        answer_found(&r);
    else
        printf("failed\t%s\n", step == ZIP_LACKS ? "took too many steps" : err_text(&e));
    zip_destroy(r.zip);
    buf_done(&file);
    err_done(&e);
    return true;
}

int main(void)
{
    struct case_line c = { .file = "stdin" };
    char *line = NULL;
    size_t cap = 0;
    int status = 0;

    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
        n -= line[n - 1] == '\n';
        if (!case_split(&c, line, (size_t)n, '\t') || !answer(&c)) {
            fprintf(stderr, "oracle_zip: line %u is no such question\n", c.number + 1);
            status = 2;
        }
        c.number++;
    }
    free(line);
    return status;
}
