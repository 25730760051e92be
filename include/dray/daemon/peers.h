/* peers.h: who is connected, or was a short while ago: how many connections each user or address
 * has, and how often it asks. Owns its entries; at most LIMIT_DAEMON_PEERS of them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A user, or an IPv4 address, or the /64 of an IPv6 one, which a single host has to itself. */
struct peer_key {
    uint8_t bytes[12];
};

struct peer {
    struct peer_key key;
    unsigned connections; /* the caller's to count: an entry with any stays */
    uint32_t allowance;   /* thousandths of a request */
    uint64_t at_us;       /* of that allowance */
};

struct peers {
    struct peer **items;
    size_t n, cap;
};

struct sockaddr;
struct peer_key peer_key_of_user(uint32_t uid);
/* IPv4 or IPv6; others are all the same. */
struct peer_key peer_key_of_address(const struct sockaddr *address);
/* The entry, made when there is none; stays where it is as long as it has connections. */
struct peer *peers_get(struct peers *p, struct peer_key key, uint64_t now_us);
/* One request more: whether it is within LIMIT_DAEMON_RATE and LIMIT_DAEMON_BURST. */
bool peer_may_ask(struct peer *p, uint64_t now_us);
void peers_done(struct peers *p);
