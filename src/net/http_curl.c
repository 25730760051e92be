/* curl_multi_socket_action() driven by libuv: one uv_poll a socket and one timer. The traps named
 * here were each met by somebody: libcurl closes sockets before or without telling, libuv frees
 * nothing at once. */
#include "dray/net/http_curl.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* Idle connections are given up after this; many servers close theirs after 60 s or more. */
enum { IDLE_CONNECTION_S = 60 };

/* libcurl 7.88 reads a connection of HTTP/2 for all of its streams, and holds what is not for the
 * one that it is reading for. When that one ends early (cancelled, refused by a sink, an error page
 * that nobody wants) it may forget to go on with the others: no timer is set, and the socket, being
 * empty, tells nothing. They stood still until the time-out for connecting, 10 s later. So while
 * there are streams it is told now and then that its quiet sockets can be read. */
enum { NUDGE_MS = 20 };

struct socket {
    uv_poll_t uv;
    struct http_curl *owner;
    curl_socket_t fd;
    int events; /* as libuv has them */
    struct socket *prev, *next;
    bool closed;
    bool heard; /* since the last nudge */
    int flags;  /* as libcurl has them: heard, and not yet told; 0: it does not wait */
    struct socket *next_waiting;
};

struct http_curl {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer, *nudge;
    size_t n_streams;
    struct socket *sockets;
    struct socket *waiting, **last_waiting; /* in the order in which they were heard */
    struct loop_task serve;
    http_curl_ended_fn ended;
    bool acting; /* libcurl is on the stack */
    bool closing;
};

/* All messages, whatever the number of running transfers is: the last one's comes when that is 0
 * already. Nothing is removed here, so each message stays valid until it has been passed on (curl
 * #2782). */
static void take_messages(struct http_curl *c)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        char *private = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        c->ended(private, m->data.result);
    }
}

static void act(struct http_curl *c, curl_socket_t fd, int flags)
{
    int running;

    assert(!c->acting);
    c->acting = true;
    CURLMcode code = curl_multi_socket_action(c->multi, fd, flags, &running);
    assert(code == CURLM_OK);
    (void)code;
    take_messages(c);
    c->acting = false;
}

static void on_socket(uv_poll_t *uv, int status, int events);

/* libuv stops a handle that it reports an error of (uv__poll_io), and libcurl calls only on
 * changes: a socket that it still wants would never be heard of again. `s` is there until its close
 * callback. */
static void serve_socket(struct socket *s, int flags)
{
    act(s->owner, s->fd, flags);
    if ((flags & CURL_CSELECT_ERR) && !s->closed)
        uv_poll_start(&s->uv, s->events, on_socket);
}

static void stop_waiting(struct socket *s)
{
    struct socket **at = &s->owner->waiting;

    if (!s->flags)
        return;
    while (*at != s)
        at = &(*at)->next_waiting;
    *at = s->next_waiting;
    if (s->owner->last_waiting == &s->next_waiting)
        s->owner->last_waiting = at;
    s->flags = 0;
}

/* At least one, so that it ends. */
static void serve_waiting(void *ctx)
{
    struct http_curl *c = ctx;

    do {
        struct socket *s = c->waiting;
        if (!s)
            return;
        int flags = s->flags;
        stop_waiting(s);
        serve_socket(s, flags);
    } while (!loop_is_busy(c->loop));
    if (c->waiting)
        loop_post(c->loop, &c->serve);
}

static void await_turn(struct socket *s, int flags)
{
    struct http_curl *c = s->owner;

    if (!s->flags) {
        s->next_waiting = NULL;
        *c->last_waiting = s;
        c->last_waiting = &s->next_waiting;
    }
    s->flags |= flags;
    loop_post(c->loop, &c->serve);
}

/* With fifty sockets at once, each in the middle of a handshake or with a full buffer, one turn of
 * the loop would take tens of milliseconds: what does not fit into this one is for the next, in the
 * same order, before whatever is heard later. */
static void on_socket(uv_poll_t *uv, int status, int events)
{
    struct socket *s = uv->data;
    int flags = 0;

    s->heard = true;
    /* With "error" alone libcurl gives up at once, without a look at what had come before the
     * reset. */
    if (status < 0)
        flags = CURL_CSELECT_ERR | CURL_CSELECT_IN | CURL_CSELECT_OUT;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    if (s->owner->waiting || loop_is_busy(s->owner->loop))
        await_turn(s, flags);
    else
        serve_socket(s, flags);
}

static void free_socket(uv_handle_t *handle)
{
    free(handle->data);
}

/* The handle is stopped now, since the socket may be closed and its number be used again at once,
 * but its memory belongs to libuv until the close callback (libuv #1495, #3962). */
static void socket_close(struct socket *s)
{
    s->closed = true;
    stop_waiting(s);
    if (s->next)
        s->next->prev = s->prev;
    if (s->prev)
        s->prev->next = s->next;
    else
        s->owner->sockets = s->next;
    uv_poll_stop(&s->uv);
    uv_close((uv_handle_t *)&s->uv, free_socket);
}

/* A new one each time: an old one whose closing is pending can't be started again (libuv #1278). */
static struct socket *socket_open(struct http_curl *c, curl_socket_t fd)
{
    struct socket *s = mem_new(1, sizeof *s);

    *s = (struct socket){ .owner = c, .fd = fd, .next = c->sockets };
    int rc = uv_poll_init_socket(loop_uv(c->loop), &s->uv, fd);
    /* UV_EEXIST would be a second watcher of one number. To tell libcurl by -1 ends all of its
     * transfers, and before 8.10 it keeps a stale entry: this is a bug of ours, to be loud about.
     */
    if (rc < 0)
        abort();
    s->uv.data = s;
    if (s->next)
        s->next->prev = s;
    c->sockets = s;
    curl_multi_assign(c->multi, fd, s);
    return s;
}

/* CURLMOPT_SOCKETFUNCTION. CURL_POLL_REMOVE is not "closed": the same number may come back, for
 * another transfer. */
static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
    struct http_curl *c = ctx;
    struct socket *s = socket;

    (void)easy;
    if (c->closing) /* curl_multi_cleanup() calls this too (curl #14860) */
        return 0;
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(c->multi, fd, NULL);
        if (s)
            socket_close(s);
        return 0;
    }
    if (!s)
        s = socket_open(c, fd);
    s->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&s->uv, s->events, on_socket);
    return 0;
}

static void on_timer(void *ctx)
{
    act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_TIMERFUNCTION. Even 0 ms only arms the timer: libcurl must not be called from its own
 * callback. */
static int on_timer_change(CURLM *multi, long delay_ms, void *ctx)
{
    struct http_curl *c = ctx;

    (void)multi;
    if (c->closing || delay_ms < 0)
        loop_timer_stop(c->timer);
    else
        loop_timer_start(c->timer, (uint64_t)delay_ms);
    return 0;
}

/* From the start again after each, since acting on one may close others. */
static void on_nudge(void *ctx)
{
    struct http_curl *c = ctx;
    struct socket *s = c->sockets;

    while (s) {
        bool heard = s->heard;
        s->heard = true;
        if (!heard)
            act(c, s->fd, CURL_CSELECT_IN);
        s = heard ? s->next : c->sockets;
    }
    for (s = c->sockets; s; s = s->next)
        s->heard = false;
    loop_timer_start(c->nudge, NUDGE_MS);
}

/* libcurl allocates a buffer of 128 KiB for each transfer and frees it at its end. glibc gives so
 * much back to the kernel each time, to have it zeroed again: ten page faults a file, a third of
 * the time of small ones. */
static void keep_freed_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 4 * LIMIT_MIB);
    mallopt(M_TRIM_THRESHOLD, 16 * LIMIT_MIB);
#endif
}

struct http_curl *http_curl_open(struct loop *l, unsigned connections, http_curl_ended_fn ended,
                                 struct err *e)
{
    struct http_curl *c = mem_new(1, sizeof *c);

    CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) {
        free(c);
        err_set(e, ERR_NETWORK, "libcurl can't be initialised: %s", curl_easy_strerror(code));
        return NULL;
    }
    keep_freed_memory();
    c->multi = curl_multi_init();
    if (!c->multi)
        abort();
    c->loop = l;
    c->ended = ended;
    c->last_waiting = &c->waiting;
    c->serve = (struct loop_task){ .fn = serve_waiting, .ctx = c };
    c->timer = loop_timer_create(l, on_timer, c);
    c->nudge = loop_timer_create(l, on_nudge, c);
    loop_timer_unref(c->nudge);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket_change);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
    curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    /* Set, since the default is four times the number of transfers, whatever that happens to be. */
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    return c;
}

void http_curl_close(struct http_curl *c)
{
    if (!c)
        return;
    assert(!c->acting);
    c->closing = true;
    curl_multi_cleanup(c->multi);
    while (c->sockets)
        socket_close(c->sockets);
    loop_unpost(c->loop, &c->serve);
    loop_timer_destroy(c->timer);
    loop_timer_destroy(c->nudge);
    curl_global_cleanup();
    free(c);
}

void http_curl_add(struct http_curl *c, CURL *easy, bool streams)
{
    assert(!c->acting);
    if (streams && c->n_streams++ == 0)
        loop_timer_start(c->nudge, NUDGE_MS);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_S);
    c->acting = true;
    CURLMcode code = curl_multi_add_handle(c->multi, easy); /* arms the timer, no more */
    c->acting = false;
    assert(code == CURLM_OK);
    (void)code;
}

void http_curl_remove(struct http_curl *c, CURL *easy, bool streams)
{
    assert(!c->acting);
    if (streams && --c->n_streams == 0)
        loop_timer_stop(c->nudge);
    c->acting = true;
    CURLMcode code = curl_multi_remove_handle(c->multi, easy);
    c->acting = false;
    assert(code == CURLM_OK);
    (void)code;
}
