/* net/proxy by a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "dray/net/proxy.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"

/* text, its URL (NULL: refused), shown, user, password */
static const struct {
    const char *text, *url, *shown, *user, *password;
} good[] = {
    { "http://proxy.example.org:3128", "http://proxy.example.org:3128",
      "http://proxy.example.org:3128", NULL, NULL },
    { "proxy.example.org:3128", "http://proxy.example.org:3128", "http://proxy.example.org:3128",
      NULL, NULL },
    { "localhost:3128", "http://localhost:3128", "http://localhost:3128", NULL, NULL },
    { "proxy.example.org", "http://proxy.example.org:80", "http://proxy.example.org:80", NULL,
      NULL },
    { " HTTP://Proxy.Example.ORG:80/x?y#z\n", "http://proxy.example.org:80",
      "http://proxy.example.org:80", NULL, NULL },
    { "https://proxy.example.org", "https://proxy.example.org:443", "https://proxy.example.org:443",
      NULL, NULL },
    { "https://proxy.example.org:80", "https://proxy.example.org:80",
      "https://proxy.example.org:80", NULL, NULL },
    { "socks4://192.0.2.1", "socks4://192.0.2.1:1080", "socks4://192.0.2.1:1080", NULL, NULL },
    { "SOCKS4A://me@proxy.example.org:80", "socks4a://proxy.example.org:80",
      "socks4a://****@proxy.example.org:80", "me", NULL },
    { "socks5://[::1]", "socks5://[::1]:1080", "socks5://[::1]:1080", NULL, NULL },
    { "socks5h://[2001:DB8::1]:9050/", "socks5h://[2001:db8::1]:9050",
      "socks5h://[2001:db8::1]:9050", NULL, NULL },
    { "http://me:pass@proxy.example.org", "http://proxy.example.org:80",
      "http://me:****@proxy.example.org:80", "me", "pass" },
    { "me:pass@proxy.example.org:8080", "http://proxy.example.org:8080",
      "http://me:****@proxy.example.org:8080", "me", "pass" },
    { "http://me%40work:p%40%2F%3A%25@proxy.example.org", "http://proxy.example.org:80",
      "http://me@work:****@proxy.example.org:80", "me@work", "p@/:%" },
    { "http://me:p@ss@proxy.example.org", "http://proxy.example.org:80",
      "http://me:****@proxy.example.org:80", "me", "p@ss" },
    { "http://:pass@proxy.example.org", "http://proxy.example.org:80",
      "http://:****@proxy.example.org:80", "", "pass" },
};

static void assert_text(const char *got, const char *want)
{
    assert_int_equal(got == NULL, want == NULL);
    if (got)
        assert_string_equal(got, want);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct proxy p = { 0 };
        struct err e = { 0 };
        if (proxy_parse(str_of(good[i].text), &p, &e))
            fail_msg("%s: %s", good[i].text, err_text(&e));
        assert_string_equal(p.url, good[i].url);
        assert_string_equal(p.shown, good[i].shown);
        assert_text(p.password, good[i].password);
        if (!p.user || p.user[0] || (good[i].user && good[i].user[0]))
            assert_text(p.user, good[i].user);
        assert_int_equal(proxy_has_credentials(&p), good[i].user != NULL);
        proxy_done(&p);
    }
}

/* text, words of what is said */
static const char *const bad[][2] = {
    { "", "expected http://" },
    { "   ", "expected http://" },
    { "socks://proxy.example.org", "socks5h://" },
    { "ftp://proxy.example.org", "\"ftp://proxy.example.org\"" },
    { "://proxy.example.org", "it must begin with" },
    { "http://", "expected http://" },
    { "http://:3128", "expected http://" },
    { "http://proxy.example.org:0", "expected http://" },
    { "http://proxy.example.org:65536", "expected http://" },
    { "http://proxy.example.org:port", "expected http://" },
    { "http://[::1", "expected http://" },
    { "http://me:secret/x@proxy.example.org", "****@proxy.example.org" },
    { "me:secret/x@proxy.example.org", "****@proxy.example.org" },
    { "ftp://me:secret@proxy.example.org", "me:****@proxy.example.org" },
    { "http://me:secret@", "****@" },
    { "http://me%0d%0aX:secret@proxy.example.org", "****@" },
    { "http://%70roxy.example.org", "expected http://" },
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct proxy p = { 0 };
        struct err e = { 0 };
        assert_int_equal(proxy_parse(str_of(bad[i][0]), &p, &e), ERR_USAGE);
        if (!strstr(err_text(&e), bad[i][1]) || strstr(err_text(&e), "secret"))
            fail_msg("%s: %s", bad[i][0], err_text(&e));
        assert_null(p.host);
        err_done(&e);
    }
}

static void test_long(void **state)
{
    struct buf text = { 0 };
    struct proxy p = { 0 };
    struct err e = { 0 };

    (void)state;
    buf_add_z(&text, "http://");
    for (int i = 0; i < LIMIT_URL_BYTES; i++)
        buf_add_c(&text, 'x');
    assert_int_equal(proxy_parse(buf_str(&text), &p, &e), ERR_USAGE);
    assert_true(strlen(err_text(&e)) < 500);
    err_done(&e);
    buf_done(&text);
}

static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        bool is_http, wants_address;
    } kinds[] = {
        { "http://x", true, false },   { "https://x", true, false },
        { "socks4://x", false, true }, { "socks4a://x", false, false },
        { "socks5://x", false, true }, { "socks5h://x", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct proxy p = { 0 };
        struct err e = { 0 };
        assert_int_equal(proxy_parse(str_of(kinds[i].text), &p, &e), 0);
        assert_int_equal(proxy_is_http(&p), kinds[i].is_http);
        assert_int_equal(proxy_wants_address(&p), kinds[i].wants_address);
        proxy_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
