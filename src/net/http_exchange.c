/* The machine of one exchange. libcurl's and c-ares' callbacks record; exchange_step() looks at
 * what was recorded, and decides: next address, fresh connection, next hop, or the end with its
 * result. */
#include "dray/net/http_exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dray/net/http_error.h"
#include "dray/net/http_transfer.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

static void enter_nothing(struct http_exchange *x)
{
    (void)x;
}

static void enter_queue(struct http_exchange *x)
{
    struct http *h = x->http;

    http_queue_add(&h->queue, &x->ticket, x->url.host, x->url.port);
    loop_post(h->loop, &h->admit);
}

static void shown_url(const struct http_exchange *x, struct buf *out)
{
    url_redact(str_of(x->url.text), out);
}

static void on_name(void *ctx, const struct dns_answer *answer)
{
    struct http_exchange *x = ctx;

    x->query = NULL;
    if (answer->code) {
        x->result.again = answer->again;
        err_set(&x->result.err, answer->code, "%s", answer->message);
        exchange_go(x, HTTP_ENDED);
        return;
    }
    x->transfer = transfer_take(x);
    x->transfer->n_addresses = answer->n;
    memcpy(x->transfer->addresses, answer->addresses, answer->n * sizeof *answer->addresses);
    exchange_go(x, HTTP_REQUEST);
}

static void enter_name(struct http_exchange *x)
{
    x->query = dns_start(x->http->dns, x->url.host, on_name, x);
}

static void enter_request(struct http_exchange *x)
{
    transfer_start(x->transfer, x->tried_afresh);
}

static void transfer_end(struct http_exchange *x)
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
    struct http *h = x->http;

    http_queue_leave(&h->queue, &x->ticket);
    loop_post(h->loop, &x->step);
    loop_post(h->loop, &h->admit); /* behind it: what `done` starts may have the seat */
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

/* What libcurl knows of the attempt, before its handle is reset. */
static void take_facts(struct http_exchange *x)
{
    CURL *easy = x->transfer->easy;
    char *address = NULL;
    long connects = 1;

    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    if (address && address[0]) {
        snprintf(x->address, sizeof x->address, "%s", address);
        x->result.address = x->address;
        x->result.reused = connects == 0;
    }
    x->result.retry_after_ms = x->transfer->answer.retry_after_ms;
}

static bool has_connected(const struct http_exchange *x)
{
    curl_off_t us = 0;

    curl_easy_getinfo(x->transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
    return us > 0;
}

static void end(struct http_exchange *x)
{
    transfer_end(x);
    exchange_go(x, HTTP_ENDED);
}

static void end_with_failure(struct http_exchange *x)
{
    struct http_transfer *t = x->transfer;
    struct buf shown = { 0 };
    struct http_failure f = {
        .code = t->code,
        .detail = t->detail,
        .host = x->url.host,
        .port = x->url.port,
        .ca_file = x->http->options.ca_file,
        .client_cert = x->http->options.client_cert,
        .body_bytes = x->result.body_bytes,
        .body_length = x->state == HTTP_BODY && !t->answer.chunked ? t->answer.content_length : -1,
        .connected = has_connected(x),
    };

    shown_url(x, &shown);
    f.url = buf_z(&shown);
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &f.os_error);
    http_error_transfer(&f, &x->result.again, &x->result.err);
    buf_done(&shown);
    end(x);
}

/* Bytes on the wire against the Content-Length. libcurl of before 8.0 may call a cut body complete.
 */
static void check_length(struct http_exchange *x)
{
    const struct http_answer *a = &x->transfer->answer;
    curl_off_t received = (curl_off_t)x->result.body_bytes;
    struct buf shown = { 0 };

    if (a->chunked || a->content_length < 0)
        return;
    if (a->encoded && exchange_decodes(x))
        curl_easy_getinfo(x->transfer->easy, CURLINFO_SIZE_DOWNLOAD_T, &received);
    if (received == a->content_length)
        return;
    shown_url(x, &shown);
    x->result.again = true;
    err_set(&x->result.err, ERR_LENGTH, "reading %s: %lld bytes came, %lld were announced",
            buf_z(&shown), (long long)received, (long long)a->content_length);
    buf_done(&shown);
}

static int refuse_redirect(struct http_exchange *x, const char *to, const char *why)
{
    struct buf shown = { 0 };

    shown_url(x, &shown);
    buf_add_z(&shown, " redirects to ");
    url_redact(str_of(to), &shown);
    err_set(&x->result.err, ERR_REDIRECT, "%s: %s", buf_z(&shown), why);
    buf_done(&shown);
    return ERR_REDIRECT;
}

static int next_hop(struct http_exchange *x, struct url *out)
{
    const char *location = buf_z(&x->transfer->answer.fields[HTTP_FIELD_LOCATION]);
    struct buf joined = { 0 };
    struct err e = { 0 };
    int code = 0;

    if (x->redirects >= LIMIT_REDIRECTS)
        code = refuse_redirect(x, location, "that is one redirect too many");
    else if (url_join(str_of(x->url.text), str_of(location), &joined, &e) < 0 ||
             url_parse(buf_str(&joined), out, &e) < 0)
        code = refuse_redirect(x, location, "only http and https are followed");
    else if (strcmp(x->url.scheme, "https") == 0 && strcmp(out->scheme, "http") == 0)
        code = refuse_redirect(x, location, "from https to http is not followed");
    buf_done(&joined);
    err_done(&e);
    return code;
}

static void follow_redirect(struct http_exchange *x)
{
    struct url next = { 0 };

    if (next_hop(x, &next) < 0) {
        url_done(&next);
        end(x);
        return;
    }
    x->redirects++;
    if (x->transfer->answer.status != 301 && x->transfer->answer.status != 308)
        x->moved_for_now = true;
    url_done(&x->url);
    x->url = next;
    x->tried_afresh = false;
    x->result.retry_after_ms = -1;
    transfer_end(x);
    http_queue_leave(&x->http->queue, &x->ticket); /* the next host has limits of its own */
    exchange_go(x, HTTP_QUEUED);
}

static bool is_redirect(const struct http_answer *a)
{
    return (a->status == 301 || a->status == 302 || a->status == 303 || a->status == 307 ||
            a->status == 308) &&
           http_answer_field(a, HTTP_FIELD_LOCATION).p;
}

/* A whole head has come, and what matters of the body. */
static void take_answer(struct http_exchange *x)
{
    const struct http_answer *a = &x->transfer->answer;
    struct buf shown = { 0 };

    if (is_redirect(a)) {
        follow_redirect(x);
        return;
    }
    shown_url(x, &shown);
    if (x->state == HTTP_BODY)
        check_length(x);
    else if (!exchange_wants(x, a->status))
        http_error_status(a->status, buf_z(&shown), &x->result.again, &x->result.err);
    buf_done(&shown);
    end(x);
}

/* An address that gave no connection in time gives none to the others either. Those who waited in
 * libcurl to share that connection (CURLOPT_PIPEWAIT) would only begin to try it now, and be ended
 * by the stall rule meanwhile. */
static void desert_address(const struct http_exchange *x)
{
    const struct http_transfer *tried = x->transfer;

    for (struct http_ticket *k = x->ticket.host->admitted; k; k = k->next) {
        struct http_exchange *other = (struct http_exchange *)(void *)k; /* its first member */
        struct http_transfer *t = other->transfer;
        if (other == x || other->state != HTTP_REQUEST || other->step.queued ||
            has_connected(other) || t->at + 1 == t->n_addresses ||
            strcmp(t->addresses[t->at].text, tried->addresses[tried->at].text) != 0)
            continue;
        t->at++;
        transfer_stop(t);
        exchange_go(other, HTTP_REQUEST);
    }
}

/* Once more, where that promises something that the caller could not do better? */
static bool try_once_more(struct http_exchange *x)
{
    struct http_transfer *t = x->transfer;

    if (t->answer.bytes > 0)
        return false;
    if (http_error_is_of_address(t->code, has_connected(x))) {
        dns_demote(x->http->dns, x->url.host, t->addresses[t->at].text);
        if (t->code == CURLE_OPERATION_TIMEDOUT)
            desert_address(x);
        return ++t->at < t->n_addresses;
    }
    /* The server closed a kept connection while our request was on its way (RFC 9112
     * section 9.3.1). libcurl tries again itself, but takes another kept one, which may be as dead.
     */
    if (!x->result.reused || x->tried_afresh || !http_error_is_of_reuse(t->code))
        return false;
    x->tried_afresh = true;
    return true;
}

static void look_at_transfer(struct http_exchange *x)
{
    struct http_transfer *t = x->transfer;
    /* The body of any other answer is of no interest. */
    bool has_answer = t->answer.head_complete && (t->code == CURLE_OK || x->state != HTTP_BODY);

    take_facts(x);
    if (t->code == CURLE_OK && !has_answer)
        t->code = CURLE_GOT_NOTHING;
    if (x->result.err.code) { /* of a sink, a cap, or the stall rule */
        end(x);
    } else if (has_answer) {
        take_answer(x);
    } else if (try_once_more(x)) {
        transfer_stop(t);
        exchange_go(x, HTTP_REQUEST);
    } else {
        end_with_failure(x);
    }
}

static void finish(struct http_exchange *x)
{
    struct http *h = x->http;
    struct http_sink sink = x->sink;
    struct http_result result = x->result;
    char address[DNS_TEXT_SIZE];

    memcpy(address, x->address, sizeof address);
    result.address = x->result.address ? address : NULL;
    x->result.err = (struct err){ 0 }; /* moved */
    h->n_exchanges--;
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
        look_at_transfer(x);
        break;
    case HTTP_ENDED:
        finish(x);
        break;
    case HTTP_NEW:
    case HTTP_QUEUED:
    case HTTP_NAME:
        break;
    }
}

void exchange_admit(struct http *h)
{
    struct http_ticket *t;

    while ((t = http_queue_admit(&h->queue)) != NULL) {
        struct http_exchange *x = (struct http_exchange *)(void *)t; /* its first member */
        if (x->sink.started && !x->started) {
            h->in_sink = true;
            x->sink.started(x->sink.ctx);
            h->in_sink = false;
        }
        x->started = true;
        exchange_go(x, HTTP_NAME);
    }
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
    transfer_end(x);
    http_queue_leave(&x->http->queue, &x->ticket);
    loop_unpost(x->http->loop, &x->step);
    url_done(&x->url);
    url_done(&x->origin);
    err_done(&x->result.err);
    free(x->accept);
    free(x->if_range);
    free(x->if_none_match);
    free(x->if_modified_since);
    free(x);
}
