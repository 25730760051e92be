/* Names of states and events from the same tables as the enums, and the hub that hands events to
 * listeners. */
#include "dray/fetch/event.h"

#include <assert.h>
#include <stdarg.h>

#include "dray/util/buf.h"
#include "dray/util/clock.h"

static const struct {
    const char *name, *told;
} states[] = {
#define FETCH_STATE_ROW(state, name, told) { name, told },
    FETCH_STATES(FETCH_STATE_ROW)
#undef FETCH_STATE_ROW
};

static const char *const kinds[] = {
#define EVENT_ROW(kind, name) name,
    EVENT_KINDS(EVENT_ROW)
#undef EVENT_ROW
};

void events_listen(struct events *e, event_fn fn, void *ctx)
{
    assert(e->n < EVENT_LISTENERS_MAX);
    e->listeners[e->n].fn = fn;
    e->listeners[e->n++].ctx = ctx;
}

void events_emit(struct events *e, struct event *ev)
{
    uint64_t now = clock_us();

    if (!e->start_us)
        e->start_us = now;
    ev->at_us = now - e->start_us;
    for (size_t i = 0; i < e->n; i++)
        e->listeners[i].fn(e->listeners[i].ctx, ev);
}

void events_warn(struct events *e, const struct fetch_view *fetch, const char *format, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    events_emit(e,
                &(struct event){ .kind = EVENT_WARNING, .fetch = fetch, .text = buf_str(&text) });
    buf_done(&text);
}

const char *event_name(enum event_kind kind)
{
    return kinds[kind];
}

const char *fetch_state_name(enum fetch_state s)
{
    return states[s].name;
}

const char *fetch_state_told(enum fetch_state s)
{
    return states[s].told;
}

static const struct {
    const char *name, *told;
} origins[FETCH_ORIGIN_COUNT] = {
#define ORIGIN_ROW(origin, name, told) [FETCH_##origin] = { (name), (told) },
    FETCH_ORIGINS(ORIGIN_ROW)
#undef ORIGIN_ROW
};

static const char *const rungs[METADATA_RUNG_COUNT] = {
#define RUNG_ROW(rung, name) [METADATA_##rung] = (name),
    METADATA_RUNGS(RUNG_ROW)
#undef RUNG_ROW
};

const char *fetch_origin_name(enum fetch_origin o)
{
    return origins[o].name;
}

const char *fetch_origin_told(enum fetch_origin o)
{
    return origins[o].told;
}

const char *metadata_rung_name(enum metadata_rung r)
{
    return rungs[r];
}
