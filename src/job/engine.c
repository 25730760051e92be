#include "dray/job/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/util/mem.h"

#ifdef __APPLE__ /* whose unistd.h does not have it */
extern char **environ;
#endif

enum { TICK_MS = 100 };

static void tick(void *ctx)
{
    struct engine *en = ctx;
    struct engine_user *next;

    for (struct engine_user *u = en->users; u; u = next) {
        next = u->next;
        u->tick(u->ctx);
    }
    depots_flush(en->depots);
    if (en->users)
        loop_timer_start(en->ticks, TICK_MS);
    else
        mem_trim(); /* the next one may come tomorrow */
}

struct engine *engine_create(struct loop *l, const struct network_limits *limits)
{
    struct engine *en = mem_new(1, sizeof(*en));

    en->loop = l;
    en->networks = networks_create(l, limits, (const char *const *)environ);
    en->depots = depots_create(l);
    en->ticks = loop_timer_create(l, tick, en);
    loop_timer_unref(en->ticks);
    return en;
}

void engine_destroy(struct engine *en)
{
    if (!en)
        return;
    assert(!en->users);
    loop_timer_destroy(en->ticks);
    networks_destroy(en->networks);
    depots_destroy(en->depots);
    free(en);
}

void engine_enter(struct engine *en, struct engine_user *u)
{
    if (!en->users)
        loop_timer_start(en->ticks, TICK_MS);
    u->next = en->users;
    if (u->next)
        u->next->prev = u;
    u->prev = NULL;
    u->is_in = true;
    en->users = u;
}

void engine_leave(struct engine *en, struct engine_user *u)
{
    if (!u->is_in)
        return;
    if (u->next)
        u->next->prev = u->prev;
    if (u->prev)
        u->prev->next = u->next;
    else
        en->users = u->next;
    u->is_in = false;
}
