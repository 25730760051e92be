/* A record of the store holds the answers as letters, one a skill. */
#include "dray/fetch/host.h"

#include <stdlib.h>

#include "dray/net/url.h"
#include "dray/util/clock.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

enum { KEPT_S = 24 * 60 * 60, BAD_SIDECARS_MAX = 3 };

struct line {
    bool probing; /* somebody is finding out */
    struct host_wait *waiting;
};

struct host {
    struct hosts *hosts;
    struct str name; /* "https://host:port" */
    enum host_answer answers[HOST_SKILL_COUNT];
    struct line lines[HOST_SKILL_COUNT];
    unsigned bad_sidecars;
    bool good_sidecar;
};

struct hosts {
    struct loop *loop;
    const struct cache *cache;
    struct arena arena;
    struct map map;
};

static const char letters[] = { [HOST_UNKNOWN] = '?', [HOST_CAN] = 'y', [HOST_CANNOT] = 'n' };

struct hosts *hosts_create(struct loop *l, const struct cache *c)
{
    struct hosts *hs = mem_new(1, sizeof(*hs));

    hs->loop = l;
    hs->cache = c;
    return hs;
}

void hosts_destroy(struct hosts *hs)
{
    if (!hs)
        return;
    map_done(&hs->map);
    arena_done(&hs->arena);
    free(hs);
}

static void host_recall(struct host *h)
{
    struct store *store = h->hosts->cache->store;
    struct arena a = { 0 };
    struct store_record r;

    if (store && store_get(store, STORE_HOST, h->name, &a, &r) &&
        clock_unix_s() < r.fresh_until_s && r.content.n == HOST_SKILL_COUNT)
        for (int i = 0; i < HOST_SKILL_COUNT; i++)
            h->answers[i] = r.content.p[i] == letters[HOST_CAN]      ? HOST_CAN
                            : r.content.p[i] == letters[HOST_CANNOT] ? HOST_CANNOT
                                                                     : HOST_UNKNOWN;
    arena_done(&a);
}

static void host_keep(const struct host *h)
{
    struct store *store = h->hosts->cache->store;
    char content[HOST_SKILL_COUNT];
    int64_t now = clock_unix_s();

    if (!store)
        return;
    for (int i = 0; i < HOST_SKILL_COUNT; i++)
        content[i] = letters[h->answers[i]];
    store_put(store, STORE_HOST, h->name,
              &(struct store_record){ .label = h->name,
                                      .received_s = now,
                                      .fresh_until_s = now + KEPT_S,
                                      .content = { content, sizeof(content) } });
}

struct host *hosts_find(struct hosts *hs, struct str url)
{
    struct err e = { 0 };
    struct url u;
    struct buf name = { 0 };

    if (url_parse(url, &u, &e))
        buf_add_str(&name, url); /* no request will come of it */
    else
        buf_add_f(&name, "%s://%s:%u", u.scheme, u.host, u.port);
    struct host *h = map_get(&hs->map, buf_str(&name));
    if (!h) {
        h = arena_alloc(&hs->arena, 1, sizeof(*h));
        h->hosts = hs;
        h->name = arena_str(&hs->arena, buf_str(&name));
        map_put(&hs->map, h->name, h);
        host_recall(h);
    }
    if (!e.code)
        url_done(&u);
    err_done(&e);
    buf_done(&name);
    return h;
}

enum host_answer host_can(const struct host *h, enum host_skill skill)
{
    return h->answers[skill];
}

/* All, if it is known now; else the next one finds out. */
static void line_wake(struct host *h, struct line *line, bool all)
{
    while (line->waiting) {
        struct host_wait *w = line->waiting;
        line->waiting = w->next;
        loop_post(h->hosts->loop, &w->task);
        if (!all)
            break;
    }
}

/* Whoever learns it need not be the one that the others wait for. */
void host_learn(struct host *h, enum host_skill skill, enum host_answer answer)
{
    if (h->answers[skill] == answer)
        return;
    h->answers[skill] = answer;
    host_keep(h);
    if (answer != HOST_UNKNOWN)
        line_wake(h, &h->lines[skill], true);
}

static void host_go(void *ctx)
{
    struct host_wait *w = ctx;
    struct line *line = &w->host->lines[w->skill];

    if (host_can(w->host, w->skill) == HOST_UNKNOWN) {
        if (line->probing) { /* somebody came first */
            w->next = line->waiting;
            line->waiting = w;
            return;
        }
        line->probing = w->probing = true;
    }
    w->go(w->ctx);
}

bool host_enter(struct host *h, enum host_skill skill, struct host_wait *w)
{
    struct line *line = &h->lines[skill];

    if (w->host)
        host_leave(w);
    w->host = h;
    w->skill = skill;
    w->task = (struct loop_task){ .fn = host_go, .ctx = w };
    if (host_can(h, skill) != HOST_UNKNOWN)
        return true;
    if (!line->probing)
        return line->probing = w->probing = true;
    w->next = line->waiting;
    line->waiting = w;
    return false;
}

static void line_remove(struct line *line, struct host_wait *w)
{
    struct host_wait **at = &line->waiting;

    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
}

void host_leave(struct host_wait *w)
{
    struct host *h = w->host;

    if (!h)
        return;
    struct line *line = &h->lines[w->skill];
    bool was_next = w->task.queued;
    line_remove(line, w);
    loop_unpost(h->hosts->loop, &w->task);
    w->host = NULL;
    if (w->probing)
        w->probing = line->probing = false;
    else if (!was_next || line->probing)
        return;
    line_wake(h, line, host_can(h, w->skill) != HOST_UNKNOWN);
}

void host_note_sidecar(struct host *h, bool good)
{
    h->good_sidecar |= good;
    h->bad_sidecars += !good;
}

bool host_has_sidecars(const struct host *h)
{
    return h->good_sidecar || h->bad_sidecars < BAD_SIDECARS_MAX;
}
