/* network.h: connections to servers as settings have them: proxies, certificate authorities,
 * protocols, limits, whom not to verify. Jobs whose settings agree in all that share one. Owns
 * net/http and copies of what it borrows; knows no credentials, which are each job's own. */
#pragma once

#include "dray/job/settings.h"
#include "dray/net/http.h"
#include "dray/net/loop.h"

struct networks; /* those of a process */

struct network {
    struct http *http;
    const char *const *trusted_hosts;
    size_t n_trusted_hosts;
    const char *unread; /* as in job/route.h */
};

/* What all users of one together may take. */
struct network_limits {
    unsigned connections, connections_per_host; /* at once; 0: as a job's settings say */
    uint64_t limit_rate;                        /* bytes of bodies a second; 0: no limit */
};

/* `env`, as environ, is borrowed. */
struct networks *networks_create(struct loop *l, const struct network_limits *limits,
                                 const char *const *env);
/* All must have been released. NULL is allowed. */
void networks_destroy(struct networks *ns);

/* NULL: a proxy or certificate that can't be used. `s` is only read during the call. */
struct network *network_get(struct networks *ns, const struct settings *s, struct err *e);

/* Whose requests they are; borrowed. */
struct network_user {
    unsigned weight; /* as in http_share */
    struct auth *auth;
    void (*note)(void *ctx, unsigned verbosity, struct str sentence);
    void *note_ctx;
};
/* A part of its own in the connections of a network, within the limits that settings give it. To be
 * ended by http_destroy() before the network is released. */
struct http *network_join(const struct networks *ns, const struct network *n,
                          const struct settings *s, const struct network_user *u);
/* The last one to be let go by all keeps its connections open for who comes next. NULL is allowed.
 */
void network_release(struct networks *ns, struct network *n);
