/* A child is over when it has exited and its pipes have ended. Unless it inherits dray's streams it
 * runs as the leader of its own session, so that killing it takes along what it started (compilers
 * below a build); dray hands SIGINT on by cancelling. The callbacks of libuv only record; one task
 * looks at what was recorded and ends the child's life. */
#include "dray/net/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "dray/net/child_env.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* A program that goes into the background may keep the pipes of the one that started it: so long
 * they are listened to after the exit. A child that inherits is given GRACE_MS to heed SIGTERM;
 * that has to be less than loop_close() waits. */
enum { LINGER_MS = 1000, GRACE_MS = 500, SOON_MS = 1, READ_BYTES = 16 * 1024 };

enum child_state {
    CHILD_RUNNING,
    CHILD_EXITED,    /* reaped; the pipes may hold more */
    CHILD_CANCELLED, /* nobody is interested; waits for being reaped */
    CHILD_OVER,      /* its handles are closing */
};

struct child_pipe {
    uv_pipe_t uv;
    struct buf text;
    bool ended; /* or never begun */
    bool cut;   /* of a tail: the front is gone */
};

struct child {
    struct loop *loop;
    uv_process_t process;
    struct child_pipe pipes[2]; /* stdout, stderr; for a tail, only the first */
    struct loop_timer *timer;
    struct loop_task look;
    enum child_state state;
    unsigned open_handles;
    enum child_output output;
    bool leads; /* a group and session of its own */
    bool kill_rest;
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
    c->open_handles = 2;
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&c->pipes[i].uv, on_closed);
    if (!c->process.loop) /* it did not come to uv_spawn() */
        return;
    c->open_handles++;
    uv_close((uv_handle_t *)&c->process, on_closed);
}

static bool child_was_started(const struct child *c)
{
    return c->process.pid > 0;
}

/* The id of a group is not given away while the group has members: one that still holds our pipes
 * is most likely such a one. */
static void kill_group(struct child *c)
{
    if (child_was_started(c) && c->leads)
        kill(-c->process.pid, SIGKILL);
}

static void child_end(struct child *c)
{
    if (c->leads) {
        kill_group(c);
        return;
    }
    kill(c->process.pid, SIGTERM);
    loop_timer_start(c->timer, GRACE_MS);
}

/* What is left of the first line, when the front is gone, is not shown. */
static struct str pipe_text(const struct child_pipe *p)
{
    struct str text = buf_str(&p->text);

    if (!p->cut)
        return text;
    text = str_sub(text, text.n - LIMIT_CHILD_TAIL_BYTES, text.n);
    return str_sub(text, (size_t)(str_find(text, '\n') + 1), text.n);
}

static void child_finish(struct child *c)
{
    struct child_result result = {
        .exit_status = (int)c->exit_status,
        .output = pipe_text(&c->pipes[0]),
        .errors = pipe_text(&c->pipes[1]),
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
        if (c->err.code && !child_was_started(c))
            child_finish(c);
        else if (c->err.code)
            child_end(c);
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

    if (c->kill_rest)
        kill_group(c);
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

/* One timer: for the time-out, then for the grace, then for the lingering. */
static void on_time(void *ctx)
{
    struct child *c = ctx;

    if (c->state != CHILD_EXITED && child_was_started(c) &&
        (c->state == CHILD_CANCELLED || c->err.code)) {
        kill(c->process.pid, SIGKILL);
        return;
    }
    if (c->state == CHILD_EXITED || !child_was_started(c))
        c->pipes[0].ended = c->pipes[1].ended = true;
    else
        err_set(&c->err, ERR_CHILD, "%s did not end within %u ms and was killed", c->name,
                c->timeout_ms);
    loop_post(c->loop, &c->look);
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct child *c = handle->data;

    (void)suggested;
    *out = uv_buf_init(c->bytes, sizeof c->bytes);
}

/* The buffer holds up to twice what is kept, so that bytes are rarely moved. */
static void pipe_add_tail(struct child_pipe *p, const char *bytes, size_t n)
{
    buf_add(&p->text, bytes, n);
    p->cut = p->cut || p->text.n > LIMIT_CHILD_TAIL_BYTES;
    if (p->text.n < 2 * LIMIT_CHILD_TAIL_BYTES)
        return;
    memmove(p->text.p, p->text.p + p->text.n - LIMIT_CHILD_TAIL_BYTES, LIMIT_CHILD_TAIL_BYTES);
    buf_cut(&p->text, LIMIT_CHILD_TAIL_BYTES);
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
    if (c->output == CHILD_TAIL) {
        pipe_add_tail(p, bytes->base, (size_t)n);
        return;
    }
    if (p->text.n + (size_t)n > LIMIT_CHILD_OUTPUT_BYTES) {
        err_set(&c->err, ERR_CHILD, "%s wrote more than %d bytes and was killed", c->name,
                LIMIT_CHILD_OUTPUT_BYTES);
        loop_post(c->loop, &c->look);
        return;
    }
    buf_add(&p->text, bytes->base, (size_t)n);
}

/* One pipe for both streams keeps their lines in order; libuv makes only one for each. *write_end
 * is the caller's to close. */
static int keep_tail(struct child *c, uv_stdio_container_t *stdio, int *write_end)
{
    int fds[2];

    if (pipe(fds) != 0)
        return uv_translate_sys_error(errno);
    for (int i = 0; i < 2; i++)
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    *write_end = fds[1];
    int rc = uv_pipe_open(&c->pipes[0].uv, fds[0]);
    if (rc < 0) {
        close(fds[0]);
        return rc;
    }
    for (int i = 1; i < 3; i++) {
        stdio[i].flags = UV_INHERIT_FD;
        stdio[i].data.fd = fds[1];
    }
    c->pipes[1].ended = true;
    return 0;
}

/* A pipe takes so little at once, so nothing has to be written later. *read_end is the caller's to
 * close. */
static int give_input(struct str input, uv_stdio_container_t *stdio, int *read_end)
{
    int fds[2], code = 0;

    if (input.n == 0)
        return 0;
    if (input.n > LIMIT_CHILD_INPUT_BYTES)
        return UV_E2BIG;
    if (pipe(fds) != 0)
        return uv_translate_sys_error(errno);
    for (int i = 0; i < 2; i++)
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    if (write(fds[1], input.p, input.n) != (ssize_t)input.n)
        code = UV_EIO;
    close(fds[1]);
    *read_end = fds[0];
    stdio[0].flags = UV_INHERIT_FD;
    stdio[0].data.fd = fds[0];
    return code;
}

static int prepare_streams(struct child *c, uv_stdio_container_t *stdio, int *write_end)
{
    if (c->output == CHILD_TAIL)
        return keep_tail(c, stdio, write_end);
    if (c->output == CHILD_INHERIT) {
        for (int i = 0; i < 3; i++)
            stdio[i] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = i };
        c->pipes[0].ended = c->pipes[1].ended = true;
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        stdio[i + 1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        stdio[i + 1].data.stream = (uv_stream_t *)&c->pipes[i].uv;
    }
    return 0;
}

static int child_spawn(struct child *c, const char *const *argv, const struct child_options *o)
{
    uv_stdio_container_t stdio[3] = { { .flags = UV_IGNORE } };
    struct arena a = { 0 };
    int write_end = -1, read_end = -1;
    uv_process_options_t options = {
        .exit_cb = on_exit_of_child,
        .file = argv[0],
        .args = (char **)(uintptr_t)argv, /* libuv does not change them */
        .env = o->env ? child_env(&a, o->env) : NULL,
        .cwd = o->directory,
        .flags = c->leads ? UV_PROCESS_DETACHED : 0, /* setsid() */
        .stdio_count = 3,
        .stdio = stdio,
    };

    int rc = prepare_streams(c, stdio, &write_end);
    if (rc == 0)
        rc = give_input(o->input, stdio, &read_end);
    if (rc == 0)
        rc = uv_spawn(loop_uv(c->loop), &c->process, &options);
    if (write_end >= 0)
        close(write_end);
    if (read_end >= 0)
        close(read_end);
    arena_done(&a);
    return rc;
}

static void child_listen(struct child *c)
{
    for (int i = 0; i < 2; i++) {
        if (!c->pipes[i].ended)
            uv_read_start((uv_stream_t *)&c->pipes[i].uv, on_buffer, on_bytes);
    }
    if (c->timeout_ms)
        loop_timer_start(c->timer, c->timeout_ms);
}

struct child *child_start_with(struct loop *l, const char *const *argv,
                               const struct child_options *options, child_done_fn done, void *ctx)
{
    struct child *c = mem_new(1, sizeof *c);

    *c = (struct child){
        .loop = l,
        .name = mem_dup(argv[0]),
        .output = options->output,
        .leads = options->output != CHILD_INHERIT && !options->keeps_terminal,
        .kill_rest = options->kill_rest,
        .timeout_ms = options->timeout_ms,
        .done = done,
        .ctx = ctx,
        .look = { .fn = child_look, .ctx = c },
        .timer = loop_timer_create(l, on_time, c),
    };
    for (int i = 0; i < 2; i++) {
        uv_pipe_init(loop_uv(l), &c->pipes[i].uv, 0);
        c->pipes[i].uv.data = c;
    }
    c->process.data = c;
    int rc = child_spawn(c, argv, options);
    if (rc == 0) {
        child_listen(c);
        return c;
    }
    c->process.pid = 0;
    err_set(&c->err, ERR_CHILD, "%s can't be run: %s", c->name, uv_strerror(rc));
    loop_post(c->loop, &c->look);
    return c;
}

struct child *child_start(struct loop *l, const char *const *argv, unsigned timeout_ms,
                          child_done_fn done, void *ctx)
{
    const struct child_options options = { .timeout_ms = timeout_ms };

    return child_start_with(l, argv, &options, done, ctx);
}

/* Behind its end only who still holds a pipe is known to be there. */
static void kill_lingering(struct child *c)
{
    if (c->state == CHILD_EXITED && !(c->pipes[0].ended && c->pipes[1].ended))
        kill_group(c);
}

void child_cancel(struct child *c)
{
    assert(c->state == CHILD_RUNNING || c->state == CHILD_EXITED);
    if (c->state == CHILD_EXITED || !child_was_started(c)) {
        kill_lingering(c);
        child_close(c);
        return;
    }
    loop_timer_stop(c->timer);
    child_end(c);
    c->state = CHILD_CANCELLED; /* its handles close once it has been reaped */
    loop_unpost(c->loop, &c->look);
}

void child_kill(struct child *c)
{
    assert(c->state == CHILD_RUNNING || c->state == CHILD_EXITED);
    if (!c->err.code)
        err_set(&c->err, ERR_INTERRUPTED, "%s was killed", c->name);
    if (c->state == CHILD_RUNNING && child_was_started(c)) {
        child_end(c);
        return;
    }
    kill_lingering(c);
    /* A task would have to be taken back by who closes the loop; a timer just runs. */
    loop_unpost(c->loop, &c->look);
    loop_timer_start(c->timer, SOON_MS);
}
