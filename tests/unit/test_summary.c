/* Closing lines stand in tests/data/summary/closing.case; here is what comes before them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>

#include "case.h"
#include "dray/ui/summary.h"
#include "dray/util/mem.h"

enum { FETCHES_MAX = 64 };

/* A run that is over. */
struct ended {
    struct fetch_view views[FETCHES_MAX];
    const struct fetch_view *fetches[FETCHES_MAX];
    struct job_result result;
    struct err run;
    struct summary_options options;
};

static struct fetch_view *ended_add(struct ended *r, enum fetch_state state, const char *label)
{
    struct fetch_view *v = &r->views[r->result.n];

    assert_true(r->result.n < FETCHES_MAX);
    r->options.dest = STR("wheels");
    r->result.fetches = r->fetches;
    r->fetches[r->result.n] = v;
    *v = (struct fetch_view){ .order = r->result.n++, .label = str_of(label), .state = state };
    if (state == FETCH_DONE)
        v->path = STR("wheels/a.whl");
    return v;
}

static void ended_fail(struct ended *r, const char *label, int code, const char *text)
{
    err_set(&ended_add(r, FETCH_FAILED, label)->err, code, "%s", text);
    r->result.failed++;
}

/* What is printed; free(). */
static char *ended_print(struct ended *r)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    r->options.dest = STR("wheels");
    summary_print(f, &r->options, &r->result, &r->run);
    fclose(f);
    return text;
}

static void ended_expect(struct ended *r, const char *want)
{
    char *text = ended_print(r);

    assert_string_equal(text, want);
    free(text);
    for (size_t i = 0; i < r->result.n; i++)
        err_done(&r->views[i].err);
    err_done(&r->run);
}

static uint64_t number(struct case_line *c, size_t field)
{
    uint64_t n = 0;

    if (!str_to_u64(c->fields[field], UINT64_MAX, &n))
        fail_msg("%s:%u: field %zu is no number", c->file, c->number, field + 1);
    return n;
}

static void check_closing(struct case_line *c, void *ctx)
{
    struct ended r = { 0 };
    uint64_t total = number(c, 0);
    bool is_int = str_is(c->fields[6], "INT"), is_term = str_is(c->fields[6], "TERM");

    (void)ctx;
    r.result.fetched = number(c, 1);
    r.result.kept = number(c, 2);
    r.result.fetched_bytes = number(c, 4);
    r.result.took_us = number(c, 5) * 1000;
    r.result.signal = is_int ? SIGINT : is_term ? SIGTERM : 0;
    for (uint64_t i = 0; i < r.result.fetched + r.result.kept; i++)
        ended_add(&r, FETCH_DONE, "a");
    for (uint64_t i = 0; i < number(c, 3); i++)
        ended_fail(&r, "b", r.result.signal ? ERR_INTERRUPTED : ERR_NOT_FOUND, "gone");
    while (r.result.n < total)
        ended_add(&r, FETCH_BODY, "c");

    char *text = ended_print(&r);
    struct str last = str_trim(str_of(text));
    ptrdiff_t above = str_rfind(last, '\n');
    case_equal(c, str_sub(last, above < 0 ? 0 : (size_t)above + 1, last.n), c->fields[7]);
    if (r.result.signal) /* what was merely under way is no error */
        assert_true(above < 0);
    free(text);
    for (size_t i = 0; i < r.result.n; i++)
        err_done(&r.views[i].err);
}

static void test_closing(void **state)
{
    (void)state;
    assert_true(case_each("summary/closing.case", 15, check_closing, NULL));
}

static void test_errors_in_order(void **state)
{
    struct ended r = { .run = { 0 } };

    (void)state;
    ended_fail(&r, "nosuch", ERR_NOT_FOUND, "no such project");
    ended_add(&r, FETCH_DONE, "six");
    ended_fail(&r, "flask==9", ERR_NO_MATCH, "no version fits\nthere are 1.0, 2.0");
    r.result.kept = 1;
    err_set(&r.run, ERR_NOT_FOUND, "2 of 3 requirements failed");
    ended_expect(&r, "error: nosuch: no such project\n"
                     "error: flask==9: no version fits\n"
                     "    there are 1.0, 2.0\n"
                     "Nothing was fetched; 1 was there already; 2 failed.\n");
}

/* Wrong hashes together at the end, whatever their order. */
static void test_hashes(void **state)
{
    struct ended r = { .run = { 0 } };

    (void)state;
    ended_fail(&r, "flask==3.0.2", ERR_HASH, "Expected sha256 aa\n     or bb\nGot cc");
    ended_fail(&r, "nosuch", ERR_NOT_FOUND, "no such project");
    ended_fail(&r, "six==1.0", ERR_HASH, "Expected sha256 dd\nGot ee");
    r.options.quiet = 1;
    ended_expect(&r,
                 "error: nosuch: no such project\n"
                 "error: 2 files did not have the hash that was promised and were not kept. If you "
                 "have changed versions, renew the hashes too; if not, someone may have tampered "
                 "with them:\n"
                 "    flask==3.0.2:\n"
                 "        Expected sha256 aa\n"
                 "             or bb\n"
                 "        Got cc\n"
                 "    six==1.0:\n"
                 "        Expected sha256 dd\n"
                 "        Got ee\n");
}

static void test_one_hash_in_colour(void **state)
{
    struct ended r = { .run = { 0 } };

    (void)state;
    ended_fail(&r, "six\x1b[2J", ERR_HASH, "Expected sha256 dd\nGot \x1b[31mee");
    r.options.quiet = 2;
    r.options.colour = true;
    ended_expect(&r, "\x1b[1;31merror:\x1b[0m 1 file did not have the hash that was promised and "
                     "was not kept. If you have changed versions, renew the hashes too; if not, "
                     "someone may have tampered with it:\n"
                     "    six\\x1b[2J:\n"
                     "        Expected sha256 dd\n"
                     "        Got \\x1b[31mee\n");
}

/* An error of the run as a whole: nothing was begun, so nothing is counted. */
static void test_run_error(void **state)
{
    struct ended r = { .run = { 0 } };

    (void)state;
    err_set(&r.run, ERR_NOT_FOUND, "requirements.txt does not exist");
    ended_expect(&r, "error: requirements.txt does not exist\n");
}

static void test_dry_run(void **state)
{
    struct ended r = { .run = { 0 } };

    (void)state;
    ended_add(&r, FETCH_DONE, "six")->path = STR_NONE;
    ended_add(&r, FETCH_DONE, "flask")->path = STR_NONE;
    ended_add(&r, FETCH_DONE, "numpy");
    r.views[0].body_bytes = 11053;
    r.views[1].body_bytes = FETCH_BYTES_UNKNOWN;
    r.result.fetched = 2;
    r.result.kept = 1;
    ended_expect(&r, "Would fetch 2 files, 11 kB; 1 was there already.\n");
}

static void test_turns(void **state)
{
    struct loop_turns turns = { 0 };
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    (void)state;
    summary_print_turns(f, &turns);
    turns = (struct loop_turns){ .count = 5120, .p99_us = 3449, .max_us = 12051 };
    summary_print_turns(f, &turns);
    fclose(f);
    assert_string_equal(text, "loop: 5120 turns, p99 3.4 ms, longest 12.0 ms\n");
    free(text);
}

static void test_quiet(void **state)
{
    struct ended r = { .options = { .quiet = 1 } };

    (void)state;
    ended_add(&r, FETCH_DONE, "six");
    r.result.fetched = 1;
    ended_expect(&r, "");
    r = (struct ended){ .options = { .quiet = 1 }, .result = { .signal = SIGINT } };
    ended_expect(&r, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closing),   cmocka_unit_test(test_errors_in_order),
        cmocka_unit_test(test_hashes),    cmocka_unit_test(test_one_hash_in_colour),
        cmocka_unit_test(test_run_error), cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_quiet),     cmocka_unit_test(test_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
