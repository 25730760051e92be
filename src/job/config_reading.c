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

int config_check_text(struct config_reading *r, const struct yaml_node *key,
                      const struct yaml_node *value)
{
    if (value->kind != YAML_TEXT)
        return config_refuse(r, value, "%s: expected one value, not a %s", config_shown_key(r, key),
                             value->kind == YAML_MAP ? "map" : "list");
    if (str_find(value->text, '\n') >= 0)
        return config_refuse(r, value, "%s: expected a value of one line",
                             config_shown_key(r, key));
    return 0;
}
