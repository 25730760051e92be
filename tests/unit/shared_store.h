/* shared_store.h: jobs of one process that share a store, an http and a loop, each with machines,
 * pages and ladders of its own, and a server that all of them ask. */
#pragma once

#include "dray/fetch/fetch.h"
#include "dray/fetch/flight.h"
#include "dray/fetch/host.h"
#include "dray/fetch/ladder.h"
#include "http_server.h"
#include "local_world.h"
#include "small_wheel.h"
#include "store_world.h"

#define OK         "HTTP/1.1 200 OK\r\n"
#define NONE       "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
#define BUSY       "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define FRESH      "Cache-Control: max-age=600\r\n"
#define NO_STORE   "Cache-Control: no-store\r\n"
#define WHEEL_PATH "/" WHEEL_NAME
#define SIDECAR    WHEEL_PATH ".metadata"
#define PAGE       "/simple/demo/"

enum { JOBS = 3, ROUTES = 4, STEPS_MAX = 4000, TURNS = 10, DESCRIPTION_BYTES = 70000 };

struct job {
    struct scene *scene;
    struct events events;
    struct page_world pages;
    struct hosts *hosts;
    struct place *place;
    struct fetcher *fetcher;
    struct page *page;
    struct ladder *ladder;
    struct body_pool pool;
    unsigned ends;
    int code;             /* of the page, or of the metadata */
    size_t n_files;       /* on the page */
    enum fetch_state saw; /* what the first job did when this one began to place its file */
    struct buf told;      /* where the page or the metadata came from */
    const char *then; /* what the server says once this job's page has come, or is to be retried */
};

struct scene {
    struct local_world w;
    struct server server;
    struct server_route routes[ROUTES];
    struct buf answers[ROUTES];
    size_t n_routes;
    struct cache cache;
    struct flights *flights;
    struct target *target;
    struct buf wheel;
    struct digest sha256; /* of that */
    struct promise promise;
    struct str url;
    enum place_mode mode;
    struct job jobs[JOBS];
};

/* -- the server -- */

static inline struct server_route *serve(struct scene *s, const char *path, const char *head,
                                         struct str body)
{
    struct server_route *route = &s->routes[s->n_routes];
    struct buf *out = &s->answers[s->n_routes++];

    buf_add_z(out, head);
    if (body.p)
        buf_add_f(out, "Content-Length: %zu\r\n\r\n", body.n);
    buf_add_str(out, body);
    *route = (struct server_route){ .path = path, .answer = buf_z(out), .n = out->n };
    s->server.n_routes = s->n_routes;
    return route;
}

/* From now on it says something else there. */
static inline void serve_instead(struct server_route *route, const char *answer)
{
    *route = (struct server_route){ .path = route->path, .answer = answer };
}

static inline unsigned asked(const struct scene *s, const char *path)
{
    struct str rest = buf_str(&s->server.log);
    unsigned n = 0;

    while (rest.p)
        n += str_is(str_cut(rest, '\n', &rest), path);
    return n;
}

/* -- the jobs -- */

static inline const struct fetch_view *view(const struct scene *s, size_t job)
{
    size_t n;

    return fetcher_views(s->jobs[job].fetcher, &n)[0];
}

static inline void note_event(void *ctx, const struct event *ev)
{
    struct job *j = ctx;

    if (ev->kind == EVENT_PAGE)
        buf_add_z(&j->told, fetch_origin_name(ev->origin));
    if (ev->kind == EVENT_METADATA)
        buf_add_str(&j->told, ev->text);
    if (ev->kind == EVENT_STATE && ev->to == FETCH_PLACE && j->scene->jobs[0].fetcher)
        j->saw = view(j->scene, 0)->state;
    if (ev->kind == EVENT_RETRY && j->then)
        serve_instead(&j->scene->routes[0], j->then);
}

static inline void job_open(struct scene *s, struct job *j)
{
    struct err e = { 0 };
    const char *dir = arena_f(&s->w.dir.arena, "dest%d", (int)(j - s->jobs)).p;

    j->scene = s;
    events_listen(&j->events, note_event, j);
    j->pages = s->w.pages;
    j->pages.events = &j->events;
    j->pages.cache = s->cache;
    j->pages.flights = s->flights;
    j->hosts = hosts_create(s->w.loop, &s->cache);
    j->place = place_open(temp_dir_at(&s->w.dir, dir), &e);
    assert_non_null(j->place);
}

static inline void job_give_up(struct job *j)
{
    fetcher_destroy(j->fetcher);
    page_destroy(j->page);
    ladder_destroy(j->ladder);
    j->fetcher = NULL;
    j->page = NULL;
    j->ladder = NULL;
}

static inline void job_close(struct job *j)
{
    job_give_up(j);
    hosts_destroy(j->hosts);
    place_close(j->place);
    body_pool_done(&j->pool);
    buf_done(&j->told);
}

static inline void scene_open(struct scene *s)
{
    struct err e = { 0 };

    *s = (struct scene){ 0 };
    world_open(&s->w);
    server_open(&s->server, s->w.loop, s->routes, 0);
    assert_int_equal(target_from_spec(STR("3.12:manylinux_2_28_x86_64"), &s->target, &e), 0);
    s->cache.store = store_world_open(temp_dir_at(&s->w.dir, "store"), 0);
    s->flights = flights_create(s->w.loop);
    small_wheel_add(&s->wheel, STR(WHEEL_TEXT), DESCRIPTION_BYTES);
    s->sha256 = digest_sha256(buf_str(&s->wheel));
    s->promise =
        (struct promise){ .allowed = &s->sha256, .n_allowed = 1, .bytes = FETCH_BYTES_UNKNOWN };
    s->url = arena_f(&s->w.dir.arena, "http://127.0.0.1:%u%s", s->server.port, WHEEL_PATH);
    for (size_t i = 0; i < JOBS; i++)
        job_open(s, &s->jobs[i]);
}

static inline void scene_close(struct scene *s)
{
    for (size_t i = 0; i < JOBS; i++)
        job_close(&s->jobs[i]);
    flights_destroy(s->flights);
    store_close(s->cache.store);
    server_close(&s->server);
    target_destroy(s->target);
    for (size_t i = 0; i < ROUTES; i++)
        buf_done(&s->answers[i]);
    buf_done(&s->wheel);
    world_close(&s->w);
}

static inline void turn(struct scene *s)
{
    for (unsigned i = 0; i < TURNS; i++)
        world_step(&s->w);
}

static inline void until_ended(struct scene *s, size_t job)
{
    for (unsigned i = 0; !s->jobs[job].ends && i < STEPS_MAX; i++)
        world_step(&s->w);
    assert_int_equal(s->jobs[job].ends, 1);
}

static inline void until_all_ended(struct scene *s)
{
    for (size_t i = 0; i < JOBS; i++)
        until_ended(s, i);
}

static inline struct fetch_world world_of(struct scene *s, struct job *j)
{
    return (struct fetch_world){ .loop = s->w.loop,
                                 .http = s->w.http,
                                 .events = &j->events,
                                 .readers = s->w.readers,
                                 .cache = s->cache,
                                 .hosts = j->hosts,
                                 .flights = s->flights,
                                 .place = j->place,
                                 .temp = store_temp(s->cache.store),
                                 .target = s->target,
                                 .mode = s->mode,
                                 .retries = 1,
                                 .goal = GOAL_FILES };
}

/* -- one body for each -- */

static inline void ended(void *ctx)
{
    struct job *j = ctx;

    j->ends++;
}

static inline void fetch(struct scene *s, size_t job)
{
    struct job *j = &s->jobs[job];
    struct fetch_world world = world_of(s, j);
    struct fetch_wish wish = { .label = STR("demo"),
                               .url = s->url,
                               .hashes = s->promise.allowed,
                               .n_hashes = s->promise.n_allowed,
                               .allow_wheel = true,
                               .allow_sdist = true };

    j->fetcher = fetcher_create(&world, ended, j);
    fetcher_add(j->fetcher, &wish);
    fetcher_start(j->fetcher);
}

static inline void fetch_all(struct scene *s)
{
    for (size_t i = 0; i < JOBS; i++)
        fetch(s, i);
}

static inline void until_bytes(struct scene *s, size_t job, uint64_t n)
{
    for (unsigned i = 0; view(s, job)->got_bytes < n && i < STEPS_MAX; i++)
        world_step(&s->w);
    assert_int_equal(view(s, job)->got_bytes, n);
}

static inline void has_fetched(struct scene *s, size_t job, enum fetch_origin origin)
{
    const struct fetch_view *v = view(s, job);

    until_ended(s, job);
    if (v->state != FETCH_DONE)
        fail_msg("job %zu: %s", job, err_text(&v->err));
    assert_int_equal(v->origin, origin);
    assert_true(temp_dir_has(&s->w.dir, arena_f(&s->w.dir.arena, "dest%zu/%s", job, WHEEL_NAME).p,
                             buf_str(&s->wheel)));
}

/* The head, and the first `n` bytes of the body. */
static inline struct server_route *serve_cut(struct scene *s, size_t n)
{
    struct str head =
        arena_f(&s->w.dir.arena, OK "ETag: \"e\"\r\nContent-Length: %zu\r\n\r\n", s->wheel.n);
    struct server_route *route = serve(s, WHEEL_PATH, head.p, STR_NONE);
    struct buf *out = &s->answers[s->n_routes - 1];

    buf_add_str(out, str_sub(buf_str(&s->wheel), 0, n));
    *route = (struct server_route){
        .path = WHEEL_PATH, .answer = buf_z(out), .n = out->n, .after = HANG
    };
    return route;
}
