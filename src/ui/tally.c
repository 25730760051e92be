/* Every row remembers what it added to the sums; when something happens to it, that is taken
 * back and added anew. So the sums are right whatever changes, and nobody walks over all rows. */
#include "dray/ui/tally.h"

#include <stdlib.h>

#include "dray/util/mem.h"

static bool is_active(enum fetch_state s)
{
    return s == FETCH_HEADER || s == FETCH_BODY || s == FETCH_HASH || s == FETCH_PLACE;
}

static bool is_undecided(enum fetch_state s)
{
    return s == FETCH_LOOKUP || s == FETCH_METADATA || s == FETCH_DECIDE;
}

void tally_done(struct tally *t)
{
    if (!t)
        return;
    free(t->rows);
    free(t->active);
    *t = (struct tally){ 0 };
}

static struct tally_row *row_of(struct tally *t, size_t order)
{
    while (t->n <= order) {
        t->rows = mem_grow(t->rows, t->n, &t->cap, sizeof(*t->rows));
        t->rows[t->n++] = (struct tally_row){ 0 };
    }
    return &t->rows[order];
}

static void active_add(struct tally *t, struct tally_row *row)
{
    t->active = mem_grow(t->active, t->n_active, &t->cap_active, sizeof(*t->active));
    t->active[t->n_active++] = (struct tally_active){ .view = row->view };
    row->active = t->n_active;
}

static void active_remove(struct tally *t, struct tally_row *row)
{
    size_t i = row->active - 1;

    t->active[i] = t->active[--t->n_active];
    t->rows[t->active[i].view->order].active = i + 1;
    row->active = 0;
}

/* What a file adds: nothing when it failed or was here already. */
static void row_weigh(struct tally_row *row)
{
    const struct fetch_view *v = row->view;
    bool kept = row->state == FETCH_DONE && (v->origin == FETCH_KEPT || v->repeated);
    bool sized = v->body_bytes != FETCH_BYTES_UNKNOWN;

    row->got = row->size = 0;
    row->unsized = false;
    if (row->state == FETCH_FAILED || kept)
        return;
    if (row->state == FETCH_DONE) {
        row->got = row->size = sized ? v->body_bytes : v->got_bytes;
        return;
    }
    row->got = sized && v->got_bytes > v->body_bytes ? v->body_bytes : v->got_bytes;
    row->size = sized ? v->body_bytes : 0;
    row->unsized = !sized;
}

static void row_update(struct tally *t, struct tally_row *row)
{
    t->got -= row->got;
    t->size -= row->size;
    t->unsized -= row->unsized;
    row_weigh(row);
    t->got += row->got;
    t->size += row->size;
    t->unsized += row->unsized;
}

static void row_enter(struct tally *t, struct tally_row *row, enum fetch_state to)
{
    t->states[row->state]--;
    t->states[to]++;
    row->state = to;
    if (is_active(to) && !row->active)
        active_add(t, row);
    else if (!is_active(to) && row->active)
        active_remove(t, row);
    if (row->active)
        t->active[row->active - 1].state = to;
}

/* An event may be the first that is heard of a machine. */
static void row_meet(struct tally *t, struct tally_row *row, const struct fetch_view *view)
{
    if (row->view)
        return;
    row->view = view;
    row->state = view->state;
    t->added++;
    t->states[row->state]++;
    row_enter(t, row, view->state);
}

void tally_take(struct tally *t, const struct event *ev)
{
    if (ev->kind == EVENT_START && ev->n > t->expected)
        t->expected = ev->n;
    if (!ev->fetch)
        return;
    struct tally_row *row = row_of(t, ev->fetch->order);
    row_meet(t, row, ev->fetch);
    if (ev->kind == EVENT_STATE)
        row_enter(t, row, ev->to);
    if (ev->kind == EVENT_BYTES) {
        rate_add(&t->rate, ev->at_us, ev->n);
        if (row->active) {
            rate_add(&t->active[row->active - 1].rate, ev->at_us, ev->n);
            t->active[row->active - 1].unsaid += ev->n;
        }
    }
    row_update(t, row);
}

uint64_t tally_total(const struct tally *t)
{
    return t->added > t->expected ? t->added : t->expected;
}

size_t tally_ended(const struct tally *t)
{
    return t->states[FETCH_DONE] + t->states[FETCH_FAILED];
}

uint64_t tally_undecided(const struct tally *t)
{
    uint64_t undecided = tally_total(t) - t->added;

    for (size_t s = 0; s < FETCH_STATE_COUNT; s++)
        undecided += is_undecided((enum fetch_state)s) ? t->states[s] : 0;
    return undecided;
}

struct tally_active *tally_active_of(struct tally *t, const struct fetch_view *view)
{
    if (!view || view->order >= t->n || !t->rows[view->order].active)
        return NULL;
    return &t->active[t->rows[view->order].active - 1];
}
