/* What is on its way into the store: one has it, all others wait, and whoever goes, whenever,
 * nobody is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "dray/fetch/flight.h"
#include "local_world.h"

enum { WAITERS = 5, MANY = 300 };

struct scene {
    struct local_world w;
    struct flights *flights;
    struct buf woken; /* the digits of those whose `go` was called, in order */
    struct waiter {
        struct flight flight;
        struct scene *scene;
    } waiters[WAITERS];
};

static void woken(void *ctx)
{
    struct waiter *one = ctx;

    buf_add_c(&one->scene->woken, (char)('0' + (one - one->scene->waiters)));
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    world_open(&s->w);
    s->flights = flights_create(s->w.loop);
    for (size_t i = 0; i < WAITERS; i++)
        s->waiters[i] =
            (struct waiter){ .flight = { .go = woken, .ctx = &s->waiters[i] }, .scene = s };
}

static void scene_close(struct scene *s)
{
    for (size_t i = 0; i < WAITERS; i++)
        flight_leave(&s->waiters[i].flight);
    flights_destroy(s->flights);
    buf_done(&s->woken);
    world_close(&s->w);
}

static bool enter(struct scene *s, size_t i, const char *key)
{
    return flight_enter(s->flights, &s->waiters[i].flight, str_of(key));
}

static void leave(struct scene *s, size_t i)
{
    flight_leave(&s->waiters[i].flight);
}

/* Those that were woken since the last time, in order. */
static void are_woken(struct scene *s, const char *who)
{
    world_settle(&s->w);
    assert_string_equal(buf_z(&s->woken), who);
    buf_reset(&s->woken);
}

/* The first has it on its way, all others wait. */
static void all_enter(struct scene *s)
{
    for (size_t i = 0; i < WAITERS; i++)
        assert_int_equal(enter(s, i, "x"), i == 0);
    are_woken(s, "");
}

static void test_all_are_woken(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    leave(&s, 0);
    assert_int_equal(s.woken.n, 0); /* later, never from inside */
    are_woken(&s, "1234");
    leave(&s, 0); /* once more is allowed, and so is one that was woken */
    leave(&s, 1);
    are_woken(&s, "");
    assert_true(enter(&s, 2, "x"));
    scene_close(&s);
}

/* It was not there after all: one of those that waited is next, and the others wait for that. */
static void test_the_next_owner(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    for (size_t owner = 0; owner + 1 < WAITERS; owner++) {
        leave(&s, owner);
        world_settle(&s.w);
        assert_int_equal(s.woken.n, WAITERS - owner - 1);
        buf_reset(&s.woken);
        for (size_t i = owner + 1; i < WAITERS; i++) {
            assert_true(s.waiters[i].flight.waited);
            assert_int_equal(enter(&s, i, "x"), i == owner + 1);
        }
    }
    scene_close(&s);
}

static void test_one_that_waits_gives_up(void **state)
{
    (void)state;
    for (size_t gone = 1; gone < WAITERS; gone++) {
        struct scene s;
        scene_open(&s);
        all_enter(&s);
        leave(&s, gone);
        are_woken(&s, "");
        leave(&s, 0);
        world_settle(&s.w);
        assert_int_equal(s.woken.n, WAITERS - 2);
        assert_null(strchr(buf_z(&s.woken), (int)('0' + gone)));
        assert_false(s.waiters[gone].flight.waited);
        scene_close(&s);
    }
}

/* Woken, and gone before its turn: the others have theirs all the same. */
static void test_a_woken_one_gives_up(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    leave(&s, 0);
    leave(&s, 2);
    are_woken(&s, "134");

    assert_true(enter(&s, 0, "x")); /* or enters again before it */
    assert_false(enter(&s, 1, "x"));
    leave(&s, 0);
    assert_true(enter(&s, 1, "x"));
    are_woken(&s, "");
    scene_close(&s);
}

static void test_somebody_came_first(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_true(enter(&s, 0, "x"));
    assert_false(enter(&s, 1, "x"));
    leave(&s, 0);
    assert_true(enter(&s, 2, "x")); /* before the woken one could look */
    are_woken(&s, "1");
    assert_false(enter(&s, 1, "x"));
    leave(&s, 2);
    are_woken(&s, "1");
    scene_close(&s);
}

/* Who has it on its way may enter again (another attempt), and wakes nobody by that; under another
 * name it gives up the first. */
static void test_entering_again(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    assert_true(enter(&s, 0, "x"));
    are_woken(&s, "");
    assert_false(enter(&s, 1, "x")); /* goes to the end of the line */
    assert_true(enter(&s, 0, "y"));
    are_woken(&s, "2341");
    assert_true(enter(&s, 1, "x"));
    scene_close(&s);
}

static void test_once(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(flight_enter_once(s.flights, &s.waiters[i].flight, STR("x")), i == 0);
    leave(&s, 0);
    are_woken(&s, "12");
    for (size_t i = 1; i < 3; i++) /* none of the two waits for the other */
        assert_true(flight_enter_once(s.flights, &s.waiters[i].flight, STR("x")));
    /* Whoever comes new waits for the first of them. */
    assert_false(flight_enter_once(s.flights, &s.waiters[3].flight, STR("x")));
    leave(&s, 2);
    are_woken(&s, "");
    leave(&s, 1);
    are_woken(&s, "3");
    scene_close(&s);
}

/* -- bodies -- */

static bool enter_body(struct scene *s, size_t i, const struct promise *p, const char *url)
{
    return flight_enter_body(s->flights, &s->waiters[i].flight, p, str_of(url));
}

static void test_bodies_by_digest(void **state)
{
    struct digest sha256 = digest_sha256(STR("a wheel")), other = digest_sha256(STR("another"));
    struct promise listed = { .listed = &sha256, .n_listed = 1 };
    struct promise allowed = { .allowed = &sha256, .n_allowed = 1 };
    struct promise wrong = { .listed = &other, .n_listed = 1 };
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_true(enter_body(&s, 0, &listed, "https://a.example.org/x"));
    assert_false(enter_body(&s, 1, &allowed, "https://b.example.org/x"));
    assert_true(enter_body(&s, 2, &wrong, "https://a.example.org/x"));
    leave(&s, 0);
    are_woken(&s, "1");
    assert_true(enter_body(&s, 3, &listed, "https://a.example.org/x"));
    assert_false(enter_body(&s, 1, &allowed, "https://b.example.org/x")); /* as often as need be */
    scene_close(&s);
}

static void test_bodies_by_url(void **state)
{
    struct promise nothing = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_true(enter_body(&s, 0, &nothing, "https://me:secret@a.example.org/x"));
    assert_true(enter_body(&s, 1, &nothing, "https://a.example.org/x"));
    assert_false(enter_body(&s, 2, &nothing, "https://a.example.org/x"));
    leave(&s, 1);
    are_woken(&s, "2");
    assert_true(enter_body(&s, 3, &nothing, "https://a.example.org/x"));
    assert_true(enter_body(&s, 2, &nothing, "https://a.example.org/x")); /* it has waited once */
    scene_close(&s);
}

/* -- all together -- */

static void test_nobody_else(void **state)
{
    struct waiter one = { .flight = { .go = woken, .ctx = &one } };
    struct promise nothing = { 0 };

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_true(flight_enter(NULL, &one.flight, STR("x")));
        assert_true(flight_enter_once(NULL, &one.flight, STR("x")));
        assert_true(flight_enter_body(NULL, &one.flight, &nothing, STR("x")));
        flight_leave(&one.flight);
    }
    flights_destroy(NULL);
}

static void count(void *ctx)
{
    ++*(unsigned *)ctx;
}

/* More names than there is room for at first, each with one that waits. */
static void test_many_names(void **state)
{
    static struct flight owners[MANY], others[MANY];
    unsigned calls = 0;
    struct scene s;
    char key[16];

    (void)state;
    scene_open(&s);
    for (unsigned i = 0; i < MANY; i++) {
        owners[i] = (struct flight){ .go = count, .ctx = &calls };
        others[i] = owners[i];
        snprintf(key, sizeof(key), "%u", i);
        assert_true(flight_enter(s.flights, &owners[i], str_of(key)));
    }
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "%u", i);
        assert_false(flight_enter(s.flights, &others[i], str_of(key)));
    }
    for (unsigned i = 0; i < MANY; i += 2)
        flight_leave(&owners[i]);
    world_settle(&s.w);
    assert_int_equal(calls, MANY / 2);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof(key), "%u", i);
        assert_int_equal(flight_enter(s.flights, &others[i], str_of(key)), i % 2 == 0);
    }
    for (unsigned i = 0; i < MANY; i++) {
        flight_leave(&others[i]);
        flight_leave(&owners[i]);
    }
    world_settle(&s.w);
    assert_int_equal(calls, MANY / 2);
    scene_close(&s);
}

/* In every order of entering, leaving and turns of the loop: never two have one thing on its way,
 * and as long as whoever has it ends, all come to it. */
static void test_any_order(void **state)
{
    enum { ROUNDS = 300, STEPS = 60 };
    static const char *const keys[] = { "x", "y" };
    uint32_t random = 1;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct scene s;
        int wants[WAITERS]; /* a key, or -1 */
        scene_open(&s);
        for (size_t i = 0; i < WAITERS; i++)
            wants[i] = -1;
        for (unsigned step = 0; step < STEPS; step++) {
            random = random * 1664525 + 1013904223;
            size_t i = (random >> 16) % WAITERS;
            unsigned what = (random >> 24) % 4, key = (random >> 28) % 2;
            if (what == 0) {
                wants[i] = (int)key;
                enter(&s, i, keys[key]);
            } else if (what == 1) {
                leave(&s, i);
                wants[i] = -1;
            } else if (what == 2) {
                uv_run(loop_uv(s.w.loop), UV_RUN_NOWAIT);
            }
            unsigned owners[2] = { 0 };
            for (size_t k = 0; k < WAITERS; k++)
                if (s.waiters[k].flight.is_owner)
                    owners[wants[k]]++;
            assert_in_range(owners[0], 0, 1);
            assert_in_range(owners[1], 0, 1);
        }
        for (size_t left = 2 * WAITERS; left > 0; left--) {
            uv_run(loop_uv(s.w.loop), UV_RUN_NOWAIT);
            for (size_t i = 0; i < WAITERS; i++) {
                const struct flight *f = &s.waiters[i].flight;
                if (wants[i] < 0 || (f->flights && !f->is_owner)) /* waits */
                    continue;
                if (f->is_owner || enter(&s, i, keys[wants[i]])) {
                    leave(&s, i);
                    wants[i] = -1;
                }
            }
        }
        for (size_t i = 0; i < WAITERS; i++)
            assert_int_equal(wants[i], -1);
        scene_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_woken),
        cmocka_unit_test(test_the_next_owner),
        cmocka_unit_test(test_one_that_waits_gives_up),
        cmocka_unit_test(test_a_woken_one_gives_up),
        cmocka_unit_test(test_somebody_came_first),
        cmocka_unit_test(test_entering_again),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_bodies_by_digest),
        cmocka_unit_test(test_bodies_by_url),
        cmocka_unit_test(test_nobody_else),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
