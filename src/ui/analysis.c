/* The time line is cut at every beginning and end of a state; between two cuts it is known how many
 * machines are in which state, and each piece is shared out. */
#include "dray/ui/analysis.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* What is waited for, and whether a machine in that state waits for others instead of working. What
 * is not here goes by its name, and works. */
static const struct {
    const char *what;
    bool is_wait;
} facts[FETCH_STATE_COUNT] = {
    [FETCH_LOOKUP] = { "listings", false },  [FETCH_METADATA] = { "metadata", false },
    [FETCH_DECIDE] = { "decisions", false }, [FETCH_PROBE] = { "looking for files", false },
    [FETCH_QUEUE] = { "connections", true }, [FETCH_HEADER] = { "answers", false },
    [FETCH_BODY] = { "bodies", false },      [FETCH_HASH] = { "hashing", false },
    [FETCH_PLACE] = { "placing", false },    [FETCH_BUILD] = { "builds", false },
    [FETCH_WAIT] = { "retry delays", true },
};

struct str analysis_waits_for(const struct trace_file *t, uint32_t state)
{
    if (state < FETCH_STATE_COUNT && facts[state].what)
        return str_of(facts[state].what);
    return t->states.items[state];
}

/* -- Whole numbers that add up -- */

struct remainder {
    double part;
    size_t i;
};

static int compare_remainders(const void *a, const void *b)
{
    const struct remainder *x = a, *y = b;

    if (x->part != y->part)
        return x->part < y->part ? 1 : -1;
    return x->i < y->i ? -1 : x->i > y->i;
}

void analysis_apportion(const double *weights, size_t n, uint64_t total, uint64_t *out)
{
    struct remainder *rest = mem_new(n ? n : 1, sizeof(*rest));
    uint64_t given = 0;
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += weights[i];
    for (size_t i = 0; i < n; i++) {
        double share = sum > 0 ? weights[i] / sum * (double)total : 0;
        out[i] = (uint64_t)share;
        if (out[i] > total - given) /* rounded up to a whole number */
            out[i] = total - given;
        rest[i] = (struct remainder){ share - (double)out[i], i };
        given += out[i];
    }
    if (n)
        qsort(rest, n, sizeof(*rest), compare_remainders);
    for (size_t i = 0; sum > 0 && given < total; i = i + 1 < n ? i + 1 : 0, given++)
        out[rest[i].i]++;
    free(rest);
}

/* -- The sweep -- */

struct cut {
    uint64_t at_us;
    uint16_t state;
    bool waits;
    int8_t change; /* of the number of machines there */
};

struct sweep {
    struct cut *cuts;
    size_t n, cap;
    size_t working[LIMIT_TRACE_NAMES], waiting[LIMIT_TRACE_NAMES];
    size_t n_working, n_waiting;
    double shares[LIMIT_TRACE_NAMES + 1]; /* the last is of no machine */
};

static void sweep_add(struct sweep *s, const struct trace_span *span, bool waits)
{
    struct cut cut = { span->from_us, (uint16_t)span->state, waits, 1 };

    if (span->from_us == span->to_us)
        return;
    s->cuts = mem_grow(s->cuts, s->n, &s->cap, sizeof(*s->cuts));
    s->cuts[s->n++] = cut;
    cut.at_us = span->to_us;
    cut.change = -1;
    s->cuts = mem_grow(s->cuts, s->n, &s->cap, sizeof(*s->cuts));
    s->cuts[s->n++] = cut;
}

static int compare_cuts(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;

    return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

static bool is_over(uint32_t state)
{
    return state == FETCH_DONE || state == FETCH_FAILED;
}

/* Without what is over: no time is spent there. */
static void add_spans(struct analysis *a, struct sweep *s, const struct releases *releases,
                      size_t row)
{
    const struct trace_row *w = &a->trace->rows[row];
    bool seen[LIMIT_TRACE_NAMES] = { false };
    struct release by;

    for (size_t i = 0; i < w->n; i++) {
        const struct trace_span *span = &w->spans[i];
        struct analysis_time *time = &a->states[span->state];
        if (is_over(span->state))
            continue;
        bool waits = span->state < FETCH_STATE_COUNT && facts[span->state].is_wait;
        if (span->state == FETCH_PROBE)
            waits = releases_find(releases, row, i, &by);
        time->summed_us += span->to_us - span->from_us;
        time->machines += !seen[span->state];
        seen[span->state] = true;
        sweep_add(s, span, waits);
    }
}

/* One piece of the time line, in which nothing changes. */
static void sweep_piece(struct analysis *a, struct sweep *s, uint64_t us)
{
    const size_t *counts = s->n_working ? s->working : s->waiting;
    size_t all = s->n_working ? s->n_working : s->n_waiting, n_states = a->trace->states.n;

    if (!all) {
        s->shares[n_states] += (double)us;
        a->idle.wall_us += us;
        a->idle.alone_us += us;
    }
    for (size_t i = 0; i < n_states; i++) {
        if (s->working[i] || s->waiting[i])
            a->states[i].wall_us += us;
        if (!all || !counts[i])
            continue;
        s->shares[i] += (double)us * (double)counts[i] / (double)all;
        if (counts[i] == all)
            a->states[i].alone_us += us;
    }
}

static void sweep_run(struct analysis *a, struct sweep *s)
{
    uint64_t at_us = 0;

    if (s->n)
        qsort(s->cuts, s->n, sizeof(*s->cuts), compare_cuts);
    for (size_t i = 0; i < s->n; i++) {
        const struct cut *c = &s->cuts[i];
        if (c->at_us > at_us)
            sweep_piece(a, s, c->at_us - at_us);
        at_us = c->at_us;
        size_t *count = c->waits ? &s->waiting[c->state] : &s->working[c->state];
        size_t *all = c->waits ? &s->n_waiting : &s->n_working;
        assert(c->change > 0 || *count > 0);
        *count += (size_t)c->change;
        *all += (size_t)c->change;
    }
    sweep_piece(a, s, a->trace->total_us - at_us);
}

static void share_out(struct analysis *a, const struct sweep *s)
{
    size_t n = a->trace->states.n + 1;
    uint64_t us[LIMIT_TRACE_NAMES + 1], per_mille[LIMIT_TRACE_NAMES + 1];

    analysis_apportion(s->shares, n, a->trace->total_us, us);
    analysis_apportion(s->shares, n, 1000, per_mille);
    for (size_t i = 0; i < n; i++) {
        struct analysis_time *time = i + 1 < n ? &a->states[i] : &a->idle;
        time->share_us = us[i];
        time->per_mille = (unsigned)per_mille[i];
    }
}

/* -- Counts and the slowest -- */

static void count_row(struct analysis *a, const struct trace_row *row)
{
    a->done += row->ended && row->state == FETCH_DONE;
    a->failed += row->ended && row->state == FETCH_FAILED;
    a->unfinished += !row->ended;
    a->retries += row->retries;
    a->got_bytes += row->got_bytes;
    a->metadata_bytes += row->metadata_bytes;
    if (row->origin != TRACE_NONE) {
        a->origins[row->origin].files++;
        a->origins[row->origin].bytes += row->size;
    }
    if (row->rung != TRACE_NONE)
        a->rungs[row->rung]++;
}

static struct analysis_row row_summary(const struct trace_file *t, size_t row)
{
    const struct trace_row *w = &t->rows[row];
    struct analysis_row out = { .row = row,
                                .took_us = w->ended_us - w->began_us,
                                .state = w->n ? w->spans[0].state : w->state };
    uint64_t sums[LIMIT_TRACE_NAMES] = { 0 };

    for (size_t i = 0; i < w->n; i++) {
        uint32_t state = w->spans[i].state;
        sums[state] += w->spans[i].to_us - w->spans[i].from_us;
        if (sums[state] <= out.state_us)
            continue;
        out.state = state;
        out.state_us = sums[state];
    }
    return out;
}

/* Kept in order while they come; the earlier one first among equals. */
static void add_slowest(struct analysis *a, struct analysis_row row)
{
    size_t at = a->n_slowest;

    while (at > 0 && a->slowest[at - 1].took_us < row.took_us)
        at--;
    if (at == ANALYSIS_ROWS)
        return;
    size_t last = a->n_slowest < ANALYSIS_ROWS ? a->n_slowest++ : ANALYSIS_ROWS - 1;
    memmove(&a->slowest[at + 1], &a->slowest[at], (last - at) * sizeof(row));
    a->slowest[at] = row;
}

static uint64_t page_took(const struct trace_file *t, size_t page)
{
    return t->pages[page].to_us - t->pages[page].from_us;
}

static void add_page(struct analysis *a, size_t page)
{
    const struct trace_file *t = a->trace;
    size_t at = a->n_pages;

    a->page_bytes += t->pages[page].bytes;
    a->failed_pages += t->pages[page].code.p && !str_is(t->pages[page].code, "ok");
    while (at > 0 && page_took(t, a->pages[at - 1]) < page_took(t, page))
        at--;
    if (at == ANALYSIS_PAGES)
        return;
    size_t last = a->n_pages < ANALYSIS_PAGES ? a->n_pages++ : ANALYSIS_PAGES - 1;
    memmove(&a->pages[at + 1], &a->pages[at], (last - at) * sizeof(page));
    a->pages[at] = page;
}

static void add_path(struct analysis *a)
{
    for (size_t i = 0; i < a->path.n; i++) {
        const struct critical_step *step = &a->path.steps[i];
        bool is_start = step->row == TRACE_NONE && step->page == TRACE_NONE;
        struct analysis_time *time = is_start ? &a->idle : &a->states[step->state];
        time->path_us += step->to_us - step->from_us;
    }
}

void analysis_init(struct analysis *a, const struct trace_file *t)
{
    struct sweep *s = mem_new(1, sizeof(*s));
    struct releases *releases = releases_create(t);

    *a = (struct analysis){ .trace = t };
    a->states = mem_new(t->states.n, sizeof(*a->states));
    a->origins = mem_new(t->origins.n, sizeof(*a->origins));
    a->rungs = mem_new(t->rungs.n, sizeof(*a->rungs));
    for (size_t i = 0; i < t->n; i++) {
        add_spans(a, s, releases, i);
        count_row(a, &t->rows[i]);
        add_slowest(a, row_summary(t, i));
    }
    for (size_t i = 0; i < t->n_pages; i++)
        add_page(a, i);
    sweep_run(a, s);
    share_out(a, s);
    critical_path_init(&a->path, t, releases);
    add_path(a);
    releases_destroy(releases);
    free(s->cuts);
    free(s);
}

void analysis_done(struct analysis *a)
{
    if (!a)
        return;
    free(a->states);
    free(a->origins);
    free(a->rungs);
    critical_path_done(&a->path);
    *a = (struct analysis){ .trace = NULL };
}
