/* job/pip_env: what a pip hears of proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "dray/job/pip_env.h"
#include "dray/util/buf.h"

#define NONE "PIP_NO_PROXY_ENV=1 http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY"

/* --proxy (NULL: not given), --no-proxy-env, what is set and unset */
static const struct {
    const char *proxy;
    bool no_proxy_env;
    const char *said;
} cases[] = {
    { NULL, false, "" }, /* pip reads the environment itself */
    { NULL, true, NONE },
    { "http://me:secret@x:1", false, "PIP_PROXY=http://me:secret@x:1" },
    { "http://x:1", true, "PIP_PROXY=http://x:1" },
    { "", false, "PIP_PROXY " NONE },
    { "", true, "PIP_PROXY " NONE },
};

static void join(const struct strs *list, struct buf *out)
{
    for (size_t i = 0; i < list->n; i++)
        buf_add_f(out, "%s%.*s", i ? " " : "", STR_ARG(list->items[i]));
}

static void test_proxy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct settings s = { .proxy = str_of(cases[i].proxy),
                              .no_proxy_env = cases[i].no_proxy_env };
        struct buf said = { 0 };
        struct arena a = { 0 };
        struct strs out = { 0 };
        pip_env_of_proxy(&s, &a, &out);
        join(&out, &said);
        assert_string_equal(buf_z(&said), cases[i].said);
        pip_env_of(&s, &a, &out); /* has it, too */
        buf_reset(&said);
        join(&out, &said);
        assert_int_equal(strstr(buf_z(&said) + strlen(cases[i].said), cases[i].said) != NULL, true);
        buf_done(&said);
        strs_done(&out);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_proxy) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
