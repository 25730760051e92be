/* Of those that are let in each reads one slice a turn. read() blocks, so more of them at once
 * would not be faster; there are a few so that small files pass by a large one. */
#include "dray/fetch/reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/util/mem.h"

/* A turn reads 1 MiB in all: hashed in under 2 ms where the processor has no SHA instructions. */
enum { READERS_MAX = 4, SLICE_BYTES = 256 * 1024, CHUNK_BYTES = 64 * 1024 };

struct reader {
    struct readers *all;
    struct reader *prev, *next; /* in the ring of those that wait; NULL when not in it */
    struct loop_task task;
    struct reader_sink sink;
    int fd; /* -1 until it was opened */
    char *path;
};

struct readers {
    struct loop *loop;
    struct reader waiting; /* ring */
    size_t running;
    char chunk[CHUNK_BYTES]; /* slices do not overlap: one for all */
};

static void wait_end(struct reader *r)
{
    r->prev->next = r->next;
    r->next->prev = r->prev;
    r->prev = r->next = NULL;
}

static void readers_admit(struct readers *rs)
{
    while (rs->running < READERS_MAX && rs->waiting.next != &rs->waiting) {
        struct reader *r = rs->waiting.next;
        wait_end(r);
        rs->running++;
        loop_post(rs->loop, &r->task);
    }
}

static void reader_destroy(struct reader *r)
{
    struct readers *rs = r->all;

    if (r->next)
        wait_end(r);
    else
        rs->running--;
    loop_unpost(rs->loop, &r->task);
    if (r->fd >= 0)
        close(r->fd);
    free(r->path);
    free(r);
    readers_admit(rs);
}

/* 1: there is more; 0: the end; negative: an error. */
static int reader_chunk(struct reader *r, struct err *e)
{
    char *chunk = r->all->chunk;

    if (r->fd < 0) {
        int code = r->sink.open(r->sink.ctx, r->path, &r->fd, e);
        return code ? code : 1;
    }
    ssize_t n = read(r->fd, chunk, CHUNK_BYTES);
    if (n < 0 && errno == EINTR)
        return 1;
    if (n < 0)
        return err_errno(e, "can't read %s", r->path);
    if (n == 0)
        return 0;
    int code = r->sink.data(r->sink.ctx, chunk, (size_t)n, e);
    return code ? code : 1;
}

static void reader_slice(void *ctx)
{
    struct reader *r = ctx;
    struct err e = { 0 };
    int code = 1;

    for (size_t n = 0; n < SLICE_BYTES && code > 0; n += CHUNK_BYTES)
        code = reader_chunk(r, &e);
    if (code > 0) {
        loop_post(r->all->loop, &r->task);
        return;
    }
    struct reader_sink sink = r->sink;
    reader_destroy(r);
    sink.done(sink.ctx, &e);
    err_done(&e);
}

struct readers *readers_create(struct loop *l)
{
    struct readers *rs = mem_new(1, sizeof(*rs));

    rs->loop = l;
    rs->waiting.prev = rs->waiting.next = &rs->waiting;
    return rs;
}

void readers_destroy(struct readers *rs)
{
    if (!rs)
        return;
    assert(rs->running == 0 && rs->waiting.next == &rs->waiting);
    free(rs);
}

struct reader *reader_start(struct readers *rs, const char *path, const struct reader_sink *sink)
{
    struct reader *r = mem_new(1, sizeof(*r));

    r->all = rs;
    r->fd = -1;
    r->path = mem_dup(path);
    r->sink = *sink;
    r->task = (struct loop_task){ .fn = reader_slice, .ctx = r };
    r->prev = rs->waiting.prev;
    r->next = &rs->waiting;
    r->prev->next = r->next->prev = r;
    readers_admit(rs);
    return r;
}

void reader_cancel(struct reader *r)
{
    reader_destroy(r);
}

int reader_refuse(struct str path, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED,
                   "%.*s: local files and directories are only read for the daemon's own user",
                   STR_ARG(path));
}
