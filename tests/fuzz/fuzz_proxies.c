/* Proxies: a proxy's URL, what no_proxy says, and the URL that is asked for, one a line. */
#include <stdlib.h>

#include "dray/net/proxies.h"
#include "dray/util/buf.h"

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* What was understood is understood the same again, and shown without its password. */
static void check_parse(struct str text)
{
    struct proxy p = { 0 }, again = { 0 };
    struct err e = { 0 };

    if (proxy_parse(text, &p, &e) == 0) {
        check(p.host[0] && p.port > 0 && p.port < 65536);
        check(proxy_parse(str_of(p.url), &again, &e) == 0);
        check(again.kind == p.kind && again.port == p.port && strcmp(again.host, p.host) == 0);
        check(!proxy_has_credentials(&again) && strcmp(again.url, p.url) == 0);
        check(proxy_has_credentials(&p) == (strstr(p.shown, "****@") != NULL));
        check(proxy_has_credentials(&p) || strcmp(p.url, p.shown) == 0);
    } else {
        check(e.code == ERR_USAGE);
    }
    proxy_done(&p);
    proxy_done(&again);
    err_done(&e);
}

static void check_find(struct str proxy, struct str bypass, struct str asked)
{
    struct buf variables[2] = { { 0 }, { 0 } };
    struct proxies p = { 0 };
    struct err e = { 0 };
    struct url u = { 0 };

    buf_add_f(&variables[0], "all_proxy=%.*s", STR_ARG(proxy));
    buf_add_f(&variables[1], "no_proxy=%.*s", STR_ARG(bypass));
    const char *env[] = { buf_z(&variables[0]), buf_z(&variables[1]), NULL };
    if (url_parse(asked, &u, &e) == 0 && proxies_from_env(&p, env, &e) == 0) {
        const struct proxy *found = proxies_find(&p, &u);
        check(!found || found == &p.for_http || found == &p.for_https);
        check(!found || strcmp(p.bypass, "*") != 0);
    }
    proxies_done(&p);
    url_done(&u);
    err_done(&e);
    buf_done(&variables[0]);
    buf_done(&variables[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bypass, asked;
    struct str proxy = str_cut((struct str){ (const char *)data, size }, '\n', &bypass);

    check_parse(proxy);
    bypass = str_cut(bypass, '\n', &asked);
    check_find(proxy, bypass, asked);
    return 0;
}
