/* yajl says where a token ends; it begins behind the blanks and commas that follow the one before.
 * Texts are decoded here from the token as it stands, which yajl has found to be well-formed: of
 * half a surrogate pair it makes a "?". */
#include "dray/util/json_tree.h"

#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

/* A list or map that is not ended yet. */
struct open_node {
    struct yaml_node node;
    struct yaml_node *keys, *values;
    size_t n_keys, n, keys_cap, cap;
    struct map seen; /* key -> its line */
};

struct reader {
    struct arena *arena;
    struct str text;
    yajl_handle yajl;
    size_t at, line, column; /* of the next byte that was not looked at */
    bool at_end;             /* yajl was told so: what it consumes now is none of the text */
    struct open_node stack[LIMIT_YAML_DEPTH];
    size_t depth, n_nodes;
    struct yaml_node root;
    struct err *e;
};

static void pass(struct reader *r, size_t to)
{
    for (; r->at < to && r->at < r->text.n; r->at++) {
        unsigned char c = (unsigned char)r->text.p[r->at];
        if (c == '\n') {
            r->line++;
            r->column = 1;
        } else {
            r->column += (c & 0xc0) != 0x80;
        }
    }
}

static bool is_between(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',' || c == ':';
}

static void pass_blanks(struct reader *r)
{
    while (r->at < r->text.n && is_between(r->text.p[r->at]))
        pass(r, r->at + 1);
}

/* The token that yajl is at, and where it begins. */
static struct str take_token(struct reader *r, struct yaml_node *out)
{
    size_t end = r->at_end ? r->text.n : yajl_get_bytes_consumed(r->yajl);

    pass_blanks(r);
    *out = (struct yaml_node){ .line = r->line, .column = r->column };
    struct str token = str_sub(r->text, r->at, end);
    pass(r, end);
    return token;
}

static void add_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_c(out, (char)c);
    } else if (c < 0x800) {
        buf_add_c(out, (char)(0xc0 | c >> 6));
        buf_add_c(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_add_c(out, (char)(0xe0 | c >> 12));
        buf_add_c(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_c(out, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_add_c(out, (char)(0xf0 | c >> 18));
        buf_add_c(out, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_add_c(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_c(out, (char)(0x80 | (c & 0x3f)));
    }
}

/* The four digits behind "\u" at s.p[at], or UINT32_MAX when there is no such escape. */
static uint32_t escaped_unit(struct str s, size_t at)
{
    uint32_t unit = 0;

    if (at + 6 > s.n || s.p[at] != '\\' || s.p[at + 1] != 'u')
        return UINT32_MAX;
    for (size_t i = at + 2; i < at + 6; i++) {
        char c = str_lower(s.p[i]);
        unit = unit << 4 | (uint32_t)(str_isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    return unit;
}

/* Takes the escape at s.p[*at]; false when it is half a surrogate pair. */
static bool take_escape(struct str s, size_t *at, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t unit = escaped_unit(s, *at);

    if (unit == UINT32_MAX) {
        buf_add_c(out, to[strchr(from, s.p[*at + 1]) - from]);
        *at += 2;
        return true;
    }
    *at += 6;
    if (unit >= 0xd800 && unit < 0xdc00) {
        uint32_t low = escaped_unit(s, *at);
        if (low < 0xdc00 || low > 0xdfff)
            return false;
        *at += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10 | (low - 0xdc00));
    }
    add_utf8(out, unit);
    return unit < 0xdc00 || unit > 0xdfff;
}

/* Those of ASCII, and of U+0080 to U+009F. */
static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool high = c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0;
        if (high || (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return true;
    }
    return false;
}

static int decode(struct reader *r, struct str token, struct yaml_node *out)
{
    struct str inner = str_sub(token, 1, token.n - 1);
    struct buf text = { 0 };
    bool whole = true;
    int code = 0;

    for (size_t i = 0; i < inner.n && whole;)
        if (inner.p[i] == '\\')
            whole = take_escape(inner, &i, &text);
        else
            buf_add_c(&text, inner.p[i++]);
    if (!whole)
        code = yaml_refuse(out, r->e, "this text holds half of a surrogate pair");
    else if (has_control(buf_str(&text)))
        code = yaml_refuse(out, r->e, "this text holds a control character");
    else
        out->text = arena_str(r->arena, text.n ? buf_str(&text) : STR(""));
    buf_done(&text);
    return code;
}

static int count_node(struct reader *r, const struct yaml_node *at)
{
    if (++r->n_nodes <= LIMIT_YAML_NODES)
        return 0;
    return err_set(r->e, ERR_LIMIT, "line %zu, column %zu: more than %d texts, lists and maps",
                   at->line, at->column, LIMIT_YAML_NODES);
}

/* Puts a finished node where it belongs. */
static int put_node(struct reader *r, const struct yaml_node *node)
{
    if (!r->depth) {
        r->root = *node;
        return 1;
    }
    struct open_node *top = &r->stack[r->depth - 1];
    top->values = mem_grow(top->values, top->n, &top->cap, sizeof(*top->values));
    top->values[top->n++] = *node;
    return 1;
}

static int take_scalar(struct reader *r, bool is_null)
{
    struct yaml_node node;
    struct str token = take_token(r, &node);

    if (count_node(r, &node))
        return 0;
    node.is_null = is_null;
    node.text = is_null ? STR("") : arena_str(r->arena, str_trim(token));
    return put_node(r, &node);
}

static int on_null(void *ctx)
{
    return take_scalar(ctx, true);
}

static int on_boolean(void *ctx, int value)
{
    (void)value;
    return take_scalar(ctx, false);
}

static int on_number(void *ctx, const char *number, size_t n)
{
    (void)number;
    (void)n;
    return take_scalar(ctx, false);
}

static int on_string(void *ctx, const unsigned char *decoded, size_t n)
{
    struct reader *r = ctx;
    struct yaml_node node;
    struct str token = take_token(r, &node);

    (void)decoded;
    (void)n;
    if (count_node(r, &node) || decode(r, token, &node))
        return 0;
    return put_node(r, &node);
}

static int on_key(void *ctx, const unsigned char *decoded, size_t n)
{
    struct reader *r = ctx;
    struct open_node *top = &r->stack[r->depth - 1];
    struct yaml_node key;
    struct str token = take_token(r, &key);

    (void)decoded;
    (void)n;
    if (count_node(r, &key) || decode(r, token, &key))
        return 0;
    const void *before = map_get(&top->seen, key.text);
    if (before) {
        yaml_refuse(&key, r->e, "\"%.*s\" is there twice, in line %zu already",
                    (int)(key.text.n < 100 ? key.text.n : 100), key.text.p,
                    (size_t)(uintptr_t)before);
        return 0;
    }
    map_put(&top->seen, key.text, (void *)(uintptr_t)key.line);
    top->keys = mem_grow(top->keys, top->n_keys, &top->keys_cap, sizeof(*top->keys));
    top->keys[top->n_keys++] = key;
    return 1;
}

static int open_collection(struct reader *r, enum yaml_kind kind)
{
    struct yaml_node node;

    (void)take_token(r, &node);
    if (count_node(r, &node))
        return 0;
    if (r->depth == LIMIT_YAML_DEPTH) {
        err_set(r->e, ERR_LIMIT, "line %zu, column %zu: nested more than %d deep", node.line,
                node.column, LIMIT_YAML_DEPTH);
        return 0;
    }
    node.kind = kind;
    r->stack[r->depth++] = (struct open_node){ .node = node };
    return 1;
}

static int on_map(void *ctx)
{
    return open_collection(ctx, YAML_MAP);
}

static int on_list(void *ctx)
{
    return open_collection(ctx, YAML_LIST);
}

static void open_node_done(struct open_node *o)
{
    map_done(&o->seen);
    free(o->keys);
    free(o->values);
}

static int on_end(void *ctx)
{
    struct reader *r = ctx;
    struct open_node *top = &r->stack[--r->depth];
    struct yaml_node bracket, node = top->node;

    (void)take_token(r, &bracket);
    node.n = top->n;
    node.keys = arena_copy(r->arena, top->keys, top->n_keys, sizeof(*top->keys));
    node.values = arena_copy(r->arena, top->values, top->n, sizeof(*top->values));
    open_node_done(top);
    return put_node(r, &node);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_list,
    .yajl_end_array = on_end,
};

/* yajl's own words, without the line break behind them. */
static int refuse_syntax(struct reader *r)
{
    unsigned char *said = yajl_get_error(r->yajl, 0, NULL, 0);
    struct yaml_node at;

    (void)take_token(r, &at);
    yaml_refuse(&at, r->e, "%.*s", STR_ARG(str_trim(str_of((const char *)said))));
    yajl_free_error(r->yajl, said);
    return r->e->code;
}

static int read_all(struct reader *r)
{
    yajl_status status = yajl_parse(r->yajl, (const unsigned char *)r->text.p, r->text.n);

    if (status == yajl_status_ok) {
        r->at_end = true;
        status = yajl_complete_parse(r->yajl);
    }
    if (status == yajl_status_ok)
        return 0;
    return r->e->code ? r->e->code : refuse_syntax(r);
}

bool json_tree_is_name(struct str name)
{
    return name.n > 5 && str_eq_nocase(str_sub(name, name.n - 5, name.n), STR(".json"));
}

int json_tree_read(struct arena *a, struct str text, const struct yaml_node **out, struct err *e)
{
    struct reader *r = mem_new(1, sizeof(*r));

    r->arena = a;
    r->text = text.n ? text : STR("");
    r->line = r->column = 1;
    r->e = e;
    r->yajl = yajl_alloc(&callbacks, NULL, r);
    if (!r->yajl)
        abort(); /* out of memory, which mem.h does not survive either */
    int code = read_all(r);
    if (!code)
        *out = r->root.is_null ? NULL : arena_copy(a, &r->root, 1, sizeof(r->root));
    while (r->depth)
        open_node_done(&r->stack[--r->depth]);
    yajl_free(r->yajl);
    free(r);
    return code;
}
