/* job/route: which authorities count, and whose proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "dray/job/route.h"

#define FILE_1 TEST_README
#define FILE_2 TEST_DATA "/settings/argv.case"
#define DIR_1  TEST_DATA "/settings"
#define DIR_2  TEST_DATA
#define GONE   TEST_DATA "/gone"

enum { VARIABLES = 4 };

/* --cert, the variables; the file and the directory, what is not read; or a part of the error */
static const struct {
    const char *cert;
    const char *env[VARIABLES + 1];
    const char *file, *directory, *unread, *error;
} cases[] = {
    { NULL, { NULL }, NULL, NULL, NULL, NULL },
    { FILE_1, { "REQUESTS_CA_BUNDLE=" FILE_2 }, FILE_1, NULL, NULL, NULL },
    { DIR_1, { "SSL_CERT_FILE=" FILE_2 }, NULL, DIR_1, NULL, NULL },
    { FILE_1, { "REQUESTS_CA_BUNDLE=" GONE }, FILE_1, NULL, NULL, NULL },
    { NULL, { "CURL_CA_BUNDLE=" FILE_2, "REQUESTS_CA_BUNDLE=" FILE_1 }, FILE_1, NULL, NULL, NULL },
    { NULL, { "CURL_CA_BUNDLE=" DIR_1, "REQUESTS_CA_BUNDLE=" }, NULL, DIR_1, NULL, NULL },
    { NULL, { "CURL_CA_BUNDLE=" FILE_2, "SSL_CERT_DIR=" DIR_1 }, FILE_2, NULL, NULL, NULL },
    { NULL, { "REQUESTS_CA_BUNDLE=" GONE }, NULL, NULL, NULL, "REQUESTS_CA_BUNDLE " GONE },
    { NULL, { "CURL_CA_BUNDLE=" GONE }, NULL, NULL, NULL, "CURL_CA_BUNDLE " GONE },
    { NULL, { "SSL_CERT_FILE=" FILE_1 }, FILE_1, NULL, NULL, NULL },
    { NULL, { "SSL_CERT_DIR=" DIR_1 }, NULL, DIR_1, NULL, NULL },
    { NULL, { "SSL_CERT_DIR=" GONE ":" DIR_2 }, NULL, GONE ":" DIR_2, NULL, NULL },
    { NULL, { "SSL_CERT_DIR=" DIR_1, "SSL_CERT_FILE=" FILE_1 }, FILE_1, DIR_1, NULL, NULL },
    { NULL, { "SSL_CERT_FILE=" GONE }, NULL, NULL, "SSL_CERT_FILE", NULL },
    { NULL, { "SSL_CERT_DIR=" GONE, "SSL_CERT_FILE=" FILE_1 }, FILE_1, NULL, "SSL_CERT_DIR", NULL },
};

static void assert_text(size_t i, const char *got, const char *want)
{
    if (strcmp(got ? got : "-", want ? want : "-") != 0)
        fail_msg("case %zu: %s, not %s", i, got ? got : "-", want ? want : "-");
}

static void test_authorities(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct settings s = { .cert = str_of(cases[i].cert) };
        struct route r = { 0 };
        struct err e = { 0 };
        assert_int_equal(route_find(&s, cases[i].env, &r, &e) != 0, cases[i].error != NULL);
        assert_text(i, r.ca_file, cases[i].file);
        assert_text(i, r.ca_directory, cases[i].directory);
        assert_text(i, r.unread, cases[i].unread);
        if (cases[i].error && !strstr(err_text(&e), cases[i].error))
            fail_msg("case %zu: %s", i, err_text(&e));
        err_done(&e);
        route_done(&r);
    }
}

/* --proxy (NULL: not given), --no-proxy-env, the host of the proxy (NULL: none) */
static const struct {
    const char *proxy;
    bool no_proxy_env;
    const char *host;
} proxies[] = {
    { NULL, false, "env.example" },
    { NULL, true, NULL },
    { "http://said.example", false, "said.example" },
    { "http://said.example", true, "said.example" },
    { "", false, NULL },
    { "", true, NULL },
};

static void test_proxies(void **state)
{
    const char *const env[] = { "https_proxy=http://env.example", NULL };

    (void)state;
    for (size_t i = 0; i < sizeof(proxies) / sizeof(*proxies); i++) {
        struct settings s = { .proxy = str_of(proxies[i].proxy),
                              .no_proxy_env = proxies[i].no_proxy_env };
        struct route r = { 0 };
        struct err e = { 0 };
        assert_int_equal(route_find(&s, env, &r, &e), 0);
        assert_text(i, r.proxies.for_https.host, proxies[i].host);
        route_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authorities),
        cmocka_unit_test(test_proxies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
