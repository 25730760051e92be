/* net/proxies by a table; differential_proxies.py asks pip the same and more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "dray/net/proxies.h"

#define ONE   "http://one.example:3128"
#define TWO   "http://two.example:3128"
#define THREE "http://three.example:3128"

enum { VARIABLES = 6 };

/* what is asked for, through what (NULL: directly), the variables */
static const struct {
    const char *url, *through;
    const char *env[VARIABLES + 1];
} found[] = {
    { "http://example.org/", NULL, { NULL } },
    { "http://example.org/", ONE, { "http_proxy=" ONE } },
    { "https://example.org/", NULL, { "http_proxy=" ONE } },
    { "http://example.org/", NULL, { "https_proxy=" ONE } },
    { "https://example.org/", ONE, { "HTTPS_PROXY=" ONE } },
    { "https://example.org/", TWO, { "https_proxy=" TWO, "HTTPS_PROXY=" ONE } },
    { "https://example.org/", NULL, { "https_proxy=", "HTTPS_PROXY=" ONE } },
    { "https://example.org/", THREE, { "https_proxy=", "HTTPS_PROXY=" ONE, "all_proxy=" THREE } },
    { "http://example.org/", THREE, { "https_proxy=" ONE, "ALL_PROXY=" THREE } },
    { "http://example.org/", ONE, { "http_proxy=" ONE, "all_proxy=" THREE } },
    { "http://example.org/", ONE, { "HTTP_PROXY=" ONE } },
    { "http://example.org/", NULL, { "HTTP_PROXY=" ONE, "REQUEST_METHOD=GET" } },
    { "http://example.org/", ONE, { "http_proxy=" ONE, "REQUEST_METHOD=GET" } },
    { "http://localhost:1/", ONE, { "http_proxy=" ONE } }, /* no exception unless it is made */
    { "http://127.0.0.1/", ONE, { "http_proxy=" ONE } },
    { "http://example.org/", NULL, { "http_proxy=" ONE, "no_proxy=*" } },
    { "http://example.org/", ONE, { "http_proxy=" ONE, "no_proxy=a,*" } },
    { "http://www.example.org/", NULL, { "http_proxy=" ONE, "no_proxy=x, .example.org" } },
    { "http://www.example.org/", NULL, { "http_proxy=" ONE, "NO_PROXY=Example.org" } },
    { "http://www.example.org/", ONE, { "http_proxy=" ONE, "no_proxy=a", "NO_PROXY=example.org" } },
    { "http://example.org/", NULL, { "http_proxy=" ONE, "no_proxy=.example.org" } },
    { "http://badexample.org/", ONE, { "http_proxy=" ONE, "no_proxy=example.org" } },
    { "http://example.org/", ONE, { "http_proxy=" ONE, "no_proxy=www.example.org" } },
    { "http://example.org/", ONE, { "http_proxy=" ONE, "no_proxy=,. , ," } },
    { "http://example.org:81/", NULL, { "http_proxy=" ONE, "no_proxy=example.org:81" } },
    { "http://example.org:82/", ONE, { "http_proxy=" ONE, "no_proxy=example.org:81" } },
    { "https://example.org/", NULL, { "https_proxy=" ONE, "no_proxy=example.org:443" } },
    { "http://10.1.2.3/", NULL, { "http_proxy=" ONE, "no_proxy=10.0.0.0/8" } },
    { "http://11.1.2.3/", ONE, { "http_proxy=" ONE, "no_proxy=10.0.0.0/8" } },
    { "http://10.1.2.3/", NULL, { "http_proxy=" ONE, "no_proxy=10.1.2.2/31" } },
    { "http://10.1.2.3/", ONE, { "http_proxy=" ONE, "no_proxy=10.1.2.2/32" } },
    { "http://10.1.2.3/", ONE, { "http_proxy=" ONE, "no_proxy=0.0.0.0/0,10.0.0.0/33,10.1.2.3/" } },
    { "http://10.1.2.3/", NULL, { "http_proxy=" ONE, "no_proxy=10.1.2.3" } },
    { "http://10.example.org/", ONE, { "http_proxy=" ONE, "no_proxy=10.0.0.0/8" } },
    { "http://[::1]/", NULL, { "http_proxy=" ONE, "no_proxy=::1" } },
    { "http://[::1]/", ONE, { "http_proxy=" ONE, "no_proxy=::2" } },
};

static void test_env(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        struct proxies p = { 0 };
        struct err e = { 0 };
        struct url u;
        assert_int_equal(url_parse(str_of(found[i].url), &u, &e), 0);
        assert_int_equal(proxies_from_env(&p, found[i].env, &e), 0);
        const struct proxy *got = proxies_find(&p, &u);
        const char *through = found[i].through ? found[i].through : "-";
        if (strcmp(got ? got->url : "-", through) != 0)
            fail_msg("row %zu, %s: %s, not %s", i, found[i].url, got ? got->url : "-", through);
        proxies_done(&p);
        url_done(&u);
    }
}

/* A variable that is not used may say what it likes. */
static void test_bad_variable(void **state)
{
    const char *const bad[] = { "http_proxy=" ONE, "HTTPS_PROXY=http://me:secret@:1", NULL };
    const char *const unused[] = { "http_proxy=" ONE, "https_proxy=" ONE, "all_proxy=socks://x",
                                   NULL };
    struct proxies p = { 0 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(proxies_from_env(&p, bad, &e), ERR_USAGE);
    assert_true(strncmp(err_text(&e), "HTTPS_PROXY: \"http://", 21) == 0);
    assert_null(strstr(err_text(&e), "secret"));
    assert_null(p.for_http.host);
    err_done(&e);
    assert_int_equal(proxies_from_env(&p, unused, &e), 0);
    proxies_done(&p);
}

static void test_set(void **state)
{
    const char *const env[] = { "https_proxy=" ONE, "no_proxy=*", NULL };
    struct proxies p = { 0 };
    struct err e = { 0 };
    struct url u;

    (void)state;
    assert_int_equal(proxies_from_env(&p, env, &e), 0);
    assert_int_equal(proxies_set(&p, STR("socks://x"), &e), ERR_USAGE);
    assert_string_equal(p.for_https.url, ONE);
    err_done(&e);
    assert_int_equal(proxies_set(&p, STR(TWO), &e), 0);
    assert_int_equal(url_parse(STR("http://localhost/"), &u, &e), 0);
    assert_string_equal(proxies_find(&p, &u)->url, TWO);
    url_done(&u);
    assert_int_equal(url_parse(STR("https://localhost/"), &u, &e), 0);
    assert_string_equal(proxies_find(&p, &u)->url, TWO);
    url_done(&u);
    proxies_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_env),
        cmocka_unit_test(test_bad_variable),
        cmocka_unit_test(test_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
