/* A map keeps the order of insertion, and finds what is in it and nothing else, however many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/util/arena.h"
#include "dray/util/map.h"

static void test_empty(void **state)
{
    struct map m = { 0 };

    (void)state;
    assert_null(map_get(&m, STR("a")));
    assert_null(map_get(&m, STR_NONE));
    map_done(&m);
    map_done(&m);
    map_done(NULL);
}

static void test_keys_are_bytes(void **state)
{
    struct map m = { 0 };
    int values[5];
    struct str keys[] = { STR(""), STR("a"), STR("A"), { "a\0", 2 }, { "a\0b", 3 } };

    (void)state;
    for (size_t i = 0; i < 5; i++)
        map_put(&m, keys[i], &values[i]);
    assert_int_equal(m.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(map_get(&m, keys[i]), &values[i]);
    assert_ptr_equal(map_get(&m, STR_NONE), &values[0]); /* equal to "" */
    assert_null(map_get(&m, (struct str){ "a\0c", 3 }));
    map_done(&m);
}

static void test_replacing(void **state)
{
    struct map m = { 0 };
    int old, new, other;
    char first[] = "key", second[] = "key";

    (void)state;
    map_put(&m, str_of(first), &old);
    map_put(&m, STR("other"), &other);
    map_put(&m, str_of(second), &new);
    assert_int_equal(m.n, 2);
    assert_ptr_equal(m.entries[0].key.p, first);
    assert_ptr_equal(m.entries[0].value, &new);
    assert_ptr_equal(map_get(&m, STR("key")), &new);
    assert_ptr_equal(map_get(&m, STR("other")), &other);
    map_done(&m);
}

static void test_drop_first(void **state)
{
    enum { KEYS = 100 };
    struct arena a = { 0 };
    struct map m = { 0 };
    char values[KEYS];

    (void)state;
    map_drop_first(&m, 0);
    for (int i = 0; i < KEYS; i++)
        map_put(&m, arena_f(&a, "%d", i), &values[i]);
    map_drop_first(&m, 30);
    assert_int_equal(m.n, KEYS - 30);
    for (int i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&m, arena_f(&a, "%d", i)), i < 30 ? NULL : &values[i]);
    assert_ptr_equal(m.entries[0].value, &values[30]);
    map_drop_first(&m, m.n);
    assert_null(map_get(&m, STR("99")));
    map_put(&m, STR("99"), &values[0]);
    assert_ptr_equal(map_get(&m, STR("99")), &values[0]);
    map_done(&m);
    arena_done(&a);
}

/* Through many growths; every second key is looked for in vain. */
static void test_many(void **state)
{
    enum { KEYS = 20000 };
    struct arena a = { 0 };
    struct map m = { 0 };
    static char values[KEYS];

    (void)state;
    for (int i = 0; i < KEYS; i++) {
        map_put(&m, arena_f(&a, "key-%d", 2 * i), &values[i]);
        if (map_get(&m, arena_f(&a, "key-%d", i)) != (i % 2 ? NULL : &values[i / 2]))
            fail_msg("after %d: key-%d is wrong", i, i);
    }
    assert_int_equal(m.n, KEYS);
    for (int i = 0; i < KEYS; i++) {
        assert_ptr_equal(m.entries[i].value, &values[i]);
        assert_ptr_equal(map_get(&m, m.entries[i].key), &values[i]);
    }
    assert_true(m.n_slots > m.n && m.n_slots < 4 * (size_t)KEYS);
    map_done(&m);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_keys_are_bytes),
        cmocka_unit_test(test_replacing), cmocka_unit_test(test_drop_first),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
