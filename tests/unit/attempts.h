/* attempts.h: a server that answers each attempt at one file as the test says, and the turns of the
 * loop until the answer is told. */
#pragma once

#include "dray/fetch/world.h"
#include "http_server.h"
#include "local_world.h"

#define OK_200  "HTTP/1.1 200 OK\r\n"
#define NOTHING "Content-Length: 0\r\n\r\n"

enum { ATTEMPTS = 2, TURNS_MAX = 2000 };

struct attempts {
    struct local_world w;
    struct server server;
    struct server_route routes[ATTEMPTS]; /* of each */
    struct fetch_world world;
    struct str url;
    unsigned calls; /* of `done`, which the test counts */
    unsigned retries;
};

/* The next attempt gets the next answer. */
static inline void attempts_note(void *ctx, const struct event *ev)
{
    struct attempts *a = ctx;

    if (ev->kind == EVENT_RETRY)
        a->server.routes = &a->routes[++a->retries];
}

/* `answer` comes to each attempt, unless the test changes the route of the second. */
static inline void attempts_open(struct attempts *a, const char *path, const char *answer,
                                 enum server_after after)
{
    *a = (struct attempts){ 0 };
    world_open(&a->w);
    for (size_t i = 0; i < ATTEMPTS; i++)
        a->routes[i] = (struct server_route){ .path = path, .answer = answer, .after = after };
    server_open(&a->server, a->w.loop, a->routes, 1);
    events_listen(&a->w.events, attempts_note, a);
    a->world = (struct fetch_world){
        .loop = a->w.loop, .http = a->w.http, .events = &a->w.events, .retries = ATTEMPTS - 1
    };
    a->url = arena_f(&a->w.dir.arena, "http://127.0.0.1:%u%s", a->server.port, path);
}

static inline void attempts_close(struct attempts *a)
{
    server_close(&a->server);
    world_close(&a->w);
}

static inline void attempts_turn(struct attempts *a, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++)
        world_step(&a->w);
}

/* Until it is told, and a little longer: it is told once. */
static inline void attempts_run(struct attempts *a)
{
    for (unsigned i = 0; !a->calls && i < TURNS_MAX; i++)
        world_step(&a->w);
    attempts_turn(a, 3);
    assert_int_equal(a->calls, 1);
}

/* A moment to give up in. */
struct moment {
    const char *answer;
    enum server_after after;
    unsigned requests, retries; /* after so many */
    unsigned turns;             /* and up to so many turns of the loop */
};

static inline void attempts_reach(struct attempts *a, const struct moment *m, unsigned turns)
{
    while (a->server.n_requests < m->requests || a->retries < m->retries)
        world_step(&a->w);
    for (unsigned i = 0; i < turns && !a->calls; i++)
        world_step(&a->w);
}
