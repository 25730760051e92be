/* script_event.h: the events of a made-up run, one line of a script each; event_script.h has the
 * rest and the words. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "case.h"
#include "dray/fetch/event.h"
#include "dray/util/arena.h"

enum { SCRIPT_FETCHES = 32 };

struct script {
    struct events events;
    struct fetch_view views[SCRIPT_FETCHES];
    struct arena arena;
    unsigned columns, rows;
    void (*other)(struct script *s, struct case_line *c);
    struct str (*written)(struct script *s); /* since the last call */
    void *ctx;
    struct buf wanted; /* of the block that is being read */
};

static inline uint64_t script_number(struct case_line *c, size_t field)
{
    uint64_t n = 0;

    if (field >= c->n || !str_to_u64(c->fields[field], UINT64_MAX, &n))
        fail_msg("%s:%u: field %zu is no number", c->file, c->number, field + 1);
    return n;
}

/* "1.25" in microseconds; at most six digits behind the point. */
static inline uint64_t script_time(struct case_line *c)
{
    struct str rest, whole = str_cut(c->fields[0], '.', &rest);
    uint64_t seconds = 0, part = 0;
    bool ok = str_to_u64(whole, UINT32_MAX, &seconds);

    if (rest.p)
        ok = ok && rest.n <= 6 && str_to_u64(rest, UINT32_MAX, &part);
    if (!ok)
        fail_msg("%s:%u: \"%.*s\" is no time", c->file, c->number, STR_ARG(c->fields[0]));
    for (size_t i = rest.n; i < 6; i++)
        part *= 10;
    return seconds * 1000000 + part;
}

static inline int script_code(struct case_line *c, struct str name)
{
    for (int code = ERR_FIRST + 1; code < ERR_LAST; code++)
        if (str_is(name, err_name(code)))
            return code;
    if (!str_is(name, "ok"))
        fail_msg("%s:%u: \"%.*s\" is no code", c->file, c->number, STR_ARG(name));
    return 0;
}

static inline enum fetch_state script_state(struct case_line *c, struct str name)
{
    for (unsigned s = 0; s < FETCH_STATE_COUNT; s++)
        if (str_is(name, fetch_state_name((enum fetch_state)s)))
            return (enum fetch_state)s;
    fail_msg("%s:%u: \"%.*s\" is no state", c->file, c->number, STR_ARG(name));
    return FETCH_STATE_COUNT;
}

/* At the script's own time, not at the clock's. */
static inline void script_emit(struct script *s, const struct event *ev)
{
    for (size_t i = 0; i < s->events.n; i++)
        s->events.listeners[i].fn(s->events.listeners[i].ctx, ev);
}

/* As the machines do: told first, entered then. */
static inline void script_go(struct script *s, uint64_t at_us, struct fetch_view *v,
                             enum fetch_state to)
{
    script_emit(s,
                &(struct event){
                    .kind = EVENT_STATE, .at_us = at_us, .fetch = v, .from = v->state, .to = to });
    v->state = to;
}

static inline void script_ended(struct script *s, struct case_line *c, uint64_t at_us,
                                struct fetch_view *v)
{
    if (str_is(c->fields[1], "fail")) {
        err_set(&v->err, script_code(c, c->fields[3]), "%.*s", STR_ARG(c->fields[4]));
        script_go(s, at_us, v, FETCH_FAILED);
        return;
    }
    if (!str_is(c->fields[3], "-"))
        v->path = arena_str(&s->arena, c->fields[3]);
    v->replaced = str_is(c->fields[4], "replaced");
    v->origin = str_is(c->fields[4], "kept") ? FETCH_KEPT : FETCH_FROM_NETWORK;
    script_go(s, at_us, v, FETCH_DONE);
}

/* Events about one fetch; false if it is none of these. */
static inline bool script_fetch_event(struct script *s, struct case_line *c, uint64_t at_us)
{
    struct str what = c->fields[1];
    struct event ev = { .at_us = at_us };

    if (!strstr(" add file state bytes have done fail retry ",
                arena_f(&s->arena, " %.*s ", STR_ARG(what)).p))
        return false;
    struct fetch_view *v = &s->views[script_number(c, 2) % SCRIPT_FETCHES];
    ev.fetch = v;
    if (str_is(what, "add")) {
        v->label = arena_str(&s->arena, c->fields[3]);
        ev.kind = EVENT_ADDED;
        script_emit(s, &ev);
    } else if (str_is(what, "file")) {
        v->filename = arena_str(&s->arena, c->fields[3]);
        v->url = arena_f(&s->arena, "https://files.example.org/%.*s", STR_ARG(v->filename));
        v->body_bytes = str_is(c->fields[4], "?") ? FETCH_BYTES_UNKNOWN : script_number(c, 4);
    } else if (str_is(what, "state")) {
        script_go(s, at_us, v, script_state(c, c->fields[3]));
    } else if (str_is(what, "bytes")) {
        ev.kind = EVENT_BYTES;
        ev.n = script_number(c, 3);
        v->got_bytes += ev.n;
        script_emit(s, &ev);
    } else if (str_is(what, "have")) {
        v->got_bytes = script_number(c, 3);
    } else if (str_is(what, "retry")) {
        ev.kind = EVENT_RETRY;
        ev.n = script_number(c, 3);
        ev.text = c->fields[4];
        script_emit(s, &ev);
    } else {
        script_ended(s, c, at_us, v);
    }
    return true;
}

static inline void script_event(struct script *s, struct case_line *c)
{
    struct event ev = { .at_us = script_time(c) };
    struct str what = c->fields[1];

    if (script_fetch_event(s, c, ev.at_us))
        return;
    if (str_is(what, "start")) {
        ev.kind = EVENT_START;
        ev.n = script_number(c, 2);
    } else if (str_is(what, "page")) {
        ev.kind = EVENT_PAGE;
        ev.text = c->fields[2];
        ev.n = script_number(c, 3);
        ev.took_us = script_number(c, 4) * 1000;
        ev.code = script_code(c, c->fields[5]);
    } else if (str_is(what, "warning")) {
        ev.kind = EVENT_WARNING;
        ev.text = c->fields[2];
    } else if (str_is(what, "note")) {
        ev.kind = EVENT_NOTE;
        ev.n = script_number(c, 2);
        ev.text = c->fields[3];
    } else if (str_is(what, "tick")) {
        ev.kind = EVENT_TICK;
    } else if (str_is(what, "end")) {
        ev.kind = EVENT_END;
        ev.code = script_code(c, c->fields[2]);
    } else {
        fail_msg("%s:%u: no such event", c->file, c->number);
    }
    script_emit(s, &ev);
}
