/* Few: nearly all jobs of a daemon agree, and a command line has one or, when a requirements file
 * names trusted hosts, two. So they stand in a list, and are told apart by a text of all that
 * counts. */
#include "dray/job/network.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dray/job/route.h"
#include "dray/util/mem.h"
#include "dray_config.h"

enum { RATED_SEATS = 4 };

struct shared_network {
    struct network is; /* the first member */
    struct arena arena;
    struct buf key;
    struct settings settings; /* copies of those that count */
    struct route route;
    size_t users;
    struct shared_network *next;
};

struct networks {
    struct loop *loop;
    struct network_limits limits;
    const char *const *env;
    struct shared_network *first;
    struct shared_network *spare; /* without users */
};

static void copy_hosts(struct shared_network *n, const struct strs *hosts)
{
    const char **names = arena_alloc(&n->arena, hosts->n, sizeof(*names));

    for (size_t i = 0; i < hosts->n; i++) {
        strs_add(&n->settings.trusted_hosts, arena_str(&n->arena, hosts->items[i]));
        names[i] = n->settings.trusted_hosts.items[i].p;
    }
    n->is.trusted_hosts = names;
    n->is.n_trusted_hosts = hosts->n;
}

static struct str copy(struct shared_network *n, struct str s)
{
    return s.p ? arena_str(&n->arena, s) : STR_NONE;
}

static void add_text(struct buf *key, const char *name, struct str s)
{
    if (s.p)
        buf_add_f(key, "%s %zu %.*s\n", name, s.n, STR_ARG(s));
}

/* What is copied here is what a network may look at: the rest is as settings_init() has it. */
static struct shared_network *create(const struct settings *s)
{
    struct shared_network *n = mem_new(1, sizeof(*n));
    struct settings *to = &n->settings;

    settings_init(to);
    to->proxy = copy(n, s->proxy);
    to->no_proxy_env = s->no_proxy_env;
    to->cert = copy(n, s->cert);
    to->client_cert = copy(n, s->client_cert);
    to->resolver = s->resolver;
    to->no_http2 = s->no_http2;
    to->timeout_s = s->timeout_s;
    to->retries = s->retries;
    to->limit_rate = s->limit_rate;
    to->connections = s->connections;
    to->connections_per_host = s->connections_per_host;
    copy_hosts(n, &s->trusted_hosts);
    return n;
}

static void add_key(struct shared_network *n, const struct network_limits *limits)
{
    const struct settings *s = &n->settings;

    add_text(&n->key, "proxy", s->proxy);
    add_text(&n->key, "cert", s->cert);
    add_text(&n->key, "client-cert", s->client_cert);
    for (size_t i = 0; i < s->trusted_hosts.n; i++)
        add_text(&n->key, "trusted-host", s->trusted_hosts.items[i]);
    buf_add_f(&n->key, "%d %d %d %u %u", s->no_proxy_env, (int)s->resolver, s->no_http2,
              s->timeout_s, s->retries);
    if (!limits->connections)
        buf_add_f(&n->key, " %u %u %" PRIu64, s->connections, s->connections_per_host,
                  s->limit_rate);
}

static int connect_to(struct shared_network *n, struct networks *ns, struct err *e)
{
    const struct settings *s = &n->settings;
    const struct network_limits *l = &ns->limits;

    if (route_find(s, ns->env, &n->route, e))
        return e->code;
    n->is.unread = n->route.unread;
    struct http_options o = { .total = l->connections ? l->connections : s->connections,
                              .per_host = l->connections ? l->connections_per_host
                                                         : s->connections_per_host,
                              .limit_rate = l->connections ? l->limit_rate : s->limit_rate,
                              .timeout_ms = s->timeout_s * 1000,
                              .patience = s->retries + 1,
                              .user_agent = "dray/" DRAY_VERSION,
                              .ca_file = n->route.ca_file,
                              .ca_directory = n->route.ca_directory,
                              .proxies = &n->route.proxies,
                              .system_resolver = s->resolver == RESOLVER_SYSTEM,
                              .client_cert = s->client_cert.p,
                              .trusted_hosts = n->is.trusted_hosts,
                              .n_trusted_hosts = n->is.n_trusted_hosts,
                              .http1_only = s->no_http2 };
    n->is.http = http_create(ns->loop, &o, e);
    return e->code;
}

static void destroy(struct shared_network *n)
{
    if (!n)
        return;
    http_destroy(n->is.http);
    route_done(&n->route);
    settings_done(&n->settings);
    buf_done(&n->key);
    arena_done(&n->arena);
    free(n);
}

static void forget(struct networks *ns, struct shared_network *n)
{
    struct shared_network **at = &ns->first;

    if (!n)
        return;
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    destroy(n);
}

static struct shared_network *find(const struct networks *ns, struct str key)
{
    struct shared_network *n = ns->first;

    while (n && !str_eq(buf_str(&n->key), key))
        n = n->next;
    return n;
}

struct networks *networks_create(struct loop *l, const struct network_limits *limits,
                                 const char *const *env)
{
    struct networks *ns = mem_new(1, sizeof(*ns));

    *ns = (struct networks){ .loop = l, .limits = *limits, .env = env };
    return ns;
}

void networks_destroy(struct networks *ns)
{
    if (!ns)
        return;
    forget(ns, ns->spare);
    assert(!ns->first);
    free(ns);
}

struct network *network_get(struct networks *ns, const struct settings *s, struct err *e)
{
    struct shared_network *n = create(s);

    add_key(n, &ns->limits);
    struct shared_network *known = find(ns, buf_str(&n->key));
    if (known || connect_to(n, ns, e)) {
        destroy(n);
        n = known;
    } else {
        n->next = ns->first;
        ns->first = n;
    }
    if (!n)
        return NULL;
    n->users++;
    if (ns->spare == n)
        ns->spare = NULL;
    return &n->is;
}

/* Where a process has limits for all, what settings say is for the one job. */
struct http *network_join(const struct networks *ns, const struct network *n,
                          const struct settings *s, const struct network_user *u)
{
    struct http_share share = {
        .weight = u->weight, .note = u->note, .note_ctx = u->note_ctx, .auth = u->auth
    };

    if (ns->limits.connections) {
        share.total = s->connections < ns->limits.connections ? s->connections : 0;
        share.limit_rate = s->limit_rate;
        /* It keeps seats for long: some are left to the others. */
        if (share.limit_rate && (!share.total || share.total > RATED_SEATS))
            share.total = RATED_SEATS;
    }
    return http_share(n->http, &share);
}

void network_release(struct networks *ns, struct network *n)
{
    struct shared_network *shared = (struct shared_network *)n;

    if (!shared || --shared->users)
        return;
    forget(ns, ns->spare);
    ns->spare = shared;
}
