/* local_world.h: what pages and machines need of a run, with a directory for an index: a real loop,
 * an http that is never asked for anything, and a record of what happened. */
#pragma once

#include <uv.h>

#include "dray/fetch/page.h"
#include "temp_dir.h"

enum { WORLD_PATIENCE_MS = 60 * 1000 };

struct local_world {
    struct temp_dir dir;
    struct loop *loop;
    struct loop_timer *watchdog, *tick;
    struct http *http;
    struct events events;
    struct readers *readers;
    struct page_world pages;
    struct buf told;  /* "page CODE BYTES URL", "warning TEXT", a line each */
    struct buf steps; /* "ORDER from to", a line each */
};

static inline void world_listen(void *ctx, const struct event *ev)
{
    struct local_world *w = ctx;

    if (ev->kind == EVENT_PAGE)
        buf_add_f(&w->told, "page %s %ju %.*s\n", err_name(ev->code), (uintmax_t)ev->n,
                  STR_ARG(ev->text));
    if (ev->kind == EVENT_WARNING)
        buf_add_f(&w->told, "warning %.*s\n", STR_ARG(ev->text));
    if (ev->kind == EVENT_STATE)
        buf_add_f(&w->steps, "%zu %s %s\n", ev->fetch->order, fetch_state_name(ev->from),
                  fetch_state_name(ev->to));
}

static inline void world_stuck(void *ctx)
{
    struct local_world *w = ctx;

    fprintf(stderr, "nothing happened for %d ms\n%s%s", WORLD_PATIENCE_MS, buf_z(&w->told),
            buf_z(&w->steps));
    abort();
}

static inline void world_wake(void *ctx)
{
    (void)ctx;
}

static inline void world_open(struct local_world *w)
{
    struct err e = { 0 };

    *w = (struct local_world){ 0 };
    temp_dir_open(&w->dir);
    w->loop = loop_open(&e);
    temp_dir_check(w->loop != NULL, err_text(&e));
    w->http = http_create(w->loop, &(struct http_options){ .user_agent = "test" }, &e);
    temp_dir_check(w->http != NULL, err_text(&e));
    w->watchdog = loop_timer_create(w->loop, world_stuck, w);
    loop_timer_unref(w->watchdog);
    w->tick = loop_timer_create(w->loop, world_wake, NULL);
    events_listen(&w->events, world_listen, w);
    w->readers = readers_create(w->loop);
    w->pages = (struct page_world){
        .loop = w->loop, .http = w->http, .readers = w->readers, .events = &w->events, .retries = 1
    };
}

/* Until loop_stop(), or until nothing is left to happen: false then. */
static inline bool world_run(struct local_world *w)
{
    loop_timer_start(w->watchdog, WORLD_PATIENCE_MS);
    bool stopped = loop_run(w->loop);
    loop_timer_stop(w->watchdog);
    return stopped;
}

/* One turn of the loop in which something happens, or 5 ms in which nothing does. */
static inline void world_step(struct local_world *w)
{
    loop_timer_start(w->tick, 5);
    uv_run(loop_uv(w->loop), UV_RUN_ONCE);
}

/* Turns the loop a few times, so that what is waiting to happen happens. */
static inline void world_turn(void *ctx)
{
    loop_stop(ctx);
}

static inline void world_settle(struct local_world *w)
{
    struct loop_timer *timer = loop_timer_create(w->loop, world_turn, w->loop);

    loop_timer_start(timer, 30);
    world_run(w);
    loop_timer_destroy(timer);
}

static inline void world_close(struct local_world *w)
{
    loop_timer_destroy(w->watchdog);
    loop_timer_destroy(w->tick);
    readers_destroy(w->readers);
    http_destroy(w->http);
    loop_close(w->loop);
    buf_done(&w->told);
    buf_done(&w->steps);
    temp_dir_close(&w->dir);
}
