/* Every text first goes through one quoting that leaves only characters that may stand in a URL;
 * libcurl's parser then takes it apart. It is lenient where a package index must not be (one slash,
 * a host of decoded bytes), so what it returns is checked once more, and `text` is put together
 * from the checked parts: what is requested is what was understood. */
#include "dray/net/url_parts.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum { HOST_MAX = 253 }; /* RFC 1035 section 2.3.4, as text */

static bool is_name_char(char c)
{
    return str_isalpha(c) || str_isdigit(c) || (c != '\0' && strchr("-._~", c));
}

static bool host_is_valid(struct str host)
{
    unsigned char address[sizeof(struct in6_addr)];
    char z[HOST_MAX + 1];

    if (host.n == 0 || host.n > HOST_MAX)
        return false;
    if (str_find(host, ':') >= 0) {
        memcpy(z, host.p, host.n);
        z[host.n] = '\0';
        return inet_pton(AF_INET6, z, address) == 1;
    }
    for (size_t i = 0; i < host.n; i++)
        if (!is_name_char(host.p[i]))
            return false;
    return host.p[0] != '.';
}

/* A part as libcurl has it, as memory of ours; NULL when absent. False when it can't be decoded. */
static bool take_part(CURLU *handle, CURLUPart part, unsigned flags, char **out)
{
    char *text = NULL;

    CURLUcode code = curl_url_get(handle, part, &text, flags);
    *out = code == CURLUE_OK ? mem_dup(text) : NULL;
    curl_free(text);
    return code == CURLUE_OK || code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD ||
           code == CURLUE_NO_QUERY;
}

/* The host in lower case and without the brackets of a literal IPv6 address. One with a zone
 * ("%eth0") is of no use: CURLOPT_RESOLVE knows none, and libcurl's parser would just drop it from
 * the host. */
static bool take_host(CURLU *handle, struct url *u)
{
    char *zone = NULL;

    CURLUcode code = curl_url_get(handle, CURLUPART_ZONEID, &zone, 0);
    curl_free(zone);
    if (code != CURLUE_NO_ZONEID)
        return false;
    if (!take_part(handle, CURLUPART_HOST, 0, &u->host) || !u->host)
        return false;
    size_t n = strlen(u->host);
    if (n > 2 && u->host[0] == '[' && u->host[n - 1] == ']') {
        n -= 2;
        memmove(u->host, u->host + 1, n);
        u->host[n] = '\0';
    }
    for (size_t i = 0; i < n; i++)
        u->host[i] = str_lower(u->host[i]);
    return host_is_valid(str_of(u->host));
}

static bool take_port(CURLU *handle, struct url *u)
{
    char *text = NULL;
    uint64_t port = 0;

    bool ok = take_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, &text) &&
              str_to_u64(str_of(text), 65535, &port) && port > 0;
    free(text);
    u->port = (unsigned)port;
    return ok;
}

static unsigned default_port(const struct url *u)
{
    return strcmp(u->scheme, "https") == 0 ? 443 : 80;
}

static void put_together(struct url *u)
{
    struct buf text = { 0 };
    bool literal = strchr(u->host, ':') != NULL;

    buf_add_f(&text, literal ? "%s://[%s]" : "%s://%s", u->scheme, u->host);
    if (u->port != default_port(u))
        buf_add_f(&text, ":%u", u->port);
    buf_add_z(&text, u->path);
    if (u->query)
        buf_add_f(&text, "?%s", u->query);
    u->text = buf_take(&text);
}

/* False when it is no URL of ours; the caller frees what was found until then. */
static bool take_apart(const char *quoted, struct url *u)
{
    CURLU *handle = curl_url();

    if (!handle)
        abort();
    bool ok = curl_url_set(handle, CURLUPART_URL, quoted, 0) == CURLUE_OK &&
              take_part(handle, CURLUPART_SCHEME, 0, &u->scheme) && take_host(handle, u) &&
              take_port(handle, u) &&
              take_part(handle, CURLUPART_USER, CURLU_URLDECODE, &u->user) &&
              take_part(handle, CURLUPART_PASSWORD, CURLU_URLDECODE, &u->password) &&
              take_part(handle, CURLUPART_PATH, 0, &u->path) && u->path &&
              take_part(handle, CURLUPART_QUERY, 0, &u->query);
    curl_url_cleanup(handle);
    return ok;
}

/* "http:/x" and "http:///x" are nothing that libcurl minds, nor is "%35", by which a host may be a
 * number that it reads as an address only the second time. */
static const char *reason_against(const struct url_parts *parts)
{
    if (!str_eq_nocase(parts->scheme, STR("http")) && !str_eq_nocase(parts->scheme, STR("https")))
        return "it must begin with http:// or https://";
    if (parts->authority.n == 0)
        return "\"//\" and a host are expected behind the scheme";
    ptrdiff_t at = str_rfind(parts->authority, '@');
    if (str_find(str_sub(parts->authority, (size_t)(at + 1), parts->authority.n), '%') >= 0)
        return "its host is written with \"%\"";
    return NULL;
}

int url_parse(struct str text, struct url *out, struct err *e)
{
    struct buf quoted = { 0 };
    struct url u = { 0 };

    if (text.n > LIMIT_URL_BYTES)
        return err_set(e, ERR_LIMIT, "a URL is longer than %d bytes", LIMIT_URL_BYTES);
    url_quote(text, &quoted);
    struct url_parts parts = url_split(buf_str(&quoted));
    const char *why = reason_against(&parts);
    if (!why && !take_apart(buf_z(&quoted), &u))
        why = "its host, port or user name is malformed";
    buf_done(&quoted);
    if (why) {
        url_done(&u);
        return url_refuse(text, why, e);
    }
    if (u.query && u.query[0] == '\0') { /* libcurl 8.8 and later tell "?" from nothing */
        free(u.query);
        u.query = NULL;
    }
    put_together(&u);
    *out = u;
    return 0;
}

void url_done(struct url *u)
{
    if (!u)
        return;
    free(u->scheme);
    free(u->user);
    free(u->password);
    free(u->host);
    free(u->path);
    free(u->query);
    free(u->text);
    *u = (struct url){ 0 };
}

void url_lend_userinfo(struct str from, struct str text, struct buf *out)
{
    struct str authority = url_split(from).authority;
    struct url lender = { 0 }, taker = { 0 };
    struct err e = { 0 };
    ptrdiff_t at = str_rfind(authority, '@');
    size_t scheme = (size_t)(str_search(text, STR("://")) + 3);
    bool lend = at >= 0 && !url_parse(from, &lender, &e) && !url_parse(text, &taker, &e) &&
                url_same_origin(&lender, &taker) && !taker.user && !taker.password;

    if (lend) {
        buf_add_str(out, str_sub(text, 0, scheme));
        buf_add_str(out, str_sub(authority, 0, (size_t)at + 1));
        text = str_sub(text, scheme, text.n);
    }
    buf_add_str(out, text);
    url_done(&lender);
    url_done(&taker);
    err_done(&e);
}

bool url_same_origin(const struct url *a, const struct url *b)
{
    return a->port == b->port && strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0;
}

bool url_is_trusted(const struct url *u, const char *const *hosts, size_t n)
{
    struct buf bare = { 0 }, with_port = { 0 };
    bool found = false;

    buf_add_f(&bare, strchr(u->host, ':') ? "[%s]" : "%s", u->host);
    buf_add_f(&with_port, "%s:%u", buf_z(&bare), u->port);
    for (size_t i = 0; i < n; i++) {
        struct str entry = str_of(hosts[i]);
        found |= str_eq_nocase(entry, str_of(u->host)) || str_eq_nocase(entry, buf_str(&bare)) ||
                 str_eq_nocase(entry, buf_str(&with_port));
    }
    buf_done(&bare);
    buf_done(&with_port);
    return found;
}

bool url_is_loopback(const struct url *u)
{
    struct in6_addr v6;
    struct in_addr v4;

    /* "127.example.org" is a name, and anybody's. */
    if (inet_pton(AF_INET, u->host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, u->host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcmp(u->host, "localhost") == 0;
}
