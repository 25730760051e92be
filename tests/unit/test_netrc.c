/* net/netrc by the table tests/data/netrc/find.case, and where the file is looked for. What the
 * table says of comments was asked of Python: tests/unit/differential_netrc.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "temp_dir.h"

#include "dray/net/netrc.h"

static void check_find(struct case_line *c, void *ctx)
{
    struct netrc n = { 0 };
    struct netrc_login found;
    struct err e = { 0 };
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 4))
        return;
    if (netrc_parse(c->fields[0], &n, &e)) {
        buf_add_f(&got, "error: %s", err_text(&e));
        assert_int_equal(e.code, ERR_INPUT);
        assert_false(netrc_find(&n, c->fields[1], &found));
    } else if (!netrc_find(&n, c->fields[1], &found)) {
        buf_add_z(&got, "none");
    } else {
        assert_non_null(found.user.p);
        assert_non_null(found.password.p);
        case_equal(c, found.user, c->fields[2]);
        case_equal(c, found.password, c->fields[3]);
        buf_add_str(&got, c->fields[2]);
    }
    case_equal(c, buf_str(&got), c->fields[2]);
    netrc_done(&n);
    err_done(&e);
    buf_done(&got);
}

static void test_find(void **state)
{
    (void)state;
    assert_true(case_each("netrc/find.case", 40, check_find, NULL));
}

/* `want` is a name in the directory; NULL: there is none. */
static void expect_path(struct temp_dir *d, const char *want)
{
    struct buf path = { 0 };

    assert_int_equal(netrc_path(&path), want != NULL);
    assert_string_equal(buf_z(&path), want ? temp_dir_at(d, want) : "");
    buf_done(&path);
}

static void test_path(void **state)
{
    struct temp_dir d;
    struct buf path = { 0 };

    (void)state;
    temp_dir_open(&d);
    unsetenv("NETRC");
    setenv("HOME", d.path, 1);
    expect_path(&d, NULL);
    temp_dir_put(&d, "_netrc", STR(""));
    expect_path(&d, "_netrc");
    temp_dir_put(&d, ".netrc", STR(""));
    expect_path(&d, ".netrc");
    setenv("NETRC", temp_dir_at(&d, "elsewhere"), 1);
    expect_path(&d, NULL); /* and none of the others */
    temp_dir_put(&d, "elsewhere", STR(""));
    expect_path(&d, "elsewhere");
    setenv("NETRC", "~/elsewhere", 1);
    expect_path(&d, "elsewhere");
    setenv("NETRC", "", 1);
    expect_path(&d, NULL);
    setenv("NETRC", "/dev/null", 1);
    assert_true(netrc_path(&path));
    assert_string_equal(buf_z(&path), "/dev/null");
    unsetenv("NETRC");
    unsetenv("HOME");
    expect_path(&d, NULL);
    buf_done(&path);
    temp_dir_close(&d);
}

static void test_load(void **state)
{
    struct netrc n = { 0 };
    struct err e = { 0 };
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    assert_int_equal(netrc_load("/dev/null", &n, &e), 0);
    assert_int_equal(n.machines.n, 0);
    temp_dir_put(&d, "good", STR("machine h login me password x"));
    assert_int_equal(netrc_load(temp_dir_at(&d, "good"), &n, &e), 0);
    assert_int_equal(n.machines.n, 1);
    netrc_done(&n);
    temp_dir_put(&d, "bad", STR("machine h login me password x\n\n\ntopsecret"));
    assert_int_equal(netrc_load(temp_dir_at(&d, "bad"), &n, &e), ERR_INPUT);
    assert_true(
        str_ends(str_of(err_text(&e)), STR("bad: line 4: expected login, account or password")));
    assert_int_equal(n.machines.n, 0);
    assert_int_equal(netrc_load(d.path, &n, &e), ERR_IO);
    err_done(&e);
    temp_dir_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
