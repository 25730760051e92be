/* One entry a host name, kept for the run, and a list of those who wait for it. c-ares may answer
 * from within the call that asks (hosts file, wrong name), so an answer is only recorded; each
 * query hears of it in a task of its own. c-ares tells which sockets it watches
 * (ARES_OPT_SOCK_STATE_CB): each has one uv_poll handle, made anew each time since closing one is
 * not done at once. */
#include "dray/net/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <uv.h>

#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

/* Each of three rounds over the servers waits longer: 2 s, 4 s, 8 s. */
enum { TRY_MS = 2000, TRIES = 3 };

struct poll {
    uv_poll_t uv;
    struct dns *dns;
    ares_socket_t fd;
    int events;
    struct poll *next;
};

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
    ares_channel channel;
    struct loop_timer *timer;
    struct poll *polls;
    struct map entries; /* host: struct entry */
    bool closing;       /* ares_destroy() answers whatever is still asked */
};

/* Whenever c-ares did something its next deadline may have moved. */
static void set_timer(struct dns *d)
{
    struct timeval tv;

    if (ares_timeout(d->channel, NULL, &tv)) /* NULL: nothing is being asked */
        loop_timer_start(d->timer,
                         (uint64_t)tv.tv_sec * 1000 + (uint64_t)(tv.tv_usec + 999) / 1000);
    else
        loop_timer_stop(d->timer);
}

static void on_timer(void *ctx)
{
    struct dns *d = ctx;

    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(d);
}

static struct poll **poll_find(struct dns *d, ares_socket_t fd)
{
    struct poll **p = &d->polls;

    while (*p && (*p)->fd != fd)
        p = &(*p)->next;
    return p;
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct poll *p = uv->data;
    struct dns *d = p->dns;
    ares_socket_t fd = p->fd;
    bool failed = status < 0;

    ares_process_fd(d->channel, failed || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
                    failed || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD);
    /* libuv stops a handle on an error; when c-ares still wants the socket it must be watched
     * again. */
    if (failed && *poll_find(d, fd) == p)
        uv_poll_start(uv, p->events, on_poll);
    set_timer(d);
}

static void free_poll(uv_handle_t *handle)
{
    free(handle->data);
}

static void poll_close(struct poll **at)
{
    struct poll *p = *at;

    *at = p->next;
    uv_poll_stop(&p->uv); /* at once: c-ares closes the socket next, and its number may come back */
    uv_close((uv_handle_t *)&p->uv, free_poll);
}

static struct poll *poll_open(struct dns *d, ares_socket_t fd)
{
    struct poll *p = mem_new(1, sizeof *p);

    *p = (struct poll){ .dns = d, .fd = fd, .next = d->polls };
    int rc = uv_poll_init_socket(loop_uv(d->loop), &p->uv, fd);
    assert(rc == 0);
    if (rc < 0)
        abort(); /* UV_EEXIST: two watchers of one socket; any answer might reach the wrong one */
    p->uv.data = p;
    d->polls = p;
    return p;
}

/* ARES_OPT_SOCK_STATE_CB; also called by ares_destroy(). */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct dns *d = data;
    struct poll **at = poll_find(d, fd);

    if (!readable && !writable) {
        if (*at)
            poll_close(at);
        return;
    }
    struct poll *p = *at ? *at : poll_open(d, fd);
    p->events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    uv_poll_start(&p->uv, p->events, on_poll);
}

static void entry_add(struct entry *entry, const char *address)
{
    if (entry->n == LIMIT_ADDRESSES)
        return;
    for (size_t i = 0; i < entry->n; i++)
        if (strcmp(entry->addresses[i].text, address) == 0)
            return;
    snprintf(entry->addresses[entry->n++].text, DNS_TEXT_SIZE, "%s", address);
}

static void entry_add_node(struct entry *entry, const struct ares_addrinfo_node *node)
{
    char text[INET6_ADDRSTRLEN];
    const void *address;

    if (node->ai_family == AF_INET)
        address = &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr;
    else if (node->ai_family == AF_INET6)
        address = &((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr;
    else
        return;
    if (inet_ntop(node->ai_family, address, text, sizeof text))
        entry_add(entry, text);
}

static void entry_fail(struct entry *entry, int status)
{
    struct buf message = { 0 };
    bool no_such_name = status == ARES_ENOTFOUND || status == ARES_ENODATA;

    if (no_such_name)
        buf_add_f(&message, "the name %s has no address", entry->host);
    else
        buf_add_f(&message, "the name %s could not be resolved: %s", entry->host,
                  ares_strerror(status));
    entry->state = ENTRY_FAILED;
    entry->again = !no_such_name && status != ARES_EBADNAME;
    entry->message = buf_take(&message);
}

/* From now on the queries can be answered. */
static void entry_tell(struct entry *entry)
{
    for (struct dns_query *q = entry->queries; q; q = q->next)
        loop_post(entry->dns->loop, &q->task);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    struct entry *entry = arg;

    (void)timeouts;
    if (!entry->dns->closing) {
        for (struct ares_addrinfo_node *n = result ? result->nodes : NULL; n; n = n->ai_next)
            entry_add_node(entry, n);
        entry->state = ENTRY_KNOWN;
        if (status != ARES_SUCCESS || entry->n == 0)
            entry_fail(entry, status == ARES_SUCCESS ? ARES_ENODATA : status);
        entry_tell(entry);
    }
    ares_freeaddrinfo(result);
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
    /* CARES_HOSTS may name another hosts file, as in all programs that use c-ares. */
    static const struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC,
        .ai_flags = ARES_AI_ENVHOSTS,
    };

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
        ares_getaddrinfo(entry->dns->channel, entry->host, NULL, &hints, on_answer, entry);
        set_timer(entry->dns);
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

struct dns *dns_open(struct loop *l, struct err *e)
{
    struct dns *d = mem_new(1, sizeof *d);
    struct ares_options options = {
        .timeout = TRY_MS,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = d,
    };

    d->loop = l;
    int rc = ares_library_init(ARES_LIB_INIT_ALL);
    if (rc == ARES_SUCCESS) {
        rc = ares_init_options(&d->channel, &options,
                               ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
        if (rc != ARES_SUCCESS)
            ares_library_cleanup();
    }
    if (rc != ARES_SUCCESS) {
        free(d);
        err_set(e, ERR_DNS, "the resolver can't be opened: %s", ares_strerror(rc));
        return NULL;
    }
    d->timer = loop_timer_create(l, on_timer, d);
    return d;
}

void dns_close(struct dns *d)
{
    if (!d)
        return;
    d->closing = true;
    ares_destroy(d->channel);
    ares_library_cleanup();
    while (d->polls)
        poll_close(&d->polls);
    loop_timer_destroy(d->timer);
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
