/* A proxy's URL is taken apart by net/url, which knows http and https: it gets the same text with
 * "http" for a scheme. */
#include "dray/net/proxy.h"

#include <stdlib.h>

#include "dray/net/url_parts.h"
#include "dray/util/buf.h"

static const struct {
    struct str scheme;
    unsigned port;
} kinds[] = {
#define PROXY_ROW(kind, scheme, port) { { (scheme), sizeof(scheme) - 1 }, (port) },
    PROXY_KINDS(PROXY_ROW)
#undef PROXY_ROW
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static bool kind_of(struct str scheme, enum proxy_kind *out)
{
    for (int i = 0; i < KINDS; i++)
        if (str_eq_nocase(scheme, kinds[i].scheme)) {
            *out = (enum proxy_kind)i;
            return true;
        }
    return false;
}

static int refuse(struct str text, const char *why, struct err *e)
{
    struct buf shown = { 0 };

    url_redact(text, &shown);
    int code =
        err_set(e, ERR_USAGE, "\"%.200s\" is not the URL of a proxy: %s", buf_z(&shown), why);
    buf_done(&shown);
    return code;
}

/* net/url fills in a port of its own. */
static bool names_port(struct str text)
{
    struct str authority = url_split(text).authority;
    struct str host = str_sub(authority, (size_t)(str_rfind(authority, '@') + 1), authority.n);
    ptrdiff_t colon = str_rfind(host, ':');

    return colon > str_rfind(host, ']') && (size_t)colon + 1 < host.n;
}

/* "http://" and the place, with `userinfo` before it. */
static char *url_of(const struct proxy *p, const char *userinfo)
{
    struct buf out = { 0 };

    buf_add_f(&out, "%s://%s", kinds[p->kind].scheme.p, userinfo);
    buf_add_f(&out, strchr(p->host, ':') ? "[%s]:%u" : "%s:%u", p->host, p->port);
    return buf_take(&out);
}

/* As url_redact() hides: a user without a password may be a token. */
static char *shown_of(const struct proxy *p)
{
    struct buf userinfo = { 0 }, shown = { 0 };

    if (p->user && p->password)
        buf_add_f(&userinfo, "%s:", p->user);
    if (proxy_has_credentials(p))
        buf_add_z(&userinfo, "x@");
    char *whole = url_of(p, buf_z(&userinfo));
    url_redact(str_of(whole), &shown);
    free(whole);
    buf_done(&userinfo);
    return buf_take(&shown);
}

static void take_parts(struct proxy *p, struct str as_http, struct url *u)
{
    p->host = u->host;
    p->user = u->user;
    p->password = u->password;
    p->port = names_port(as_http) ? u->port : kinds[p->kind].port;
    u->host = u->user = u->password = NULL;
    p->url = url_of(p, "");
    p->shown = shown_of(p);
}

/* "//user:password@host" with "http:" before it. Python takes the last "@" for the one before the
 * host, libcurl's parser none of several. */
static void make_http(struct str rest, struct buf *out)
{
    size_t last = (size_t)(str_rfind(url_split(rest).authority, '@') + 1);

    buf_add_z(out, "http://");
    for (size_t i = 0; i + 1 < last; i++)
        buf_add_str(out, rest.p[2 + i] == '@' ? STR("%40") : str_sub(rest, 2 + i, 3 + i));
    buf_add_str(out, str_sub(rest, last ? last + 1 : 2, rest.n));
}

/* `text` has a scheme. */
static int parse_whole(struct str text, struct proxy *out, struct err *e)
{
    size_t scheme = (size_t)str_search(text, STR("://"));
    struct buf as_http = { 0 };
    struct err why = { 0 };
    struct url u;

    if (!kind_of(str_sub(text, 0, scheme), &out->kind))
        return refuse(text,
                      "it must begin with http://, https://, socks5://, socks5h://, socks4:// or "
                      "socks4a://",
                      e);
    make_http(str_sub(text, scheme + 1, text.n), &as_http);
    int code = url_parse(buf_str(&as_http), &u, &why);
    if (code) {
        code = refuse(text,
                      "expected http://USER:PASSWORD@HOST:PORT, with \"%40\" for \"@\" and "
                      "\"%2F\" for \"/\" in a password",
                      e);
    } else {
        take_parts(out, buf_str(&as_http), &u);
        url_done(&u);
    }
    err_done(&why);
    buf_done(&as_http);
    return code;
}

int proxy_parse(struct str text, struct proxy *out, struct err *e)
{
    struct proxy p = { .kind = PROXY_HTTP };
    struct buf whole = { 0 };

    text = str_trim(text);
    /* "user:password@host" and "host:3128" only seem to begin with a scheme. */
    if (str_search(text, STR("://")) < 0)
        buf_add_z(&whole, "http://");
    buf_add_str(&whole, text);
    int code = parse_whole(buf_str(&whole), &p, e);
    if (!code)
        *out = p;
    buf_done(&whole);
    return code;
}

void proxy_done(struct proxy *p)
{
    if (!p)
        return;
    free(p->host);
    free(p->user);
    free(p->password);
    free(p->url);
    free(p->shown);
    *p = (struct proxy){ 0 };
}

bool proxy_has_credentials(const struct proxy *p)
{
    return p->user || p->password;
}

bool proxy_is_http(const struct proxy *p)
{
    return p->kind == PROXY_HTTP || p->kind == PROXY_HTTPS;
}

bool proxy_wants_address(const struct proxy *p)
{
    return p->kind == PROXY_SOCKS4 || p->kind == PROXY_SOCKS5;
}
