/* The table of the machines, and the diagram that the README draws of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "dray/fetch/fetch.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"

/* -- the table -- */

static const char *const state_words[] = {
#define STATE_WORD(state, name, told) #state,
    FETCH_STATES(STATE_WORD)
#undef STATE_WORD
};

static bool lawful(unsigned from, unsigned to)
{
    return fetch_step_is_lawful((enum fetch_state)from, (enum fetch_state)to);
}

/* The set of states that can come after `from`, however much later. */
static unsigned reachable(unsigned from)
{
    unsigned seen = 1u << from, before = 0;

    while (seen != before) {
        before = seen;
        for (unsigned s = 0; s < FETCH_STATE_COUNT; s++)
            for (unsigned t = 0; t < FETCH_STATE_COUNT; t++)
                if ((before & (1u << s)) && lawful(s, t))
                    seen |= 1u << t;
    }
    return seen;
}

static void test_table(void **state)
{
    (void)state;
    assert_int_equal(reachable(FETCH_LOOKUP), (1u << FETCH_STATE_COUNT) - 1);
    for (unsigned s = 0; s < FETCH_STATE_COUNT; s++) {
        bool final = s == FETCH_DONE || s == FETCH_FAILED;
        assert_int_equal(reachable(s) == 1u << s, final); /* nothing leads out of the end */
        assert_false(lawful(s, s));
        assert_false(lawful(s, FETCH_LOOKUP)); /* nobody is born twice */
        if (!final &&
            !((reachable(s) & (1u << FETCH_DONE)) && (reachable(s) & (1u << FETCH_FAILED))))
            fail_msg("from %s there is no way to both ends", state_words[s]);
    }
    /* Nothing comes under its name that was not verified. */
    for (unsigned s = 0; s < FETCH_STATE_COUNT; s++)
        if (lawful(s, FETCH_PLACE))
            assert_true(s == FETCH_HASH || s == FETCH_PROBE || s == FETCH_BUILD);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned s = 0; s < FETCH_STATE_COUNT; s++) {
        const char *name = fetch_state_name((enum fetch_state)s);
        assert_true(str_eq_nocase(str_of(name), str_of(state_words[s])));
        assert_true(fetch_state_told((enum fetch_state)s)[0] != '\0');
        for (unsigned t = 0; t < s; t++)
            assert_string_not_equal(name, fetch_state_name((enum fetch_state)t));
    }
    for (unsigned k = 0; k < EVENT_COUNT; k++)
        for (unsigned other = 0; other < k; other++)
            assert_string_not_equal(event_name((enum event_kind)k),
                                    event_name((enum event_kind)other));
}

/* -- the README -- */

static void add_steps(struct buf *out)
{
    for (unsigned s = 0; s < FETCH_STATE_COUNT; s++)
        for (unsigned t = 0; t < FETCH_STATE_COUNT; t++)
            if (lawful(s, t))
                buf_add_f(out, "    %s --> %s\n", state_words[s], state_words[t]);
}

/* The arrows of the block between the two marks; those from and to "[*]" are the diagram's own. */
static void add_arrows(struct str text, struct buf *out)
{
    ptrdiff_t from = str_search(text, STR("<!-- states -->")),
              to = str_search(text, STR("<!-- /states -->"));

    text = from >= 0 && to > from ? str_sub(text, (size_t)from, (size_t)to) : STR_NONE;
    if (str_search(text, STR("```mermaid\nstateDiagram-v2\n")) < 0)
        return;
    while (text.p) {
        struct str line = str_cut(text, '\n', &text);
        if (str_search(line, STR(" --> ")) >= 0 && str_search(line, STR("[*]")) < 0)
            buf_add_f(out, "%.*s\n", STR_ARG(line));
    }
}

static void test_diagram_in_readme(void **state)
{
    struct buf readme = { 0 }, want = { 0 }, got = { 0 };
    struct err e = { 0 };

    (void)state;
    int code = file_read(TEST_README, LIMIT_CONFIG_BYTES, &readme, &e);
    add_steps(&want);
    add_arrows(buf_str(&readme), &got);
    bool same = str_eq(buf_str(&got), buf_str(&want));
    if (!same)
        fprintf(stderr,
                "%s\nexpected in README.md:\n<!-- states -->\n```mermaid\nstateDiagram-v2\n"
                "    [*] --> LOOKUP\n%s    DONE --> [*]\n    FAILED --> [*]\n```\n"
                "<!-- /states -->\n",
                err_text(&e), buf_z(&want));
    buf_done(&readme);
    buf_done(&want);
    buf_done(&got);
    err_done(&e);
    assert_int_equal(code, 0);
    assert_true(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_diagram_in_readme),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
