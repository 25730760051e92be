/* What became of an attempt, with nothing of libcurl on the stack: next address, fresh connection,
 * next hop, or the end with its result. */
#include <stdio.h>
#include <string.h>

#include "dray/net/http_error.h"
#include "dray/net/http_exchange.h"
#include "dray/net/http_manners.h"
#include "dray/net/http_proxy.h"
#include "dray/net/http_transfer.h"
#include "dray/util/limits.h"

static void shown_url(const struct http_exchange *x, struct buf *out)
{
    url_redact(str_of(x->url.text), out);
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
    exchange_drop_transfer(x);
    exchange_go(x, HTTP_ENDED);
}

static void end_with_failure(struct http_exchange *x)
{
    struct http_transfer *t = x->transfer;
    struct buf shown = { 0 };

    if (http_proxy_failure(t, &x->result.again, &x->result.err)) {
        end(x);
        return;
    }
    struct http_failure f = {
        .code = t->code,
        .detail = t->detail,
        .host = x->url.host,
        .port = x->url.port,
        .ca_file = x->core->options.ca_file,
        .client_cert = x->core->options.client_cert,
        .body_bytes = x->result.body_bytes,
        .body_length = x->state == HTTP_BODY && !t->answer.chunked ? t->answer.content_length : -1,
        .connected = has_connected(x),
    };

    manners_failure(x, t->code);
    shown_url(x, &shown);
    f.url = buf_z(&shown);
    curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &f.os_error);
    http_error_transfer(&f, &x->result.again, &x->result.err);
    if (x->proxy)
        err_wrap(&x->result.err, "through the proxy %s", x->proxy->shown);
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
    err_set(&x->result.err, ERR_REDIRECT, "%.500s: %s", buf_z(&shown), why);
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
        code = refuse_redirect(x, location,
                               str_starts(buf_str(&joined), STR("http"))
                                   ? "that is not a URL that can be followed"
                                   : "only http and https are followed");
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
    if (x->transfer->answer.status != 301 && x->transfer->answer.status != 308)
        x->moved_for_now = true;
    if (x->redirects++ == 0)
        x->origin = x->url;
    else
        url_done(&x->url);
    x->url = next;
    x->tried_afresh = false;
    x->lost_addresses = 0;
    x->auth.was_resent = false; /* its 401 would be of this URL */
    x->result.retry_after_ms = -1;
    exchange_drop_transfer(x);
    http_queue_leave(&x->core->queue, &x->ticket); /* the next host has limits of its own */
    exchange_go(x, HTTP_QUEUED);
}

/* There may be credentials for it, or somebody who has some. */
static void ask_for_credentials(struct http_exchange *x)
{
    struct str field = http_answer_field(&x->transfer->answer, HTTP_FIELD_WWW_AUTHENTICATE);

    x->auth.challenge = challenge_parse(field);
    x->auth.was_refused = true;
    x->tried_afresh = false;
    exchange_drop_transfer(x);
    exchange_go(x, HTTP_AUTH);
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

    if (x->state == HTTP_BODY)
        check_length(x);
    manners_answer(x, x->result.err.code != 0);
    if (is_redirect(a)) {
        follow_redirect(x);
        return;
    }
    if (a->status == 401 && x->http->auth) {
        ask_for_credentials(x);
        return;
    }
    if (exchange_wants(x, a->status))
        auth_succeeded(x->http->auth, &x->sent);
    shown_url(x, &shown);
    if (x->state != HTTP_BODY && !exchange_wants(x, a->status) &&
        http_error_status(a->status, buf_z(&shown), &x->result.again, &x->result.err))
        http_proxy_judge_status(x->transfer, &x->result.err);
    buf_done(&shown);
    end(x);
}

/* Connected to, and it came to nothing? The others of its host are worth as many more attempts. */
static bool leave_address(struct http_exchange *x)
{
    const struct http_transfer *t = x->transfer;
    size_t n;

    if (!x->way || t->answer.bytes > 0)
        return false;
    way_failed(x->way, &t->address);
    way_addresses(x->way, &n);
    return ++x->lost_addresses < n;
}

/* An address that gave no connection in time gives none to the others either. Those who waited in
 * libcurl to share that connection (CURLOPT_PIPEWAIT) would only begin to try it now, and be ended
 * by the stall rule meanwhile. */
static void desert_address(const struct http_exchange *x, const struct dns_address *address)
{
    for (struct http_ticket *k = x->ticket.host->admitted; k; k = k->next) {
        struct http_exchange *other = (struct http_exchange *)(void *)k; /* its first member */
        if (other == x || other->state != HTTP_REQUEST || other->step.queued ||
            other->way != x->way || has_connected(other) ||
            strcmp(other->transfer->address.text, address->text) != 0 || !leave_address(other))
            continue;
        exchange_drop_transfer(other);
        exchange_reroute(other);
    }
}

static bool try_other_address(struct http_exchange *x)
{
    CURLcode code = x->transfer->code;
    struct dns_address address = x->transfer->address;

    bool failed = x->proxy ? http_proxy_is_unreachable(x->transfer)
                           : http_error_is_of_address(code, has_connected(x));

    if (!failed || !leave_address(x))
        return false;
    if (code == CURLE_OPERATION_TIMEDOUT)
        desert_address(x, &address);
    exchange_drop_transfer(x);
    exchange_reroute(x);
    return true;
}

/* A SOCKS proxy had no connection to the address that it was given. */
static bool try_other_target(struct http_exchange *x)
{
    struct exchange_targets *targets = &x->targets;

    if (!x->proxy || targets->n == 0 || !http_proxy_refused_address(x->transfer))
        return false;
    dns_demote(x->core->dns, x->url.host, targets->items[targets->at].text);
    if (++targets->at == targets->n)
        return false;
    transfer_stop(x->transfer);
    exchange_go(x, HTTP_REQUEST);
    return true;
}

/* The server closed a kept connection while our request was on its way (RFC 9112 section 9.3.1)?
 * libcurl tries again itself, but takes another kept one, which may be as dead. Or HTTP/2 has just
 * been given up: then HTTP/1.1 may answer. */
static bool try_afresh(struct http_exchange *x, bool http2_is_over)
{
    struct http_transfer *t = x->transfer;

    if (t->answer.bytes > 0 || x->tried_afresh)
        return false;
    if (!http2_is_over && (!x->result.reused || !http_error_is_of_reuse(t->code)))
        return false;
    x->tried_afresh = true;
    transfer_stop(t);
    exchange_go(x, HTTP_REQUEST);
    return true;
}

void exchange_judge(struct http_exchange *x)
{
    struct http_transfer *t = x->transfer;
    /* The body of any other answer is of no interest. */
    bool has_answer = t->answer.head_complete && (t->code == CURLE_OK || x->state != HTTP_BODY);

    take_facts(x);
    if (t->code == CURLE_OK && !has_answer)
        t->code = CURLE_GOT_NOTHING;
    bool http2_is_over = manners_attempt(x, t->code);
    if (x->result.err.code) /* of a sink, a cap, or the stall rule */
        end(x);
    else if (has_answer)
        take_answer(x);
    else if (!try_other_target(x) && !try_other_address(x) && !try_afresh(x, http2_is_over))
        end_with_failure(x);
}
