/* The options of one request. What libcurl would do by itself is switched off: it resolves in a
 * thread, and follows redirects to hosts whose addresses it would resolve there too. */
#include "dray/net/http_request.h"

#include <stdlib.h>
#include <string.h>

#include "dray/net/http_proxy.h"
#include "dray/net/http_range.h"

enum {
    CONNECT_MS = 10 * 1000,
    /* Fewer calls of recv(), and of all that the kernel does around one; each running transfer has
     * a buffer. libcurl before 7.88 takes no more than 512 KiB. */
    BULK_BUFFER_BYTES = 1024 * 1024,
    BODY_BUFFER_BYTES = 64 * 1024,
    PAGE_BUFFER_BYTES = 16 * 1024,
    RATED_READS = 20, /* a second, of the buffer, where the rate is limited */
    RATED_BUFFER_LEAST = 1024,
};

unsigned http_connect_ms(const struct http_options *o)
{
    return o->timeout_ms < CONNECT_MS ? o->timeout_ms : CONNECT_MS;
}

/* What is the same for every request. */
static void set_rules(struct http_transfer *t, bool afresh)
{
    const struct http_options *o = &t->owner->core->options;
    CURL *easy = t->easy;

    /* No SIGALRM; libcurl then leaves SIGPIPE to us as well, see loop_open(). */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "");
    /* Ours to follow: libcurl would resolve the next host in a thread. */
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http_connect_ms(o));
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* net/url has removed the dots */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, afresh ? 1L : 0L);
    if (o->user_agent)
        curl_easy_setopt(easy, CURLOPT_USERAGENT, o->user_agent);
}

static void set_tls(struct http_transfer *t)
{
    const struct http_options *o = &t->owner->core->options;

    if (o->ca_file)
        curl_easy_setopt(t->easy, CURLOPT_CAINFO, o->ca_file);
    if (o->ca_directory)
        curl_easy_setopt(t->easy, CURLOPT_CAPATH, o->ca_directory);
    if (o->client_cert)
        curl_easy_setopt(t->easy, CURLOPT_SSLCERT, o->client_cert);
    if (url_is_trusted(&t->owner->url, o->trusted_hosts, o->n_trusted_hosts)) {
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void add_header(struct http_transfer *t, const char *line)
{
    struct curl_slist *longer = curl_slist_append(t->headers, line);

    if (!longer)
        abort();
    t->headers = longer;
}

static void add_field(struct http_transfer *t, const char *name, const char *value)
{
    struct buf line = { 0 };

    if (!value)
        return;
    buf_add_f(&line, "%s: %s", name, value);
    add_header(t, buf_z(&line));
    buf_done(&line);
}

/* By hand, all of them: by its options libcurl would decode the answer, or judge it. */
static void add_fields(struct http_transfer *t)
{
    const struct http_exchange *x = t->owner;
    struct buf range = { 0 };

    if (!exchange_decodes(x))
        add_header(t, "Accept-Encoding: identity");
    add_field(t, "Accept", x->accept);
    if (x->range.kind != HTTP_WHOLE) {
        http_range_write(&x->range, &range);
        add_field(t, "Range", buf_z(&range));
        buf_done(&range);
    }
    add_field(t, "If-Range", x->if_range);
    add_field(t, "If-None-Match", x->if_none_match);
    add_field(t, "If-Modified-Since", x->if_modified_since);
}

static long buffer_bytes(const struct http_exchange *x)
{
    uint64_t rate = exchange_rate(x);

    if (rate) /* what one read takes must not be a long time's worth */
        return rate / RATED_READS < RATED_BUFFER_LEAST  ? RATED_BUFFER_LEAST
               : rate / RATED_READS < PAGE_BUFFER_BYTES ? (long)(rate / RATED_READS)
                                                        : PAGE_BUFFER_BYTES;
    if (x->is_page)
        return PAGE_BUFFER_BYTES;
    return x->ticket.is_bulk ? BULK_BUFFER_BYTES : BODY_BUFFER_BYTES;
}

/* HTTP/2. Paused streams of it fill libcurl's memory, and its 7.88 forgets some: not where the rate
 * is limited. Over plain http there is none to negotiate, and CURLOPT_PIPEWAIT would make all pages
 * wait for the first connection. Through a proxy libcurl before 8.0 mixes streams up (curl #11746).
 */
static bool may_stream(const struct http_exchange *x)
{
    return x->is_page && !x->core->options.http1_only && !exchange_rate(x) && !x->proxy &&
           strcmp(x->url.scheme, "https") == 0 &&
           x->ticket.host->both->dialect.standing != HTTP2_GIVEN_UP;
}

/* Pages may be compressed and share one connection; bodies come as the bytes that were hashed, over
 * HTTP/1.1, whose flow is the kernel's: Debian's libcurl has none of the later mendings of HTTP/2.
 */
static void set_kind(struct http_transfer *t)
{
    const struct http_exchange *x = t->owner;
    CURL *easy = t->easy;

    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long)(t->streams ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, t->streams ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer_bytes(x));
    if (exchange_decodes(x))
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that libcurl can decode */
    add_fields(t);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
}

/* By libcurl's own options: what it puts into the head itself goes to the host of the URL and never
 * to a proxy. */
static void set_credentials(struct http_transfer *t)
{
    struct http_exchange *x = t->owner;
    struct auth_request rq = exchange_auth_request(x);
    struct auth_given g = auth_find(x->http->auth, &rq);

    x->sent = (struct auth_given){ .source = g.source, .serial = g.serial, .is_final = g.is_final };
    if (g.token) {
        curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(t->easy, CURLOPT_XOAUTH2_BEARER, g.token);
    } else if (g.user) {
        curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(t->easy, CURLOPT_USERNAME, g.user);
        curl_easy_setopt(t->easy, CURLOPT_PASSWORD, g.password);
    }
}

/* A literal one needs no line: there is nothing to resolve. */
static void add_address(struct http_transfer *t, const char *host, unsigned port,
                        const char *address)
{
    bool ipv6 = strchr(address, ':') != NULL;
    struct buf line = { 0 };

    if (strcmp(host, address) == 0)
        return;
    buf_add_f(&line, ipv6 ? "+%s:%u:[%s]" : "+%s:%u:%s", host, port, address);
    struct curl_slist *longer = curl_slist_append(t->resolve, buf_z(&line));
    if (!longer)
        abort();
    t->resolve = longer;
    buf_done(&line);
}

/* Exactly one address of each host: libcurl then starts no thread to resolve, and does not stall
 * between two of them, which it does under multi_socket (before 8.17: no timer is set for the
 * second). "+": not kept in its cache for ever. */
static void set_address(struct http_transfer *t)
{
    const struct url *u = &t->owner->url;
    const struct exchange_targets *targets = &t->owner->targets;

    add_address(t, http_proxy_peer(t->owner), http_proxy_peer_port(t->owner), t->address.text);
    if (targets->n > 0)
        add_address(t, u->host, u->port, targets->items[targets->at].text);
    if (t->resolve)
        curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolve);
}

void http_request_set(struct http_transfer *t, bool afresh)
{
    curl_easy_setopt(t->easy, CURLOPT_URL, t->owner->url.text);
    t->streams = may_stream(t->owner);
    set_rules(t, afresh);
    set_tls(t);
    http_proxy_set(t);
    set_kind(t);
    set_credentials(t);
    set_address(t);
}
