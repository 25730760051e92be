/* A child is over when it has exited and both of its pipes have ended. It runs as the leader of its
 * own session, so that killing it takes along what it started (compilers below a build); dray hands
 * SIGINT on by cancelling. The callbacks of libuv only record; one task looks at what was recorded
 * and ends the child's life. */
#include "dray/net/child.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* A program that goes into the background may keep the pipes of the one that started it: so long
 * they are listened to after the exit. */
enum { LINGER_MS = 1000, READ_BYTES = 16 * 1024 };

enum child_state {
    CHILD_RUNNING,
    CHILD_EXITED,    /* reaped; the pipes may hold more */
    CHILD_CANCELLED, /* nobody is interested; waits for being reaped */
    CHILD_OVER,      /* its handles are closing */
};

struct child_pipe {
    uv_pipe_t uv;
    struct buf text;
    bool ended;
};

struct child {
    struct loop *loop;
    uv_process_t process;
    struct child_pipe pipes[2]; /* stdout, stderr */
    struct loop_timer *timer;
    struct loop_task look;
    enum child_state state;
    unsigned open_handles;
    unsigned timeout_ms;
    char *name; /* argv[0] */
    int64_t exit_status;
    int exit_signal;
    struct err err; /* why it was not allowed to go on */
    child_done_fn done;
    void *ctx;
    char bytes[READ_BYTES]; /* shared by both pipes: the bytes are copied at once */
};

static void on_closed(uv_handle_t *handle)
{
    struct child *c = handle->data;

    if (--c->open_handles > 0)
        return;
    buf_done(&c->pipes[0].text);
    buf_done(&c->pipes[1].text);
    err_done(&c->err);
    free(c->name);
    free(c);
}

static void child_close(struct child *c)
{
    c->state = CHILD_OVER;
    loop_unpost(c->loop, &c->look);
    loop_timer_destroy(c->timer);
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&c->pipes[i].uv, on_closed);
    uv_close((uv_handle_t *)&c->process, on_closed);
}

static void child_kill(struct child *c)
{
    if (c->state == CHILD_RUNNING && c->process.pid > 0)
        kill(-c->process.pid, SIGKILL);
}

static void child_finish(struct child *c)
{
    struct child_result result = {
        .exit_status = (int)c->exit_status,
        .output = buf_str(&c->pipes[0].text),
        .errors = buf_str(&c->pipes[1].text),
    };

    if (!c->err.code && c->exit_signal)
        err_set(&c->err, ERR_CHILD, "%s was killed by signal %d (%s)", c->name, c->exit_signal,
                strsignal(c->exit_signal));
    err_move(&result.err, &c->err);
    child_done_fn done = c->done;
    child_close(c); /* its memory lasts until the next turn, when the handles are closed */
    done(c->ctx, &result);
    err_done(&result.err);
}

static void child_look(void *ctx)
{
    struct child *c = ctx;

    switch (c->state) {
    case CHILD_RUNNING:
        if (c->err.code && c->process.pid == 0) /* never started */
            child_finish(c);
        else if (c->err.code)
            child_kill(c);
        break;
    case CHILD_EXITED:
        /* A time-out or a cap has spoken: what the pipes may still hold is of no interest. */
        if (c->err.code || (c->pipes[0].ended && c->pipes[1].ended))
            child_finish(c);
        break;
    case CHILD_CANCELLED:
    case CHILD_OVER:
        break;
    }
}

static void on_exit_of_child(uv_process_t *process, int64_t status, int signal)
{
    struct child *c = process->data;

    if (c->state == CHILD_CANCELLED) {
        child_close(c);
        return;
    }
    c->state = CHILD_EXITED;
    c->exit_status = status;
    c->exit_signal = signal;
    loop_timer_start(c->timer, LINGER_MS);
    loop_post(c->loop, &c->look);
}

static void on_time(void *ctx)
{
    struct child *c = ctx;

    if (c->state == CHILD_RUNNING)
        err_set(&c->err, ERR_CHILD, "%s did not end within %u ms and was killed", c->name,
                c->timeout_ms);
    else
        c->pipes[0].ended = c->pipes[1].ended = true;
    loop_post(c->loop, &c->look);
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct child *c = handle->data;

    (void)suggested;
    *out = uv_buf_init(c->bytes, sizeof c->bytes);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct child *c = stream->data;
    struct child_pipe *p = stream == (uv_stream_t *)&c->pipes[0].uv ? &c->pipes[0] : &c->pipes[1];

    if (n < 0) {
        p->ended = true;
        loop_post(c->loop, &c->look);
        return;
    }
    if (c->err.code || c->state == CHILD_CANCELLED)
        return;
    if (p->text.n + (size_t)n > LIMIT_CHILD_OUTPUT_BYTES) {
        err_set(&c->err, ERR_CHILD, "%s wrote more than %d bytes and was killed", c->name,
                LIMIT_CHILD_OUTPUT_BYTES);
        loop_post(c->loop, &c->look);
        return;
    }
    buf_add(&p->text, bytes->base, (size_t)n);
}

static void child_spawn(struct child *c, const char *const *argv)
{
    uv_stdio_container_t stdio[3] = { { .flags = UV_IGNORE } };
    uv_process_options_t options = {
        .exit_cb = on_exit_of_child,
        .file = argv[0],
        .args = (char **)(uintptr_t)argv, /* libuv does not change them */
        .flags = UV_PROCESS_DETACHED,     /* setsid(): a process group of its own */
        .stdio_count = 3,
        .stdio = stdio,
    };

    for (int i = 0; i < 2; i++) {
        stdio[i + 1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        stdio[i + 1].data.stream = (uv_stream_t *)&c->pipes[i].uv;
    }
    int rc = uv_spawn(loop_uv(c->loop), &c->process, &options);
    if (rc < 0) {
        c->process.pid = 0;
        err_set(&c->err, ERR_CHILD, "%s can't be run: %s", c->name, uv_strerror(rc));
        loop_post(c->loop, &c->look);
        return;
    }
    for (int i = 0; i < 2; i++)
        uv_read_start((uv_stream_t *)&c->pipes[i].uv, on_buffer, on_bytes);
    if (c->timeout_ms)
        loop_timer_start(c->timer, c->timeout_ms);
}

struct child *child_start(struct loop *l, const char *const *argv, unsigned timeout_ms,
                          child_done_fn done, void *ctx)
{
    struct child *c = mem_new(1, sizeof *c);

    *c = (struct child){
        .loop = l,
        .name = mem_dup(argv[0]),
        .timeout_ms = timeout_ms,
        .done = done,
        .ctx = ctx,
        .look = { .fn = child_look, .ctx = c },
        .open_handles = 3,
        .timer = loop_timer_create(l, on_time, c),
    };
    for (int i = 0; i < 2; i++) {
        uv_pipe_init(loop_uv(l), &c->pipes[i].uv, 0);
        c->pipes[i].uv.data = c;
    }
    c->process.data = c;
    child_spawn(c, argv);
    return c;
}

void child_cancel(struct child *c)
{
    assert(c->state == CHILD_RUNNING || c->state == CHILD_EXITED);
    if (c->state == CHILD_EXITED || c->process.pid == 0) {
        child_close(c);
        return;
    }
    child_kill(c);
    c->state = CHILD_CANCELLED; /* its handles close once it has been reaped */
    loop_timer_stop(c->timer);
    loop_unpost(c->loop, &c->look);
}
