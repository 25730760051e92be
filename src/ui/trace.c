/* A buffer of our own before the file: one write a second under load, and errors are kept for
 * the end, because a full disk must not stop the run that it watches. */
#include "dray/ui/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dray/ui/event_json.h"
#include "dray/util/mem.h"

enum { FLUSH_US = 1000000, FLUSH_BYTES = 256 * 1024 };

struct trace {
    FILE *file;
    char *path;
    struct buf waiting;
    uint64_t flushed_us;
    struct err err; /* the first error of writing */
};

static bool is_stdout(const char *path)
{
    return str_is(str_of(path), "-");
}

static void trace_flush(struct trace *t, uint64_t now_us)
{
    t->flushed_us = now_us;
    if (!t->err.code && t->waiting.n &&
        (fwrite(t->waiting.p, 1, t->waiting.n, t->file) != t->waiting.n || fflush(t->file) != 0))
        err_errno(&t->err, "can't write the trace %s", t->path);
    buf_reset(&t->waiting);
}

static void trace_take(void *ctx, const struct event *ev)
{
    struct trace *t = ctx;

    if (ev->kind != EVENT_BYTES && ev->kind != EVENT_TICK)
        event_json_add(&t->waiting, ev);
    if (ev->at_us - t->flushed_us >= FLUSH_US || t->waiting.n >= FLUSH_BYTES)
        trace_flush(t, ev->at_us);
}

struct trace *trace_open(const char *path, struct events *events, struct err *e)
{
    FILE *file = is_stdout(path) ? stdout : fopen(path, "we");

    if (!file) {
        err_errno(e, "can't write the trace %s", path);
        return NULL;
    }
    struct trace *t = mem_new(1, sizeof(*t));
    t->file = file;
    t->path = mem_dup(path);
    events_listen(events, trace_take, t);
    return t;
}

int trace_close(struct trace *t, struct err *e)
{
    int code = 0;

    if (!t)
        return 0;
    trace_flush(t, t->flushed_us);
    if (t->file != stdout && fclose(t->file) != 0 && !t->err.code)
        err_errno(&t->err, "can't write the trace %s", t->path);
    if (t->err.code)
        code = err_move(e, &t->err);
    buf_done(&t->waiting);
    free(t->path);
    free(t);
    return code;
}
