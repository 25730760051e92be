/* JSON as a tree: what is read is no deeper and no more than the caps, its positions lie in the
 * text, and its texts are UTF-8 without control characters. */
#include <stdlib.h>

#include "dray/util/json_tree.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct totals {
    size_t bytes, nodes;
};

static void check_text(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        unsigned char next = i + 1 < text.n ? (unsigned char)text.p[i + 1] : 0;
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            abort();
        if (c == 0xed && next >= 0xa0) /* half of a surrogate pair */
            abort();
    }
}

static void check_node(const struct yaml_node *n, size_t depth, struct totals *t)
{
    if (!n->line || !n->column || n->line > t->bytes + 1 || n->column > t->bytes + 1 ||
        depth > LIMIT_YAML_DEPTH || ++t->nodes > LIMIT_YAML_NODES)
        abort();
    if (n->kind == YAML_TEXT)
        check_text(n->text);
    for (size_t i = 0; i < n->n && n->kind == YAML_MAP; i++)
        for (size_t k = 0; k < i && k < 64; k++)
            if (str_eq(n->keys[i].text, n->keys[k].text))
                abort();
    for (size_t i = 0; i < n->n; i++)
        check_node(&n->values[i], depth + 1, t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct totals t = { .bytes = size };
    const struct yaml_node *root = NULL;
    struct arena a = { 0 };
    struct err e = { 0 };

    int code = json_tree_read(&a, (struct str){ (const char *)data, size }, &root, &e);
    if (code != e.code || (code && (root || !str_starts(str_of(err_text(&e)), STR("line ")))))
        abort();
    if (root)
        check_node(root, 0, &t);
    err_done(&e);
    arena_done(&a);
    return 0;
}
