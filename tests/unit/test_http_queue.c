/* net/http_queue by hand, without a network: who is let in, one after another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "dray/net/http_queue.h"
#include "dray/util/mem.h"

struct crowd {
    struct http_user user;
    struct http_ticket *tickets;
    unsigned n, waiting;
};

/* `n` more of them, at one of `n_hosts` hosts each. */
static void come(struct http_queue *q, struct crowd *c, unsigned n, unsigned n_hosts, bool bulk)
{
    c->tickets = mem_new(n, sizeof *c->tickets);
    c->n = c->waiting = n;
    for (unsigned i = 0; i < n; i++) {
        char host[] = { 'h', (char)('a' + i % n_hosts), '\0' };
        c->tickets[i].user = &c->user;
        c->tickets[i].is_bulk = bulk;
        http_queue_add(q, &c->tickets[i], host, 80);
    }
}

static void go(struct http_queue *q, struct crowd *c)
{
    for (unsigned i = 0; i < c->n; i++)
        http_queue_leave(q, &c->tickets[i]);
    assert_int_equal(c->user.part.n, 0);
    http_user_done(&c->user, q);
    free(c->tickets);
    *c = (struct crowd){ 0 };
}

static struct crowd *admit(struct http_queue *q)
{
    struct http_ticket *t = http_queue_admit(q);

    if (!t)
        return NULL;
    struct crowd *c = (struct crowd *)(void *)t->user; /* its first member */
    c->waiting--;
    return c;
}

static unsigned admit_all(struct http_queue *q)
{
    unsigned n = 0;

    while (admit(q))
        n++;
    return n;
}

/* So many seats become free, one after another, at hosts in turn, and are given anew. */
static void serve(struct http_queue *q, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct http_ticket *oldest = NULL;
        for (size_t h = 0; h < q->hosts.n; h++) {
            const struct http_host *host = q->hosts.entries[(h + i) % q->hosts.n].value;
            for (struct http_ticket *t = host->admitted; t && !oldest; t = t->next)
                oldest = t->next ? NULL : t;
        }
        assert_non_null(oldest);
        http_queue_leave(q, oldest);
        admit_all(q);
    }
}

static void check_part(unsigned weight_a, unsigned weight_b, unsigned seats, bool bulk)
{
    struct http_queue q;
    struct crowd a = { 0 }, b = { 0 };

    http_queue_init(&q, 40, bulk ? 40 : seats, seats);
    http_user_init(&a.user, &q, weight_a, 0);
    http_user_init(&b.user, &q, weight_b, 0);
    come(&q, &a, 2000, 1, bulk);
    come(&q, &b, 2000, 1, bulk);
    assert_int_equal(admit_all(&q), seats);
    serve(&q, 1000 - seats);
    unsigned had_a = 2000 - a.waiting, sum = weight_a + weight_b;
    assert_int_equal(a.waiting + b.waiting, 3000);
    assert_in_range(had_a, 1000 * weight_a / sum - 10, 1000 * weight_a / sum + 10);
    go(&q, &a);
    go(&q, &b);
    http_queue_done(&q);
}

static void test_parts_of_a_host(void **state)
{
    (void)state;
    for (int bulk = 0; bulk < 2; bulk++) {
        check_part(1, 1, 20, bulk);
        check_part(1, 4, 20, bulk);
        check_part(1, 4, 1, bulk);
        check_part(3, 2, 5, bulk);
    }
}

/* Ten thousand were there before: it gets every seat that becomes free until it has its part. */
static void test_newcomer(void **state)
{
    struct http_queue q;
    struct crowd many = { 0 }, few = { 0 };

    (void)state;
    http_queue_init(&q, 40, 20, 6);
    http_user_init(&many.user, &q, 1, 0);
    come(&q, &many, 10000, 1, false);
    assert_int_equal(admit_all(&q), 20);
    serve(&q, 1000);
    http_user_init(&few.user, &q, 1, 0);
    come(&q, &few, 100, 1, false);
    serve(&q, 10);
    assert_int_equal(few.user.part.n, 10);
    assert_int_equal(many.user.part.n, 10);
    serve(&q, 40);
    assert_int_equal(few.user.part.n, 10);
    go(&q, &few);
    admit_all(&q);
    assert_int_equal(many.user.part.n, 20); /* what nobody else wants */
    go(&q, &many);
    http_queue_done(&q);
}

/* Of one seat, so that turns are all there is. */
static void test_no_credit(void **state)
{
    struct http_queue q;
    struct crowd busy = { 0 }, idle = { 0 };

    (void)state;
    http_queue_init(&q, 40, 1, 1);
    http_user_init(&busy.user, &q, 1, 0);
    http_user_init(&idle.user, &q, 1, 0);
    come(&q, &busy, 1000, 1, false);
    admit_all(&q);
    serve(&q, 500);
    come(&q, &idle, 1000, 1, false);
    unsigned before = busy.waiting;
    serve(&q, 20);
    assert_int_equal(before - busy.waiting, 10);
    assert_int_equal(1000 - idle.waiting, 10);
    go(&q, &busy);
    go(&q, &idle);
    http_queue_done(&q);
}

/* Who asks a hundred hosts does not get a hundred turns to the other's one. */
static void test_many_hosts(void **state)
{
    struct http_queue q;
    struct crowd wide = { 0 }, narrow = { 0 };

    (void)state;
    http_queue_init(&q, 20, 20, 6);
    http_user_init(&wide.user, &q, 1, 0);
    come(&q, &wide, 2000, 100, false);
    admit_all(&q);
    http_user_init(&narrow.user, &q, 1, 0);
    come(&q, &narrow, 500, 1, false);
    serve(&q, 40);
    assert_int_equal(wide.user.part.n, 10);
    assert_int_equal(narrow.user.part.n, 10);
    go(&q, &wide);
    go(&q, &narrow);
    http_queue_done(&q);
}

/* Who has seats at a host that nobody else asks is not sent away from where others do. */
static void test_host_of_its_own(void **state)
{
    struct http_queue q;
    struct crowd both = { 0 }, one = { 0 };

    (void)state;
    http_queue_init(&q, 40, 20, 6);
    http_user_init(&both.user, &q, 1, 0);
    come(&q, &both, 2000, 2, false);
    admit_all(&q);
    http_user_init(&one.user, &q, 1, 0);
    come(&q, &one, 500, 1, false);
    serve(&q, 100);
    assert_int_equal(one.user.part.n, 10);
    assert_int_equal(both.user.part.n, 30);
    go(&q, &both);
    go(&q, &one);
    http_queue_done(&q);
}

static void test_total(void **state)
{
    struct http_queue q;
    struct crowd small = { 0 }, other = { 0 };

    (void)state;
    http_queue_init(&q, 40, 20, 6);
    http_user_init(&small.user, &q, 9, 3);
    http_user_init(&other.user, &q, 1, 0);
    come(&q, &small, 100, 2, false);
    assert_int_equal(admit_all(&q), 3);
    come(&q, &other, 100, 2, false);
    assert_int_equal(admit_all(&q), 37);
    serve(&q, 50);
    assert_int_equal(small.user.part.n, 3);
    go(&q, &other);
    assert_null(admit(&q));                                 /* room there is, but not for it */
    for (unsigned left = small.waiting; left > 0; left--) { /* one for one */
        serve(&q, 1);
        assert_int_equal(small.waiting, left - 1);
        assert_int_equal(small.user.part.n, 3);
    }
    go(&q, &small);
    http_queue_done(&q);
}

static void test_held(void **state)
{
    struct http_queue q;
    struct crowd a = { 0 }, b = { 0 };

    (void)state;
    http_queue_init(&q, 40, 20, 6);
    http_user_init(&a.user, &q, 1, 0);
    http_user_init(&b.user, &q, 1, 0);
    come(&q, &a, 50, 1, false);
    come(&q, &b, 5, 1, false);
    a.user.is_held = true;
    assert_int_equal(admit_all(&q), 5);
    assert_int_equal(b.waiting, 0);
    a.user.is_held = false;
    assert_int_equal(admit_all(&q), 15);
    go(&q, &a);
    go(&q, &b);
    http_queue_done(&q);
}

/* Those who wait and those who are let in may leave, in any order, and queue again. */
static void test_leave(void **state)
{
    struct http_queue q;
    struct crowd a = { 0 }, b = { 0 };

    (void)state;
    http_queue_init(&q, 40, 4, 2);
    http_user_init(&a.user, &q, 1, 0);
    http_user_init(&b.user, &q, 1, 0);
    come(&q, &a, 100, 1, false);
    come(&q, &b, 100, 1, false);
    assert_int_equal(admit_all(&q), 4);
    for (unsigned i = 0; i < 100; i += 7)
        http_queue_leave(&q, &a.tickets[i * 37 % 100]); /* two of them are let in */
    assert_int_equal(q.n_admitted, 4 - (2 - a.user.part.n));
    admit_all(&q);
    assert_int_equal(a.user.part.n, 2);
    assert_int_equal(b.user.part.n, 2);
    for (unsigned i = 0; i < 100; i++)
        http_queue_leave(&q, &a.tickets[i]);
    assert_int_equal(a.user.part.n, 0);
    assert_int_equal(admit_all(&q), 2);
    assert_int_equal(b.user.part.n, 4);
    http_queue_add(&q, &a.tickets[5], "ha", 80);
    assert_null(admit(&q));
    serve(&q, 1);
    assert_int_equal(a.user.part.n, 1);
    go(&q, &a);
    go(&q, &b);
    http_queue_done(&q);
}

/* Bulk has seats of its own among those of its host, for each user by its weight. */
static void test_bulk(void **state)
{
    struct http_queue q;
    struct crowd a = { 0 }, b = { 0 }, pages = { 0 };

    (void)state;
    http_queue_init(&q, 40, 20, 6);
    http_user_init(&a.user, &q, 1, 0);
    http_user_init(&b.user, &q, 2, 0);
    http_user_init(&pages.user, &q, 1, 0);
    come(&q, &a, 100, 1, true);
    come(&q, &b, 100, 1, true);
    assert_int_equal(admit_all(&q), 6);
    assert_int_equal(a.user.part.n, 2);
    assert_int_equal(b.user.part.n, 4);
    come(&q, &pages, 100, 1, false);
    assert_int_equal(admit_all(&q), 14);
    assert_int_equal(pages.user.part.n, 14);
    serve(&q, 60);
    assert_int_equal(a.user.part.n + b.user.part.n, 6);
    go(&q, &pages);
    go(&q, &a);
    go(&q, &b);
    http_queue_done(&q);
}

/* Of one user: a greater rank first, then the earlier one, of bulk and of others as if they were
 * one; hosts in turn. */
static void test_order(void **state)
{
    static const struct {
        const char *host;
        uint64_t rank;
        bool bulk;
        unsigned turn;
    } asked[] = {
        { "ha", 1, false, 4 }, { "ha", 9, true, 1 },  { "ha", 9, false, 3 },
        { "hb", 0, false, 6 }, { "hb", 7, false, 2 }, { "ha", 1, true, 5 },
    };
    struct http_queue q;
    struct http_user user;
    struct http_ticket tickets[6] = { { 0 } };

    (void)state;
    http_queue_init(&q, 40, 20, 6);
    http_user_init(&user, &q, 1, 0);
    for (unsigned i = 0; i < 6; i++) {
        tickets[i] =
            (struct http_ticket){ .user = &user, .rank = asked[i].rank, .is_bulk = asked[i].bulk };
        http_queue_add(&q, &tickets[i], asked[i].host, 80);
    }
    for (unsigned turn = 1; turn <= 6; turn++) {
        const struct http_ticket *t = http_queue_admit(&q);
        assert_non_null(t);
        assert_int_equal(asked[t - tickets].turn, turn);
    }
    for (unsigned i = 0; i < 6; i++)
        http_queue_leave(&q, &tickets[i]);
    http_user_done(&user, &q);
    http_queue_done(&q);
}

/* A host that rests, or is in trouble, is so for all. */
static void test_rest(void **state)
{
    struct http_queue q;
    struct crowd a = { 0 }, b = { 0 };

    (void)state;
    http_queue_init(&q, 40, 20, 6);
    http_user_init(&a.user, &q, 1, 0);
    http_user_init(&b.user, &q, 1, 0);
    come(&q, &a, 100, 1, false);
    assert_int_equal(admit_all(&q), 20);
    assert_int_equal(http_queue_trouble(a.tickets), 10);
    assert_true(http_queue_rest(a.tickets, 1000));
    come(&q, &b, 100, 1, false);
    for (unsigned i = 0; i < 20; i++)
        http_queue_leave(&q, &a.tickets[i]);
    assert_null(admit(&q));
    assert_int_equal(http_queue_wake(&q, 999), 1000);
    assert_null(admit(&q));
    assert_int_equal(http_queue_wake(&q, 1000), 0);
    assert_int_equal(admit_all(&q), 10);
    assert_int_equal(a.user.part.n, 5);
    go(&q, &a);
    go(&q, &b);
    http_queue_done(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_of_a_host),
        cmocka_unit_test(test_newcomer),
        cmocka_unit_test(test_no_credit),
        cmocka_unit_test(test_many_hosts),
        cmocka_unit_test(test_host_of_its_own),
        cmocka_unit_test(test_total),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_leave),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
