/* One entry a host name, kept for the run, and a list of those who wait for it. An answer may come
 * from within the call that asks (hosts file, wrong name), so it is only recorded; each query hears
 * of it in a task of its own. */
#include "dray/net/dns_backend.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

enum entry_state { ENTRY_ASKING, ENTRY_KNOWN, ENTRY_FAILED };

struct entry {
    struct dns *dns;
    char *host;
    enum entry_state state;
    bool again;
    char *message; /* of a failure */
    struct dns_address addresses[LIMIT_ADDRESSES];
    size_t n;
    struct dns_query *queries;
};

struct dns_query {
    struct entry *entry;
    struct loop_task task;
    struct dns_query *next;
    dns_done_fn done;
    void *ctx;
};

struct dns {
    struct loop *loop;
    struct dns_backend backend;
    struct map entries; /* host: struct entry */
};

static void entry_add(struct entry *entry, const char *address)
{
    if (entry->n == LIMIT_ADDRESSES)
        return;
    for (size_t i = 0; i < entry->n; i++)
        if (strcmp(entry->addresses[i].text, address) == 0)
            return;
    snprintf(entry->addresses[entry->n++].text, DNS_TEXT_SIZE, "%s", address);
}

static void entry_fail(struct entry *entry, const struct dns_found *found)
{
    struct buf message = { 0 };
    bool no_address = found->outcome == DNS_ANSWERED || found->outcome == DNS_NO_SUCH_NAME;

    if (no_address)
        buf_add_f(&message, "the name %s has no address", entry->host);
    else
        buf_add_f(&message, "the name %s could not be resolved: %s", entry->host, found->why);
    entry->state = ENTRY_FAILED;
    entry->again = found->outcome == DNS_FAILED;
    entry->message = buf_take(&message);
}

/* From now on the queries can be answered. */
static void entry_tell(struct entry *entry)
{
    for (struct dns_query *q = entry->queries; q; q = q->next)
        loop_post(entry->dns->loop, &q->task);
}

static void on_found(void *ctx, const struct dns_found *found)
{
    struct entry *entry = ctx;

    for (size_t i = 0; i < found->n; i++)
        entry_add(entry, found->addresses[i].text);
    entry->state = ENTRY_KNOWN;
    if (found->outcome != DNS_ANSWERED || entry->n == 0)
        entry_fail(entry, found);
    entry_tell(entry);
}

static bool is_literal(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static bool is_localhost(const char *host)
{
    struct str name = str_of(host);

    if (str_ends(name, STR(".")))
        name.n--;
    return str_eq_nocase(name, STR("localhost")) ||
           (name.n > 10 && str_eq_nocase(str_sub(name, name.n - 10, name.n), STR(".localhost")));
}

static void entry_ask(struct entry *entry)
{
    struct dns_backend *backend = &entry->dns->backend;

    free(entry->message);
    entry->message = NULL;
    entry->n = 0;
    entry->state = ENTRY_KNOWN;
    if (is_literal(entry->host)) {
        entry_add(entry, entry->host);
    } else if (is_localhost(entry->host)) { /* RFC 6761 section 6.3: never asked for */
        entry_add(entry, "::1");
        entry_add(entry, "127.0.0.1");
    } else {
        entry->state = ENTRY_ASKING;
        backend->ask(backend->self, entry->host, on_found, entry);
    }
}

static void query_remove(struct dns_query *q)
{
    struct dns_query **at = &q->entry->queries;

    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    free(q);
}

static void query_answer(void *ctx)
{
    struct dns_query *q = ctx;
    struct entry *entry = q->entry;
    dns_done_fn done = q->done;
    void *done_ctx = q->ctx;
    /* Copies: `done` may demote an address, or ask anew. */
    struct dns_address addresses[LIMIT_ADDRESSES];
    char *message = entry->message ? mem_dup(entry->message) : NULL;
    struct dns_answer answer = {
        .code = entry->state == ENTRY_FAILED ? ERR_DNS : 0,
        .again = entry->state == ENTRY_FAILED && entry->again,
        .message = message,
        .addresses = addresses,
        .n = entry->n,
    };

    assert(entry->state != ENTRY_ASKING);
    memcpy(addresses, entry->addresses, sizeof addresses);
    query_remove(q);
    done(done_ctx, &answer);
    free(message);
}

void dns_found_add(struct dns_found *f, const struct sockaddr *address)
{
    char written[INET6_ADDRSTRLEN];
    const void *bytes = NULL;

    if (address->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    else if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (f->n == LIMIT_ADDRESSES || !bytes ||
        !inet_ntop(address->sa_family, bytes, written, sizeof written))
        return;
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->addresses[i].text, written) == 0)
            return;
    snprintf(f->addresses[f->n++].text, DNS_TEXT_SIZE, "%s", written);
}

struct dns *dns_open(struct loop *l, enum dns_resolver resolver, struct err *e)
{
    struct dns *d = mem_new(1, sizeof *d);

    d->loop = l;
    if (resolver == DNS_SYSTEM) {
        dns_system_open(l, &d->backend);
    } else if (dns_cares_open(l, &d->backend, e)) {
        free(d);
        return NULL;
    }
    return d;
}

void dns_close(struct dns *d)
{
    if (!d)
        return;
    d->backend.close(d->backend.self);
    for (size_t i = 0; i < d->entries.n; i++) {
        struct entry *entry = d->entries.entries[i].value;
        assert(!entry->queries);
        free(entry->host);
        free(entry->message);
        free(entry);
    }
    map_done(&d->entries);
    free(d);
}

struct dns_query *dns_start(struct dns *d, const char *host, dns_done_fn done, void *ctx)
{
    struct entry *entry = map_get(&d->entries, str_of(host));
    struct dns_query *q = mem_new(1, sizeof *q);

    if (!entry) {
        entry = mem_new(1, sizeof *entry);
        entry->dns = d;
        entry->host = mem_dup(host);
        map_put(&d->entries, str_of(entry->host), entry);
        entry_ask(entry);
    } else if (entry->state == ENTRY_FAILED && entry->again && !entry->queries) {
        entry_ask(entry);
    }
    *q = (struct dns_query){ .entry = entry, .done = done, .ctx = ctx };
    q->task = (struct loop_task){ .fn = query_answer, .ctx = q };
    struct dns_query **end = &entry->queries;
    while (*end)
        end = &(*end)->next;
    *end = q;
    if (entry->state != ENTRY_ASKING)
        loop_post(d->loop, &q->task);
    return q;
}

void dns_cancel(struct dns_query *q)
{
    loop_unpost(q->entry->dns->loop, &q->task);
    query_remove(q);
}

void dns_demote(struct dns *d, const char *host, const char *address)
{
    struct entry *entry = map_get(&d->entries, str_of(host));
    size_t at = 0;

    while (entry && at < entry->n && strcmp(entry->addresses[at].text, address) != 0)
        at++;
    if (!entry || at == entry->n)
        return;
    struct dns_address moved = entry->addresses[at];
    memmove(&entry->addresses[at], &entry->addresses[at + 1], (entry->n - at - 1) * sizeof moved);
    entry->addresses[entry->n - 1] = moved;
}
