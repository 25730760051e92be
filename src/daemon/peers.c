/* A token bucket for each. An entry that has no connections and a full bucket says no more than
 * none would, so it goes when another one needs room. */
#include "dray/daemon/peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum { ONE = 1000, FULL = LIMIT_DAEMON_BURST * ONE };

static const uint64_t us = 1000000;

enum { KIND_USER = 'u', KIND_V4 = '4', KIND_V6 = '6', KIND_OTHER = 'o', V6_NET_BYTES = 8 };

struct peer_key peer_key_of_user(uint32_t uid)
{
    struct peer_key key = { { KIND_USER } };

    memcpy(key.bytes + 1, &uid, sizeof(uid));
    return key;
}

struct peer_key peer_key_of_address(const struct sockaddr *address)
{
    struct peer_key key = { { KIND_OTHER } };
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->sa_family == AF_INET) {
        key.bytes[0] = KIND_V4;
        memcpy(key.bytes + 1, &v4->sin_addr, sizeof(v4->sin_addr));
    } else if (address->sa_family == AF_INET6) {
        key.bytes[0] = KIND_V6;
        memcpy(key.bytes + 1, &v6->sin6_addr, V6_NET_BYTES);
    }
    return key;
}

static void refill(struct peer *p, uint64_t now_us)
{
    uint64_t passed_us = now_us - p->at_us;
    uint64_t more = passed_us >= FULL * us / ONE / LIMIT_DAEMON_RATE
                        ? FULL
                        : passed_us * LIMIT_DAEMON_RATE * ONE / us;

    if (more == 0)
        return; /* or asking often enough would keep the clock from ever moving */
    p->at_us = now_us;
    p->allowance = p->allowance + more > FULL ? FULL : p->allowance + (uint32_t)more;
}

bool peer_may_ask(struct peer *p, uint64_t now_us)
{
    refill(p, now_us);
    if (p->allowance < ONE)
        return false;
    p->allowance -= ONE;
    return true;
}

static void forget(struct peers *p, size_t i)
{
    free(p->items[i]);
    p->items[i] = p->items[--p->n];
}

/* Those that say nothing; when all say something, the one that has been silent for longest. */
static void make_room(struct peers *p, uint64_t now_us)
{
    for (size_t i = p->n; i-- > 0;) {
        refill(p->items[i], now_us);
        if (p->items[i]->connections == 0 && p->items[i]->allowance == FULL)
            forget(p, i);
    }
    if (p->n < LIMIT_DAEMON_PEERS)
        return;
    size_t oldest = p->n;
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i]->connections == 0 &&
            (oldest == p->n || p->items[i]->allowance > p->items[oldest]->allowance))
            oldest = i;
    if (oldest < p->n)
        forget(p, oldest);
}

struct peer *peers_get(struct peers *p, struct peer_key key, uint64_t now_us)
{
    for (size_t i = 0; i < p->n; i++)
        if (memcmp(p->items[i]->key.bytes, key.bytes, sizeof(key.bytes)) == 0)
            return p->items[i];
    if (p->n >= LIMIT_DAEMON_PEERS)
        make_room(p, now_us);
    struct peer *one = mem_new(1, sizeof(*one));
    *one = (struct peer){ .key = key, .allowance = FULL, .at_us = now_us };
    p->items = mem_grow(p->items, p->n, &p->cap, sizeof(*p->items));
    p->items[p->n++] = one;
    return one;
}

void peers_done(struct peers *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->items[i]);
    free(p->items);
    *p = (struct peers){ 0 };
}
