/* c-ares tells which sockets it watches (ARES_OPT_SOCK_STATE_CB): each has one uv_poll handle, made
 * anew each time since closing one is not done at once. */
#include "dray/net/dns_backend.h"

#include <ares.h>
#include <assert.h>
#include <stdlib.h>
#include <sys/time.h>
#include <uv.h>

#include "dray/util/mem.h"

/* Each of three rounds over the servers waits longer: 2 s, 4 s, 8 s. */
enum { TRY_MS = 2000, TRIES = 3 };

struct poll {
    uv_poll_t uv;
    struct dns_cares *owner;
    ares_socket_t fd;
    int events;
    struct poll *next;
};

struct dns_cares {
    struct loop *loop;
    ares_channel channel;
    struct loop_timer *timer;
    struct poll *polls;
    bool closing; /* ares_destroy() answers whatever is still asked */
};

struct question {
    struct dns_cares *cares;
    dns_heard_fn heard;
    void *ctx;
};

/* Whenever c-ares did something its next deadline may have moved. */
static void set_timer(struct dns_cares *d)
{
    struct timeval tv;

    if (ares_timeout(d->channel, NULL, &tv)) /* NULL: nothing is being asked */
        loop_timer_start(d->timer,
                         (uint64_t)tv.tv_sec * 1000 + (uint64_t)(tv.tv_usec + 999) / 1000);
    else
        loop_timer_stop(d->timer);
}

static void on_timer(void *ctx)
{
    struct dns_cares *d = ctx;

    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(d);
}

static struct poll **poll_find(struct dns_cares *d, ares_socket_t fd)
{
    struct poll **p = &d->polls;

    while (*p && (*p)->fd != fd)
        p = &(*p)->next;
    return p;
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct poll *p = uv->data;
    struct dns_cares *d = p->owner;
    ares_socket_t fd = p->fd;
    bool failed = status < 0;

    ares_process_fd(d->channel, failed || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
                    failed || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
    /* libuv stops a handle on an error; when c-ares still wants the socket it must be watched
     * again. */
    if (failed && *poll_find(d, fd) == p)
        uv_poll_start(uv, p->events, on_poll);
    set_timer(d);
}

static void free_poll(uv_handle_t *handle)
{
    free(handle->data);
}

static void poll_close(struct poll **at)
{
    struct poll *p = *at;

    *at = p->next;
    uv_poll_stop(&p->uv); /* at once: c-ares closes the socket next, and its number may come back */
    uv_close((uv_handle_t *)&p->uv, free_poll);
}

static struct poll *poll_open(struct dns_cares *d, ares_socket_t fd)
{
    struct poll *p = mem_new(1, sizeof *p);

    *p = (struct poll){ .owner = d, .fd = fd, .next = d->polls };
    int rc = uv_poll_init_socket(loop_uv(d->loop), &p->uv, fd);
    assert(rc == 0);
    if (rc < 0)
        abort(); /* UV_EEXIST: two watchers of one socket; any answer might reach the wrong one */
    p->uv.data = p;
    d->polls = p;
    return p;
}

/* ARES_OPT_SOCK_STATE_CB; also called by ares_destroy(). */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct dns_cares *d = data;
    struct poll **at = poll_find(d, fd);

    if (!readable && !writable) {
        if (*at)
            poll_close(at);
        return;
    }
    struct poll *p = *at ? *at : poll_open(d, fd);
    p->events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    uv_poll_start(&p->uv, p->events, on_poll);
}

static enum dns_outcome outcome_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return DNS_ANSWERED;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
        return DNS_NO_SUCH_NAME;
    case ARES_EBADNAME:
        return DNS_MALFORMED;
    default:
        return DNS_FAILED;
    }
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct question *q = arg;
    struct dns_found found = { .outcome = outcome_of(status), .why = ares_strerror(status) };

    (void)timeouts;
    for (struct ares_addrinfo_node *n = result ? result->nodes : NULL; n; n = n->ai_next)
        dns_found_add(&found, n->ai_addr);
    if (!q->cares->closing)
        q->heard(q->ctx, &found);
    ares_freeaddrinfo(result);
    free(q);
}

static void cares_ask(void *self, const char *host, dns_heard_fn heard, void *ctx)
{
    struct dns_cares *d = self;
    struct question *q = mem_new(1, sizeof *q);
    /* CARES_HOSTS may name another hosts file, as in all programs that use c-ares. */
    static const struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC,
        .ai_flags = ARES_AI_ENVHOSTS,
    };

    *q = (struct question){ .cares = d, .heard = heard, .ctx = ctx };
    ares_getaddrinfo(d->channel, host, NULL, &hints, on_answer, q);
    set_timer(d);
}

static void cares_close(void *self)
{
    struct dns_cares *d = self;

    d->closing = true;
    ares_destroy(d->channel);
    ares_library_cleanup();
    while (d->polls)
        poll_close(&d->polls);
    loop_timer_destroy(d->timer);
    free(d);
}

int dns_cares_open(struct loop *l, struct dns_backend *out, struct err *e)
{
    struct dns_cares *d = mem_new(1, sizeof *d);
    /* The hosts file, then DNS, whatever order or lack of "files" nsswitch.conf has. */
    char lookups[] = "fb";
    struct ares_options options = {
        .lookups = lookups,
        .timeout = TRY_MS,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = d,
    };

    d->loop = l;
    int rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (rc == ARES_SUCCESS) {
        rc = ares_init_options(&d->channel, &options,
                               ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                   ARES_OPT_SOCK_STATE_CB);
        if (rc != ARES_SUCCESS)
            ares_library_cleanup();
    }
    if (rc != ARES_SUCCESS) {
        free(d);
        return err_set(e, ERR_DNS, "the resolver can't be opened: %s", ares_strerror(rc));
    }
    d->timer = loop_timer_create(l, on_timer, d);
    *out = (struct dns_backend){ .self = d, .ask = cares_ask, .close = cares_close };
    return 0;
}
