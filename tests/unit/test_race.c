/* net/race and net/way against listeners on loopback: some answer, some refuse, some are black
 * holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "listeners.h"

#include "dray/net/race.h"
#include "dray/net/way.h"
#include "dray/util/clock.h"

#define GOOD    "127.0.0.1"
#define HOLE    "127.0.0.2"
#define HOLE_2  "127.0.0.3"
#define NOBODY  "127.0.0.4"
#define UNKNOWN "no address"

struct runner {
    struct loop *loop;
    struct listeners at;
    struct race_order order;
    unsigned ended;
    int fd, cause;
    enum race_fate fates[LIMIT_ADDRESSES];
    unsigned took_ms;
};

static void on_ended(void *ctx, const struct race_result *result)
{
    struct runner *r = ctx;

    r->ended++;
    r->fd = result->fd;
    r->cause = result->cause;
    memcpy(r->fates, result->fates, sizeof r->fates);
    loop_stop(r->loop);
}

static void runner_open(struct runner *r)
{
    struct err e = { 0 };

    *r = (struct runner){ .loop = loop_open(&e), .fd = -1 };
    assert_non_null(r->loop);
}

static void runner_close(struct runner *r)
{
    if (r->fd >= 0)
        close(r->fd);
    listeners_close(&r->at);
    loop_close(r->loop);
}

static void add(struct race_order *o, const char *address)
{
    snprintf(o->addresses[o->n++].text, DNS_TEXT_SIZE, "%s", address);
}

static void run(struct runner *r, unsigned timeout_ms)
{
    uint64_t began = clock_us();

    r->order.port = r->at.port;
    r->order.timeout_ms = timeout_ms;
    race_start(r->loop, &r->order, on_ended, r);
    assert_int_equal(r->ended, 0); /* never from inside race_start() */
    assert_true(loop_run(r->loop));
    assert_int_equal(r->ended, 1);
    r->took_ms = (unsigned)((clock_us() - began) / 1000);
}

/* What was connected is `text`, and it can be written to at once. */
static void assert_connected(const struct runner *r, const char *text)
{
    struct sockaddr_storage is, want;
    socklen_t n = sizeof is;
    socklen_t size = listener_address(text, r->at.port, &want);

    assert_int_equal(getpeername(r->fd, (struct sockaddr *)&is, &n), 0);
    assert_int_equal(n, size);
    if (want.ss_family == AF_INET)
        assert_int_equal(((struct sockaddr_in *)(void *)&is)->sin_addr.s_addr,
                         ((struct sockaddr_in *)(void *)&want)->sin_addr.s_addr);
    assert_int_equal(write(r->fd, "x", 1), 1);
    assert_true(fcntl(r->fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(r->fd, F_GETFD) & FD_CLOEXEC);
}

/* Letters as the listeners are to be, in the order in which they are tried: what becomes of each */
static const struct {
    const char *addresses;
    const char *fates; /* Won, Untried, Slow, Failed */
    int cause;         /* nobody wins */
    unsigned least_ms, most_ms;
} races[] = {
    { "g", "W", 0, 0, 240 },
    { "gh", "WU", 0, 0, 240 },
    { "rg", "FW", 0, 0, 240 },     /* the next one at once */
    { "hg", "SW", 0, 240, 480 },   /* after the delay */
    { "hHg", "SSW", 0, 490, 800 }, /* twice */
    { "hrg", "SFW", 0, 240, 480 }, /* and at once after a refusal */
    { "rhg", "FSW", 0, 240, 480 },
    { "?g", "FW", 0, 0, 240 },
    { "?rhHg", "FFSSW", 0, 490, 800 },
    { "r", "F", ECONNREFUSED, 0, 240 },
    { "r?", "FF", ECONNREFUSED, 0, 240 },
    { "?r", "FF", EAFNOSUPPORT, 0, 240 }, /* the first cause */
    { "h", "F", ETIMEDOUT, 590, 900 },
    { "hH", "FF", ETIMEDOUT, 590, 900 }, /* one bound for all */
    { "rh", "FF", ECONNREFUSED, 590, 900 },
};

static const char *address_of(char letter)
{
    switch (letter) {
    case 'g':
        return GOOD;
    case 'h':
        return HOLE;
    case 'H':
        return HOLE_2;
    case 'r':
        return NOBODY;
    default:
        return UNKNOWN;
    }
}

static void test_races(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof races / sizeof *races; i++) {
        struct runner r;
        char fates[LIMIT_ADDRESSES + 1] = "";

        runner_open(&r);
        listener_good(&r.at, GOOD);
        listener_full(&r.at, HOLE);
        listener_full(&r.at, HOLE_2);
        for (const char *p = races[i].addresses; *p; p++)
            add(&r.order, address_of(*p));
        run(&r, 600);
        for (size_t k = 0; k < r.order.n; k++)
            fates[k] = "WUSF"[r.fates[k]];
        assert_string_equal(fates, races[i].fates);
        assert_int_equal(r.cause, races[i].cause);
        if (races[i].cause)
            assert_int_equal(r.fd, -1);
        else
            assert_connected(&r, GOOD);
        if (r.took_ms < races[i].least_ms || r.took_ms > races[i].most_ms)
            fail_msg("%s took %u ms", races[i].addresses, r.took_ms);
        runner_close(&r);
    }
}

/* Both families on one port. */
static void test_families(void **state)
{
    struct runner r;

    (void)state;
    runner_open(&r);
    listener_good(&r.at, GOOD);
    listener_full(&r.at, "::1");
    add(&r.order, "::1");
    add(&r.order, GOOD);
    run(&r, 5000);
    assert_connected(&r, GOOD);
    assert_in_range(r.took_ms, 240, 600);
    runner_close(&r);

    runner_open(&r);
    listener_good(&r.at, "::1");
    listener_full(&r.at, GOOD);
    add(&r.order, GOOD);
    add(&r.order, "::1");
    run(&r, 5000);
    assert_connected(&r, "::1");
    runner_close(&r);
}

static void test_cancel_a_race(void **state)
{
    struct runner r;

    (void)state;
    runner_open(&r);
    listener_good(&r.at, GOOD);
    listener_full(&r.at, HOLE);
    r.order.port = r.at.port;
    r.order.timeout_ms = 1000;
    add(&r.order, NOBODY);
    race_cancel(race_start(r.loop, &r.order, on_ended, &r)); /* its failure may be known already */
    add(&r.order, HOLE);
    add(&r.order, GOOD);
    race_cancel(race_start(r.loop, &r.order, on_ended, &r));
    race_cancel(NULL);
    assert_false(loop_run(r.loop)); /* nothing is left that could happen */
    assert_int_equal(r.ended, 0);
    runner_close(&r);
}

/* -- ways -- */

struct walker {
    struct runner r;
    struct ways *ways;
    struct way *way;
    unsigned told, sockets, causes;
    char address[DNS_TEXT_SIZE];
    struct way_wait *victim; /* cancelled from within */
    bool again;              /* another race is wanted from within */
};

static void on_found(void *ctx, const struct way_found *found)
{
    struct walker *w = ctx;

    w->told++;
    w->causes += found->cause != 0;
    memcpy(w->address, found->address.text, sizeof w->address);
    if (found->fd >= 0) {
        w->sockets++;
        close(found->fd);
    }
    if (w->victim) {
        way_cancel(w->victim);
        w->victim = NULL;
    }
    if (w->again) {
        w->again = false;
        way_failed(w->way, &found->address);
        way_race(w->way, on_found, w);
    }
    loop_stop(w->r.loop);
}

static void walker_open(struct walker *w, unsigned timeout_ms, const char *addresses)
{
    memset(w, 0, sizeof *w);
    runner_open(&w->r);
    listener_good(&w->r.at, GOOD);
    listener_good(&w->r.at, HOLE_2); /* another good one, here */
    listener_full(&w->r.at, HOLE);
    w->ways = ways_create(w->r.loop, timeout_ms);
    for (const char *p = addresses; *p; p++)
        add(&w->r.order, address_of(*p));
    w->way = ways_get(w->ways, "one.example.org", w->r.at.port, w->r.order.addresses, w->r.order.n);
}

static void walker_close(struct walker *w)
{
    ways_destroy(w->ways);
    runner_close(&w->r);
}

static void test_one_race_for_all(void **state)
{
    struct walker w;

    (void)state;
    walker_open(&w, 2000, "hg");
    assert_ptr_equal(
        w.way, ways_get(w.ways, "one.example.org", w.r.at.port, w.r.order.addresses, w.r.order.n));
    assert_ptr_not_equal(w.way,
                         ways_get(w.ways, "one.example.org", 1, w.r.order.addresses, w.r.order.n));
    assert_null(way_good(w.way));
    for (int i = 0; i < 3; i++)
        way_race(w.way, on_found, &w);
    assert_int_equal(w.told, 0);
    assert_true(loop_run(w.r.loop));
    assert_int_equal(w.told, 3);
    assert_int_equal(w.sockets, 1);
    assert_string_equal(w.address, GOOD);
    assert_string_equal(way_good(w.way)->text, GOOD);
    walker_close(&w);
}

static void test_a_good_one_fails(void **state)
{
    struct walker w;
    struct dns_address good;

    (void)state;
    walker_open(&w, 2000, "grHh");
    way_race(w.way, on_found, &w);
    assert_true(loop_run(w.r.loop));
    good = *way_good(w.way);
    assert_string_equal(good.text, GOOD);
    way_failed(w.way, &w.r.order.addresses[2]); /* not the one that was good: nothing new */
    assert_non_null(way_good(w.way));
    way_failed(w.way, &good);
    assert_null(way_good(w.way));
    way_failed(w.way, &good); /* told once more, by another */
    way_race(w.way, on_found, &w);
    assert_true(loop_run(w.r.loop));
    assert_string_equal(way_good(w.way)->text, HOLE_2); /* the failed one is tried last */
    assert_int_equal(w.sockets, 2);
    walker_close(&w);
}

static void test_all_fail(void **state)
{
    struct walker w;

    (void)state;
    walker_open(&w, 400, "rh");
    way_race(w.way, on_found, &w);
    way_race(w.way, on_found, &w);
    assert_true(loop_run(w.r.loop));
    assert_int_equal(w.told, 2);
    assert_int_equal(w.causes, 2);
    assert_int_equal(w.sockets, 0);
    assert_null(way_good(w.way));
    walker_close(&w);
}

static void test_cancel_a_wait(void **state)
{
    struct walker w;

    (void)state;
    walker_open(&w, 2000, "hg");
    way_cancel(way_race(w.way, on_found, &w)); /* and with it the race */
    struct way_wait *first = way_race(w.way, on_found, &w);
    way_race(w.way, on_found, &w);
    w.victim = way_race(w.way, on_found, &w); /* by the one before, when that is told */
    way_cancel(first);
    assert_true(loop_run(w.r.loop));
    assert_int_equal(w.told, 1);
    assert_int_equal(w.sockets, 1); /* the next one has got it */
    walker_close(&w);
}

static void test_another_race_from_within(void **state)
{
    struct walker w;

    (void)state;
    walker_open(&w, 2000, "gH");
    w.again = true;
    way_race(w.way, on_found, &w);
    way_race(w.way, on_found, &w); /* hears of the first race all the same */
    assert_true(loop_run(w.r.loop));
    assert_int_equal(w.told, 2);
    assert_string_equal(w.address, GOOD);
    assert_true(loop_run(w.r.loop));
    assert_int_equal(w.told, 3);
    assert_string_equal(w.address, HOLE_2);
    walker_close(&w);
}

/* RFC 8305 section 4. */
static void test_families_take_turns(void **state)
{
    static const char *const given[] = { "::1", "::2", "::3", "127.0.0.5", "127.0.0.6" };
    static const char *const tried[] = { "::1", "127.0.0.5", "::2", "127.0.0.6", "::3" };
    struct race_order o = { .n = 0 };
    struct err e = { 0 };
    struct loop *l = loop_open(&e);
    struct ways *rs = ways_create(l, 500);

    (void)state;
    for (size_t i = 0; i < 5; i++)
        add(&o, given[i]);
    struct way *t = ways_get(rs, "host", 9, o.addresses, o.n);
    size_t n;
    const struct dns_address *order = way_addresses(t, &n);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(order[i].text, tried[i]);
    ways_destroy(rs);
    loop_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_races),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_cancel_a_race),
        cmocka_unit_test(test_one_race_for_all),
        cmocka_unit_test(test_a_good_one_fails),
        cmocka_unit_test(test_all_fail),
        cmocka_unit_test(test_cancel_a_wait),
        cmocka_unit_test(test_another_race_from_within),
        cmocka_unit_test(test_families_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
