/* A table: what a text is as a tree, and where each of its nodes stands; then the caps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"

#include "dray/util/json_tree.h"

static void show_node(struct buf *out, const struct yaml_node *n)
{
    bool is_map = n->kind == YAML_MAP;

    if (n->kind == YAML_TEXT && n->is_null)
        buf_add_z(out, "~");
    else if (n->kind == YAML_TEXT)
        buf_add_f(out, "\"%.*s\"", STR_ARG(n->text));
    else
        buf_add_c(out, is_map ? '{' : '[');
    for (size_t i = 0; i < n->n; i++) {
        buf_add_z(out, i ? ", " : "");
        if (is_map) {
            show_node(out, &n->keys[i]);
            buf_add_z(out, ": ");
        }
        show_node(out, &n->values[i]);
    }
    if (n->kind != YAML_TEXT)
        buf_add_c(out, is_map ? '}' : ']');
    buf_add_f(out, "@%zu:%zu", n->line, n->column);
}

static void check_read(struct case_line *c, void *ctx)
{
    static const struct yaml_node untouched = { .line = 77 };
    const struct yaml_node *root = &untouched;
    struct arena a = { 0 };
    struct err e = { 0 };
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    int code = json_tree_read(&a, c->fields[0], &root, &e);
    assert_int_equal(code, e.code);
    if (code) {
        assert_ptr_equal(root, &untouched);
        buf_add_f(&got, "error: %s", err_text(&e));
    } else if (!root) {
        buf_add_z(&got, "nothing");
    } else {
        show_node(&got, root);
    }
    case_equal(c, buf_str(&got), c->fields[1]);
    buf_done(&got);
    err_done(&e);
    arena_done(&a);
}

static void test_read(void **state)
{
    (void)state;
    assert_true(case_each("json_tree/read.case", 40, check_read, NULL));
}

static int read_many(size_t items, struct err *e)
{
    const struct yaml_node *root;
    struct arena a = { 0 };
    struct buf text = { 0 };

    buf_add_z(&text, "[");
    for (size_t i = 0; i < items; i++)
        buf_add_z(&text, i ? ",\n1" : "1");
    buf_add_z(&text, "]");
    int code = json_tree_read(&a, buf_str(&text), &root, e);
    buf_done(&text);
    arena_done(&a);
    return code;
}

static void test_nodes(void **state)
{
    struct err e = { 0 };

    (void)state;
    assert_int_equal(read_many(LIMIT_YAML_NODES - 1, &e), 0);
    assert_int_equal(read_many(LIMIT_YAML_NODES, &e), ERR_LIMIT);
    assert_string_equal(err_text(&e),
                        "line 100000, column 1: more than 100000 texts, lists and maps");
    err_done(&e);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(json_tree_is_name(STR("a/b.json")) && json_tree_is_name(STR("B.JSON")));
    assert_false(json_tree_is_name(STR("b.yaml")) || json_tree_is_name(STR(".json")) ||
                 json_tree_is_name(STR("json")));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_read), cmocka_unit_test(test_nodes),
                                        cmocka_unit_test(test_names) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
