/* A row is open in one state at a time; the event that ends this state closes a span. What was open
 * at the end of the trace is closed there. */
#include "dray/ui/trace_row.h"

#include <inttypes.h>

#include "dray/util/limits.h"
#include "dray/util/mem.h"

int trace_name_find(struct trace_file *t, struct strs *names, struct str name, size_t *out,
                    struct err *e)
{
    for (size_t i = 0; i < names->n; i++) {
        if (str_eq(names->items[i], name)) {
            *out = i;
            return 0;
        }
    }
    if (names->n == LIMIT_TRACE_NAMES)
        return err_set(e, ERR_LIMIT, "more than %d names of states, or of origins, are too many",
                       LIMIT_TRACE_NAMES);
    strs_add(names, arena_str(&t->arena, name));
    *out = names->n - 1;
    return 0;
}

int trace_record_count(struct trace_file *t, struct err *e)
{
    if (t->records++ < LIMIT_TRACE_RECORDS)
        return 0;
    return err_set(e, ERR_LIMIT, "more than %d states and pages are too many", LIMIT_TRACE_RECORDS);
}

static struct trace_row *row_empty(struct trace_row *row, size_t order)
{
    *row = (struct trace_row){ .order = order, .origin = TRACE_NONE, .rung = TRACE_NONE };
    return row;
}

/* The row of a requirement, made when no event has named it yet. Rows stand at their order until
 * trace_rows_finish(). */
static struct trace_row *row_of(struct trace_file *t, const struct trace_line *l)
{
    while (t->n <= l->order) {
        t->rows = mem_grow(t->rows, t->n, &t->cap, sizeof(*t->rows));
        row_empty(&t->rows[t->n], TRACE_NONE);
        t->n++;
    }
    struct trace_row *row = &t->rows[l->order];
    if (row->order == TRACE_NONE) {
        row->order = l->order;
        row->began_us = row->since_us = l->t_us;
        row->state = FETCH_LOOKUP; /* where each begins, until an event says otherwise */
    }
    return row;
}

static void row_text(struct trace_file *t, struct str *field, struct str text)
{
    if (text.p && !str_eq(*field, text))
        *field = arena_str(&t->arena, text);
}

static void row_facts(struct trace_file *t, struct trace_row *row, const struct trace_line *l)
{
    row_text(t, &row->label, l->requirement);
    row_text(t, &row->file, l->file);
    if (l->size != TRACE_NUMBER_NONE)
        row->size = l->size;
}

static void row_close_span(struct trace_row *row, uint64_t at_us, uint32_t line)
{
    row->spans = mem_grow(row->spans, row->n, &row->cap, sizeof(*row->spans));
    row->spans[row->n++] = (struct trace_span){
        .from_us = row->since_us, .to_us = at_us, .state = row->state, .line = line
    };
    row->visited |= UINT64_C(1) << row->state;
    row->since_us = at_us;
}

static bool row_visited(const struct trace_row *row, enum fetch_state s)
{
    return row->visited & (UINT64_C(1) << s);
}

/* Of a trace that does not say. */
static enum fetch_origin origin_guess(const struct trace_row *row)
{
    if (row_visited(row, FETCH_HEADER))
        return FETCH_FROM_NETWORK;
    if (row_visited(row, FETCH_BODY))
        return FETCH_FROM_FILE;
    return row_visited(row, FETCH_PLACE) ? FETCH_FROM_STORE : FETCH_KEPT;
}

static int row_ended(struct trace_file *t, struct trace_row *row, const struct trace_line *l,
                     struct err *e)
{
    row->ended = row->state == FETCH_DONE || row->state == FETCH_FAILED;
    row->ended_us = l->t_us;
    if (row->state == FETCH_FAILED) {
        row_text(t, &row->code, l->code);
        row_text(t, &row->why, l->text);
    }
    if (row->state != FETCH_DONE)
        return 0;
    row->origin = (size_t)origin_guess(row);
    return l->origin.p ? trace_name_find(t, &t->origins, l->origin, &row->origin, e) : 0;
}

/* The bytes of a body are told when its state is left; those of an attempt that failed count. */
static void row_count_bytes(struct trace_row *row, const struct trace_line *l)
{
    if (l->got == TRACE_NUMBER_NONE)
        return;
    if (row->state == FETCH_BODY && l->got > row->last_got)
        row->got_bytes += l->got - row->last_got;
    row->last_got = l->got;
}

static int take_state(struct trace_file *t, struct trace_row *row, const struct trace_line *l,
                      uint32_t number, struct err *e)
{
    size_t state = row->state;

    if (!l->to.p)
        return err_set(e, ERR_INPUT, "a state without \"to\"");
    if (row->n == 0 && l->from.p && trace_name_find(t, &t->states, l->from, &state, e))
        return e->code;
    row->state = (uint32_t)state;
    if (trace_name_find(t, &t->states, l->to, &state, e) || trace_record_count(t, e))
        return e->code;
    row_count_bytes(row, l);
    row_close_span(row, l->t_us, number);
    row->state = (uint32_t)state;
    return row_ended(t, row, l, e);
}

/* Rungs are told as `rung`, or as the text of an event that is about nothing else. */
static int take_metadata(struct trace_file *t, struct trace_row *row, const struct trace_line *l,
                         struct err *e)
{
    struct str rung = l->rung.p ? l->rung : l->text;

    if (l->n != TRACE_NUMBER_NONE)
        row->metadata_bytes += l->n;
    return rung.p ? trace_name_find(t, &t->rungs, rung, &row->rung, e) : 0;
}

int trace_row_take(struct trace_file *t, enum event_kind kind, const struct trace_line *l,
                   uint32_t number, struct err *e)
{
    if (l->order >= LIMIT_REQUIREMENTS)
        return err_set(e, ERR_LIMIT, "it is about requirement %" PRIu64 ", at most %d are read",
                       l->order, LIMIT_REQUIREMENTS);
    struct trace_row *row = row_of(t, l);
    row_facts(t, row, l);
    if (kind == EVENT_STATE)
        return take_state(t, row, l, number, e);
    if (kind == EVENT_METADATA)
        return take_metadata(t, row, l, e);
    row->retries += kind == EVENT_RETRY;
    if (kind == EVENT_RESUMED && l->n != TRACE_NUMBER_NONE)
        row->last_got = l->n; /* an earlier run's */
    return 0;
}

void trace_rows_finish(struct trace_file *t)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->n; i++) {
        struct trace_row *row = &t->rows[i];
        if (row->order == TRACE_NONE)
            continue;
        if (!row->ended) {
            row_close_span(row, t->total_us, 0);
            row->ended_us = t->total_us;
        }
        t->rows[kept++] = *row;
    }
    t->n = kept;
}
