/* event_script.h: a made-up run, told by a *.case file (case.h) that also says what is to be
 * written. One line is one event, "SECONDS | EVENT | ...", or, without seconds:
 *
 *   window | COLUMNS | ROWS
 *   > TEXT          what was written since the last such block, line by line
 *   anything else   is for the test: "option | quiet | 1", "create"
 *
 * Events:
 *
 *   start | N                     add | ORDER | LABEL         file | ORDER | NAME | BYTES or ?
 *   state | ORDER | STATE         bytes | ORDER | N           have | ORDER | N (resumed bytes)
 *   done | ORDER | PATH or - | saved, kept or replaced        fail | ORDER | CODE | TEXT
 *   retry | ORDER | MS | TEXT     page | URL | BYTES | MS | CODE
 *   warning | TEXT                tick                        end | CODE
 *
 * Codes are names of err.h, "ok" for none. Whatever was written must be named by a block. */
#pragma once

#include "script_event.h"

/* As it would stand in the case file. */
static inline void script_escape(struct buf *out, struct str s)
{
    buf_add_z(out, "> ");
    for (size_t i = 0; i < s.n; i++) {
        bool leading = i == 0 || s.p[i - 1] == '\n' || i + 1 == s.n || s.p[i + 1] == '\n';
        if (s.p[i] == '\n')
            buf_add_z(out, i + 1 < s.n ? "\n> " : "");
        else if (s.p[i] == '\r')
            buf_add_z(out, "\\r");
        else if (s.p[i] == '\\')
            buf_add_z(out, "\\\\");
        else if (s.p[i] == ' ' && leading)
            buf_add_z(out, "\\s");
        else if ((unsigned char)s.p[i] < ' ')
            buf_add_f(out, "\\x%02x", (unsigned)s.p[i]);
        else
            buf_add_c(out, s.p[i]);
    }
    buf_add_c(out, '\n');
}

/* A block has ended: compares. The newline at the end of all that was written counts for
 * nothing. */
static inline void script_compare(struct script *s, struct case_line *c)
{
    struct buf got = { 0 };
    struct str written = s->written(s);

    if (written.n)
        script_escape(&got, written);
    struct buf want = { 0 };
    if (s->wanted.n)
        script_escape(&want, buf_str(&s->wanted));
    if (!str_eq(buf_str(&got), buf_str(&want))) {
        fprintf(stderr, "%s", buf_z(&got)); /* cmocka would cut it */
        fail_msg("%s: above line %u something else was written", c->file, c->number);
    }
    buf_done(&got);
    buf_done(&want);
    buf_reset(&s->wanted);
}

static inline void script_line(struct case_line *c, void *ctx)
{
    struct script *s = ctx;
    struct str first = c->fields[0];

    if (first.n && first.p[0] == '>') {
        buf_add_str(&s->wanted, str_sub(first, first.n > 1 ? 2 : 1, first.n));
        buf_add_c(&s->wanted, '\n');
        return;
    }
    if (s->wanted.n)
        script_compare(s, c);
    if (first.n && str_isdigit(first.p[0])) {
        script_event(s, c);
    } else if (str_is(first, "window")) {
        s->columns = (unsigned)script_number(c, 1);
        s->rows = (unsigned)script_number(c, 2);
    } else {
        s->other(s, c);
    }
}

/* Plays the file; `s` has its functions set and is done with afterwards. */
static inline void script_play(struct script *s, const char *name)
{
    for (size_t i = 0; i < SCRIPT_FETCHES; i++) {
        s->views[i].order = i;
        s->views[i].body_bytes = FETCH_BYTES_UNKNOWN;
    }
    assert_true(case_each(name, 5, script_line, s));
    script_compare(s, &(struct case_line){ .file = name, .number = 0 });
    for (size_t i = 0; i < SCRIPT_FETCHES; i++)
        err_done(&s->views[i].err);
    arena_done(&s->arena);
    buf_done(&s->wanted);
}
