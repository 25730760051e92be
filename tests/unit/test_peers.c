/* daemon/peers: how often who may ask, and that remembering them has an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "dray/daemon/peers.h"
#include "dray/util/limits.h"

static const uint64_t second = 1000000;

static void test_rate(void **state)
{
    struct peers p = { 0 };
    uint64_t now = 5 * second;
    struct peer *one = peers_get(&p, peer_key_of_user(1), now);
    struct peer *other = peers_get(&p, peer_key_of_user(2), now);

    (void)state;
    assert_ptr_equal(peers_get(&p, peer_key_of_user(1), now), one);
    for (int i = 0; i < LIMIT_DAEMON_BURST; i++)
        assert_true(peer_may_ask(one, now));
    assert_false(peer_may_ask(one, now));
    assert_true(peer_may_ask(other, now));
    int allowed = 0;
    for (int ms = 0; ms < 2000; ms++) /* asking all the time does not keep it empty */
        allowed += peer_may_ask(one, now + (uint64_t)ms * 1000);
    assert_in_range(allowed, 2 * LIMIT_DAEMON_RATE - 2, 2 * LIMIT_DAEMON_RATE + 1);
    now += 1000000 * second;
    for (int i = 0; i < LIMIT_DAEMON_BURST; i++)
        assert_true(peer_may_ask(one, now));
    assert_false(peer_may_ask(one, now));
    peers_done(&p);
}

static void test_many(void **state)
{
    struct peers p = { 0 };
    struct peer *kept = peers_get(&p, peer_key_of_user(0), second);

    (void)state;
    kept->connections = 1;
    for (uint32_t i = 1; i < 3 * LIMIT_DAEMON_PEERS; i++)
        assert_true(peer_may_ask(peers_get(&p, peer_key_of_user(i), second), second));
    assert_in_range(p.n, 1, LIMIT_DAEMON_PEERS);
    assert_ptr_equal(peers_get(&p, peer_key_of_user(0), second), kept);
    /* Once time has passed, most of them say nothing any more. */
    peers_get(&p, peer_key_of_user(UINT32_MAX), 1000 * second);
    assert_int_equal(p.n, 2);
    peers_done(&p);
}

static struct peer_key key_of(int family, const char *text)
{
    struct sockaddr_storage at = { 0 };
    struct sockaddr_in *v4 = (void *)&at;
    struct sockaddr_in6 *v6 = (void *)&at;

    at.ss_family = (sa_family_t)family;
    assert_int_equal(
        inet_pton(family, text, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr),
        1);
    return peer_key_of_address((struct sockaddr *)&at);
}

static bool key_eq(struct peer_key a, struct peer_key b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static void test_keys(void **state)
{
    (void)state;
    assert_true(key_eq(key_of(AF_INET, "192.0.2.1"), key_of(AF_INET, "192.0.2.1")));
    assert_false(key_eq(key_of(AF_INET, "192.0.2.1"), key_of(AF_INET, "192.0.2.2")));
    assert_true(key_eq(key_of(AF_INET6, "2001:db8::1"), key_of(AF_INET6, "2001:db8::ffff:1")));
    assert_false(key_eq(key_of(AF_INET6, "2001:db8::1"), key_of(AF_INET6, "2001:db8:0:1::1")));
    assert_false(key_eq(key_of(AF_INET, "0.0.0.1"), peer_key_of_user(htonl(1))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
