/* libcurl says little about where an attempt by a proxy failed, so it is put together here: whether
 * there was a TCP connection (CURLINFO_NUM_CONNECTS), what the proxy answered to CONNECT, what a
 * SOCKS proxy replied. */
#include "dray/net/http_proxy.h"

#include <string.h>

#include "dray/net/http_error.h"

void http_proxy_set(struct http_transfer *t)
{
    const struct http_options *o = &t->owner->core->options;
    const struct proxy *p = t->owner->proxy;
    CURL *easy = t->easy;

    curl_easy_setopt(easy, CURLOPT_PROXY, p ? p->url : ""); /* never what the environment says */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    if (!p)
        return;
    if (proxy_has_credentials(p)) {
        curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, p->user ? p->user : "");
        curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, p->password ? p->password : "");
    }
    /* As pip: Basic alone, since with a choice libcurl would first ask without, on each connection.
     * Of SOCKS no GSSAPI, which it negotiates blocking. */
    curl_easy_setopt(easy, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(easy, CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC);
    /* Our fields are for the server, and the head of the answer to CONNECT is not the server's. */
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (o->ca_file)
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, o->ca_file);
    if (o->ca_directory)
        curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, o->ca_directory);
    struct url place = { .host = p->host, .port = p->port };
    if (url_is_trusted(&place, o->trusted_hosts, o->n_trusted_hosts)) {
        curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
    }
}

const char *http_proxy_peer(const struct http_exchange *x)
{
    return x->proxy ? x->proxy->host : x->url.host;
}

unsigned http_proxy_peer_port(const struct http_exchange *x)
{
    return x->proxy ? x->proxy->port : x->url.port;
}

static long info_of(const struct http_transfer *t, CURLINFO what)
{
    long value = 0;

    curl_easy_getinfo(t->easy, what, &value);
    return value;
}

/* The request could have been sent: what fails from then on is the server's. */
static bool is_through(const struct http_transfer *t)
{
    curl_off_t us = 0;

    curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &us);
    return us > 0;
}

static bool is_of_tls(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION;
}

/* TLS up to the proxy, not that within the tunnel. */
static bool is_tls_of_proxy(const struct http_transfer *t)
{
    return t->owner->proxy->kind == PROXY_HTTPS && is_of_tls(t->code) &&
           info_of(t, CURLINFO_HTTP_CONNECTCODE) == 0;
}

bool http_proxy_is_unreachable(const struct http_transfer *t)
{
    if (is_through(t))
        return false;
    return t->code == CURLE_COULDNT_CONNECT ||
           (t->code == CURLE_OPERATION_TIMEDOUT && info_of(t, CURLINFO_NUM_CONNECTS) == 0) ||
           (t->code == CURLE_SSL_CONNECT_ERROR && is_tls_of_proxy(t));
}

/* RFC 1928 section 6 and, the last, SOCKS4: what is worth another try, and what it means. */
static const struct {
    CURLproxycode from;
    bool again;
    const char *meaning;
} replies[] = {
    { CURLPX_REPLY_GENERAL_SERVER_FAILURE, true, "general failure" },
    { CURLPX_REPLY_NOT_ALLOWED, false, "its rules do not allow it" },
    { CURLPX_REPLY_NETWORK_UNREACHABLE, true, "network unreachable" },
    { CURLPX_REPLY_HOST_UNREACHABLE, true, "host unreachable" },
    { CURLPX_REPLY_CONNECTION_REFUSED, true, "connection refused" },
    { CURLPX_REPLY_TTL_EXPIRED, true, "TTL expired" },
    { CURLPX_REPLY_COMMAND_NOT_SUPPORTED, false, "it does not support that" },
    { CURLPX_REPLY_ADDRESS_TYPE_NOT_SUPPORTED, false, "it does not support such addresses" },
    { CURLPX_REQUEST_FAILED, true, "refused or failed" },
};

/* Of `replies`, or -1. */
static int reply_of(const struct http_transfer *t)
{
    long error = t->code == CURLE_PROXY ? info_of(t, CURLINFO_PROXY_ERROR) : CURLPX_OK;

    for (int i = 0; i < (int)(sizeof replies / sizeof *replies); i++)
        if ((long)replies[i].from == error)
            return i;
    return -1;
}

bool http_proxy_refused_address(const struct http_transfer *t)
{
    return reply_of(t) >= 0;
}

static int refuse_login(const struct proxy *p, struct err *e)
{
    if (proxy_has_credentials(p))
        return err_set(e, ERR_STATUS,
                       "the proxy %s refuses the user and password that it was given%s", p->shown,
                       proxy_is_http(p) ? " (407; dray knows only Basic)" : "");
    return err_set(e, ERR_STATUS,
                   "the proxy %s asks for a user and a password: put them before its host, as in "
                   "--proxy %.*s://USER:PASSWORD@%s",
                   p->shown, (int)strcspn(p->url, ":"), p->url, strstr(p->url, "//") + 2);
}

static int socks_failure(const struct http_transfer *t, bool *again, struct err *e)
{
    const struct http_exchange *x = t->owner;
    long error = info_of(t, CURLINFO_PROXY_ERROR);
    int reply = reply_of(t);

    if (reply >= 0) {
        *again = replies[reply].again;
        return err_set(e, ERR_CONNECT, "the proxy %s could not connect to %s port %u: %s",
                       x->proxy->shown, x->url.host, x->url.port, replies[reply].meaning);
    }
    if (error == CURLPX_NO_AUTH || error == CURLPX_USER_REJECTED)
        return refuse_login(x->proxy, e);
    *again = true;
    return err_set(e, ERR_CONNECT, "the proxy %s does not answer as a SOCKS proxy does: %s",
                   x->proxy->shown, t->detail[0] ? t->detail : curl_easy_strerror(t->code));
}

/* RFC 9110 section 9.3.6: anything but 2xx means that there is no tunnel. */
static int connect_failure(const struct http_transfer *t, int status, bool *again, struct err *e)
{
    const struct http_exchange *x = t->owner;
    const char *reason = http_error_reason(status);

    if (status == 407)
        return refuse_login(x->proxy, e);
    *again = http_error_is_again(status);
    return err_set(e, ERR_CONNECT, "the proxy %s %s to %s port %u: it answered %d%s%s",
                   x->proxy->shown, status >= 500 ? "could not connect" : "refuses to connect",
                   x->url.host, x->url.port, status, reason ? " " : "", reason ? reason : "");
}

int http_proxy_failure(const struct http_transfer *t, bool *again, struct err *e)
{
    const struct http_exchange *x = t->owner;
    long status = info_of(t, CURLINFO_HTTP_CONNECTCODE);

    *again = false;
    if (!x->proxy || is_through(t))
        return 0;
    if (t->code == CURLE_PROXY)
        return socks_failure(t, again, e);
    if (status >= 300)
        return connect_failure(t, (int)status, again, e);
    if (http_proxy_is_unreachable(t) || is_tls_of_proxy(t)) {
        struct http_failure f = { .code = t->code,
                                  .detail = t->detail,
                                  .host = x->proxy->host,
                                  .port = x->proxy->port,
                                  .proxy = x->proxy->shown };
        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &f.os_error);
        return http_error_transfer(&f, again, e);
    }
    *again = true;
    /* libcurl 7.88 loses OpenSSL's reason where TLS goes through TLS. */
    if (x->proxy->kind == PROXY_HTTPS && t->code == CURLE_SSL_CONNECT_ERROR)
        return err_set(e, ERR_TLS,
                       "through the proxy %s: connecting to %s port %u: the TLS handshake failed; "
                       "if the certificate is the reason, --cert FILE names the authorities to "
                       "trust, --trusted-host %s accepts whatever certificate it shows",
                       x->proxy->shown, x->url.host, x->url.port, x->url.host);
    if (t->code != CURLE_OPERATION_TIMEDOUT)
        return 0;
    return err_set(e, ERR_TIMEOUT, "the proxy %s gave no connection to %s port %u in time",
                   x->proxy->shown, x->url.host, x->url.port);
}

void http_proxy_judge_status(const struct http_transfer *t, struct err *e)
{
    const struct http_exchange *x = t->owner;

    if (!x->proxy || !proxy_is_http(x->proxy) || strcmp(x->url.scheme, "http") != 0)
        return;
    if (t->answer.status == 407)
        refuse_login(x->proxy, e);
    else
        err_set(e, e->code, "%s, by way of the proxy %s", err_text(e), x->proxy->shown);
}
