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
static void end_stalled(struct http *h, struct http_host *host)
{
    for (struct http_ticket *t = host->admitted; t; t = t->next) {
        struct http_exchange *x = (struct http_exchange *)(void *)t; /* its first member */
        bool waits = x->state == HTTP_REQUEST || x->state == HTTP_BODY;
        if (waits && x->transfer->resting) { /* not the host's fault */
            x->moved_tick = h->tick;
            continue;
        }
        if (!waits || x->result.err.code || h->tick - x->moved_tick <= STALL_TICKS)
            continue;
        x->result.again = true;
        err_set(&x->result.err, ERR_TIMEOUT, "%s port %u sent nothing for %u ms%s%s", x->url.host,
                x->url.port, h->options.timeout_ms, x->proxy ? ", by way of the proxy " : "",
                x->proxy ? x->proxy->shown : "");
        manners_stall(x);
        loop_post(h->loop, &x->step);
    }
}

static void watch(struct http *h)
{
    h->watching = true;
    loop_timer_start(h->watch, h->options.timeout_ms / STALL_TICKS + 1);
}

static void on_watch(void *ctx)
{
    struct http *h = ctx;

    h->tick++;
    h->watching = h->queue.n_admitted > 0;
    if (!h->watching)
        return;
    for (size_t i = 0; i < h->queue.hosts.n; i++) {
        struct http_host *host = h->queue.hosts.entries[i].value;
        if (host->admitted && h->tick - host->moved_tick > STALL_TICKS)
            end_stalled(h, host);
    }
    watch(h);
}

static void on_admit(void *ctx)
{
    struct http *h = ctx;

    exchange_admit(h);
    if (!h->watching && h->queue.n_admitted > 0)
        watch(h);
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
static unsigned connections_for(uint64_t limit_rate)
{
    uint64_t n = limit_rate / RATE_OF_ONE;

    return n < RATED_LEAST ? RATED_LEAST : n < UINT32_MAX ? (unsigned)n : UINT32_MAX;
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
    /* Paused streams of HTTP/2 fill libcurl's memory, and its 7.88 forgets some. */
    to->http1_only = from->http1_only || from->limit_rate;
    if (from->limit_rate && to->total > connections_for(from->limit_rate))
        to->total = connections_for(from->limit_rate);
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

struct http *http_create(struct loop *l, const struct http_options *o, struct err *e)
{
    struct http *h = mem_new(1, sizeof *h);

    h->loop = l;
    copy_options(&h->options, o);
    h->admit = (struct loop_task){ .fn = on_admit, .ctx = h };
    http_queue_init(&h->queue, h->options.total, h->options.per_host, h->options.per_host_bulk);
    http_rest_init(&h->rest, l, h->options.limit_rate, &h->admit);
    h->watch = loop_timer_create(l, on_watch, h);
    loop_timer_unref(h->watch);
    h->rested = loop_timer_create(l, on_rested, h);
    h->ways = ways_create(l, http_connect_ms(&h->options));
    h->dns = dns_open(l, o->system_resolver ? DNS_SYSTEM : DNS_CARES, e);
    if (h->dns)
        h->curl = http_curl_open(l, h->options.total + SPARE_CONNECTIONS, transfer_ended, e);
    if (!h->curl) {
        http_destroy(h);
        return NULL;
    }
    return h;
}

void http_destroy(struct http *h)
{
    if (!h)
        return;
    assert(h->n_exchanges == 0);
    while (h->idle) {
        struct http_transfer *t = h->idle;
        h->idle = t->next;
        transfer_destroy(t);
    }
    http_rest_done(&h->rest);
    http_curl_close(h->curl);
    ways_destroy(h->ways);
    dns_close(h->dns);
    loop_unpost(h->loop, &h->admit);
    loop_timer_destroy(h->watch);
    loop_timer_destroy(h->rested);
    http_queue_done(&h->queue);
    free_options(&h->options);
    free(h);
}

struct http_exchange *http_start(struct http *h, const struct http_request *rq,
                                 const struct http_sink *sink)
{
    struct http_exchange *x = mem_new(1, sizeof *x);

    assert(!h->in_sink); /* libcurl is on the stack */
    /* RFC 9110 section 13.1.5: beside a range only, and never a weak one (W/"..."). */
    assert(!rq->if_range ||
           (rq->range.kind != HTTP_WHOLE && !str_starts(str_of(rq->if_range), STR("W/"))));
    x->http = h;
    x->sink = *sink;
    x->accept = dup_or_null(rq->accept);
    x->range = rq->range;
    x->if_range = dup_value(rq->if_range);
    x->if_none_match = dup_value(rq->if_none_match);
    x->if_modified_since = dup_value(rq->if_modified_since);
    x->max_bytes = rq->max_bytes;
    x->is_page = rq->is_page;
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
    struct http *h = x->http;

    assert(!h->in_sink); /* libcurl is on the stack */
    h->n_exchanges--;
    exchange_free(x);
    loop_post(h->loop, &h->admit); /* its seat is free */
}
