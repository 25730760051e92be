/* yajl calls back for each value; only those of the outermost object count, and one table says
 * which key goes where. No tree is built: freeing one recurses as deep as the text nests. */
#include "dray/ui/trace_line.h"

#include <stddef.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "dray/util/limits.h"

enum kind { KIND_TEXT, KIND_NUMBER, KIND_SECONDS };

#define AT(field) offsetof(struct trace_line, field)

static const struct key {
    struct str name;
    enum kind kind;
    size_t at;
} keys[] = {
    { { "t", 1 }, KIND_SECONDS, AT(t_us) },
    { { "took", 4 }, KIND_SECONDS, AT(took_us) },
    { { "event", 5 }, KIND_TEXT, AT(event) },
    { { "order", 5 }, KIND_NUMBER, AT(order) },
    { { "requirement", 11 }, KIND_TEXT, AT(requirement) },
    { { "file", 4 }, KIND_TEXT, AT(file) },
    { { "got", 3 }, KIND_NUMBER, AT(got) },
    { { "size", 4 }, KIND_NUMBER, AT(size) },
    { { "from", 4 }, KIND_TEXT, AT(from) },
    { { "to", 2 }, KIND_TEXT, AT(to) },
    { { "text", 4 }, KIND_TEXT, AT(text) },
    { { "n", 1 }, KIND_NUMBER, AT(n) },
    { { "code", 4 }, KIND_TEXT, AT(code) },
    { { "origin", 6 }, KIND_TEXT, AT(origin) },
    { { "rung", 4 }, KIND_TEXT, AT(rung) },
    { { "path", 4 }, KIND_TEXT, AT(path) },
    { { "state", 5 }, KIND_TEXT, AT(state) },
};

enum { SECONDS_MAX = 1000000000, US_PER_S = 1000000 };

struct line_reader {
    struct trace_line line;
    struct arena *arena;
    const struct key *key; /* of the value that comes next, NULL when it is of no use */
    size_t depth;
    bool is_object;
};

/* "12", "0.034567"; what is behind the microseconds is cut off. */
static bool seconds_parse(struct str text, uint64_t *out)
{
    struct str part, whole = str_cut(text, '.', &part);
    uint64_t seconds, us = 0, unit = US_PER_S;

    if (!str_to_u64(whole, SECONDS_MAX, &seconds) || (part.p && !part.n))
        return false;
    for (size_t i = 0; part.p && i < part.n; i++) {
        if (!str_isdigit(part.p[i]))
            return false;
        unit /= 10;
        us += unit * (uint64_t)(part.p[i] - '0');
    }
    *out = seconds * US_PER_S + us;
    return true;
}

/* Forgets an earlier value of the same key: of duplicates the last wins. */
static int line_map_key(void *ctx, const unsigned char *text, size_t n)
{
    struct line_reader *r = ctx;
    struct str name = { (const char *)text, n };

    if (r->depth != 1)
        return 1;
    r->key = NULL;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (str_eq(keys[i].name, name))
            r->key = &keys[i];
    if (!r->key)
        return 1;
    char *field = (char *)&r->line + r->key->at;
    if (r->key->kind == KIND_TEXT)
        memcpy(field, &STR_NONE, sizeof(struct str));
    else
        memcpy(field, &(uint64_t){ TRACE_NUMBER_NONE }, sizeof(uint64_t));
    return 1;
}

static int line_number(void *ctx, const char *text, size_t n)
{
    struct line_reader *r = ctx;
    struct str digits = { text, n };
    uint64_t value;

    if (r->depth != 1 || !r->key || r->key->kind == KIND_TEXT)
        return 1;
    bool ok = r->key->kind == KIND_SECONDS ? seconds_parse(digits, &value)
                                           : str_to_u64(digits, INT64_MAX, &value);
    if (ok)
        memcpy((char *)&r->line + r->key->at, &value, sizeof(value));
    return 1;
}

static int line_string(void *ctx, const unsigned char *text, size_t n)
{
    struct line_reader *r = ctx;

    if (r->depth != 1 || !r->key || r->key->kind != KIND_TEXT)
        return 1;
    struct str copy = arena_str(r->arena, (struct str){ (const char *)text, n });
    memcpy((char *)&r->line + r->key->at, &copy, sizeof(copy));
    return 1;
}

static int line_start_map(void *ctx)
{
    struct line_reader *r = ctx;

    r->is_object = r->is_object || r->depth == 0;
    return ++r->depth <= LIMIT_JSON_DEPTH;
}

static int line_start_array(void *ctx)
{
    struct line_reader *r = ctx;

    return ++r->depth <= LIMIT_JSON_DEPTH;
}

static int line_end(void *ctx)
{
    struct line_reader *r = ctx;

    r->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_number = line_number,
    .yajl_string = line_string,
    .yajl_start_map = line_start_map,
    .yajl_map_key = line_map_key,
    .yajl_end_map = line_end,
    .yajl_start_array = line_start_array,
    .yajl_end_array = line_end,
};

static int line_bad(yajl_handle yajl, struct str line, struct err *e)
{
    unsigned char *text = yajl_get_error(yajl, 0, (const unsigned char *)line.p, line.n);
    struct str why = str_trim(str_of((const char *)text));

    while (str_ends(why, STR(".")))
        why.n--;
    int code = err_set(e, ERR_INPUT, "no JSON: %.*s", STR_ARG(why));
    yajl_free_error(yajl, text);
    return code;
}

static int line_read(struct line_reader *r, struct str line, struct err *e)
{
    yajl_handle yajl = yajl_alloc(&callbacks, NULL, r);
    int code = 0;

    if (!yajl)
        abort();
    yajl_status status = yajl_parse(yajl, (const unsigned char *)line.p, line.n);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(yajl);
    if (status == yajl_status_client_canceled)
        code = err_set(e, ERR_INPUT, "it nests deeper than %d levels", LIMIT_JSON_DEPTH);
    else if (status != yajl_status_ok)
        code = line_bad(yajl, line, e);
    yajl_free(yajl);
    return code;
}

int trace_line_parse(struct str line, struct arena *a, struct trace_line *out, struct err *e)
{
    struct line_reader r = { .arena = a };

    r.line.t_us = r.line.took_us = r.line.order = TRACE_NUMBER_NONE;
    r.line.got = r.line.size = r.line.n = TRACE_NUMBER_NONE;
    if (line_read(&r, line, e))
        return e->code;
    if (!r.is_object)
        return err_set(e, ERR_INPUT, "it is no object");
    if (r.line.t_us == TRACE_NUMBER_NONE)
        return err_set(e, ERR_INPUT, "it has no \"t\", the seconds since the run began");
    if (!r.line.event.p)
        return err_set(e, ERR_INPUT, "it has no \"event\"");
    *out = r.line;
    return 0;
}
