/* What pip does is two things one after the other, which do not quite agree: requests'
 * should_bypass_proxies(), which knows ports and networks, and urllib.request's
 * proxy_bypass_environment(), which takes any case. What either of them exempts is exempt. */
#include "dray/net/proxies.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/mem.h"

int proxies_set(struct proxies *p, struct str url, struct err *e)
{
    struct proxies set = { 0 };
    int code = proxy_parse(url, &set.for_http, e);

    if (code || (code = proxy_parse(url, &set.for_https, e))) {
        proxies_done(&set);
        return code;
    }
    proxies_done(p);
    *p = set;
    return 0;
}

/* A variable that was found. */
struct variable {
    struct str name, value; /* the value is empty when there is none */
};

static struct variable split(const char *entry)
{
    struct variable v;

    v.name = str_cut(str_of(entry), '=', &v.value);
    return v;
}

static bool env_has(const char *const *env, const char *name)
{
    for (; *env; env++)
        if (str_is(split(*env).name, name))
            return true;
    return false;
}

/* getproxies_environment() of one scheme, "http_proxy": any case counts, then lower case counts
 * more, also to say by an empty value that there is none. */
static struct variable env_find(const char *const *env, const char *name)
{
    struct variable found = { STR_NONE, STR_NONE };
    bool is_http = str_is(str_of(name), "http_proxy");

    for (const char *const *at = env; *at; at++) {
        struct variable v = split(*at);
        if (v.value.n && str_eq_nocase(v.name, str_of(name)))
            found = v;
    }
    /* CVE-2016-1000110: what runs below a web server gets a client's "Proxy:" header so. */
    if (is_http && env_has(env, "REQUEST_METHOD"))
        found = (struct variable){ STR_NONE, STR_NONE };
    for (const char *const *at = env; *at; at++) {
        struct variable v = split(*at);
        if (v.value.p && str_ends(v.name, STR("_proxy")) && str_eq_nocase(v.name, str_of(name)))
            found = v;
    }
    return found;
}

static struct str bypass_of(const char *const *env)
{
    struct variable lower = { STR_NONE, STR_NONE }, upper = lower;

    for (; *env; env++) {
        struct variable v = split(*env);
        if (str_is(v.name, "no_proxy"))
            lower = v;
        else if (str_is(v.name, "NO_PROXY"))
            upper = v;
    }
    return lower.value.n ? lower.value : upper.value;
}

static int set_from(struct proxy *out, const char *const *env, const char *name, struct err *e)
{
    struct variable v = env_find(env, name);

    if (!v.value.n)
        v = env_find(env, "all_proxy");
    if (!v.value.n)
        return 0;
    return proxy_parse(v.value, out, e) ? err_wrap(e, "%.*s", STR_ARG(v.name)) : 0;
}

int proxies_from_env(struct proxies *p, const char *const *env, struct err *e)
{
    struct proxies set = { 0 };
    struct buf bypass = { 0 };
    int code = set_from(&set.for_http, env, "http_proxy", e);

    if (!code)
        code = set_from(&set.for_https, env, "https_proxy", e);
    if (code) {
        proxies_done(&set);
        return code;
    }
    buf_add_str(&bypass, bypass_of(env));
    set.bypass = buf_take(&bypass);
    proxies_done(p);
    *p = set;
    return 0;
}

void proxies_done(struct proxies *p)
{
    if (!p)
        return;
    proxy_done(&p->for_http);
    proxy_done(&p->for_https);
    free(p->bypass);
    *p = (struct proxies){ 0 };
}

/* What an exemption is compared with. */
struct place {
    struct str name, with_port; /* "example.org", "example.org:443" */
    bool is_ipv4;
    struct in_addr address;
};

/* "10.0.0.0/8", by inet_aton() as Python has it: "10/8" is 0.0.0.10/8. 1 to 32 bits: requests reads
 * no more out of it. */
static bool in_network(const struct place *at, struct str network)
{
    struct str bits;
    struct str base = str_cut(network, '/', &bits);
    struct in_addr address;
    char text[INET6_ADDRSTRLEN];
    uint64_t n;

    if (!str_to_u64(bits, 32, &n) || n == 0 || base.n >= sizeof text)
        return false;
    memcpy(text, base.p, base.n);
    text[base.n] = '\0';
    if (memchr(text, '\0', base.n) || inet_aton(text, &address) == 0)
        return false;
    return ((ntohl(address.s_addr) ^ ntohl(at->address.s_addr)) >> (32 - n)) == 0;
}

/* It is `name`, or ends in "." and `name`. */
static bool is_below(struct str host, struct str name, bool any_case)
{
    struct str tail = str_sub(host, host.n - (name.n < host.n ? name.n : host.n), host.n);
    bool equal = any_case ? str_eq_nocase(tail, name) : str_eq(tail, name);

    return equal && (host.n == name.n || host.p[host.n - name.n - 1] == '.');
}

static bool is_exempt_by(const struct place *at, struct str entry)
{
    if (at->is_ipv4 && in_network(at, entry))
        return true;
    while (entry.n && entry.p[0] == '.')
        entry = str_sub(entry, 1, entry.n);
    if (!entry.n)
        return false;
    /* requests takes a port in an exemption of names only, and as it is written. */
    return is_below(at->name, entry, true) ||
           (!at->is_ipv4 && is_below(at->with_port, entry, false));
}

/* requests: blanks go, wherever they stand. */
static char *without_blanks(const char *text)
{
    struct buf out = { 0 };

    for (; *text; text++)
        if (*text != ' ')
            buf_add_c(&out, *text);
    return buf_take(&out);
}

static bool is_exempt(const struct url *u, const char *bypass)
{
    struct buf with_port = { 0 };
    struct place at = { .name = str_of(u->host) };
    bool exempt = str_is(str_of(bypass), "*"); /* alone: in a list it means nothing */
    char *list = without_blanks(bypass);
    struct str rest = str_of(list);

    /* The port that is used: it need not stand in the URL, other than in Python. */
    buf_add_f(&with_port, "%s:%u", u->host, u->port);
    at.with_port = buf_str(&with_port);
    at.is_ipv4 = inet_aton(u->host, &at.address) != 0;
    while (rest.p && !exempt)
        exempt = is_exempt_by(&at, str_trim(str_cut(rest, ',', &rest)));
    free(list);
    buf_done(&with_port);
    return exempt;
}

const struct proxy *proxies_find(const struct proxies *p, const struct url *u)
{
    const struct proxy *found = strcmp(u->scheme, "https") == 0 ? &p->for_https : &p->for_http;

    if (!found->host || (p->bypass && is_exempt(u, p->bypass)))
        return NULL;
    return found;
}
