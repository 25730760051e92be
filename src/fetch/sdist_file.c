/* The reader of py/sdist, fed by a reader of files. What it finds wrong does not end the reading,
 * since the digests are those of all bytes. */
#include "dray/fetch/sdist_file.h"

#include <stdlib.h>
#include <unistd.h>

#include "dray/py/sdist.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

struct sdist_file {
    struct reader *reader; /* NULL: it has ended */
    struct sdist_reader *sdist;
    struct hasher hasher;
    struct sdist_file_wish wish;
    struct sdist_file_result result;
    sdist_file_done_fn done;
    void *ctx;
};

static int open_file(void *ctx, const char *path, int *fd, struct err *e)
{
    const struct sdist_file *s = ctx;
    uint64_t bytes;

    if (s->wish.fd < 0)
        return file_open_regular(path, fd, &bytes, e);
    *fd = dup(s->wish.fd);
    if (*fd < 0 || lseek(*fd, 0, SEEK_SET) < 0)
        return err_errno(e, "can't read %s", path);
    return 0;
}

static int take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct sdist_file *s = ctx;

    (void)e;
    hasher_add(&s->hasher, bytes, n);
    if (s->wish.is_readable && !s->result.err.code)
        sdist_reader_feed(s->sdist, bytes, n, &s->result.err);
    return 0;
}

static void ended(void *ctx, struct err *e)
{
    struct sdist_file *s = ctx;
    struct sdist_file_result *r = &s->result;

    s->reader = NULL;
    hasher_finish(&s->hasher, r->digests);
    err_move(&r->read, e);
    if (s->wish.is_readable && !r->err.code)
        r->text = sdist_reader_finish(s->sdist, &r->err);
    s->done(s->ctx, r);
}

struct sdist_file *sdist_file_start(struct readers *rs, const struct sdist_file_wish *wish,
                                    sdist_file_done_fn done, void *ctx)
{
    struct sdist_file *s = mem_new(1, sizeof(*s));
    struct reader_sink sink = { .open = open_file, .data = take_bytes, .done = ended, .ctx = s };

    s->wish = *wish;
    s->done = done;
    s->ctx = ctx;
    s->sdist = sdist_reader_create();
    hasher_init(&s->hasher, wish->algs);
    s->reader = reader_start(rs, wish->path, &sink);
    return s;
}

void sdist_file_destroy(struct sdist_file *s)
{
    if (!s)
        return;
    if (s->reader)
        reader_cancel(s->reader);
    sdist_reader_destroy(s->sdist);
    hasher_done(&s->hasher);
    err_done(&s->result.read);
    err_done(&s->result.err);
    free(s);
}
