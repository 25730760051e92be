/* One error: its code, its sentence, and where it was wrapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "dray/util/err.h"

static void test_none(void **state)
{
    struct err e = { 0 };

    (void)state;
    assert_string_equal(err_text(&e), "");
    assert_string_equal(err_name(0), "ok");
    err_done(&e);
    err_done(NULL);
}

static void test_set(void **state)
{
    struct err e = { 0 };

    (void)state;
    assert_int_equal(err_set(&e, ERR_HASH, "%s is %d", "it", 7), ERR_HASH);
    assert_int_equal(e.code, ERR_HASH);
    assert_string_equal(err_text(&e), "it is 7");
    assert_int_equal(err_set(&e, ERR_IO, "now: %s", err_text(&e)), ERR_IO); /* may quote the old */
    assert_string_equal(err_text(&e), "now: it is 7");
    err_done(&e);
    assert_true(e.code == 0 && e.text == NULL);
    err_done(&e);
}

static void test_wrap(void **state)
{
    struct err e = { 0 };

    (void)state;
    err_set(&e, ERR_INPUT, "column 3: expected \"%%\"");
    assert_int_equal(err_wrap(&e, "line %d", 12), ERR_INPUT);
    assert_int_equal(err_wrap(&e, "%s", "x.txt"), ERR_INPUT);
    assert_int_equal(e.code, ERR_INPUT);
    assert_string_equal(err_text(&e), "x.txt: line 12: column 3: expected \"%\"");
    err_wrap(&e, "%s", err_text(&e));
    assert_string_equal(err_text(&e), "x.txt: line 12: column 3: expected \"%\": "
                                      "x.txt: line 12: column 3: expected \"%\"");
    err_done(&e);
}

/* A text with "%" in it is text, not a format, wherever it came from. */
static void test_wrap_keeps_percent(void **state)
{
    struct err e = { 0 };

    (void)state;
    err_set(&e, ERR_INPUT, "%s", "%n%s%d");
    err_wrap(&e, "%s", "100%s");
    assert_string_equal(err_text(&e), "100%s: %n%s%d");
    err_done(&e);
}

static void test_errno(void **state)
{
    static const struct {
        int number, code;
    } cases[] = {
        { ENOSPC, ERR_SPACE }, { EDQUOT, ERR_SPACE }, { EACCES, ERR_IO },
        { ENOENT, ERR_IO },    { EIO, ERR_IO },       { ENAMETOOLONG, ERR_IO },
    };
    struct err e = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        errno = cases[i].number;
        assert_int_equal(err_errno(&e, "can't %s %s", "open", "x"), cases[i].code);
        assert_non_null(strstr(err_text(&e), strerror(cases[i].number)));
        assert_ptr_equal(strstr(err_text(&e), "can't open x: "), err_text(&e));
    }
    err_done(&e);
}

static void test_move(void **state)
{
    struct err from = { 0 }, to = { 0 };

    (void)state;
    err_set(&to, ERR_IO, "old");
    err_set(&from, ERR_HASH, "new");
    assert_int_equal(err_move(&to, &from), ERR_HASH);
    assert_string_equal(err_text(&to), "new");
    assert_true(from.code == 0 && from.text == NULL);
    assert_int_equal(err_move(&to, &from), 0); /* nothing moved is no error */
    assert_true(to.code == 0 && to.text == NULL);
}

/* Each code has a name of its own that a machine can read. */
static void test_names(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_USAGE), "usage");
    assert_string_equal(err_name(ERR_CHILD), "child");
    assert_string_equal(err_name(ERR_NOT_FOUND), "not-found");
    assert_string_equal(err_name(ERR_FIRST), "unknown");
    assert_string_equal(err_name(ERR_LAST), "unknown");
    assert_string_equal(err_name(1), "unknown");
    assert_string_equal(err_name(-1000), "unknown");
    for (int i = ERR_FIRST + 1; i < ERR_LAST; i++) {
        const char *name = err_name(i);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
        for (int k = ERR_FIRST + 1; k < i; k++)
            assert_string_not_equal(name, err_name(k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),  cmocka_unit_test(test_set),
        cmocka_unit_test(test_wrap),  cmocka_unit_test(test_wrap_keeps_percent),
        cmocka_unit_test(test_errno), cmocka_unit_test(test_move),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
