/* Any bytes as core metadata: what is accepted can be written from its parts and reads the same
 * again, differs in nothing from itself, and is valid JSON. */
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#include "dray/py/metadata.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void write(const struct metadata *m, struct buf *out)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        buf_add_str(out, m->fields[i].name);
        buf_add_c(out, ':');
        buf_add_str(out, m->fields[i].value);
        buf_add_c(out, '\n');
    }
    buf_add_c(out, '\n');
    buf_add_str(out, m->description);
}

static void check_again(const struct metadata *m)
{
    struct buf text = { 0 };
    struct arena a = { 0 };
    struct metadata again;
    struct err e = { 0 };

    write(m, &text);
    if (text.n <= LIMIT_METADATA_BYTES) {
        require(metadata_parse(&a, buf_str(&text), &again, &e) == 0);
        require(again.n_fields == m->n_fields && str_eq(again.description, m->description));
        for (size_t i = 0; i < m->n_fields; i++)
            require(str_eq(again.fields[i].name, m->fields[i].name) &&
                    str_eq(again.fields[i].value, m->fields[i].value));
        int code = metadata_compare(m, "one", &again, "other", &e);
        require(code == 0 || code == ERR_INPUT || code == ERR_LIMIT);
        require(code == e.code);
    }
    buf_done(&text);
    err_done(&e);
    arena_done(&a);
}

static void check_json(const struct metadata *m)
{
    struct buf text = { 0 };
    char why[200];

    struct json *j = json_open(&text, true);
    metadata_json(m, j);
    json_close(j);
    yajl_val tree = yajl_tree_parse(buf_z(&text), why, sizeof(why));
    require(YAJL_IS_OBJECT(tree) && YAJL_GET_OBJECT(tree)->len >= 2);
    yajl_tree_free(tree);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct metadata m;
    struct err e = { 0 };

    if (metadata_parse(&a, (struct str){ (const char *)data, size }, &m, &e)) {
        require(e.code && err_text(&e)[0]);
    } else {
        require(m.name.n > 0 && m.version.n > 0 && m.n_fields >= 2);
        check_again(&m);
        check_json(&m);
    }
    err_done(&e);
    arena_done(&a);
    return 0;
}
