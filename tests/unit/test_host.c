/* The line of those that wait for what one of them finds out about a server: whoever leaves it,
 * finished or not, and whenever, everybody else gets a turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "dray/fetch/host.h"
#include "dray/util/clock.h"
#include "local_world.h"
#include "store_world.h"

enum { WAITERS = 5 };

struct scene {
    struct local_world w;
    struct cache cache;
    struct hosts *hosts;
    struct host *host;
    struct waiter {
        struct host_wait wait;
        struct scene *scene;
        unsigned turns;
    } waiters[WAITERS];
};

static void take_turn(void *ctx)
{
    struct waiter *one = ctx;

    one->turns++;
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    world_open(&s->w);
    s->hosts = hosts_create(s->w.loop, &s->cache);
    s->host = hosts_find(s->hosts, STR("https://example.org/x.whl"));
    for (size_t i = 0; i < WAITERS; i++)
        s->waiters[i] =
            (struct waiter){ .wait = { .go = take_turn, .ctx = &s->waiters[i] }, .scene = s };
}

static void scene_close(struct scene *s)
{
    for (size_t i = 0; i < WAITERS; i++)
        host_leave(&s->waiters[i].wait);
    hosts_destroy(s->hosts);
    store_close(s->cache.store);
    world_close(&s->w);
}

static bool enter(struct scene *s, size_t i)
{
    return host_enter(s->host, HOST_SPAN, &s->waiters[i].wait);
}

static void leave(struct scene *s, size_t i)
{
    host_leave(&s->waiters[i].wait);
}

static void learn(struct scene *s, enum host_answer answer)
{
    host_learn(s->host, HOST_SPAN, answer);
}

/* How many have had a turn, and that nobody had two. */
static unsigned served(struct scene *s)
{
    unsigned n = 0;

    world_settle(&s->w);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_in_range(s->waiters[i].turns, 0, 1);
        n += s->waiters[i].turns;
    }
    return n;
}

/* The one that had a turn just now. */
static size_t next_served(struct scene *s)
{
    size_t found = WAITERS;

    world_settle(&s->w);
    for (size_t i = 0; i < WAITERS; i++) {
        if (s->waiters[i].turns == 0)
            continue;
        assert_int_equal(found, WAITERS); /* no more than one */
        s->waiters[i].turns = 0;
        found = i;
    }
    return found;
}

/* The first goes on at once, all others wait. */
static void all_enter(struct scene *s)
{
    for (size_t i = 0; i < WAITERS; i++)
        assert_int_equal(enter(s, i), i == 0);
    assert_int_equal(served(s), 0);
}

static void test_one_finds_out(void **state)
{
    static const enum host_answer answers[] = { HOST_CAN, HOST_CANNOT };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene s;
        scene_open(&s);
        all_enter(&s);
        learn(&s, answers[i]);
        leave(&s, 0);
        for (size_t k = 0; k < WAITERS; k++)
            assert_int_equal(s.waiters[k].turns, 0); /* later, never from inside */
        assert_int_equal(served(&s), WAITERS - 1);
        assert_int_equal(host_can(s.host, HOST_SPAN), answers[i]);
        leave(&s, 0);              /* once more is allowed */
        assert_true(enter(&s, 0)); /* now it is known */
        scene_close(&s);
    }
}

/* What is seen of one skill tells of another: then nobody waits for who was to find it out. */
static void test_learned_by_another(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    learn(&s, HOST_CANNOT);
    assert_int_equal(served(&s), WAITERS - 1);
    leave(&s, 0);
    assert_int_equal(served(&s), WAITERS - 1);
    scene_close(&s);
}

static void test_the_prober_gives_up(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    leave(&s, 0);
    for (size_t left = WAITERS - 1; left > 0; left--) { /* each finds out nothing */
        size_t i = next_served(&s);
        assert_in_range(i, 1, WAITERS - 1);
        leave(&s, i);
    }
    assert_int_equal(next_served(&s), WAITERS);
    assert_true(enter(&s, 0)); /* the line is free again */
    scene_close(&s);
}

/* Woken, and gone before its turn came: then it is that of the next one. */
static void test_a_woken_one_gives_up(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    leave(&s, 0);
    size_t woken = WAITERS, others = 0;
    for (size_t i = 1; i < WAITERS; i++) {
        if (s.waiters[i].wait.task.queued)
            woken = i;
        else
            others++;
    }
    assert_int_equal(others, WAITERS - 2);
    leave(&s, woken);
    size_t next = next_served(&s);
    assert_true(next < WAITERS && next != woken);
    learn(&s, HOST_CAN);
    assert_int_equal(served(&s), WAITERS - 3);
    scene_close(&s);
}

/* Woken, but before its turn somebody new came, who finds out instead. */
static void test_somebody_came_first(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_true(enter(&s, 0));
    assert_false(enter(&s, 1));
    leave(&s, 0);
    assert_true(enter(&s, 2));
    assert_int_equal(served(&s), 0); /* it is back in the line */
    leave(&s, 2);
    assert_int_equal(next_served(&s), 1);

    assert_false(enter(&s, 3)); /* the same, and the woken one goes while another one probes */
    leave(&s, 1);
    assert_true(enter(&s, 4));
    leave(&s, 3);
    assert_int_equal(served(&s), 0);
    scene_close(&s);
}

/* Woken to find out, but before its turn it became known: the others must not be forgotten. */
static void test_known_before_its_turn(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    leave(&s, 0); /* wakes one */
    learn(&s, HOST_CANNOT);
    assert_int_equal(served(&s), WAITERS - 1);
    scene_close(&s);
}

static void test_one_that_waits_gives_up(void **state)
{
    struct scene s;

    (void)state;
    for (size_t gone = 1; gone < WAITERS; gone++) {
        scene_open(&s);
        all_enter(&s);
        leave(&s, gone);
        learn(&s, HOST_CAN);
        leave(&s, 0);
        assert_int_equal(served(&s), WAITERS - 2);
        assert_int_equal(s.waiters[gone].turns, 0);
        scene_close(&s);
    }
}

/* Who enters again gives up its place: who was to find out (another attempt) does so still. */
static void test_entering_again(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    all_enter(&s);
    assert_true(enter(&s, 0));
    assert_int_equal(served(&s), 0);
    leave(&s, 0);
    assert_in_range(next_served(&s), 1, WAITERS - 1);
    scene_close(&s);
}

static void test_lines_of_their_own(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    struct host *other = hosts_find(s.hosts, STR("https://example.org:8443/x.whl"));
    assert_true(enter(&s, 0));
    assert_true(host_enter(s.host, HOST_SUFFIX, &s.waiters[1].wait));
    assert_true(host_enter(other, HOST_SPAN, &s.waiters[2].wait));
    assert_false(enter(&s, 3));
    host_learn(s.host, HOST_SUFFIX, HOST_CAN);
    host_learn(other, HOST_SPAN, HOST_CAN);
    leave(&s, 1);
    leave(&s, 2);
    assert_int_equal(served(&s), 0);
    assert_int_equal(host_can(s.host, HOST_SPAN), HOST_UNKNOWN);
    leave(&s, 0);
    assert_int_equal(next_served(&s), 3);
    scene_close(&s);
}

/* In every order of entering, leaving and turns of the loop: as long as whoever is at work ends,
 * all get their turn, and without a verdict never two at a time. */
static void test_any_order(void **state)
{
    enum { ROUNDS = 300, STEPS = 40 };
    uint32_t random = 1;

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct scene s;
        bool inside[WAITERS] = { false };
        scene_open(&s);
        for (unsigned step = 0; step < STEPS; step++) {
            random = random * 1664525 + 1013904223;
            size_t i = (random >> 16) % WAITERS;
            unsigned what = (random >> 24) % 4;
            if (what == 0 && !inside[i]) {
                s.waiters[i].turns = enter(&s, i);
                inside[i] = true;
            } else if (what == 1 && inside[i]) {
                leave(&s, i);
                inside[i] = false;
                s.waiters[i].turns = 0;
            } else if (what == 2) {
                uv_run(loop_uv(s.w.loop), UV_RUN_NOWAIT);
            }
            unsigned at_work = 0;
            for (size_t k = 0; k < WAITERS; k++)
                at_work += s.waiters[k].turns;
            assert_in_range(at_work, 0, 1);
        }
        for (size_t left = WAITERS; left > 0; left--) {
            uv_run(loop_uv(s.w.loop), UV_RUN_NOWAIT);
            for (size_t i = 0; i < WAITERS; i++) {
                if (!inside[i] || !s.waiters[i].turns)
                    continue;
                leave(&s, i);
                inside[i] = false;
                s.waiters[i].turns = 0;
            }
        }
        for (size_t i = 0; i < WAITERS; i++)
            assert_false(inside[i]);
        scene_close(&s);
    }
}

/* -- which server -- */

static void test_names(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    assert_ptr_equal(s.host, hosts_find(s.hosts, STR("https://example.org/other/y.whl#z")));
    assert_ptr_equal(s.host, hosts_find(s.hosts, STR("https://me:secret@EXAMPLE.org:443/x.whl")));
    assert_ptr_not_equal(s.host, hosts_find(s.hosts, STR("http://example.org/x.whl")));
    assert_ptr_not_equal(s.host, hosts_find(s.hosts, STR("https://files.example.org/x.whl")));
    assert_non_null(hosts_find(s.hosts, STR("no URL")));
    scene_close(&s);
    hosts_destroy(NULL);
}

static void open_store(struct scene *s)
{
    s->cache.store = store_world_open(temp_dir_at(&s->w.dir, "store"), 0);
}

/* Another run. */
static void find_again(struct scene *s)
{
    hosts_destroy(s->hosts);
    s->hosts = hosts_create(s->w.loop, &s->cache);
    s->host = hosts_find(s->hosts, STR("https://example.org/x.whl"));
}

static void test_is_kept(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    open_store(&s);
    find_again(&s);
    learn(&s, HOST_CAN);
    find_again(&s);
    assert_int_equal(host_can(s.host, HOST_SPAN), HOST_CAN);
    assert_int_equal(host_can(s.host, HOST_SUFFIX), HOST_UNKNOWN);
    host_learn(s.host, HOST_SUFFIX, HOST_CANNOT);
    learn(&s, HOST_CANNOT); /* it was changed */
    store_close(s.cache.store);
    open_store(&s);
    find_again(&s);
    assert_int_equal(host_can(s.host, HOST_SPAN), HOST_CANNOT);
    assert_int_equal(host_can(s.host, HOST_SUFFIX), HOST_CANNOT);
    struct host *other = hosts_find(s.hosts, STR("https://other.example.org/"));
    assert_int_equal(host_can(other, HOST_SPAN), HOST_UNKNOWN);
    scene_close(&s);
}

static void keep(struct scene *s, const char *content, int64_t fresh_until_s)
{
    store_put(s->cache.store, STORE_HOST, STR("https://example.org:443"),
              &(struct store_record){ .label = STR("x"),
                                      .received_s = clock_unix_s(),
                                      .fresh_until_s = fresh_until_s,
                                      .content = str_of(content) });
    find_again(s);
}

static void test_is_kept_for_a_day(void **state)
{
    static const char *const damaged[] = { "", "y", "yyy", "??", "\1\2" };
    struct scene s;

    (void)state;
    scene_open(&s);
    open_store(&s);
    int64_t now = clock_unix_s();
    keep(&s, "yn", now + 1000);
    assert_int_equal(host_can(s.host, HOST_SUFFIX), HOST_CAN);
    assert_int_equal(host_can(s.host, HOST_SPAN), HOST_CANNOT);
    keep(&s, "yn", now - 1);
    assert_int_equal(host_can(s.host, HOST_SUFFIX), HOST_UNKNOWN);
    assert_int_equal(host_can(s.host, HOST_SPAN), HOST_UNKNOWN);
    for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
        keep(&s, damaged[i], now + 1000);
        assert_int_equal(host_can(s.host, HOST_SUFFIX), HOST_UNKNOWN);
        assert_int_equal(host_can(s.host, HOST_SPAN), HOST_UNKNOWN);
    }
    /* What is learned now is kept for a day, and no longer. */
    learn(&s, HOST_CAN);
    struct arena a = { 0 };
    struct store_record r;
    assert_true(store_get(s.cache.store, STORE_HOST, STR("https://example.org:443"), &a, &r));
    assert_in_range(r.fresh_until_s - now, 86400, 86400 + 60);
    arena_done(&a);
    scene_close(&s);
}

static void test_sidecars(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    for (int i = 0; i < 3; i++) {
        assert_true(host_has_sidecars(s.host));
        host_note_sidecar(s.host, false);
    }
    assert_false(host_has_sidecars(s.host));
    host_note_sidecar(s.host, true); /* was asked for before that */
    assert_true(host_has_sidecars(s.host));
    for (int i = 0; i < 10; i++)
        host_note_sidecar(s.host, false); /* one that has some may lack others */
    assert_true(host_has_sidecars(s.host));
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_finds_out),
        cmocka_unit_test(test_learned_by_another),
        cmocka_unit_test(test_the_prober_gives_up),
        cmocka_unit_test(test_a_woken_one_gives_up),
        cmocka_unit_test(test_somebody_came_first),
        cmocka_unit_test(test_known_before_its_turn),
        cmocka_unit_test(test_one_that_waits_gives_up),
        cmocka_unit_test(test_entering_again),
        cmocka_unit_test(test_lines_of_their_own),
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_is_kept),
        cmocka_unit_test(test_is_kept_for_a_day),
        cmocka_unit_test(test_sidecars),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
