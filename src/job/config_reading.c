#include "dray/job/config_reading.h"

#include <stdarg.h>

#include "dray/net/url.h"
#include "dray/util/buf.h"

enum { SHOWN_BYTES = 100 };

struct str config_place(struct config_reading *r, const struct yaml_node *at)
{
    return arena_f(&r->arena, "%s, line %zu, column %zu", r->path, at->line, at->column);
}

int config_refuse(struct config_reading *r, const struct yaml_node *at, const char *format, ...)
{
    struct buf what = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&what, format, ap);
    va_end(ap);
    err_set(r->e, ERR_USAGE, "%s: %s", config_place(r, at).p, buf_z(&what));
    buf_done(&what);
    return r->e->code;
}

const char *config_shown_key(struct config_reading *r, const struct yaml_node *key)
{
    struct buf shown = { 0 };

    url_redact(str_sub(key->text, 0, SHOWN_BYTES), &shown);
    const char *z = arena_str(&r->arena, buf_str(&shown)).p;
    buf_done(&shown);
    return z ? z : "";
}

static int check_text(struct config_reading *r, const struct yaml_node *key,
                      const struct yaml_node *value)
{
    if (value->kind != YAML_TEXT)
        return config_refuse(r, value, "%s: expected one value, not a %s", config_shown_key(r, key),
                             value->kind == YAML_MAP ? "map" : "list");
    if (str_find(value->text, '\n') >= 0 || str_find(value->text, '\r') >= 0)
        return config_refuse(r, value, "%s: expected a value of one line",
                             config_shown_key(r, key));
    return 0;
}

int config_text(struct config_reading *r, const struct setting *which, const struct yaml_node *key,
                const struct yaml_node *value, struct str *out)
{
    if (check_text(r, key, value))
        return r->e->code;
    *out = value->text;
    return r->meaning ? r->meaning(r, which, key, value, out) : 0;
}

static int apply_text(struct config_reading *r, struct settings *to, const struct setting *which,
                      const struct yaml_node *key, const struct yaml_node *value)
{
    struct str text = STR_NONE;

    if (config_text(r, which, key, value, &text))
        return r->e->code;
    struct str origin =
        arena_f(&r->arena, "%s, %.*s", config_place(r, value).p, STR_ARG(key->text));
    /* An oversight, also where an empty text would mean something. */
    if (value->is_null)
        return err_set(r->e, ERR_USAGE, "%s: expected %s, got nothing", origin.p,
                       which->value_name ? which->value_name : "yes or no");
    return settings_set(to, which, text, origin.p, r->e);
}

static int apply_list(struct config_reading *r, struct settings *to, const struct setting *which,
                      const struct yaml_node *key, const struct yaml_node *value)
{
    int code = 0;

    if (value->kind == YAML_MAP)
        return config_refuse(r, value, "%s: expected one value or a list of them, not a map",
                             key->text.p);
    settings_clear(to, which);
    if (value->kind == YAML_TEXT)
        return apply_text(r, to, which, key, value);
    for (size_t i = 0; i < value->n && !code; i++)
        code = apply_text(r, to, which, key, &value->values[i]);
    return code;
}

int config_apply(struct config_reading *r, struct settings *to, const struct setting *which,
                 const struct yaml_node *key, const struct yaml_node *value)
{
    if (which->kind == SETTING_LIST || which->kind == SETTING_FORMAT)
        return apply_list(r, to, which, key, value);
    return apply_text(r, to, which, key, value);
}

int config_check_seen(struct config_reading *r, const struct yaml_node **seen,
                      const struct setting *which, const struct yaml_node *key)
{
    const struct yaml_node **at = &seen[settings_row(which)];

    if (*at)
        return config_refuse(r, key, "\"%s\" is the same as \"%s\" in line %zu", key->text.p,
                             (*at)->text.p, (*at)->line);
    *at = key;
    return 0;
}
