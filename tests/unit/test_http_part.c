/* net/http_part by a table: so many seats, who is there, for how long each keeps a seat, and what
 * part of all the seats' time each had in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/net/http_part.h"

enum { USERS = 4, SEATS = 20, ROUNDS = 12000 };

struct user {
    struct http_part part;
    bool wants;
    unsigned given, seat_time;
};

static const struct {
    const char *name;
    unsigned seats;
    unsigned weight[USERS], keeps[USERS]; /* a seat, for so many rounds; 0: is not there */
    unsigned percent[USERS], within;
} stories[] = {
    { "alone", 20, { 1 }, { 3 }, { 100 }, 0 },
    { "alike", 20, { 1, 1 }, { 5, 5 }, { 50, 50 }, 1 },
    { "four times", 20, { 1, 4 }, { 5, 5 }, { 20, 80 }, 1 },
    { "one seat", 1, { 1, 4 }, { 5, 5 }, { 20, 80 }, 1 },
    { "three seats", 3, { 1, 4 }, { 5, 5 }, { 20, 80 }, 4 },
    { "three of them", 20, { 1, 1, 2 }, { 4, 4, 4 }, { 25, 25, 50 }, 1 },
    { "four of them", 7, { 1, 1, 1, 1 }, { 4, 4, 4, 4 }, { 25, 25, 25, 25 }, 1 },
    /* Of long and of short ones, seats count. */
    { "long ones", 20, { 1, 1 }, { 400, 1 }, { 50, 50 }, 3 },
    { "long ones, heavy", 20, { 4, 1 }, { 400, 1 }, { 80, 20 }, 3 },
    { "nothing is nothing", 20, { 0, 1 }, { 5, 5 }, { 50, 50 }, 1 },
    { "beyond the cap", 20, { UINT32_MAX, 1000 }, { 5, 5 }, { 50, 50 }, 1 },
};

static bool wants(const struct http_part *p)
{
    return ((const struct user *)(const void *)p)->wants;
}

struct seat {
    struct user *user;
    unsigned until;
};

static void play(size_t which, struct user *users)
{
    struct http_parts all = { 0 };
    struct seat seats[SEATS] = { { 0 } };

    for (unsigned i = 0; i < USERS; i++) {
        users[i].wants = stories[which].keeps[i] > 0;
        http_parts_add(&all, &users[i].part, stories[which].weight[i]);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned s = 0; s < stories[which].seats; s++) {
            if (seats[s].user && seats[s].until > round)
                continue;
            if (seats[s].user)
                seats[s].user->part.n--;
            struct user *u = (struct user *)(void *)http_parts_choose(&all, wants);
            assert_non_null(u);
            http_parts_give(&all, &u->part);
            seats[s] = (struct seat){ u, round + stories[which].keeps[u - users] };
        }
        for (unsigned s = 0; s < stories[which].seats; s++)
            seats[s].user->seat_time++;
    }
}

static void test_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        struct user users[USERS] = { 0 };
        play(i, users);
        for (unsigned k = 0; k < USERS; k++) {
            double had = 100.0 * users[k].seat_time / ROUNDS / stories[i].seats;
            double off = had - stories[i].percent[k];
            if (off > stories[i].within || -off > stories[i].within)
                fail_msg("%s: the %u. had %.1f percent, not %u", stories[i].name, k + 1, had,
                         stories[i].percent[k]);
        }
    }
}

static struct user *turn(struct http_parts *all)
{
    struct user *u = (struct user *)(void *)http_parts_choose(all, wants);

    if (!u)
        return NULL;
    http_parts_give(all, &u->part);
    u->part.n--;
    u->given++;
    return u;
}

/* Who asked for nothing, for long, is one of two afterwards, and no more. */
static void test_no_credit(void **state)
{
    struct http_parts all = { 0 };
    struct user busy = { .wants = true }, idle = { .wants = false };

    (void)state;
    http_parts_add(&all, &busy.part, 1);
    http_parts_add(&all, &idle.part, 1);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(turn(&all), &busy);
    idle.wants = true;
    busy.given = 0;
    for (int i = 0; i < 20; i++)
        turn(&all);
    assert_int_equal(busy.given, 10);
    assert_int_equal(idle.given, 10);
}

/* Nor has who was served first because it had fewer seats lost any turns by that. */
static void test_no_debt(void **state)
{
    struct http_parts all = { 0 };
    struct user quick = { .wants = true }, slow = { .wants = true };

    (void)state;
    http_parts_add(&all, &quick.part, 1);
    http_parts_add(&all, &slow.part, 1);
    slow.part.n = 5;
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(turn(&all), &quick);
    slow.part.n = 0;
    quick.given = 0;
    for (int i = 0; i < 20; i++)
        turn(&all);
    assert_int_equal(quick.given, 10);
}

static void test_come_and_go(void **state)
{
    struct http_parts all = { 0 };
    struct user a = { .wants = true }, b = { .wants = true }, c = { .wants = true };

    (void)state;
    assert_null(turn(&all));
    http_parts_add(&all, &a.part, 1);
    http_parts_add(&all, &b.part, 1);
    http_parts_add(&all, &c.part, 1);
    http_parts_remove(&all, &b.part);
    assert_ptr_equal(turn(&all), &a);
    assert_ptr_equal(turn(&all), &c);
    http_parts_remove(&all, &a.part);
    assert_ptr_equal(turn(&all), &c);
    c.wants = false;
    assert_null(turn(&all));
    http_parts_remove(&all, &c.part);
    assert_null(all.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_no_credit),
        cmocka_unit_test(test_no_debt),
        cmocka_unit_test(test_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
