#include "dray/daemon/replay.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dray/util/limits.h"
#include "dray/util/mem.h"

static enum event_kind kind_of(struct str name)
{
    unsigned k = 0;

    while (k < EVENT_COUNT && !str_is(name, event_name((enum event_kind)k)))
        k++;
    return (enum event_kind)k;
}

static enum fetch_state state_of(struct str name)
{
    unsigned s = 0;

    while (s < FETCH_STATE_COUNT && !str_is(name, fetch_state_name((enum fetch_state)s)))
        s++;
    return (enum fetch_state)s;
}

static enum fetch_origin origin_of(struct str name)
{
    unsigned o = 0;

    while (o < FETCH_ORIGIN_COUNT && !str_is(name, fetch_origin_name((enum fetch_origin)o)))
        o++;
    return (enum fetch_origin)o;
}

static int code_of(struct str name)
{
    for (int code = ERR_FIRST + 1; code < ERR_LAST; code++)
        if (str_is(name, err_name(code)))
            return code;
    return str_is(name, "ok") ? 0 : ERR_UNSUPPORTED;
}

void replay_error(const struct trace_line *l, struct err *out)
{
    int code = code_of(l->code);

    err_set(out, code ? code : ERR_UNSUPPORTED, "%.*s", STR_ARG(l->text));
}

static struct fetch_view *view_of(struct replay *r, size_t order)
{
    while (r->n <= order) {
        r->views = mem_grow(r->views, r->n, &r->cap, sizeof(struct fetch_view *));
        r->views[r->n++] = NULL;
    }
    if (!r->views[order]) {
        struct fetch_view *v = arena_alloc(&r->arena, 1, sizeof(*v));
        *v = (struct fetch_view){ .order = order, .body_bytes = FETCH_BYTES_UNKNOWN };
        r->views[order] = v;
        r->heard = mem_resize(r->heard, r->n, sizeof(struct fetch_view *));
        r->n_heard = 0;
        for (size_t i = 0; i < r->n; i++)
            if (r->views[i])
                r->heard[r->n_heard++] = r->views[i];
    }
    return r->views[order];
}

static void take_text(struct replay *r, struct str *field, struct str text)
{
    if (text.p && !str_eq(*field, text))
        *field = arena_str(&r->arena, text);
}

static void take_facts(struct replay *r, struct fetch_view *v, const struct trace_line *l)
{
    take_text(r, &v->label, l->requirement);
    take_text(r, &v->filename, l->file);
    take_text(r, &v->path, l->path);
    if (l->got != TRACE_NUMBER_NONE)
        v->got_bytes = l->got;
    if (l->size != TRACE_NUMBER_NONE)
        v->body_bytes = l->size;
    if (l->origin.p && origin_of(l->origin) < FETCH_ORIGIN_COUNT)
        v->origin = origin_of(l->origin);
}

/* The state that it was in, and that it is in now. False: one of another version. */
static bool take_state(struct fetch_view *v, const struct trace_line *l, struct event *ev)
{
    ev->from = state_of(l->from);
    ev->to = state_of(l->to);
    if (ev->from == FETCH_STATE_COUNT || ev->to == FETCH_STATE_COUNT)
        return false;
    v->state = ev->to;
    if (ev->to == FETCH_FAILED && l->code.p)
        replay_error(l, &v->err);
    return true;
}

int replay_line(struct replay *r, const struct trace_line *l, struct err *e)
{
    struct event ev = { .kind = kind_of(l->event), .text = l->text };
    uint64_t before = 0;

    if (ev.kind == EVENT_COUNT)
        return 0;
    ev.n = l->n != TRACE_NUMBER_NONE ? l->n : 0;
    if (l->order != TRACE_NUMBER_NONE) {
        if (l->order >= LIMIT_REQUIREMENTS)
            return err_set(e, ERR_LIMIT, "an event is about requirement %" PRIu64, l->order);
        struct fetch_view *v = view_of(r, l->order);
        before = v->got_bytes;
        take_facts(r, v, l);
        if (ev.kind == EVENT_BYTES) /* of all that listen each has missed others */
            ev.n = v->got_bytes > before ? v->got_bytes - before : 0;
        ev.fetch = v;
        if (ev.kind == EVENT_STATE && !take_state(v, l, &ev))
            return 0;
    } else if (ev.kind == EVENT_STATE || ev.kind == EVENT_ADDED || ev.kind == EVENT_BYTES ||
               ev.kind == EVENT_RESUMED) {
        return err_set(e, ERR_INPUT, "an event \"%.*s\" without \"order\"", STR_ARG(l->event));
    }
    ev.took_us = l->took_us != TRACE_NUMBER_NONE ? l->took_us : 0;
    ev.code = l->code.p ? code_of(l->code) : 0;
    events_emit(r->events, &ev);
    return 0;
}

void replay_reset(struct replay *r)
{
    struct events *events = r->events;

    replay_done(r);
    r->events = events;
}

void replay_done(struct replay *r)
{
    for (size_t i = 0; i < r->n_heard; i++)
        err_done(&r->views[r->heard[i]->order]->err);
    free(r->views);
    free(r->heard);
    arena_done(&r->arena);
    *r = (struct replay){ 0 };
}
