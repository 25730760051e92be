/* Follows pip.req.req_file step by step: splitlines, join, strip comments, expand; the steps'
 * quirks are pip's, and noted where they are. */
#include "dray/job/reqfile_line.h"

#include <stdarg.h>
#include <stdlib.h>

#include "dray/job/blank.h"
#include "dray/util/arena.h"
#include "dray/util/limits.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

struct reqfile_piece {
    size_t at;     /* where it begins in `joined` */
    size_t line;   /* from 1 */
    size_t column; /* of its first byte there, from 1 */
};

void reqfile_reader_init(struct reqfile_reader *r, struct str text, const char *name,
                         reqfile_env_fn env, void *env_ctx)
{
    *r = (struct reqfile_reader){ .rest = text, .name = name, .env = env, .env_ctx = env_ctx };
}

void reqfile_reader_done(struct reqfile_reader *r)
{
    buf_done(&r->joined);
    buf_done(&r->replaced);
    free(r->pieces);
    *r = (struct reqfile_reader){ 0 };
}

/* Bytes of the line end that `s` begins with: those of Python's str.splitlines(). */
static size_t line_end(struct str s)
{
    static const char *const wide[] = { "\r\n", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9" };
    char c = s.p[0];

    if (c > ' ' && c <= '~')
        return 0;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        if (str_starts(s, str_of(wide[i])))
            return strlen(wide[i]);
    return (c >= '\n' && c <= '\r') || (c >= '\x1c' && c <= '\x1e');
}

static bool take_physical(struct reqfile_reader *r, struct str *out)
{
    struct str s = r->rest;
    size_t n = 0, end = 0;

    if (!s.n)
        return false;
    while (n < s.n && (end = line_end(str_sub(s, n, s.n))) == 0)
        n++;
    *out = str_sub(s, 0, n);
    r->rest = str_sub(s, n + end, s.n);
    r->physical++;
    return true;
}

static bool is_comment(struct str line)
{
    size_t n;

    while ((n = blank_first(line)) > 0)
        line = str_sub(line, n, line.n);
    return line.n && line.p[0] == '#';
}

static void add_piece(struct reqfile_reader *r, struct str text, size_t column)
{
    r->pieces = mem_grow(r->pieces, r->n_pieces, &r->pieces_cap, sizeof(*r->pieces));
    r->pieces[r->n_pieces++] = (struct reqfile_piece){ r->joined.n, r->physical, column };
    buf_add_str(&r->joined, text);
}

/* A line that goes on loses all backslashes at its end, and pip's strip("\\") takes those at its
 * beginning as well. */
static void add_continued(struct reqfile_reader *r, struct str text)
{
    size_t column = 1;

    while (text.n && text.p[text.n - 1] == '\\')
        text.n--;
    for (; text.n && text.p[0] == '\\'; column++)
        text = str_sub(text, 1, text.n);
    add_piece(r, text, column);
}

/* Joins physical lines to a logical one. A comment is never continued: it ends the line that goes
 * on before it. */
static bool join(struct reqfile_reader *r)
{
    struct str text;

    buf_reset(&r->joined);
    r->n_pieces = 0;
    while (take_physical(r, &text)) {
        if (!r->n_pieces)
            r->line = r->physical;
        if (is_comment(text)) {
            buf_add_c(&r->joined, ' '); /* so that it is one behind what it ends, too */
            add_piece(r, text, 1);
            return true;
        }
        if (!str_ends(text, STR("\\"))) {
            add_piece(r, text, 1);
            return true;
        }
        add_continued(r, text);
    }
    return r->n_pieces > 0;
}

/* A "#" at the beginning or behind white space begins a comment, and takes that white space along.
 */
static struct str cut_comment(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        struct str before = str_sub(s, 0, i);
        if (s.p[i] == '#' && (i == 0 || blank_last(before) > 0))
            return before;
    }
    return s;
}

size_t reqfile_variable(struct str s)
{
    size_t n = 2;

    if (!str_starts(s, STR("${")))
        return 0;
    while (n < s.n && ((s.p[n] >= 'A' && s.p[n] <= 'Z') || str_isdigit(s.p[n]) || s.p[n] == '_'))
        n++;
    return n > 2 && n < s.n && s.p[n] == '}' ? n + 1 : 0;
}

static void replace_all(struct buf *text, struct str what, struct str with)
{
    struct buf out = { 0 };
    struct str rest = buf_str(text);
    ptrdiff_t at;

    while (out.n <= LIMIT_REQUIREMENT_BYTES && (at = str_search(rest, what)) >= 0) {
        buf_add_str(&out, str_sub(rest, 0, (size_t)at));
        buf_add_str(&out, with);
        rest = str_sub(rest, (size_t)at + what.n, rest.n);
    }
    buf_add_str(&out, rest);
    buf_done(text);
    *text = out;
}

/* pip finds the variables first and then replaces them one after another, so a value that holds a
 * later "${NAME}" of the line is expanded in turn. Unset and empty ones stay as they stand. */
static void expand(struct reqfile_reader *r)
{
    struct arena names = { 0 };
    struct map done = { 0 };
    struct str s = r->text;

    buf_reset(&r->replaced);
    buf_add_str(&r->replaced, s);
    for (size_t i = 0, n; i < s.n && r->replaced.n <= LIMIT_REQUIREMENT_BYTES; i += n ? n : 1) {
        n = reqfile_variable(str_sub(s, i, s.n));
        if (!n)
            continue;
        struct str variable = str_sub(s, i, i + n);
        struct str name = arena_str(&names, str_sub(variable, 2, n - 1));
        struct str value = str_of(r->env(r->env_ctx, name.p));
        if (!value.n || map_get(&done, name))
            continue;
        replace_all(&r->replaced, variable, value);
        r->expanded = true;
        /* Once is enough, unless a value brings in variables that were dealt with already. */
        if (str_search(value, STR("${")) >= 0)
            map_done(&done);
        else
            map_put(&done, name, r);
    }
    r->text = buf_str(&r->replaced);
    map_done(&done);
    arena_done(&names);
}

static int refuse_length(const struct reqfile_reader *r, struct err *e)
{
    return err_set(e, ERR_LIMIT,
                   "%s, line %zu: the line has more than %d bytes, the most that is read", r->name,
                   r->line, LIMIT_REQUIREMENT_BYTES);
}

int reqfile_reader_next(struct reqfile_reader *r, struct err *e)
{
    while (join(r)) {
        struct str all = buf_str(&r->joined);
        r->expanded = false;
        r->text = blank_trim(cut_comment(all));
        if (!r->text.n)
            continue;
        if (r->text.n > LIMIT_REQUIREMENT_BYTES)
            return refuse_length(r, e);
        r->stripped = (size_t)(r->text.p - all.p);
        if (str_search(r->text, STR("${")) >= 0)
            expand(r);
        if (r->text.n > LIMIT_REQUIREMENT_BYTES)
            return refuse_length(r, e);
        return 1;
    }
    return 0;
}

static size_t characters(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
    return n;
}

int reqfile_reader_refuse(const struct reqfile_reader *r, size_t at, struct err *e,
                          const char *format, ...)
{
    struct buf text = { 0 };
    size_t i = r->n_pieces - 1;
    va_list ap;
    int code;

    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    at += r->stripped;
    while (i > 0 && r->pieces[i].at > at)
        i--;
    const struct reqfile_piece *piece = &r->pieces[i];
    if (r->is_alone)
        code = err_set(e, ERR_INPUT, "%s, column %zu: %s", r->name,
                       1 + characters(str_sub(buf_str(&r->joined), 0, at)), buf_z(&text));
    else if (r->expanded)
        code = err_set(e, ERR_INPUT, "%s, line %zu: %s", r->name, r->line, buf_z(&text));
    else
        code = err_set(e, ERR_INPUT, "%s, line %zu, column %zu: %s", r->name, piece->line,
                       piece->column + characters(str_sub(buf_str(&r->joined), piece->at, at)),
                       buf_z(&text));
    buf_done(&text);
    return code;
}
