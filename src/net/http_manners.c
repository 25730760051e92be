/* RFC 6585 section 4 has 429 for a client that asks too much: its Retry-After is for all that we
 * would ask. That of a 503 may be for one resource, so it holds up nobody else. */
#include "dray/net/http_manners.h"

#include <inttypes.h>

#include "dray/net/http_transfer.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"

__attribute__((format(printf, 3, 4))) static void tell(struct http_exchange *x, unsigned verbosity,
                                                       const char *format, ...)
{
    const struct http *h = x->http;
    struct buf text = { 0 };
    va_list ap;

    if (!h->note)
        return;
    buf_add_f(&text, "%s port %u ", x->url.host, x->url.port);
    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    h->note(h->note_ctx, verbosity, buf_str(&text));
    buf_done(&text);
}

static void slow_down(struct http_exchange *x, const char *what)
{
    unsigned limit = http_queue_trouble(&x->ticket);

    if (limit)
        tell(x, 2, "%s: at most %u %s at once for now", what, limit,
             limit == 1 ? "request" : "requests");
}

/* A request that is not to be waited for (fetch/retry) is told of and fails; then others need not
 * wait either. */
static void rest(struct http_exchange *x, int64_t ms)
{
    if (ms <= 0 || ms > (int64_t)LIMIT_RETRY_AFTER_S * 1000)
        return;
    if (http_queue_rest(&x->ticket, clock_us() + (uint64_t)ms * 1000)) {
        tell(x, 2, "asks to be left alone for %" PRId64 " s", (ms + 999) / 1000);
        exchange_wake(x->core);
    }
}

void manners_answer(struct http_exchange *x, bool cut)
{
    int status = x->transfer->answer.status;
    bool overloaded = status == 429 || (status >= 502 && status <= 504);
    char what[32];

    if (cut) {
        slow_down(x, "cut an answer");
        return;
    }
    if (!overloaded) {
        if (status < 500)
            http_queue_good(&x->ticket);
        return;
    }
    snprintf(what, sizeof what, "answered %d", status);
    slow_down(x, what);
    if (status == 429)
        rest(x, x->transfer->answer.retry_after_ms);
}

static void break_http2(struct http_exchange *x)
{
    struct http_dialect *d = &x->ticket.host->both->dialect;

    if (http_dialect_broke(d, x->transfer->broken))
        tell(x, 1, "fails where HTTP/2 is offered: HTTP/1.1 from now on");
}

/* A connection that breaks may be anybody's fault; but where no answer ever came by HTTP/2 it may
 * well be that which something on the way does not bear. */
static bool is_of_http2(CURLcode code, const struct http_dialect *d)
{
    return code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM ||
           (d->standing == HTTP2_UNTRIED &&
            (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING));
}

bool manners_attempt(struct http_exchange *x, CURLcode code)
{
    struct http_transfer *t = x->transfer;
    struct http_dialect *d = &x->ticket.host->both->dialect;
    long version = CURL_HTTP_VERSION_NONE;

    if (!t->streams)
        return false;
    if (t->answer.head_complete) {
        curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
        http_dialect_heard(d, version == CURL_HTTP_VERSION_2_0);
    }
    if (!is_of_http2(code, d))
        return false;
    break_http2(x);
    return d->standing == HTTP2_GIVEN_UP;
}

/* When there was no answer nobody knows by which version it would have come; where HTTP/2 is not
 * spoken that is not what stalls. */
void manners_stall(struct http_exchange *x)
{
    if (x->transfer->streams && x->ticket.host->both->dialect.standing != HTTP2_ABSENT)
        break_http2(x);
}

void manners_failure(struct http_exchange *x, CURLcode code)
{
    switch ((int)code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR: /* a handshake that is cut off, by a server with no more room */
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        slow_down(x, "broke a connection");
        break;
    default:
        break;
    }
}
