/* Nobody is behind the clock: who had nothing to ask for, or held its seats for long, has saved up
 * no turns. And nobody is more than one turn before it. */
#include "dray/net/http_part.h"

#include <stddef.h>

#include "dray/util/limits.h"

enum { TURN = 1024 * 1024 }; /* of virtual time, for one of weight 1 */

static uint64_t virtual_time(const struct http_parts *all, const struct http_part *p)
{
    return p->passed > all->clock ? p->passed : all->clock;
}

static bool has_less(const struct http_part *a, const struct http_part *b)
{
    return (uint64_t)a->n * b->weight < (uint64_t)b->n * a->weight;
}

/* Even with the next seat `a` would have no more than `b` has. */
static bool is_owed(const struct http_part *a, const struct http_part *b)
{
    return ((uint64_t)a->n + 1) * b->weight <= (uint64_t)b->n * a->weight;
}

void http_parts_add(struct http_parts *all, struct http_part *p, unsigned weight)
{
    struct http_part **last = &all->first;

    while (*last)
        last = &(*last)->next;
    *last = p;
    *p = (struct http_part){ .weight = weight == 0                   ? 1
                                       : weight < LIMIT_SHARE_WEIGHT ? weight
                                                                     : LIMIT_SHARE_WEIGHT };
}

void http_parts_remove(struct http_parts *all, struct http_part *p)
{
    struct http_part **at = &all->first;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->next = NULL;
}

struct http_part *http_parts_choose(const struct http_parts *all,
                                    bool (*wants)(const struct http_part *p))
{
    const struct http_part *least = NULL;
    struct http_part *chosen = NULL;

    for (const struct http_part *p = all->first; p; p = p->next)
        if (wants(p) && (!least || has_less(p, least)))
            least = p;
    for (struct http_part *p = least ? all->first : NULL; p; p = p->next)
        if (wants(p) && !is_owed(least, p) &&
            (!chosen || virtual_time(all, p) < virtual_time(all, chosen)))
            chosen = p;
    return chosen;
}

void http_parts_give(struct http_parts *all, struct http_part *p)
{
    p->n++;
    all->clock = virtual_time(all, p);
    p->passed = all->clock + TURN / p->weight;
}
