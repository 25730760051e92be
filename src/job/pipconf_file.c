/* Line by line: a blank one, a comment, the continuation of a value (deeper than its key), a
 * section, or a key. */
#include "dray/job/pipconf_file.h"

#include <stdlib.h>

#include "dray/job/blank.h"
#include "dray/net/url.h"
#include "dray/py/simple_text.h"
#include "dray/util/buf.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

#define DEFAULT_SECTION "DEFAULT"

struct reader {
    struct arena *arena;
    struct pipconf_entries read; /* with those of [DEFAULT], as they stand there */
    struct map sections;         /* names that were there */
    struct map keys;             /* "SECTION\nKEY" that were there */
    struct buf value;            /* of the last key */
    struct str section;          /* STR_NONE before the first */
    bool has_key;                /* a value may go on */
    size_t indent;               /* of the last key or section, in characters */
    size_t line;
};

/* Python's universal newlines. */
static struct str take_line(struct str *rest)
{
    struct str s = *rest;
    size_t n = 0;

    while (n < s.n && s.p[n] != '\n' && s.p[n] != '\r')
        n++;
    *rest = str_sub(s, n + (str_starts(str_sub(s, n, s.n), STR("\r\n")) ? 2 : 1), s.n);
    return str_sub(s, 0, n);
}

static size_t indent_of(struct str line)
{
    size_t n, characters = 0;

    while ((n = blank_first(line)) > 0) {
        line = str_sub(line, n, line.n);
        characters++;
    }
    return characters;
}

/* The value of the last key is whole: RawConfigParser joins the lines and drops blank ones at the
 * end, there alone. */
static void end_value(struct reader *r)
{
    struct str value = buf_str(&r->value);
    size_t n;

    while ((n = blank_last(value)) > 0)
        value.n -= n;
    if (r->has_key)
        r->read.items[r->read.n - 1].value = arena_str(r->arena, value);
    r->has_key = false;
}

static void continue_value(struct reader *r, struct str text)
{
    buf_add_c(&r->value, '\n');
    buf_add_str(&r->value, text);
}

static int begin_section(struct reader *r, struct str name, struct err *e)
{
    end_value(r);
    r->section = arena_str(r->arena, name);
    if (str_is(name, DEFAULT_SECTION))
        return 0;
    if (map_get(&r->sections, name))
        return err_set(e, ERR_INPUT, "line %zu: section [%.*s] is there twice", r->line,
                       STR_ARG(name));
    map_put(&r->sections, r->section, r);
    return 0;
}

static int begin_key(struct reader *r, struct str name, struct str value, struct err *e)
{
    struct str key = pipconf_file_key(r->arena, name);
    struct str id = arena_f(r->arena, "%.*s\n%.*s", STR_ARG(r->section), STR_ARG(key));

    if (map_get(&r->keys, id))
        return err_set(e, ERR_INPUT, "line %zu: %.*s is there twice in [%.*s]", r->line,
                       STR_ARG(key), STR_ARG(r->section));
    map_put(&r->keys, id, r);
    end_value(r);
    r->read.items = mem_grow(r->read.items, r->read.n, &r->read.cap, sizeof(*r->read.items));
    r->read.items[r->read.n++] = (struct pipconf_entry){ r->section, key, STR(""), r->line };
    buf_reset(&r->value);
    buf_add_str(&r->value, value);
    r->has_key = true;
    return 0;
}

static size_t find_delimiter(struct str s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] != '=' && s.p[n] != ':')
        n++;
    return n;
}

static int refuse(const struct reader *r, const char *expected, struct str text, struct err *e)
{
    struct buf shown = { 0 };

    url_redact(text, &shown);
    err_set(e, ERR_INPUT, "line %zu: expected %s \"%.200s\"", r->line, expected, buf_z(&shown));
    buf_done(&shown);
    return e->code;
}

static int read_statement(struct reader *r, struct str text, struct err *e)
{
    ptrdiff_t close = str_rfind(text, ']');
    size_t at = find_delimiter(text);

    /* What stands behind the last "]" is passed over, as Python does. */
    if (text.p[0] == '[' && close > 1)
        return begin_section(r, str_sub(text, 1, (size_t)close), e);
    if (!r->section.p)
        return refuse(r, "a section such as [global] before", text, e);
    struct str name = blank_trim(str_sub(text, 0, at));
    if (at == text.n)
        return refuse(r, "\"=\" or \":\" behind", text, e);
    if (!name.n)
        return err_set(e, ERR_INPUT, "line %zu: expected a name before the \"%c\"", r->line,
                       text.p[at]);
    return begin_key(r, name, blank_trim(str_sub(text, at + 1, text.n)), e);
}

static int read_line(struct reader *r, struct str line, struct err *e)
{
    struct str text = blank_trim(line);
    size_t indent;

    r->line++;
    if (text.n && (text.p[0] == '#' || text.p[0] == ';'))
        return 0;
    if (!text.n) {
        if (r->has_key)
            continue_value(r, text);
        return 0;
    }
    indent = indent_of(line);
    if (r->has_key && indent > r->indent) {
        continue_value(r, text);
        return 0;
    }
    r->indent = indent;
    return read_statement(r, text, e);
}

static void add_entry(struct pipconf_entries *out, struct pipconf_entry entry)
{
    out->items = mem_grow(out->items, out->n, &out->cap, sizeof(*out->items));
    out->items[out->n++] = entry;
}

/* Each section is what [DEFAULT] says, wherever in the file that stands, then what it says itself.
 */
static void add_section(const struct reader *r, struct str section, struct pipconf_entries *out)
{
    for (size_t i = 0; i < r->read.n; i++) {
        struct pipconf_entry entry = r->read.items[i];
        if (!str_is(entry.section, DEFAULT_SECTION))
            continue;
        entry.section = section;
        add_entry(out, entry);
    }
    for (size_t i = 0; i < r->read.n; i++)
        if (str_eq(r->read.items[i].section, section))
            add_entry(out, r->read.items[i]);
}

struct str pipconf_file_key(struct arena *a, struct str name)
{
    struct str copy = arena_str(a, name);
    char *p = (char *)(uintptr_t)copy.p; /* ours until it is handed out */

    for (size_t i = 0; i < copy.n; i++)
        p[i] = p[i] == '_' ? '-' : str_lower(p[i]);
    for (int i = 0; i < 2; i++) /* pip takes the name to its normal form twice */
        if (str_starts(copy, STR("--")))
            copy = str_sub(copy, 2, copy.n);
    return copy;
}

/* pip reads it in the encoding of the locale, which is this one nearly everywhere. */
static int check_utf8(struct str text, struct err *e)
{
    struct utf8 u = { 0 };
    size_t line = 1, n = utf8_check(&u, (const unsigned char *)text.p, text.n);

    if (n == text.n && !u.left)
        return 0;
    for (size_t i = 0; i < n; i++)
        line += text.p[i] == '\n';
    return err_set(e, ERR_INPUT, "line %zu: this is not UTF-8", line);
}

int pipconf_file_parse(struct arena *a, struct str text, struct pipconf_entries *out, struct err *e)
{
    struct reader r = { .arena = a };
    int code = check_utf8(text, e);

    while (text.n && !code)
        code = read_line(&r, take_line(&text), e);
    end_value(&r);
    for (size_t i = 0; i < r.sections.n && !code; i++)
        add_section(&r, r.sections.entries[i].key, out);
    free(r.read.items);
    map_done(&r.sections);
    map_done(&r.keys);
    buf_done(&r.value);
    return code;
}
