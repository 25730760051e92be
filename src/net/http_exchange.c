/* The machine of one exchange. libcurl's and c-ares' callbacks record; exchange_step() has what was
 * recorded judged: http_judge.c. */
#include "dray/net/http_exchange.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dray/net/http_error.h"
#include "dray/net/http_proxy.h"
#include "dray/net/http_transfer.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

static void enter_nothing(struct http_exchange *x)
{
    (void)x;
}

/* Its host's question is open: to be sent without the answer would be to ask for a 401. */
static bool has_to_wait(const struct http_exchange *x)
{
    return auth_is_asking(x->http->auth, &x->url);
}

static void enter_queue(struct http_exchange *x)
{
    http_queue_add(&x->core->queue, &x->ticket, x->url.host, x->url.port);
    loop_post(x->core->loop, &x->core->admit);
}

static void begin_request(struct http_exchange *x, const struct dns_address *to, int socket)
{
    x->transfer = transfer_take(x, to, socket);
    exchange_go(x, HTTP_REQUEST);
}

void exchange_reroute(struct http_exchange *x)
{
    const struct dns_address *good = way_good(x->way);

    if (good)
        begin_request(x, good, -1);
    else
        exchange_go(x, HTTP_RACE);
}

/* `proxy`: whose name that was; NULL: it was the URL's host. */
static void end_without_address(struct http_exchange *x, const struct proxy *proxy,
                                const struct dns_answer *answer)
{
    x->result.again = answer->again;
    err_set(&x->result.err, answer->code, "%s%s%s%s", proxy ? "the proxy " : "",
            proxy ? proxy->shown : "", proxy ? ": " : "", answer->message);
    exchange_go(x, HTTP_ENDED);
}

/* Of the host that is connected to. */
static void on_name(void *ctx, const struct dns_answer *answer)
{
    struct http_exchange *x = ctx;

    x->query = NULL;
    x->way = NULL;
    if (answer->code) {
        end_without_address(x, x->proxy, answer);
    } else if (has_to_wait(x)) {
        exchange_go(x, HTTP_AUTH);
    } else if (answer->n == 1) {
        begin_request(x, answer->addresses, -1);
    } else {
        x->way = ways_get(x->core->ways, http_proxy_peer(x), http_proxy_peer_port(x),
                          answer->addresses, answer->n);
        exchange_reroute(x);
    }
}

/* SOCKS4 has room for an IPv4 address only. */
static bool takes_address(const struct proxy *p, const char *address)
{
    return p->kind != PROXY_SOCKS4 || !strchr(address, ':');
}

/* Of the URL's own host, for a proxy that takes no names. */
static void on_target(void *ctx, const struct dns_answer *answer)
{
    struct http_exchange *x = ctx;
    struct exchange_targets *t = &x->targets;

    x->query = NULL;
    t->items = mem_resize(t->items, answer->n, sizeof *t->items);
    t->n = t->at = 0;
    for (size_t i = 0; i < answer->n; i++)
        if (takes_address(x->proxy, answer->addresses[i].text))
            t->items[t->n++] = answer->addresses[i];
    if (answer->code) {
        end_without_address(x, NULL, answer);
    } else if (t->n == 0) {
        err_set(&x->result.err, ERR_DNS,
                "the name %s has no IPv4 address, and the proxy %s takes no other", x->url.host,
                x->proxy->shown);
        exchange_go(x, HTTP_ENDED);
    } else {
        x->query = dns_start(x->core->dns, http_proxy_peer(x), on_name, x);
    }
}

static void enter_name(struct http_exchange *x)
{
    const struct proxies *proxies = x->core->options.proxies;

    x->proxy = proxies ? proxies_find(proxies, &x->url) : NULL;
    x->targets.n = 0;
    if (x->proxy && proxy_wants_address(x->proxy))
        x->query = dns_start(x->core->dns, x->url.host, on_target, x);
    else
        x->query = dns_start(x->core->dns, http_proxy_peer(x), on_name, x);
}

/* None of the addresses gave a connection. */
static void end_unconnected(struct http_exchange *x, int cause)
{
    struct http_failure f = {
        .code = cause == ETIMEDOUT ? CURLE_OPERATION_TIMEDOUT : CURLE_COULDNT_CONNECT,
        .detail = "",
        .host = http_proxy_peer(x),
        .port = http_proxy_peer_port(x),
        .proxy = x->proxy ? x->proxy->shown : NULL,
        .os_error = cause,
    };

    http_error_transfer(&f, &x->result.again, &x->result.err);
    exchange_go(x, HTTP_ENDED);
}

static void on_raced(void *ctx, const struct way_found *found)
{
    struct http_exchange *x = ctx;

    x->wait = NULL;
    if (found->cause)
        end_unconnected(x, found->cause);
    else
        begin_request(x, &found->address, found->fd);
}

static void enter_race(struct http_exchange *x)
{
    x->wait = way_race(x->way, on_raced, x);
}

static void enter_request(struct http_exchange *x)
{
    transfer_start(x->transfer, x->tried_afresh);
}

struct auth_request exchange_auth_request(const struct http_exchange *x)
{
    return (struct auth_request){ .url = &x->url,
                                  .first = x->redirects ? &x->origin : &x->url,
                                  .moved = x->redirects > 0 };
}

static void on_auth(void *ctx, bool again)
{
    struct http_exchange *x = ctx;
    struct buf shown = { 0 };

    x->auth.was_resent |= x->auth.was_refused && again;
    if (!again) {
        url_redact(str_of(x->url.text), &shown);
        auth_explain(&x->sent, &x->auth.challenge, buf_z(&shown), &x->result.err);
        buf_done(&shown);
    }
    x->auth.was_refused = false;
    exchange_go(x, again ? HTTP_QUEUED : HTTP_ENDED);
}

/* Its seat is for others meanwhile. */
static void enter_auth(struct http_exchange *x)
{
    http_queue_leave(&x->core->queue, &x->ticket);
    loop_post(x->core->loop, &x->core->admit);
    x->auth.request = exchange_auth_request(x);
    x->auth.sent = x->sent;
    x->auth.done = on_auth;
    x->auth.ctx = x;
    auth_wait_start(x->http->auth, &x->auth);
}

void exchange_drop_transfer(struct http_exchange *x)
{
    if (!x->transfer)
        return;
    if (x->state == HTTP_REQUEST || x->state == HTTP_BODY)
        transfer_stop(x->transfer);
    transfer_release(x->transfer);
    x->transfer = NULL;
}

static void enter_ended(struct http_exchange *x)
{
    struct http_core *c = x->core;

    if (x->result.again && x->ticket.host && x->began_us)
        http_silence_failed(&x->ticket.host->both->silence, x->began_us, clock_us());
    http_queue_leave(&c->queue, &x->ticket);
    loop_post(c->loop, &x->step);
    loop_post(c->loop, &c->admit); /* behind it: what `done` starts may have the seat */
}

static const struct {
    void (*enter)(struct http_exchange *x);
    unsigned next;
} states[] = {
#define TO(name)                          (1u << HTTP_##name)
#define HTTP_STATE_ROW(name, enter, next) { enter, next },
    HTTP_STATES(HTTP_STATE_ROW)
#undef HTTP_STATE_ROW
#undef TO
};

void exchange_go(struct http_exchange *x, enum http_state to)
{
    assert(states[x->state].next & (1u << to));
    x->state = to;
    states[to].enter(x);
}

bool exchange_wants(const struct http_exchange *x, int status)
{
    if (status == 206 || status == 416)
        return x->range.kind != HTTP_WHOLE;
    if (status == 304)
        return x->if_none_match || x->if_modified_since;
    return status == 200;
}

bool exchange_decodes(const struct http_exchange *x)
{
    return x->is_page && x->range.kind == HTTP_WHOLE;
}

uint64_t exchange_rate(const struct http_exchange *x)
{
    uint64_t own = x->http->bucket.rate, of_all = x->core->options.limit_rate;

    return own && (!of_all || own < of_all) ? own : of_all;
}

static void finish(struct http_exchange *x)
{
    struct http_sink sink = x->sink;
    struct http_result result = x->result;
    char address[DNS_TEXT_SIZE];

    memcpy(address, x->address, sizeof address);
    result.address = x->result.address ? address : NULL;
    x->result.err = (struct err){ 0 }; /* moved */
    x->http->n_exchanges--;
    exchange_free(x);
    sink.done(sink.ctx, &result);
    err_done(&result.err);
}

static void exchange_step(void *ctx)
{
    struct http_exchange *x = ctx;

    switch (x->state) {
    case HTTP_REQUEST:
    case HTTP_BODY:
        exchange_judge(x);
        break;
    case HTTP_ENDED:
        finish(x);
        break;
    case HTTP_NEW:
    case HTTP_QUEUED:
    case HTTP_NAME:
    case HTTP_RACE:
    case HTTP_AUTH:
        break;
    }
}

/* Then it ends here, with the reason. */
static bool is_given_up(struct http_exchange *x)
{
    const struct http_silence *s = &x->ticket.host->both->silence;
    uint64_t now_us = clock_us();

    if (!http_silence_is_final(s, x->core->options.patience, now_us))
        return false;
    err_set(&x->result.err, ERR_CONNECT,
            "%s port %u is given up for now: nothing came from it for %" PRIu64 " s", x->url.host,
            x->url.port, (now_us - s->since_us) / 1000000);
    return true;
}

static void hold_those_in_debt(struct http_core *c)
{
    for (struct http_part *p = c->queue.users.first; p; p = p->next) {
        struct http *h = (struct http *)(void *)p; /* its first member */
        h->user.is_held = !http_rest_user_may_send(&c->rest, &h->bucket);
    }
}

void exchange_admit(struct http_core *c)
{
    struct http_ticket *t;

    hold_those_in_debt(c);
    while (http_rest_may_send(&c->rest) && (t = http_queue_admit(&c->queue)) != NULL) {
        struct http_exchange *x = (struct http_exchange *)(void *)t; /* its first member */
        if (has_to_wait(x)) {
            exchange_go(x, HTTP_AUTH);
            continue;
        }
        if (is_given_up(x)) {
            exchange_go(x, HTTP_ENDED);
            continue;
        }
        if (x->sink.started && !x->started) {
            c->in_sink = true;
            x->sink.started(x->sink.ctx);
            c->in_sink = false;
        }
        x->started = true;
        x->began_us = clock_us();
        exchange_go(x, HTTP_NAME);
    }
}

void exchange_wake(struct http_core *c)
{
    uint64_t now = clock_us();
    uint64_t next = http_queue_wake(&c->queue, now);

    loop_post(c->loop, &c->admit);
    if (next)
        loop_timer_start(c->rested, (next - now + 999) / 1000);
}

void exchange_begin(struct http_exchange *x)
{
    x->step = (struct loop_task){ .fn = exchange_step, .ctx = x };
    exchange_go(x, x->result.err.code ? HTTP_ENDED : HTTP_QUEUED);
}

void exchange_free(struct http_exchange *x)
{
    if (x->query)
        dns_cancel(x->query);
    if (x->wait)
        way_cancel(x->wait);
    exchange_drop_transfer(x);
    auth_wait_cancel(&x->auth);
    http_queue_leave(&x->core->queue, &x->ticket);
    loop_unpost(x->core->loop, &x->step);
    url_done(&x->url);
    url_done(&x->origin);
    err_done(&x->result.err);
    free(x->targets.items);
    free(x->accept);
    free(x->if_range);
    free(x->if_none_match);
    free(x->if_modified_since);
    free(x);
}
