/* dns.h: host names to addresses, IPv4 and IPv6 (RFC 6724 order). By c-ares on the loop, which
 * knows /etc/hosts and DNS; never a thread, which getaddrinfo() in libcurl and libuv would be. Only
 * who asks for it gets the system's own resolver, with all that it knows (mDNS, LDAP, what else
 * nsswitch.conf names): libuv calls that in threads. Answers are kept
 * for the run; questions for a name that is being asked already share its answer. */
#pragma once

#include <stddef.h>

#include "dray/net/loop.h"

enum { DNS_TEXT_SIZE = 46 }; /* INET6_ADDRSTRLEN */

struct dns_address {
    char text[DNS_TEXT_SIZE]; /* "192.0.2.1", "2001:db8::1" */
};

/* Borrowed, valid during the callback only. */
struct dns_answer {
    int code;   /* 0; ERR_DNS: why is in `message` */
    bool again; /* the failure may pass: server failure, time-out; not "no such name" */
    const char *message;
    const struct dns_address
        *addresses; /* at most LIMIT_ADDRESSES, in the order in which to try them */
    size_t n;
};

typedef void (*dns_done_fn)(void *ctx, const struct dns_answer *answer);

enum dns_resolver { DNS_CARES, DNS_SYSTEM };

struct dns;
struct dns_query;

struct dns *dns_open(struct loop *l, enum dns_resolver resolver, struct err *e);
/* Every query must have ended or been cancelled. */
void dns_close(struct dns *d);
/* Asks for `host`, a name or a literal address (given back unchanged). `done` runs once, later,
 * from the loop. */
struct dns_query *dns_start(struct dns *d, const char *host, dns_done_fn done, void *ctx);
/* `done` will not run. Not to be called once it has. */
void dns_cancel(struct dns_query *q);
/* The address did not answer: it is tried last from now on. */
void dns_demote(struct dns *d, const char *host, const char *address);
