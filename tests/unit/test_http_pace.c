/* net/http_pace by a table: what happens to a host, and the limit after each of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "dray/net/http_pace.h"
#include "dray/util/buf.h"
#include "dray/util/str.h"

/* "xN": a request of this round came to trouble with N under way; "oN": one of the round before;
 * "gN": N good answers of this round; "pN": N of the round before. */
static const struct {
    unsigned most;
    const char *story, *limits;
} stories[] = {
    { 50, "x50", "25" },
    { 50, "x50 x25 x12 x6 x3 x1 x1", "25 12 6 3 1 1 1" }, /* never below one */
    { 50, "x50 o50 o50 o50", "25 25 25 25" },             /* a burst counts once */
    { 50, "x50 x25 o20 o20", "25 12 12 12" },
    { 50, "x20", "10" }, /* a limit that was out of reach says nothing */
    { 50, "x1", "4" },   /* nor does a lone one say much */
    { 50, "x1 x1 x1", "4 2 1" },
    { 1, "x1 g100", "1 1" },
    { 2, "x2 g7 g1 g100", "1 1 2 2" },
    { 50, "g1000", "50" },
    { 50, "x50 g8 g8 g7 g1", "25 26 27 27 28" },
    { 50, "x50 p100 g8", "25 25 26" }, /* what was sent before the lowering is no proof */
    { 50, "x50 g7 x25 g7 g1", "25 25 12 12 13" }, /* counted anew */
    { 50, "x50 g400", "25 50" },                  /* up to what it was */
};

static void tell(struct http_pace *p, char what, unsigned n)
{
    unsigned limit = p->limit;

    for (unsigned i = 0; (what == 'g' || what == 'p') && i < n; i++) {
        unsigned before = p->limit;
        bool higher = http_pace_good(p, what == 'g' ? p->round : p->round - 1);
        assert_int_equal(higher, p->limit > before);
    }
    if (what == 'x') {
        bool lower = http_pace_trouble(p, p->round, n);
        assert_int_equal(lower, p->limit < limit);
    }
    if (what == 'o')
        assert_false(http_pace_trouble(p, p->round - 1, n));
}

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct str rest = str_of(stories[i].story);
        struct buf limits = { 0 };
        struct http_pace p;

        http_pace_init(&p, stories[i].most);
        while (rest.n) {
            struct str word = str_cut(rest, ' ', &rest);
            uint64_t n = 0;
            assert_true(str_to_u64(str_sub(word, 1, word.n), UINT32_MAX, &n));
            tell(&p, word.p[0], (unsigned)n);
            buf_add_f(&limits, "%s%u", limits.n ? " " : "", p.limit);
        }
        assert_string_equal(buf_z(&limits), stories[i].limits);
        buf_done(&limits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_stories) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
