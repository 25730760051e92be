/* The border between libcurl's codes, HTTP's statuses and ours: tables. */
#include "dray/net/http_error.h"

#include <stdint.h>
#include <string.h>

/* What libcurl calls it, what we do, is another try worth it, what it means (NULL: libcurl's own
 * words) */
static const struct {
    CURLcode from;
    enum err_code to;
    bool again;
    const char *meaning;
} codes[] = {
    { CURLE_COULDNT_RESOLVE_HOST, ERR_DNS, true, NULL },
    { CURLE_COULDNT_CONNECT, ERR_CONNECT, true, NULL },
    { CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, true, "no connection in time" },
    /* A handshake that is cut off looks the same as one that is refused. */
    { CURLE_SSL_CONNECT_ERROR, ERR_TLS, true, NULL },
    { CURLE_PEER_FAILED_VERIFICATION, ERR_TLS, false, NULL },
    { CURLE_SSL_CACERT_BADFILE, ERR_TLS, false, "the CA bundle has no certificate to read" },
    { CURLE_SSL_CERTPROBLEM, ERR_TLS, false,
      "the client certificate and its key can't be read from the file" },
    { CURLE_SSL_ISSUER_ERROR, ERR_TLS, false, NULL },
    { CURLE_SSL_INVALIDCERTSTATUS, ERR_TLS, false, NULL },
    { CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_TLS, false, NULL },
    { CURLE_SSL_CIPHER, ERR_TLS, false, NULL },
    { CURLE_SSL_ENGINE_INITFAILED, ERR_TLS, false, NULL },
    { CURLE_GOT_NOTHING, ERR_NETWORK, true, "the server closed the connection without an answer" },
    { CURLE_SEND_ERROR, ERR_NETWORK, true, NULL },
    { CURLE_RECV_ERROR, ERR_NETWORK, true, NULL },
    { CURLE_PARTIAL_FILE, ERR_NETWORK, true, "the connection was closed before the end" },
    /* All of HTTP/2's: a GOAWAY, a reset stream, ENHANCE_YOUR_CALM pass with another connection. */
    { CURLE_HTTP2, ERR_NETWORK, true, NULL },
    { CURLE_HTTP2_STREAM, ERR_NETWORK, true, NULL },
    { CURLE_WEIRD_SERVER_REPLY, ERR_NETWORK, true, "the answer is not HTTP" },
    { CURLE_UNSUPPORTED_PROTOCOL, ERR_NETWORK, true, "the answer is not HTTP" }, /* "HTTP/0.9" */
    /* Of a header line above libcurl's own cap of 100 KiB, before and since 8.6. */
    { CURLE_OUT_OF_MEMORY, ERR_LIMIT, false, "a line of the answer's head is too long" },
    { (CURLcode)100, ERR_LIMIT, false, "a line of the answer's head is too long" },
    { CURLE_BAD_CONTENT_ENCODING, ERR_NETWORK, true, "the compressed answer is malformed" },
};

/* RFC 9110 section 15; the server's own words are not repeated. */
static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 201, "Created" },
    { 202, "Accepted" },
    { 203, "Non-Authoritative Information" },
    { 204, "No Content" },
    { 206, "Partial Content" },
    { 300, "Multiple Choices" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 402, "Payment Required" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 407, "Proxy Authentication Required" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 412, "Precondition Failed" },
    { 414, "URI Too Long" },
    { 416, "Range Not Satisfiable" },
    { 421, "Misdirected Request" },
    { 425, "Too Early" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 451, "Unavailable For Legal Reasons" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },
    { 511, "Network Authentication Required" },
};

const char *http_error_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return NULL;
}

/* What the person can do about a certificate. */
static int add_way_out(const struct http_failure *f, struct err *e)
{
    const char *file = f->code == CURLE_SSL_CACERT_BADFILE ? f->ca_file
                       : f->code == CURLE_SSL_CERTPROBLEM  ? f->client_cert
                                                           : NULL;

    if (file)
        return err_set(e, e->code, "%s %s", err_text(e), file);
    if (f->code == CURLE_PEER_FAILED_VERIFICATION)
        return err_set(e, e->code,
                       "%s; --cert FILE names the authorities to trust, --trusted-host %s accepts "
                       "whatever certificate it shows",
                       err_text(e), f->host);
    return e->code;
}

int http_error_transfer(const struct http_failure *f, bool *again, struct err *e)
{
    const char *meaning = NULL;
    enum err_code code = ERR_NETWORK;

    *again = false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].from != f->code)
            continue;
        code = codes[i].to;
        *again = codes[i].again;
        meaning = codes[i].meaning;
    }
    if (!meaning)
        meaning = f->detail[0] ? f->detail : curl_easy_strerror(f->code);
    if (f->code == CURLE_COULDNT_CONNECT && f->os_error)
        meaning = strerror((int)f->os_error);
    if (f->proxy) {
        err_set(e, code, "connecting to the proxy %s: %s", f->proxy, meaning);
        return add_way_out(f, e);
    }
    if (!f->connected) {
        err_set(e, code, "connecting to %s port %u: %s", f->host, f->port, meaning);
        return add_way_out(f, e);
    }
    if (f->body_length >= 0)
        return err_set(e, code, "reading %s: %s (%llu of %lld bytes)", f->url, meaning,
                       (unsigned long long)f->body_bytes, (long long)f->body_length);
    return err_set(e, code, "reading %s: %s", f->url, meaning);
}

bool http_error_is_again(int status)
{
    /* 425, RFC 8470 section 5.2: what came too early will do later. */
    return status == 408 || status == 425 || status == 429 || status >= 500;
}

int http_error_status(int status, const char *url, bool *again, struct err *e)
{
    bool gone = status == 404 || status == 410;
    const char *reason = http_error_reason(status);

    *again = http_error_is_again(status);
    return err_set(e, gone ? ERR_NOT_FOUND : ERR_STATUS, "%s: the server answered %d%s%s", url,
                   status, reason ? " " : "", reason ? reason : "");
}

bool http_error_is_of_address(CURLcode code, bool connected)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_SSL_CONNECT_ERROR ||
           (code == CURLE_OPERATION_TIMEDOUT && !connected);
}

bool http_error_is_of_reuse(CURLcode code)
{
    /* The last two: more than was announced stood there before our answer. */
    return code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR ||
           code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM || code == CURLE_WEIRD_SERVER_REPLY ||
           code == CURLE_UNSUPPORTED_PROTOCOL;
}
