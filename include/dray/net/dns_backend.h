/* dns_backend.h: who knows the addresses of a name: c-ares on the loop, or the system in threads of
 * libuv. Private to net/dns. */
#pragma once

#include "dray/net/dns.h"
#include "dray/util/limits.h"

struct sockaddr;

enum dns_outcome {
    DNS_ANSWERED,     /* maybe by no address */
    DNS_NO_SUCH_NAME, /* or it has no address */
    DNS_MALFORMED,    /* no name at all */
    DNS_FAILED,       /* may pass */
};

struct dns_found {
    enum dns_outcome outcome;
    const char *why; /* in the words of who was asked, unless answered */
    struct dns_address addresses[LIMIT_ADDRESSES];
    size_t n;
};

typedef void (*dns_heard_fn)(void *ctx, const struct dns_found *found);

struct dns_backend {
    void *self;
    /* `heard` runs once, maybe at once, unless `close` comes first. */
    void (*ask)(void *self, const char *host, dns_heard_fn heard, void *ctx);
    void (*close)(void *self);
};

int dns_cares_open(struct loop *l, struct dns_backend *out, struct err *e);
void dns_system_open(struct loop *l, struct dns_backend *out);
/* Adds what is an IPv4 or IPv6 address and not there yet, up to LIMIT_ADDRESSES. */
void dns_found_add(struct dns_found *f, const struct sockaddr *address);
