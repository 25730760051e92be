/* proxy.h: the URL of a proxy. Pure. */
#pragma once

#include <stdbool.h>

#include "dray/util/err.h"
#include "dray/util/str.h"

/* kind, its scheme, its usual port: pip's, not curl's (1080 for all but https) */
#define PROXY_KINDS(X)                                                                             \
    X(HTTP, "http", 80)                                                                            \
    X(HTTPS, "https", 443)      /* TLS up to the proxy */                                          \
    X(SOCKS4, "socks4", 1080)   /* is given an IPv4 address, which dray looks up */                \
    X(SOCKS4A, "socks4a", 1080) /* is given the name */                                            \
    X(SOCKS5, "socks5", 1080)   /* is given an address, which dray looks up */                     \
    X(SOCKS5H, "socks5h", 1080) /* is given the name */

enum proxy_kind {
#define PROXY_ENUM(kind, scheme, port) PROXY_##kind,
    PROXY_KINDS(PROXY_ENUM)
#undef PROXY_ENUM
};

/* Everything owned; proxy_done() frees. Zeroed: none. */
struct proxy {
    enum proxy_kind kind;
    char *host;            /* a name or a literal address without brackets, lower case */
    unsigned port;         /* always set */
    char *user, *password; /* percent-decoded; NULL when absent */
    char *url;             /* "http://[::1]:3128": for libcurl, without user and password */
    char *shown;           /* the same for people: "http://user:****@[::1]:3128" */
};

/* "http://user:password@host:port"; without a scheme it is http. ERR_USAGE for anything else, in a
 * sentence that shows no password. `out` needs no init. */
int proxy_parse(struct str text, struct proxy *out, struct err *e);
void proxy_done(struct proxy *p);
/* Its user or password was given. */
bool proxy_has_credentials(const struct proxy *p);
/* It talks HTTP with us: as requests for http URLs, as CONNECT for https. Else it is SOCKS. */
bool proxy_is_http(const struct proxy *p);
/* It has to be given an address of the URL's host: a name it does not take. */
bool proxy_wants_address(const struct proxy *p);
