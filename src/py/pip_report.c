/* The JSON form of core metadata (PEP 566) back into headers: "requires_dist" is "Requires-Dist",
 * and a list several of them. */
#include "dray/py/pip_report.h"

#include <stdbool.h>
#include <string.h>

#include <yajl/yajl_tree.h>

#include "dray/util/limits.h"

static void add_name(struct buf *out, const char *key)
{
    bool first = true;

    for (; *key; key++) {
        bool is_lower = *key >= 'a' && *key <= 'z';
        buf_add_c(out, *key == '_' ? '-' : first && is_lower ? (char)(*key - 'a' + 'A') : *key);
        first = *key == '_';
    }
}

/* Lines behind the first are indented, so that none begins another header. */
static void add_field(struct buf *out, const char *key, const char *value)
{
    add_name(out, key);
    buf_add_z(out, ": ");
    for (; *value; value++) {
        if (*value == '\n')
            buf_add_z(out, "\n        ");
        else if (*value != '\r')
            buf_add_c(out, *value);
    }
    buf_add_c(out, '\n');
}

static void add_value(struct buf *out, const char *key, yajl_val v)
{
    if (YAJL_IS_STRING(v))
        add_field(out, key, YAJL_GET_STRING(v));
    for (size_t i = 0; YAJL_IS_ARRAY(v) && i < v->u.array.len; i++)
        if (YAJL_IS_STRING(v->u.array.values[i]))
            add_field(out, key, YAJL_GET_STRING(v->u.array.values[i]));
}

static void add_all(struct buf *out, yajl_val metadata)
{
    const char *description = NULL;

    for (size_t i = 0; i < metadata->u.object.len; i++) {
        const char *key = metadata->u.object.keys[i];
        yajl_val v = metadata->u.object.values[i];
        if (strcmp(key, "description") == 0)
            description = YAJL_GET_STRING(v);
        else
            add_value(out, key, v);
    }
    buf_add_c(out, '\n');
    if (description)
        buf_add_z(out, description);
}

/* yajl's tree is walked by recursion. */
static bool is_deep(struct str json)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < json.n && depth <= LIMIT_JSON_DEPTH; i++) {
        char c = json.p[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (size_t)((c == '[' || c == '{') - (c == ']' || c == '}'));
    }
    return depth > LIMIT_JSON_DEPTH;
}

int pip_report_metadata(struct str report, struct buf *out, struct err *e)
{
    static const char *const install_path[] = { "install", NULL }, *const metadata_path[] = {
        "metadata", NULL
    };
    struct buf text = { 0 };
    char why[256] = "";

    if (is_deep(report))
        return err_set(e, ERR_LIMIT, "it is nested deeper than %d", LIMIT_JSON_DEPTH);
    buf_add_str(&text, report);
    yajl_val root = yajl_tree_parse(buf_z(&text), why, sizeof(why));
    yajl_val install = root ? yajl_tree_get(root, (const char **)install_path, yajl_t_array) : NULL;
    size_t n = install ? install->u.array.len : 0;
    yajl_val metadata = n == 1 ? yajl_tree_get(install->u.array.values[0],
                                               (const char **)metadata_path, yajl_t_object)
                               : NULL;
    if (metadata)
        add_all(out, metadata);
    else if (!root)
        err_set(e, ERR_INPUT, "it is no JSON: %s", why);
    else
        err_set(e, ERR_INPUT, "it tells of %zu distributions, expected is the metadata of one", n);
    yajl_tree_free(root);
    buf_done(&text);
    return e->code;
}
