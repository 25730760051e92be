/* libyaml tells of the document in events; each is turned into a node or refused as it comes, so
 * that nothing deep or many is ever held. */
#include "dray/util/yaml.h"

#include <stdarg.h>
#include <stdlib.h>
#include <yaml.h>

#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    struct str text;
    size_t depth, n_nodes;
};

/* What a list or map has so far. */
struct growing {
    struct yaml_node *keys, *values;
    size_t n_keys, n, keys_cap, cap;
    struct map seen; /* key -> its line */
};

static int refuse_at(size_t line, size_t column, struct err *e, const char *what)
{
    return err_set(e, ERR_INPUT, "line %zu, column %zu: %s", line, column, what);
}

int yaml_refuse(const struct yaml_node *at, struct err *e, const char *format, ...)
{
    struct buf what = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&what, format, ap);
    va_end(ap);
    int code = refuse_at(at->line, at->column, e, buf_z(&what));
    buf_done(&what);
    return code;
}

static int refuse_mark(const yaml_mark_t *mark, struct err *e, const char *what)
{
    return refuse_at(mark->line + 1, mark->column + 1, e, what);
}

/* Of the byte at `offset`; columns count bytes, since there may be no characters there. */
static int refuse_byte(struct str text, size_t offset, struct err *e, const char *what)
{
    size_t line = 1, start = 0;

    for (size_t i = 0; i < offset && i < text.n; i++)
        if (text.p[i] == '\n') {
            line++;
            start = i + 1;
        }
    return refuse_at(line, offset - start + 1, e, what);
}

/* The length of the control character at `i`: those of ASCII, and of U+0080 to U+009F; else 0. */
static size_t control_at(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    bool blank = c == '\t' || c == '\n' || c == '\r';

    if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0)
        return 2;
    return (c < ' ' && !blank) || c == 0x7f;
}

static int check_bytes(struct str text, struct err *e)
{
    for (size_t i = 0; i < text.n; i++)
        if (control_at(text, i))
            return refuse_byte(text, i, e,
                               text.p[i] ? "a control character; expected text in UTF-8"
                                         : "a NUL character; expected text in UTF-8");
    return 0;
}

/* libyaml's own words: what is wrong, and in the midst of what. */
static int refuse_syntax(const struct reader *r, struct err *e)
{
    const yaml_parser_t *p = &r->parser;
    struct buf what = { 0 };

    if (p->error == YAML_READER_ERROR)
        return refuse_byte(r->text, p->problem_offset, e, "this is not UTF-8");
    buf_add_f(&what, "%s", p->problem ? p->problem : "libyaml can't read this");
    if (p->context)
        buf_add_f(&what, ", %s that began in line %zu", p->context, p->context_mark.line + 1);
    int code = refuse_mark(&p->problem_mark, e, buf_z(&what));
    buf_done(&what);
    return code;
}

static int next_event(struct reader *r, yaml_event_t *out, struct err *e)
{
    return yaml_parser_parse(&r->parser, out) ? 0 : refuse_syntax(r, e);
}

static int check_marks(const yaml_event_t *ev, const void *anchor, const void *tag, struct err *e)
{
    if (anchor)
        return refuse_mark(&ev->start_mark, e, "anchors (&name) are not taken here");
    if (tag)
        return refuse_mark(&ev->start_mark, e,
                           "tags (!name) are not taken here; quote a text that begins with \"!\"");
    return 0;
}

static int check_event(const yaml_event_t *ev, struct err *e)
{
    if (ev->type == YAML_SCALAR_EVENT)
        return check_marks(ev, ev->data.scalar.anchor, ev->data.scalar.tag, e);
    if (ev->type == YAML_SEQUENCE_START_EVENT)
        return check_marks(ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag, e);
    if (ev->type == YAML_MAPPING_START_EVENT)
        return check_marks(ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag, e);
    return refuse_mark(&ev->start_mark, e,
                       "aliases (*name) are not taken here; quote a text that begins with \"*\"");
}

static bool says_nothing(struct str text)
{
    return !text.n || str_is(text, "~") || str_eq_nocase(text, STR("null"));
}

/* "\e" and the like can stand in double quotes. */
static int take_text(struct reader *r, const yaml_event_t *ev, struct yaml_node *out, struct err *e)
{
    struct str text = { (const char *)ev->data.scalar.value, ev->data.scalar.length };

    for (size_t i = 0; i < text.n; i++)
        if (control_at(text, i) || text.p[i] == '\r')
            return refuse_mark(&ev->start_mark, e, "this text holds a control character");
    out->kind = YAML_TEXT;
    out->text = arena_str(r->arena, text);
    out->is_null = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && says_nothing(text);
    return 0;
}

static int read_node(struct reader *r, const yaml_event_t *ev, struct yaml_node *out,
                     struct err *e);

static int read_key(struct reader *r, const yaml_event_t *ev, struct growing *g, struct err *e)
{
    struct yaml_node key;

    if (ev->type == YAML_SEQUENCE_START_EVENT || ev->type == YAML_MAPPING_START_EVENT)
        return refuse_mark(&ev->start_mark, e, "a key must be a text");
    if (read_node(r, ev, &key, e))
        return e->code;
    const void *before = map_get(&g->seen, key.text);
    if (before)
        return yaml_refuse(&key, e, "\"%.*s\" is there twice, in line %zu already",
                           (int)(key.text.n < 100 ? key.text.n : 100), key.text.p,
                           (size_t)(uintptr_t)before);
    map_put(&g->seen, key.text, (void *)(uintptr_t)key.line);
    g->keys = mem_grow(g->keys, g->n_keys, &g->keys_cap, sizeof(*g->keys));
    g->keys[g->n_keys++] = key;
    return 0;
}

static int read_value(struct reader *r, const yaml_event_t *ev, struct growing *g, struct err *e)
{
    struct yaml_node value;

    if (read_node(r, ev, &value, e))
        return e->code;
    g->values = mem_grow(g->values, g->n, &g->cap, sizeof(*g->values));
    g->values[g->n++] = value;
    return 0;
}

/* All up to the event that ends the list or map; in a map, keys and values take turns. */
static int read_items(struct reader *r, bool is_map, struct growing *g, struct err *e)
{
    yaml_event_type_t end = is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    bool ended = false;
    int code = 0;

    while (!code && !ended) {
        yaml_event_t ev;
        if (next_event(r, &ev, e))
            return e->code;
        ended = ev.type == end;
        if (!ended && is_map && g->n_keys == g->n)
            code = read_key(r, &ev, g, e);
        else if (!ended)
            code = read_value(r, &ev, g, e);
        yaml_event_delete(&ev);
    }
    return code;
}

static int read_collection(struct reader *r, bool is_map, struct yaml_node *out, struct err *e)
{
    struct growing g = { 0 };

    if (r->depth == LIMIT_YAML_DEPTH)
        return err_set(e, ERR_LIMIT, "line %zu, column %zu: nested more than %d deep", out->line,
                       out->column, LIMIT_YAML_DEPTH);
    r->depth++;
    int code = read_items(r, is_map, &g, e);
    r->depth--;
    out->kind = is_map ? YAML_MAP : YAML_LIST;
    out->n = g.n;
    out->keys = is_map ? arena_copy(r->arena, g.keys, g.n_keys, sizeof(*g.keys)) : NULL;
    out->values = arena_copy(r->arena, g.values, g.n, sizeof(*g.values));
    map_done(&g.seen);
    free(g.keys);
    free(g.values);
    return code;
}

static int read_node(struct reader *r, const yaml_event_t *ev, struct yaml_node *out, struct err *e)
{
    *out =
        (struct yaml_node){ .line = ev->start_mark.line + 1, .column = ev->start_mark.column + 1 };
    if (check_event(ev, e))
        return e->code;
    if (++r->n_nodes > LIMIT_YAML_NODES)
        return err_set(e, ERR_LIMIT, "line %zu, column %zu: more than %d texts, lists and maps",
                       out->line, out->column, LIMIT_YAML_NODES);
    if (ev->type == YAML_SCALAR_EVENT)
        return take_text(r, ev, out, e);
    return read_collection(r, ev->type == YAML_MAPPING_START_EVENT, out, e);
}

/* The events around the documents carry nothing. */
static int skip_event(struct reader *r, yaml_event_type_t *type, struct err *e)
{
    yaml_event_t ev;

    if (next_event(r, &ev, e))
        return e->code;
    *type = ev.type;
    int code = 0;
    if (ev.type == YAML_DOCUMENT_START_EVENT && r->n_nodes)
        code = refuse_mark(&ev.start_mark, e, "a second document begins here; expected only one");
    yaml_event_delete(&ev);
    return code;
}

static int read_root(struct reader *r, struct yaml_node **out, struct err *e)
{
    struct yaml_node root;
    yaml_event_t ev;

    if (next_event(r, &ev, e))
        return e->code;
    int code = read_node(r, &ev, &root, e);
    yaml_event_delete(&ev);
    if (!code)
        *out = arena_copy(r->arena, &root, 1, sizeof(root));
    return code;
}

static int read_stream(struct reader *r, const struct yaml_node **out, struct err *e)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    struct yaml_node *root = NULL;
    int code = 0;

    while (!code && type != YAML_STREAM_END_EVENT) {
        code = skip_event(r, &type, e);
        if (!code && type == YAML_DOCUMENT_START_EVENT)
            code = read_root(r, &root, e);
    }
    if (!code)
        *out = root && !root->is_null ? root : NULL;
    return code;
}

int yaml_read(struct arena *a, struct str text, const struct yaml_node **out, struct err *e)
{
    struct reader r = { .arena = a };

    if (str_starts(text, STR("\xef\xbb\xbf"))) /* which would count as a column */
        text = str_sub(text, 3, text.n);
    r.text = text;
    if (check_bytes(text, e))
        return e->code;
    if (!yaml_parser_initialize(&r.parser))
        abort(); /* out of memory, which mem.h does not survive either */
    /* Or it would guess at UTF-16. */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    int code = read_stream(&r, out, e);
    yaml_parser_delete(&r.parser);
    return code;
}
