/* The reader of py/sdist, fed by a reader of files. */
#include "dray/fetch/sdist_file.h"

#include <stdlib.h>
#include <unistd.h>

#include "dray/py/sdist.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

struct sdist_file {
    struct reader *reader; /* NULL: it has ended */
    struct sdist_reader *sdist;
    int fd;
    sdist_file_done_fn done;
    void *ctx;
};

static int open_file(void *ctx, const char *path, int *fd, struct err *e)
{
    const struct sdist_file *s = ctx;
    uint64_t bytes;

    if (s->fd < 0)
        return file_open_regular(path, fd, &bytes, e);
    *fd = dup(s->fd);
    if (*fd < 0 || lseek(*fd, 0, SEEK_SET) < 0)
        return err_errno(e, "can't read %s", path);
    return 0;
}

static int take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    const struct sdist_file *s = ctx;

    return sdist_reader_feed(s->sdist, bytes, n, e);
}

static void ended(void *ctx, struct err *e)
{
    struct sdist_file *s = ctx;
    struct str text = STR_NONE;

    s->reader = NULL;
    if (!e->code)
        text = sdist_reader_finish(s->sdist, e);
    s->done(s->ctx, text, e);
}

struct sdist_file *sdist_file_start(struct readers *rs, const char *path, int fd,
                                    sdist_file_done_fn done, void *ctx)
{
    struct sdist_file *s = mem_new(1, sizeof(*s));
    struct reader_sink sink = { .open = open_file, .data = take_bytes, .done = ended, .ctx = s };

    s->fd = fd;
    s->done = done;
    s->ctx = ctx;
    s->sdist = sdist_reader_create();
    s->reader = reader_start(rs, path, &sink);
    return s;
}

void sdist_file_destroy(struct sdist_file *s)
{
    if (!s)
        return;
    if (s->reader)
        reader_cancel(s->reader);
    sdist_reader_destroy(s->sdist);
    free(s);
}
