/* Which tag of a set a wheel gets stands in tests/data/tags; here is what holds for every set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/py/tags.h"

enum { TAGS = 16 };

static struct tag tag_of(struct str text)
{
    struct tag tag;

    tag.python = str_cut(text, '-', &text);
    tag.abi = str_cut(text, '-', &text);
    tag.platform = text;
    return tag;
}

static size_t tags_of(struct str text, struct tag out[static TAGS])
{
    size_t n = 0;

    while (text.p && n < TAGS)
        out[n++] = tag_of(str_cut(text, ' ', &text));
    return n;
}

static int rank(const struct tag_set *set, struct str tags)
{
    struct tag parts = tag_of(tags);
    struct wheel_name w = { .python_tags = parts.python,
                            .abi_tags = parts.abi,
                            .platform_tags = parts.platform };

    return tag_set_rank(set, &w);
}

static void check_rank(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct tag tags[TAGS];
    uint64_t want = 0;

    (void)ctx;
    const struct tag_set *set = tag_set_create(&a, tags, tags_of(c->fields[0], tags));
    int got = rank(set, c->fields[1]);
    bool none = str_is(c->fields[2], "none");
    bool ok = c->n == 3 &&
              (none ? got == TAG_NONE : str_to_u64(c->fields[2], TAGS, &want) && got == (int)want);
    if (!ok)
        case_fail(c, "got %d", got);
    arena_done(&a);
}

static void test_rank(void **state)
{
    (void)state;
    assert_true(case_each("tags/rank.case", 15, check_rank, NULL));
}

static void test_doubles(void **state)
{
    static const char *const kept[] = { "py3", "cp312", "py2" };
    struct arena a = { 0 };
    struct tag tags[TAGS];
    size_t n =
        tags_of(STR("py3-none-any CP312-None-Any PY3-none-any py2-none-any cp312-none-any"), tags);
    const struct tag_set *set = tag_set_create(&a, tags, n);

    (void)state;
    assert_int_equal(tag_set_count(set), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_is(tag_set_at(set, i)->python, kept[i]));
        assert_true(str_is(tag_set_at(set, i)->abi, "none"));
        assert_true(str_is(tag_set_at(set, i)->platform, "any"));
    }
    arena_done(&a);
}

static void test_empty(void **state)
{
    struct arena a = { 0 };
    const struct tag_set *set = tag_set_create(&a, NULL, 0);

    (void)state;
    assert_int_equal(tag_set_count(set), 0);
    assert_int_equal(rank(set, STR("py3-none-any")), TAG_NONE);
    arena_done(&a);
}

/* More words and tags than the first tables hold: each tag is found at its own place, and no
 * other is. */
static void test_many(void **state)
{
    enum { PYTHONS = 40, PLATFORMS = 300 };
    struct arena a = { 0 };
    struct tag *tags = arena_alloc(&a, (size_t)PYTHONS * PLATFORMS, sizeof(*tags));

    (void)state;
    for (int i = 0; i < PYTHONS * PLATFORMS; i++)
        tags[i] = (struct tag){ arena_f(&a, "cp%d", i / PLATFORMS), STR("abi3"),
                                arena_f(&a, "p%d", i % PLATFORMS) };
    const struct tag_set *set = tag_set_create(&a, tags, (size_t)PYTHONS * PLATFORMS);
    assert_int_equal(tag_set_count(set), PYTHONS * PLATFORMS);
    for (int i = 0; i < PYTHONS * PLATFORMS; i++) {
        int python = i / PLATFORMS, platform = i % PLATFORMS;
        assert_int_equal(rank(set, arena_f(&a, "cp%d-abi3-p%d", python, platform)), i);
        assert_int_equal(rank(set, arena_f(&a, "cp%d-abi3-p%d", python, platform + PLATFORMS)),
                         TAG_NONE);
    }
    assert_int_equal(rank(set, STR("cp0.cp39-abi3-p299")), PLATFORMS - 1);
    arena_done(&a);
}

/* A hostile name repeats what it can: 255 bytes, some 40 x 1 x 60 combinations if doubles
 * counted. */
static void test_repeated(void **state)
{
    struct arena a = { 0 };
    struct buf pythons = { 0 }, platforms = { 0 };
    struct tag tags[TAGS];
    const struct tag_set *set =
        tag_set_create(&a, tags, tags_of(STR("py2-none-any py3-none-a"), tags));

    (void)state;
    while (pythons.n + 4 < LIMIT_FILENAME_BYTES)
        buf_add_z(&pythons, pythons.n ? ".py3" : "py2");
    while (platforms.n + 2 < LIMIT_FILENAME_BYTES)
        buf_add_z(&platforms, platforms.n ? ".a" : "z");
    struct wheel_name w = { .python_tags = buf_str(&pythons),
                            .abi_tags = STR("none"),
                            .platform_tags = buf_str(&platforms) };
    assert_int_equal(tag_set_rank(set, &w), 1);
    buf_done(&pythons);
    buf_done(&platforms);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank), cmocka_unit_test(test_doubles),  cmocka_unit_test(test_empty),
        cmocka_unit_test(test_many), cmocka_unit_test(test_repeated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
