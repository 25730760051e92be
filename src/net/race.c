/* Each attempt is a socket whose connect() is under way and a uv_poll that waits for it. Before
 * the winner is handed on its watcher is stopped, since libuv allows one a descriptor. */
#include "dray/net/race.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "dray/util/mem.h"

enum { ATTEMPT_DELAY_MS = 250 }; /* RFC 8305 section 8, recommended */

struct attempt {
    uv_poll_t uv; /* first: free_attempt() */
    struct race *race;
    size_t at; /* which address */
    int fd;
    struct attempt *next;
};

struct race {
    struct loop *loop;
    struct race_order order;
    enum race_fate fates[LIMIT_ADDRESSES];
    size_t at; /* the next to be tried */
    struct attempt *attempts;
    struct loop_timer *stagger, *deadline;
    struct loop_task lost; /* all have failed */
    int cause;
    race_done_fn done;
    void *ctx;
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Returns its length; 0 when the text is none. */
static socklen_t address_read(const char *text, unsigned port, union address *out)
{
    *out = (union address){ 0 };
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        return sizeof out->v4;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) != 1)
        return 0;
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons((uint16_t)port);
    return sizeof out->v6;
}

static void free_attempt(uv_handle_t *handle)
{
    free(handle);
}

/* The socket stays open. */
static void attempt_unwatch(struct attempt *a)
{
    struct attempt **at = &a->race->attempts;

    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    uv_poll_stop(&a->uv); /* now: the number may come back at once */
    uv_close((uv_handle_t *)&a->uv, free_attempt);
}

static void attempt_close(struct attempt *a)
{
    int fd = a->fd;

    attempt_unwatch(a);
    close(fd);
}

static void race_free(struct race *r)
{
    while (r->attempts)
        attempt_close(r->attempts);
    loop_unpost(r->loop, &r->lost);
    loop_timer_destroy(r->stagger);
    loop_timer_destroy(r->deadline);
    free(r);
}

static void race_end(struct race *r, int fd)
{
    enum race_fate fates[LIMIT_ADDRESSES];
    struct race_result result = { .fd = fd, .cause = fd < 0 ? r->cause : 0, .fates = fates };
    race_done_fn done = r->done;
    void *ctx = r->ctx;

    memcpy(fates, r->fates, sizeof fates);
    race_free(r);
    done(ctx, &result);
}

static void race_fail(struct race *r, size_t at, int cause)
{
    r->fates[at] = RACE_FAILED;
    if (!r->cause)
        r->cause = cause;
}

static void race_next(struct race *r);

static void on_attempt(uv_poll_t *uv, int status, int events)
{
    struct attempt *a = uv->data;
    struct race *r = a->race;
    size_t at = a->at;
    int cause = 0, fd = a->fd;
    socklen_t n = sizeof cause;

    (void)status; /* libuv says EBADF for whatever it was */
    (void)events;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &cause, &n) < 0)
        cause = errno;
    if (cause) {
        attempt_close(a);
        race_fail(r, at, cause);
        race_next(r);
        return;
    }
    attempt_unwatch(a);
    r->fates[at] = RACE_WON;
    race_end(r, fd);
}

/* Returns the socket whose connection is under way, or minus the errno. */
static int begin_connect(const char *text, unsigned port)
{
    union address to;
    socklen_t n = address_read(text, port, &to);

    if (!n)
        return -EAFNOSUPPORT;
    int fd = socket(to.any.sa_family, SOCK_STREAM, IPPROTO_TCP);
    if (fd < 0)
        return -errno;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
        (connect(fd, &to.any, n) == 0 || errno == EINPROGRESS))
        return fd;
    int cause = errno;
    close(fd);
    return -cause;
}

static bool attempt_open(struct race *r, size_t at)
{
    int fd = begin_connect(r->order.addresses[at].text, r->order.port);

    if (fd < 0) {
        race_fail(r, at, -fd);
        return false;
    }
    struct attempt *a = mem_new(1, sizeof *a);
    a->race = r;
    a->at = at;
    a->fd = fd;
    if (uv_poll_init_socket(loop_uv(r->loop), &a->uv, fd) < 0)
        abort(); /* UV_EEXIST: two watchers of one socket; a bug to be loud about */
    a->uv.data = a;
    a->next = r->attempts;
    r->attempts = a;
    r->fates[at] = RACE_SLOW;
    uv_poll_start(&a->uv, UV_WRITABLE, on_attempt);
    return true;
}

/* Begins one more. */
static void race_next(struct race *r)
{
    loop_timer_stop(r->stagger);
    while (r->at < r->order.n) {
        if (!attempt_open(r, r->at++))
            continue;
        if (r->at < r->order.n)
            loop_timer_start(r->stagger, ATTEMPT_DELAY_MS);
        return;
    }
    if (!r->attempts)
        loop_post(r->loop, &r->lost);
}

static void on_stagger(void *ctx)
{
    race_next(ctx);
}

static void on_lost(void *ctx)
{
    race_end(ctx, -1);
}

static void on_deadline(void *ctx)
{
    struct race *r = ctx;

    for (const struct attempt *a = r->attempts; a; a = a->next)
        race_fail(r, a->at, ETIMEDOUT);
    race_end(r, -1);
}

struct race *race_start(struct loop *l, const struct race_order *o, race_done_fn done, void *ctx)
{
    struct race *r = mem_new(1, sizeof *r);

    assert(o->n > 0 && o->n <= LIMIT_ADDRESSES);
    *r = (struct race){ .loop = l, .order = *o, .done = done, .ctx = ctx };
    for (size_t i = 0; i < o->n; i++)
        r->fates[i] = RACE_UNTRIED;
    r->lost = (struct loop_task){ .fn = on_lost, .ctx = r };
    r->stagger = loop_timer_create(l, on_stagger, r);
    r->deadline = loop_timer_create(l, on_deadline, r);
    loop_timer_start(r->deadline, o->timeout_ms);
    race_next(r);
    return r;
}

void race_cancel(struct race *r)
{
    if (r)
        race_free(r);
}
