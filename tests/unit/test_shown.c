/* tests/data/shown/cut.case; the rest (widths of whatever bytes) is tests/fuzz/fuzz_shown.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>

#include "case.h"
#include "dray/ui/shown.h"

static bool enter_locale(struct str name)
{
    if (str_is(name, "ascii"))
        return setlocale(LC_CTYPE, "C") != NULL;
    return (setlocale(LC_CTYPE, "C.UTF-8") || setlocale(LC_CTYPE, "en_US.UTF-8")) &&
           shown_is_utf8();
}

static void check_cut(struct case_line *c, void *ctx)
{
    struct buf got = { 0 };
    uint64_t width = 0;

    (void)ctx;
    if (!enter_locale(c->fields[0]))
        return;
    buf_add_c(&got, '[');
    if (str_to_u64(c->fields[1], 1000, &width))
        shown_add_cut(&got, c->fields[2], width);
    else
        shown_add(&got, c->fields[2]);
    buf_add_c(&got, ']');
    case_equal(c, buf_str(&got), c->fields[3]);
    buf_done(&got);
}

static void test_cut(void **state)
{
    (void)state;
    assert_true(case_each("shown/cut.case", 25, check_cut, NULL));
}

static void test_lines(void **state)
{
    struct buf got = { 0 };

    (void)state;
    shown_add_lines(&got, STR("Expected\n\x1b\nGot\n"), 2);
    assert_string_equal(buf_z(&got), "Expected\n  \\x1b\n  Got\n  ");
    buf_done(&got);
}

/* What a terminal may take as it is stays; a CR that ends no line could hide what stands before it.
 */
static void test_text(void **state)
{
    struct buf got = { 0 };

    (void)state;
    shown_add_text(&got, STR("Name: a\r\n\tb\tc\n\nd\re\n\x1b[2J\r\r\n\r"));
    assert_string_equal(buf_z(&got), "Name: a\n\tb\tc\n\nd\\x0de\n\\x1b[2J\\x0d\n\\x0d");
    buf_reset(&got);
    shown_add_text(&got, STR_NONE);
    assert_int_equal(got.n, 0);
    buf_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cut), cmocka_unit_test(test_lines),
                                        cmocka_unit_test(test_text) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
