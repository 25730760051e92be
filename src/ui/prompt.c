/* The terminal stays in canonical mode: it edits the line, and read() has a whole one. For a secret
 * ECHO is off and ECHONL on. The descriptor is one of ours (open, not dup), so that not waiting on
 * it (O_NONBLOCK) is nothing to whoever else reads the terminal. */
#include "dray/ui/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

#define TERMINAL "/dev/tty"

/* What would end or stop the process with the echo off; SIGINT, SIGTERM and SIGHUP end the run in
 * order, and it ends us. */
static const int watched[] = { SIGTSTP, SIGQUIT };
enum { N_WATCHED = sizeof(watched) / sizeof(*watched) };

/* The handles of one question; they outlive it until libuv has closed them. */
struct watch {
    uv_poll_t poll;
    uv_signal_t signals[N_WATCHED];
    unsigned open_handles;
    int fd; /* closed with them */
};

struct prompt {
    struct prompter prompter;
    void (*quiet)(void *ctx, bool wanted);
    void *ctx;
    int fd;              /* of the terminal, while it is held; else -1 */
    struct watch *watch; /* while something is asked */
    struct termios before;
    bool is_silent; /* the echo is off */
    bool is_secret;
    struct buf text, line;
    struct loop *loop;
    struct loop_task failed; /* nothing can be read: says so, later */
    prompter_done_fn done;
    void *done_ctx;
};

static void say(const struct prompt *p, struct str text)
{
    while (text.n > 0) {
        ssize_t n = write(p->fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* what can't be shown now is not worth waiting for */
        text = str_sub(text, (size_t)n, text.n);
    }
}

/* What was typed before the question came is no answer to it (getpass). */
static void silence(struct prompt *p)
{
    struct termios now;

    if (!p->is_secret || tcgetattr(p->fd, &p->before) != 0)
        return;
    now = p->before;
    now.c_lflag &= ~(tcflag_t)ECHO;
    now.c_lflag |= ECHONL | ICANON | ISIG;
    p->is_silent = tcsetattr(p->fd, TCSAFLUSH, &now) == 0;
}

static void restore(struct prompt *p)
{
    if (p->is_silent)
        tcsetattr(p->fd, TCSANOW, &p->before);
    p->is_silent = false;
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *w = handle->data;

    if (--w->open_handles > 0)
        return;
    close(w->fd);
    free(w);
}

static void watch_close(struct watch *w)
{
    if (!w)
        return;
    w->open_handles = 1 + N_WATCHED;
    w->poll.data = w;
    uv_close((uv_handle_t *)&w->poll, on_closed);
    for (int i = 0; i < N_WATCHED; i++) {
        w->signals[i].data = w;
        uv_close((uv_handle_t *)&w->signals[i], on_closed);
    }
}

static void end(struct prompt *p)
{
    restore(p);
    watch_close(p->watch);
    p->watch = NULL;
    buf_reset(&p->text);
}

static void answer(struct prompt *p, bool is_line)
{
    prompter_done_fn done = p->done;
    struct buf line = p->line;

    p->line = (struct buf){ 0 };
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
        buf_cut(&line, line.n - 1);
    if (!is_line)
        say(p, STR("\n"));
    end(p);
    done(p->done_ctx, !is_line ? STR_NONE : line.n ? buf_str(&line) : STR(""));
    buf_done(&line);
}

/* A line comes in one piece, or, when a terminal of another mind gives less, in several. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct prompt *p = poll->data;
    char bytes[512];

    (void)events;
    ssize_t n = status < 0 ? 0 : read(p->watch->fd, bytes, sizeof(bytes));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        buf_add(&p->line, bytes, (size_t)n);
    if (n <= 0 || p->line.n > LIMIT_TYPED_BYTES)
        answer(p, false);
    else if (p->line.p[p->line.n - 1] == '\n')
        answer(p, true);
}

/* The signal's own effect, with the terminal as it was; a process that was stopped goes on with the
 * question. */
static void on_signal(uv_signal_t *handle, int number)
{
    struct prompt *p = handle->data;

    restore(p);
    if (number != SIGTSTP) {
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    raise(SIGSTOP);
    say(p, buf_str(&p->text));
    silence(p);
}

static int watch_open(struct prompt *p, uv_loop_t *l)
{
    struct watch *w = mem_new(1, sizeof(*w));

    w->fd = dup(p->fd);
    if (w->fd < 0 || uv_poll_init(l, &w->poll, w->fd) != 0) {
        if (w->fd >= 0)
            close(w->fd);
        free(w);
        return -1;
    }
    fcntl(w->fd, F_SETFD, FD_CLOEXEC);
    p->watch = w;
    w->poll.data = p;
    uv_poll_start(&w->poll, UV_READABLE, on_readable);
    for (int i = 0; i < N_WATCHED; i++) {
        uv_signal_init(l, &w->signals[i]);
        w->signals[i].data = p;
        uv_signal_start(&w->signals[i], on_signal, watched[i]);
    }
    return 0;
}

/* Of a job in the background a read would stop the whole process. */
static bool is_ours(int fd)
{
    return tcgetpgrp(fd) == getpgrp();
}

static bool prompt_hold(void *ctx, bool wanted)
{
    struct prompt *p = ctx;

    if (wanted == (p->fd >= 0))
        return wanted;
    if (!wanted) {
        close(p->fd);
        p->fd = -1;
        p->quiet(p->ctx, false);
        return false;
    }
    p->fd = open(TERMINAL, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->fd < 0)
        return false;
    if (!is_ours(p->fd)) {
        close(p->fd);
        p->fd = -1;
        return false;
    }
    p->quiet(p->ctx, true);
    return true;
}

static void on_failed(void *ctx)
{
    answer(ctx, false);
}

static void prompt_ask(void *ctx, struct loop *l, const char *text, bool is_secret,
                       prompter_done_fn done, void *done_ctx)
{
    struct prompt *p = ctx;

    p->loop = l;
    p->is_secret = is_secret;
    p->done = done;
    p->done_ctx = done_ctx;
    buf_add_z(&p->text, text);
    if (watch_open(p, loop_uv(l)) != 0) {
        loop_post(l, &p->failed);
        return;
    }
    silence(p); /* before the text: what is typed once it is seen is not shown */
    say(p, buf_str(&p->text));
}

static void prompt_cancel(void *ctx)
{
    struct prompt *p = ctx;

    if (p->loop)
        loop_unpost(p->loop, &p->failed);
    if (!p->watch)
        return;
    say(p, STR("\n"));
    end(p);
    buf_reset(&p->line);
}

struct prompt *prompt_create(void (*quiet)(void *ctx, bool wanted), void *ctx)
{
    struct prompt *p = mem_new(1, sizeof(*p));

    *p = (struct prompt){
        .prompter = { .hold = prompt_hold, .ask = prompt_ask, .cancel = prompt_cancel, .ctx = p },
        .quiet = quiet,
        .ctx = ctx,
        .fd = -1,
        .failed = { .fn = on_failed, .ctx = p }
    };
    return p;
}

const struct prompter *prompt_prompter(const struct prompt *p)
{
    return &p->prompter;
}

void prompt_destroy(struct prompt *p)
{
    if (!p)
        return;
    prompt_cancel(p);
    if (p->fd >= 0)
        close(p->fd);
    buf_done(&p->text);
    buf_done(&p->line);
    free(p);
}
