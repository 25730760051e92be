/* One requirement as a person gave it: tests/data/want, in a directory with a few files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/job/want.h"
#include "dray/util/limits.h"
#include "temp_dir.h"

static int enter_directory(void **state)
{
    static struct temp_dir d;

    temp_dir_open(&d);
    temp_dir_put(&d, "foo-1.0-py3-none-any.whl", STR("x"));
    temp_dir_put(&d, "bar-1.0.tar.gz", STR("x"));
    temp_dir_put(&d, "sp ace-1.0.zip", STR("x"));
    temp_dir_put(&d, "sub/foo-1.0-py3-none-any.whl", STR("x"));
    temp_dir_put(&d, "notes.txt", STR("x"));
    temp_dir_put(&d, "tree-1.0.tar.gz/pyproject.toml", STR("x"));
    temp_dir_put(&d, "flask/pyproject.toml", STR("x"));
    *state = &d;
    return chdir(d.path);
}

static int leave_directory(void **state)
{
    int code = chdir("/");

    temp_dir_close(*state);
    return code;
}

/* `text` with the path of the directory in place of $DIR. */
static struct str expand(struct temp_dir *d, struct str text)
{
    ptrdiff_t at = str_search(text, STR("$DIR"));

    if (at < 0)
        return text;
    return arena_f(&d->arena, "%.*s%s%.*s", (int)at, text.p, d->path,
                   STR_ARG(str_sub(text, (size_t)at + 4, text.n)));
}

static struct str describe(struct arena *a, const struct want *w)
{
    return arena_f(a, "%.*s | %.*s | %.*s | %s | %zu | %.*s", STR_ARG(w->project),
                   STR_ARG(w->specifiers.text), STR_ARG(w->url), w->n_extras ? "yes" : "no",
                   w->n_hashes, STR_ARG(marker_text(a, w->marker)));
}

static void check_valid(struct case_line *c, void *ctx)
{
    struct temp_dir *d = ctx;
    struct arena a = { 0 };
    struct want w = { 0 };
    struct err e = { 0 };

    if (!case_has(c, 7, 7))
        return;
    if (want_parse(&a, &(struct want_text){ .text = expand(d, c->fields[0]) }, &w, &e)) {
        case_fail(c, "%s", err_text(&e));
    } else {
        struct str url = expand(d, c->fields[3]);
        struct str want =
            arena_f(&a, "%.*s | %.*s | %.*s | %.*s | %.*s | %.*s", STR_ARG(c->fields[1]),
                    STR_ARG(c->fields[2]), STR_ARG(url), STR_ARG(c->fields[4]),
                    STR_ARG(c->fields[5]), STR_ARG(c->fields[6]));
        case_equal(c, describe(&a, &w), want);
        /* STR_NONE, not "", where there is none */
        if ((w.project.p != NULL) != (c->fields[1].n > 0) || (w.url.p != NULL) != (url.n > 0) ||
            w.has_hash_option || w.origin.p)
            case_fail(c, "what is absent is not STR_NONE");
    }
    err_done(&e);
    arena_done(&a);
}

static void test_valid(void **state)
{
    assert_true(case_each("want/valid.case", 30, check_valid, *state));
}

static void test_one_file_has_one_url(void **state)
{
    assert_true(case_each("want/normal.case", 5, check_valid, *state));
}

static void check_invalid(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct want w = { .label = STR("untouched") };
    struct err e = { 0 };

    if (!case_has(c, 3, 3))
        return;
    int code = want_parse(
        &a,
        &(struct want_text){ .text = expand(ctx, c->fields[0]), .origin = STR("x.txt, line 3") },
        &w, &e);
    case_equal(c, str_of(err_name(code)), c->fields[1]);
    case_contains(c, str_of(err_text(&e)), c->fields[2]);
    if (code && !str_starts(str_of(err_text(&e)), STR("x.txt, line 3: ")))
        case_fail(c, "\"%s\" does not say where", err_text(&e));
    if (code && !str_is(w.label, "untouched"))
        case_fail(c, "the output was touched");
    err_done(&e);
    arena_done(&a);
}

static void test_invalid(void **state)
{
    assert_true(case_each("want/invalid.case", 30, check_invalid, *state));
}

/* --hash and the URL's digest: any one suffices, so both are in the list. */
static void test_hashes(void **state)
{
    static const char url[] = "https://files.example.org/foo-1.0.zip"
                              "#md5=d41d8cd98f00b204e9800998ecf8427e";
    struct digest given = { .alg = DIGEST_SHA256, .bytes = { 1 } };
    struct arena a = { 0 };
    struct want w;
    struct err e = { 0 };

    (void)state;
    assert_int_equal(
        want_parse(&a, &(struct want_text){ .text = str_of(url), .hashes = &given, .n_hashes = 1 },
                   &w, &e),
        0);
    assert_true(w.has_hash_option);
    assert_int_equal(w.n_hashes, 2);
    assert_true(digest_eq(&w.hashes[0], &given));
    assert_int_equal(w.hashes[1].alg, DIGEST_MD5);
    assert_int_equal(want_parse(&a,
                                &(struct want_text){ .text = STR("foo==1"),
                                                     .origin = STR("r.txt, line 1"),
                                                     .hashes = &given,
                                                     .n_hashes = 1 },
                                &w, &e),
                     0);
    assert_true(w.has_hash_option && w.n_hashes == 1 && w.hashes == &given);
    assert_true(str_is(w.origin, "r.txt, line 1"));
    arena_done(&a);
}

static void label_is(const char *text, const char *want)
{
    struct arena a = { 0 };
    struct want w = { 0 };
    struct err e = { 0 };

    assert_int_equal(want_parse(&a, &(struct want_text){ .text = str_of(text) }, &w, &e), 0);
    assert_string_equal(arena_str(&a, w.label).p, want);
    arena_done(&a);
}

/* What a person wrote, without what must not be shown. */
static void test_label(void **state)
{
    (void)state;
    label_is("  Flask >= 3 ", "Flask >= 3");
    label_is("http2 ; os_name == 'nt'", "http2 ; os_name == 'nt'");
    label_is("https://me:secret@files.example.org/x.zip",
             "https://me:****@files.example.org/x.zip");
    label_is("x @ https://me:secret@files.example.org/x.zip",
             "x @ https://me:****@files.example.org/x.zip");
    label_is("httpx @ https://me:secret@files.example.org/x.zip",
             "httpx @ https://me:****@files.example.org/x.zip");
    label_is("HTTPS://me:secret@files.example.org/x.zip",
             "HTTPS://me:****@files.example.org/x.zip");
}

static void error_hides(const char *text, const char *secret)
{
    struct arena a = { 0 };
    struct want w;
    struct err e = { 0 };

    assert_true(want_parse(&a, &(struct want_text){ .text = str_of(text) }, &w, &e) < 0);
    if (strstr(err_text(&e), secret))
        fail_msg("shown: %s", err_text(&e));
    err_done(&e);
    arena_done(&a);
}

static void test_errors_hide_passwords(void **state)
{
    (void)state;
    error_hides("https://me:s3cret@files.example.org/foo.whl", "s3cret");
    error_hides("httpx @ https://me:s3cret@files.example.org/foo.whl", "s3cret");
    error_hides("git+https://me:s3cret@git.example.org/foo.git", "s3cret");
    error_hides("x @ git+https://me:s3cret@git.example.org/foo.git", "s3cret");
    error_hides("https://me:s3cret@files.example.org/x.zip; bad", "s3cret");
    error_hides("x @@ https://me:s3cret@files.example.org/x.zip", "s3cret");
    error_hides("HTTPS://me:s3cret@files.example.org/foo.whl", "s3cret");
}

static void test_length_is_capped(void **state)
{
    struct buf text = { 0 };
    struct arena a = { 0 };
    struct want w;
    struct err e = { 0 };

    (void)state;
    while (text.n < LIMIT_REQUIREMENT_BYTES)
        buf_add_c(&text, 'a');
    assert_int_equal(want_parse(&a, &(struct want_text){ .text = buf_str(&text) }, &w, &e), 0);
    buf_add_c(&text, 'a');
    assert_int_equal(want_parse(&a, &(struct want_text){ .text = buf_str(&text) }, &w, &e),
                     ERR_LIMIT);
    buf_done(&text);
    err_done(&e);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_one_file_has_one_url),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_label),
        cmocka_unit_test(test_errors_hide_passwords),
        cmocka_unit_test(test_length_is_capped),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
