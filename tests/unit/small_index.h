/* small_index.h: an index over http whose pages list wheels with their metadata beside them, for
 * tests of what is found out of projects and files. All is added before small_index_serve(). */
#pragma once

#include "dray/fetch/facts.h"
#include "dray/fetch/host.h"
#include "dray/util/map.h"
#include "http_server.h"
#include "local_world.h"
#include "small_sdist.h"

enum { SMALL_INDEX_ROUTES = 64, SMALL_INDEX_STEPS = 4000 };

#define SMALL_INDEX_OK   "HTTP/1.1 200 OK\r\n"
#define SMALL_INDEX_BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define SMALL_INDEX_NONE "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

struct small_index {
    struct local_world w;
    struct server server;
    struct server_route routes[SMALL_INDEX_ROUTES];
    size_t n_routes;
    struct map pages; /* project -> struct buf, its HTML */
    struct source_index index;
    struct strs find_links;
    struct place *dir;
    struct target *target;
    struct source *source;
    struct fetch_world world;
    struct facts *facts;
};

static inline void small_index_open(struct small_index *x)
{
    struct err e = { 0 };

    *x = (struct small_index){ 0 };
    world_open(&x->w);
    x->w.pages.retries = 0;
    server_open(&x->server, x->w.loop, x->routes, 0);
    x->dir = place_open(x->w.dir.path, &e);
    assert_non_null(x->dir);
    assert_int_equal(target_from_spec(STR("3.12:manylinux_2_28_x86_64"), &x->target, &e), 0);
}

/* What is asked for under `path`, head and body. */
static inline void small_index_route(struct small_index *x, struct str path, struct str answer)
{
    assert_in_range(x->n_routes, 0, SMALL_INDEX_ROUTES - 1);
    x->routes[x->n_routes++] =
        (struct server_route){ .path = arena_str(&x->w.dir.arena, path).p,
                               .answer = arena_str(&x->w.dir.arena, answer).p,
                               .n = answer.n };
    x->server.n_routes = x->n_routes;
}

static inline void small_index_ok(struct small_index *x, struct str path, struct str body)
{
    struct buf answer = { 0 };

    buf_add_f(&answer, SMALL_INDEX_OK "Content-Type: text/html\r\nContent-Length: %zu\r\n\r\n",
              body.n);
    buf_add_str(&answer, body);
    small_index_route(x, path, buf_str(&answer));
    buf_done(&answer);
}

static inline struct str small_index_page(struct small_index *x, const char *project)
{
    return arena_f(&x->w.dir.arena, "/simple/%s/", project);
}

/* A link on the page of a project. */
static inline void small_index_link(struct small_index *x, const char *project, const char *href,
                                    const char *attributes)
{
    struct buf *page = map_get(&x->pages, str_of(project));

    if (!page) {
        page = mem_new(1, sizeof(*page));
        map_put(&x->pages, arena_str(&x->w.dir.arena, str_of(project)), page);
    }
    buf_add_f(page, "<a href=\"%s\" %s>x</a>\n", href, attributes);
}

/* A wheel of pure Python; its metadata is what is served. `needs`: more lines of that. */
static inline void small_index_wheel(struct small_index *x, const char *project,
                                     const char *version, const char *needs)
{
    struct arena *a = &x->w.dir.arena;
    struct str path = arena_f(a, "/files/%s-%s-py3-none-any.whl", project, version);

    small_index_link(x, project, path.p, "data-core-metadata=\"true\"");
    small_index_ok(
        x, arena_f(a, "%s.metadata", path.p),
        arena_f(a, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n%s", project, version, needs));
}

/* A source distribution whose PKG-INFO is `text`. */
static inline void small_index_sdist(struct small_index *x, const char *project,
                                     const char *version, const char *text)
{
    struct arena *a = &x->w.dir.arena;
    struct str path = arena_f(a, "/files/%s-%s.tar.gz", project, version);
    struct buf archive = { 0 };

    small_index_link(x, project, path.p, "");
    small_sdist_add(&archive, arena_f(a, "%s-%s/PKG-INFO", project, version).p, text);
    small_index_ok(x, path, buf_str(&archive));
    buf_done(&archive);
}

/* From here on it can be asked, and nothing is added. */
static inline void small_index_serve(struct small_index *x)
{
    for (size_t i = 0; i < x->pages.n; i++)
        small_index_ok(x, small_index_page(x, x->pages.entries[i].key.p),
                       buf_str(x->pages.entries[i].value));
    x->index.url = arena_f(&x->w.dir.arena, "http://127.0.0.1:%u/simple/", x->server.port);
    x->source = source_create(&x->w.pages, &(struct source_places){ .indexes = &x->index,
                                                                    .n_indexes = 1,
                                                                    .find_links = &x->find_links });
    x->world = (struct fetch_world){ .loop = x->w.loop,
                                     .http = x->w.http,
                                     .events = &x->w.events,
                                     .readers = x->w.readers,
                                     .source = x->source,
                                     .temp = x->dir,
                                     .target = x->target,
                                     .goal = GOAL_METADATA };
    x->world.hosts = hosts_create(x->w.loop, &x->world.cache);
    x->facts = facts_create(&x->world);
}

static inline void small_index_close(struct small_index *x)
{
    facts_destroy(x->facts);
    source_destroy(x->source);
    hosts_destroy(x->world.hosts);
    server_close(&x->server);
    place_close(x->dir);
    target_destroy(x->target);
    for (size_t i = 0; i < x->pages.n; i++) {
        buf_done(x->pages.entries[i].value);
        free(x->pages.entries[i].value);
    }
    map_done(&x->pages);
    world_close(&x->w);
}

/* Turns the loop until `*done` is at least `n`. */
static inline void small_index_run(struct small_index *x, const unsigned *done, unsigned n)
{
    for (unsigned i = 0; *done < n && i < SMALL_INDEX_STEPS; i++)
        world_step(&x->w);
    assert_true(*done >= n);
}

/* So many turns of the loop, for what is not to happen. */
static inline void small_index_turn(struct small_index *x, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        world_step(&x->w);
}

/* How often `path` was asked for. */
static inline unsigned small_index_asked(const struct small_index *x, const char *path)
{
    struct str rest = buf_str(&x->server.log);
    unsigned n = 0;

    while (rest.p)
        n += str_is(str_cut(rest, '\n', &rest), path);
    return n;
}
