/* engine.h: what the jobs of one process share: the loop, connections, stores, the clock by which
 * they tell their progress. The command line runs one job on it, the daemon many at once. */
#pragma once

#include "dray/job/depot.h"
#include "dray/job/network.h"
#include "dray/net/loop.h"

struct engine {
    struct loop *loop;
    struct networks *networks;
    struct depots *depots;
    struct loop_timer *ticks; /* runs while there are users */
    struct engine_user *users;
};

/* One that is told as time passes: at most ten times a second. Zeroed but for tick and ctx; the
 * storage is the caller's. */
struct engine_user {
    loop_fn tick;
    void *ctx;
    struct engine_user *prev, *next;
    bool is_in;
};

/* `l` is borrowed. */
struct engine *engine_create(struct loop *l, const struct network_limits *limits);
/* Nobody may be in. NULL is allowed. */
void engine_destroy(struct engine *en);
void engine_enter(struct engine *en, struct engine_user *u);
/* At any time, also from within its tick. */
void engine_leave(struct engine *en, struct engine_user *u);
