/* The public face: options, the pool, the queue's turn, and the stall rule. What happens to one
 * exchange is in http_exchange.c. */
#include "dray/net/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dray/net/http_exchange.h"
#include "dray/net/http_manners.h"
#include "dray/net/http_request.h"
#include "dray/net/http_transfer.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

enum {
    DEFAULT_TOTAL = 40,
    DEFAULT_PER_HOST = 20,
    DEFAULT_PER_HOST_BULK = 6, /* a few fill any line; more only wear out the cache */
    DEFAULT_TIMEOUT_MS = 15 * 1000,
    DEFAULT_PATIENCE = 6,
    SPARE_CONNECTIONS = 24, /* kept idle beyond those in use, for hosts that will be asked again */
    STALL_TICKS = 8,
    RATE_OF_ONE = 64 * 1024, /* bytes a second, of one exchange where the rate is limited */
    RATED_LEAST = 8,
};

/* The stall rule counts turns of a timer, not time: after a suspension, or a long turn of the loop,
 * what is waiting in the sockets has its chance first (cargo #6125). It looks at hosts, since with
 * many streams over one slow line some get nothing for long (cargo #6284); and never at how long a
 * transfer takes in all. */
static void end_stalled(struct http_core *c, struct http_host *host)
{
    for (struct http_ticket *t = host->admitted; t; t = t->next) {
        struct http_exchange *x = (struct http_exchange *)(void *)t; /* its first member */
        bool waits = x->state == HTTP_REQUEST || x->state == HTTP_BODY;
        if (waits && x->transfer->resting) { /* not the host's fault */
            x->moved_tick = c->tick;
            continue;
        }
        if (!waits || x->result.err.code || c->tick - x->moved_tick <= STALL_TICKS)
            continue;
        x->result.again = true;
        err_set(&x->result.err, ERR_TIMEOUT, "%s port %u sent nothing for %u ms%s%s", x->url.host,
                x->url.port, c->options.timeout_ms, x->proxy ? ", by way of the proxy " : "",
                x->proxy ? x->proxy->shown : "");
        manners_stall(x);
        loop_post(c->loop, &x->step);
    }
}

static void watch(struct http_core *c)
{
    c->watching = true;
    loop_timer_start(c->watch, c->options.timeout_ms / STALL_TICKS + 1);
}

static void on_watch(void *ctx)
{
    struct http_core *c = ctx;

    c->tick++;
    c->watching = c->queue.n_admitted > 0;
    if (!c->watching)
        return;
    for (size_t i = 0; i < c->queue.hosts.n; i++) {
        struct http_host *host = c->queue.hosts.entries[i].value;
        if (host->admitted && c->tick - host->moved_tick > STALL_TICKS)
            end_stalled(c, host);
    }
    watch(c);
}

static void on_admit(void *ctx)
{
    struct http_core *c = ctx;

    exchange_admit(c);
    if (!c->watching && c->queue.n_admitted > 0)
        watch(c);
}

static void on_rested(void *ctx)
{
    exchange_wake(ctx);
}

static char *dup_or_null(const char *text)
{
    return text ? mem_dup(text) : NULL;
}

/* The value of a field that is sent. Validators are what some server sent once: what would end the
 * line becomes a blank, and then matches nothing. NULL for nothing but blanks. */
static char *dup_value(const char *text)
{
    struct str s = str_trim(str_of(text));
    struct buf copy = { 0 };

    if (s.n == 0)
        return NULL;
    for (size_t i = 0; i < s.n; i++)
        buf_add_c(&copy, s.p[i] == '\r' || s.p[i] == '\n' ? ' ' : s.p[i]);
    return buf_take(&copy);
}

/* More at once than the rate can keep busy would only make servers wait until they give up; fewer
 * would not keep up with it where answers are small and far away. */
static unsigned total_for(uint64_t limit_rate, unsigned total)
{
    uint64_t most = limit_rate / RATE_OF_ONE;

    if (most < RATED_LEAST)
        most = RATED_LEAST;
    return limit_rate && most < total ? (unsigned)most : total;
}

static void copy_options(struct http_options *to, const struct http_options *from)
{
    char **hosts = mem_new(from->n_trusted_hosts, sizeof *hosts);

    for (size_t i = 0; i < from->n_trusted_hosts; i++)
        hosts[i] = mem_dup(from->trusted_hosts[i]);
    *to = *from;
    to->total = from->total ? from->total : DEFAULT_TOTAL;
    to->per_host = from->per_host ? from->per_host : DEFAULT_PER_HOST;
    to->per_host_bulk = from->per_host_bulk ? from->per_host_bulk : DEFAULT_PER_HOST_BULK;
    to->total = total_for(from->limit_rate, to->total);
    to->patience = from->patience ? from->patience : DEFAULT_PATIENCE;
    to->timeout_ms = from->timeout_ms ? from->timeout_ms : DEFAULT_TIMEOUT_MS;
    to->user_agent = dup_or_null(from->user_agent);
    to->ca_file = dup_or_null(from->ca_file);
    to->ca_directory = dup_or_null(from->ca_directory);
    to->client_cert = dup_or_null(from->client_cert);
    to->trusted_hosts = (const char *const *)hosts;
}

static void free_options(struct http_options *o)
{
    for (size_t i = 0; i < o->n_trusted_hosts; i++)
        free((char *)(uintptr_t)o->trusted_hosts[i]);
    free((void *)(uintptr_t)o->trusted_hosts);
    free((char *)(uintptr_t)o->user_agent);
    free((char *)(uintptr_t)o->ca_file);
    free((char *)(uintptr_t)o->ca_directory);
    free((char *)(uintptr_t)o->client_cert);
}

static void drop_idle(struct http_core *c)
{
    while (c->idle) {
        struct http_transfer *t = c->idle;
        c->idle = t->next;
        transfer_destroy(t);
    }
}

static void core_destroy(struct http_core *c)
{
    drop_idle(c);
    http_rest_done(&c->rest);
    http_curl_close(c->curl);
    ways_destroy(c->ways);
    dns_close(c->dns);
    loop_unpost(c->loop, &c->admit);
    loop_timer_destroy(c->watch);
    loop_timer_destroy(c->rested);
    http_queue_done(&c->queue);
    free_options(&c->options);
    free(c);
}

static struct http_core *core_create(struct loop *l, const struct http_options *o, struct err *e)
{
    struct http_core *c = mem_new(1, sizeof *c);

    c->loop = l;
    copy_options(&c->options, o);
    c->admit = (struct loop_task){ .fn = on_admit, .ctx = c };
    http_queue_init(&c->queue, c->options.total, c->options.per_host, c->options.per_host_bulk);
    http_rest_init(&c->rest, l, c->options.limit_rate, &c->admit);
    c->watch = loop_timer_create(l, on_watch, c);
    loop_timer_unref(c->watch);
    c->rested = loop_timer_create(l, on_rested, c);
    c->ways = ways_create(l, http_connect_ms(&c->options));
    c->dns = dns_open(l, o->system_resolver ? DNS_SYSTEM : DNS_CARES, e);
    if (c->dns)
        c->curl = http_curl_open(l, c->options.total + SPARE_CONNECTIONS, transfer_ended, e);
    if (c->curl)
        return c;
    core_destroy(c);
    return NULL;
}

static struct http *user_create(struct http_core *c, const struct http_share *o)
{
    struct http *h = mem_new(1, sizeof *h);

    h->core = c;
    h->auth = o->auth;
    h->note = o->note;
    h->note_ctx = o->note_ctx;
    http_bucket_init(&h->bucket, o->limit_rate, clock_us());
    http_user_init(&h->user, &c->queue, o->weight,
                   total_for(o->limit_rate, o->total ? o->total : c->options.total));
    return h;
}

struct http *http_create(struct loop *l, const struct http_options *o, struct err *e)
{
    struct http_core *c = core_create(l, o, e);
    struct http_share all = { .auth = o->auth, .note = o->note, .note_ctx = o->note_ctx };

    if (!c)
        return NULL;
    struct http *h = user_create(c, &all);
    h->owns_core = true;
    return h;
}

struct http *http_share(struct http *h, const struct http_share *o)
{
    struct http_share own = *o;

    if (!own.note) {
        own.note = h->note;
        own.note_ctx = h->note_ctx;
    }
    return user_create(h->core, &own);
}

void http_destroy(struct http *h)
{
    if (!h)
        return;
    assert(h->n_exchanges == 0);
    http_user_done(&h->user, &h->core->queue);
    if (h->owns_core)
        core_destroy(h->core);
    else if (!h->core->queue.n_admitted)
        drop_idle(h->core); /* who comes next may come tomorrow */
    free(h);
}

struct http_exchange *http_start(struct http *h, const struct http_request *rq,
                                 const struct http_sink *sink)
{
    struct http_exchange *x = mem_new(1, sizeof *x);

    assert(!h->core->in_sink); /* libcurl is on the stack */
    /* RFC 9110 section 13.1.5: beside a range only, and never a weak one (W/"..."). */
    assert(!rq->if_range ||
           (rq->range.kind != HTTP_WHOLE && !str_starts(str_of(rq->if_range), STR("W/"))));
    x->http = h;
    x->core = h->core;
    x->sink = *sink;
    x->accept = dup_or_null(rq->accept);
    x->range = rq->range;
    x->if_range = dup_value(rq->if_range);
    x->if_none_match = dup_value(rq->if_none_match);
    x->if_modified_since = dup_value(rq->if_modified_since);
    x->max_bytes = rq->max_bytes;
    x->is_page = rq->is_page;
    x->ticket.user = &h->user;
    x->ticket.rank = rq->rank;
    x->ticket.is_bulk = rq->is_bulk;
    x->result.retry_after_ms = -1;
    h->n_exchanges++;
    url_parse(str_of(rq->url), &x->url, &x->result.err);
    exchange_begin(x);
    return x;
}

void http_cancel(struct http_exchange *x)
{
    struct http_core *c = x->core;

    assert(!c->in_sink); /* libcurl is on the stack */
    x->http->n_exchanges--;
    exchange_free(x);
    loop_post(c->loop, &c->admit); /* its seat is free */
}
