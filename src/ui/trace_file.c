/* Bytes to lines, lines to events; what is about a requirement goes on to trace_row.c. */
#include "dray/ui/trace_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dray/ui/trace_row.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum { READ_BYTES = 64 * 1024 };

struct trace_reader {
    struct trace_file *out;
    struct buf part; /* of a line whose end has not come */
    struct arena scratch;
    uint32_t line; /* the last that was read, from 1 */
    uint64_t fed;
    bool started;
};

static void names_init(struct trace_file *t)
{
    for (unsigned s = 0; s < FETCH_STATE_COUNT; s++)
        strs_add(&t->states, str_of(fetch_state_name((enum fetch_state)s)));
    for (unsigned o = 0; o < FETCH_ORIGIN_COUNT; o++)
        strs_add(&t->origins, str_of(fetch_origin_name((enum fetch_origin)o)));
    for (unsigned r = 0; r < METADATA_RUNG_COUNT; r++)
        strs_add(&t->rungs, str_of(metadata_rung_name((enum metadata_rung)r)));
}

/* -- Events -- */

static int take_page(struct trace_reader *r, const struct trace_line *l, struct err *e)
{
    struct trace_file *t = r->out;
    struct trace_page page = { .to_us = l->t_us, .line = r->line, .origin = TRACE_NONE };
    uint64_t took_us = l->took_us == TRACE_NUMBER_NONE ? 0 : l->took_us;

    if (trace_record_count(t, e))
        return e->code;
    if (l->origin.p && trace_name_find(t, &t->origins, l->origin, &page.origin, e))
        return e->code;
    page.from_us = took_us < l->t_us ? l->t_us - took_us : 0;
    page.bytes = l->n == TRACE_NUMBER_NONE ? 0 : l->n;
    page.url = arena_str(&t->arena, l->text);
    page.code = arena_str(&t->arena, l->code);
    t->pages = mem_grow(t->pages, t->n_pages, &t->pages_cap, sizeof(*t->pages));
    t->pages[t->n_pages++] = page;
    return 0;
}

static int take_start(struct trace_reader *r, struct err *e)
{
    if (r->started)
        return err_set(e, ERR_INPUT, "a second run begins; a trace is of one");
    r->started = true;
    return 0;
}

static enum event_kind kind_of(struct str name)
{
    unsigned k = 0;

    while (k < EVENT_COUNT && !str_is(name, event_name((enum event_kind)k)))
        k++;
    return (enum event_kind)k;
}

static int take_event(struct trace_reader *r, const struct trace_line *l, struct err *e)
{
    struct trace_file *t = r->out;
    enum event_kind kind = kind_of(l->event);

    if (l->t_us < t->total_us)
        return err_set(e, ERR_INPUT, "time goes back; a trace is of one run");
    t->total_us = l->t_us;
    t->warnings += kind == EVENT_WARNING;
    t->skipped += kind == EVENT_SKIPPED;
    if (kind == EVENT_END) {
        t->code = arena_str(&t->arena, l->code.p ? l->code : STR("ok"));
        t->cut = false;
    }
    if (kind == EVENT_START)
        return take_start(r, e);
    if (kind == EVENT_PAGE)
        return take_page(r, l, e);
    if (kind == EVENT_STATE && l->order == TRACE_NUMBER_NONE)
        return err_set(e, ERR_INPUT, "a state without \"order\"");
    return l->order == TRACE_NUMBER_NONE ? 0 : trace_row_take(t, kind, l, r->line, e);
}

static int take_line(struct trace_reader *r, struct str line, struct err *e)
{
    struct trace_line l;
    int code = 0;

    r->line++;
    if (!str_trim(line).n)
        return 0;
    code = trace_line_parse(line, &r->scratch, &l, e);
    if (!code)
        code = take_event(r, &l, e);
    if (!code && r->out->arena.bytes > LIMIT_TRACE_TEXT_BYTES)
        code = err_set(e, ERR_LIMIT, "more than %d bytes of text are too many",
                       LIMIT_TRACE_TEXT_BYTES);
    arena_done(&r->scratch);
    return code ? err_wrap(e, "line %" PRIu32 " of the trace", r->line) : 0;
}

/* -- Bytes -- */

struct trace_reader *trace_reader_create(struct trace_file *out)
{
    struct trace_reader *r = mem_new(1, sizeof(*r));

    r->out = out;
    out->cut = true;
    names_init(out);
    return r;
}

static int line_too_long(const struct trace_reader *r, struct err *e)
{
    return err_set(e, ERR_LIMIT, "line %" PRIu32 " of the trace has more than %d bytes",
                   r->line + 1, LIMIT_TRACE_LINE_BYTES);
}

int trace_reader_feed(struct trace_reader *r, const char *bytes, size_t n, struct err *e)
{
    struct str rest = { bytes, n };
    int code = 0;

    r->fed += n;
    if (r->fed > LIMIT_TRACE_BYTES)
        return err_set(e, ERR_LIMIT, "the trace has more than %d bytes", LIMIT_TRACE_BYTES);
    for (ptrdiff_t end; !code && (end = str_find(rest, '\n')) >= 0;) {
        struct str line = str_sub(rest, 0, (size_t)end);
        rest = str_sub(rest, (size_t)end + 1, rest.n);
        if (line.n + r->part.n > LIMIT_TRACE_LINE_BYTES)
            return line_too_long(r, e);
        if (r->part.n) {
            buf_add_str(&r->part, line);
            line = buf_str(&r->part);
        }
        code = take_line(r, line, e);
        buf_reset(&r->part);
    }
    if (code)
        return code;
    if (rest.n + r->part.n > LIMIT_TRACE_LINE_BYTES)
        return line_too_long(r, e);
    buf_add_str(&r->part, rest);
    return 0;
}

/* A last line without its newline counts when it is whole; when not, the writer was cut off in it:
 * that is no mistake of the file. */
static int take_last_line(struct trace_reader *r, struct err *e)
{
    struct trace_line l;
    struct err broken = { 0 };
    int code = trace_line_parse(buf_str(&r->part), &r->scratch, &l, &broken);

    err_done(&broken);
    if (!code)
        return take_line(r, buf_str(&r->part), e);
    r->out->cut = true;
    return 0;
}

int trace_reader_finish(struct trace_reader *r, struct err *e)
{
    if (str_trim(buf_str(&r->part)).n && take_last_line(r, e))
        return e->code;
    arena_done(&r->scratch);
    if (r->line == 0)
        return err_set(e, ERR_INPUT, "there is no event in the trace");
    trace_rows_finish(r->out);
    return 0;
}

void trace_reader_destroy(struct trace_reader *r)
{
    if (!r)
        return;
    buf_done(&r->part);
    arena_done(&r->scratch);
    free(r);
}

void trace_file_done(struct trace_file *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        free(t->rows[i].spans);
    free(t->rows);
    free(t->pages);
    strs_done(&t->states);
    strs_done(&t->origins);
    strs_done(&t->rungs);
    arena_done(&t->arena);
    *t = (struct trace_file){ .n = 0 };
}

static int read_all(FILE *file, struct trace_reader *r, struct err *e)
{
    char bytes[READ_BYTES];
    size_t n;

    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
        if (trace_reader_feed(r, bytes, n, e))
            return e->code;
    return ferror(file) ? err_errno(e, "it can't be read") : trace_reader_finish(r, e);
}

int trace_file_read(const char *path, struct trace_file *out, struct err *e)
{
    bool is_stdin = str_is(str_of(path), "-");
    FILE *file = is_stdin ? stdin : fopen(path, "re");

    if (!file && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "%s does not exist", path);
    if (!file)
        return err_errno(e, "can't open %s", path);
    struct trace_reader *r = trace_reader_create(out);
    int code = read_all(file, r, e);
    trace_reader_destroy(r);
    if (!is_stdin)
        fclose(file);
    return code ? err_wrap(e, "%s", is_stdin ? "standard input" : path) : 0;
}
