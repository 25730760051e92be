/* --find-links places on a disk: what is found there, in which order, and what is only warned of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/flat.h"
#include "local_world.h"

struct scene {
    struct local_world w;
    struct strs places;
    struct flat *flat;
    struct buf found; /* "local NAME" or "listed NAME", a line each */
    struct err *err;
    unsigned calls;
};

static void told(void *ctx, struct err *e)
{
    struct scene *s = ctx;

    s->err = e;
    s->calls++;
    loop_stop(s->w.loop);
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    world_open(&s->w);
}

static void scene_start(struct scene *s)
{
    s->flat = flat_start(&s->w.pages, &s->places, told, s);
    assert_int_equal(s->calls, 0); /* later, never from inside */
    assert_true(world_run(&s->w));
    assert_int_equal(s->calls, 1);
}

static void scene_close(struct scene *s)
{
    flat_destroy(s->flat);
    strs_done(&s->places);
    buf_done(&s->found);
    world_close(&s->w);
}

static void visit(void *ctx, const struct flat_file *f)
{
    struct scene *s = ctx;

    buf_add_f(&s->found, "%s %.*s\n", f->is_local ? "local" : "listed", STR_ARG(f->file->filename));
}

static void finds(struct scene *s, const char *project, const char *want)
{
    buf_reset(&s->found);
    flat_find(s->flat, str_of(project), visit, s);
    assert_string_equal(buf_z(&s->found), want);
}

static void test_directory(void **state)
{
    static const char *const files[] = { "foo-1.0.tar.gz",
                                         "foo-1.0-py3-none-any.whl",
                                         "Foo-0.9.zip",
                                         "foo_bar-1.0-py3-none-any.whl",
                                         "foo.bar-2.0.tar.gz",
                                         "foo-bar-3.0.zip",
                                         "foo_-Bar-4.0.zip",
                                         "bar-1.0.tar.gz",
                                         "README",
                                         "foo-1.0.exe",
                                         "sub/foo-3.0.tar.gz" };
    struct scene s;

    (void)state;
    scene_open(&s);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        temp_dir_put(&s.w.dir, files[i], STR("x"));
    strs_add(&s.places, str_of(s.w.dir.path));
    scene_start(&s);
    assert_int_equal(s.err->code, 0);
    /* By the beginning of the name: what else it is, the caller finds out. Sorted by name. An older
     * sdist of foo-bar may be called "foo-bar-1.0.tar.gz". */
    finds(&s, "foo",
          "local Foo-0.9.zip\nlocal foo-1.0-py3-none-any.whl\nlocal foo-1.0.tar.gz\n"
          "local foo-bar-3.0.zip\nlocal foo_-Bar-4.0.zip\n");
    finds(&s, "foo-bar",
          "local foo-bar-3.0.zip\nlocal foo_-Bar-4.0.zip\n"
          "local foo.bar-2.0.tar.gz\nlocal foo_bar-1.0-py3-none-any.whl\n");
    finds(&s, "foo-baz", "");
    finds(&s, "bar", "local bar-1.0.tar.gz\n");
    finds(&s, "readme", "");
    finds(&s, "none", "");
    assert_string_equal(buf_z(&s.w.told), "");
    scene_close(&s);
}

/* Relative URLs start at the place where the file was found. */
static void check_base(void *ctx, const struct flat_file *f)
{
    struct scene *s = ctx;
    struct str want = temp_dir_url(&s->w.dir, "dir/foo-1.0.tar.gz");

    assert_true(str_eq(f->base, want));
    assert_true(str_eq(f->file->url, want));
    s->calls++;
}

static void test_kinds_of_places(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    struct temp_dir *d = &s.w.dir;
    temp_dir_put(d, "dir/foo-1.0.tar.gz", STR("x"));
    temp_dir_put(d, "page.html",
                 STR("<a href='dir/foo-2.0.tar.gz'>x</a><a href='bar-1.whl'>x</a>"));
    temp_dir_put(d, "foo-4.0.zip", STR("x"));
    strs_add(&s.places, str_of(temp_dir_at(d, "page.html")));
    strs_add(&s.places, temp_dir_url(d, "dir"));
    strs_add(&s.places, str_of(temp_dir_at(d, "foo-4.0.zip")));
    strs_add(&s.places, STR("https://files.example.org/foo-5.0.tar.gz#sha256=00"));
    strs_add(&s.places, temp_dir_url(d, "page.html"));
    scene_start(&s);
    assert_int_equal(s.err->code, 0);
    finds(&s, "foo",
          "local foo-1.0.tar.gz\nlocal foo-4.0.zip\nlisted foo-5.0.tar.gz\n"
          "listed foo-2.0.tar.gz\nlisted foo-2.0.tar.gz\n");
    finds(&s, "bar", "listed bar-1.whl\nlisted bar-1.whl\n");
    scene_close(&s);

    scene_open(&s);
    temp_dir_put(&s.w.dir, "dir/foo-1.0.tar.gz", STR("x"));
    strs_add(&s.places, str_of(temp_dir_at(&s.w.dir, "dir")));
    scene_start(&s);
    flat_find(s.flat, STR("foo"), check_base, &s);
    assert_int_equal(s.calls, 2);
    scene_close(&s);
}

/* pip reads the pages that lie in a directory, too. */
static void test_page_in_directory(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "dir/a.html", STR("<a href='foo-1.0.tar.gz'>x</a>"));
    temp_dir_put(&s.w.dir, "dir/b.htm", STR("<a href='foo-2.0.tar.gz'>x</a>"));
    temp_dir_put(&s.w.dir, "dir/c.txt", STR("<a href='foo-3.0.tar.gz'>x</a>"));
    strs_add(&s.places, str_of(temp_dir_at(&s.w.dir, "dir")));
    scene_start(&s);
    finds(&s, "foo", "listed foo-1.0.tar.gz\nlisted foo-2.0.tar.gz\n");
    scene_close(&s);
}

static void test_home(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "wheels/foo-1.0.tar.gz", STR("x"));
    setenv("HOME", s.w.dir.path, 1);
    strs_add(&s.places, STR("~/wheels"));
    scene_start(&s);
    finds(&s, "foo", "local foo-1.0.tar.gz\n");
    scene_close(&s);
}

/* What isn't there, or is nothing to look into, is warned of; the other places count. */
static void test_ignored(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "notes.txt", STR("x"));
    temp_dir_put(&s.w.dir, "foo-1.0.tar.gz", STR("x"));
    strs_add(&s.places, str_of(temp_dir_at(&s.w.dir, "missing")));
    strs_add(&s.places, str_of(temp_dir_at(&s.w.dir, "notes.txt")));
    strs_add(&s.places, str_of(temp_dir_at(&s.w.dir, "foo-1.0.tar.gz")));
    scene_start(&s);
    assert_int_equal(s.err->code, 0);
    struct str want =
        arena_f(&s.w.dir.arena,
                "warning --find-links %s is ignored: No such file or directory\n"
                "warning --find-links %s is ignored: it is no directory, HTML page or "
                "distribution\n",
                s.places.items[0].p, s.places.items[1].p);
    assert_string_equal(buf_z(&s.w.told), want.p);
    finds(&s, "foo", "local foo-1.0.tar.gz\n");
    scene_close(&s);
}

/* The first error in the order of the places, whichever came first. */
static void test_failures(void **state)
{
    static const char bad[] = "<meta name='pypi:repository-version' content='9.0'>";
    struct scene s;

    (void)state;
    scene_open(&s);
    struct buf large = { 0 };
    while (large.n < 3 * 1024 * 1024) /* takes more turns than the next */
        buf_add_z(&large, "<a href='https://files.example.org/foo-1.0-py3-none-any.whl'>foo</a>\n");
    buf_add_z(&large, bad);
    temp_dir_put(&s.w.dir, "large.html", buf_str(&large));
    temp_dir_put(&s.w.dir, "small.html", str_of(bad));
    buf_done(&large);
    strs_add(&s.places, str_of(temp_dir_at(&s.w.dir, "large.html")));
    strs_add(&s.places, str_of(temp_dir_at(&s.w.dir, "small.html")));
    scene_start(&s);
    assert_int_equal(s.err->code, ERR_UNSUPPORTED);
    assert_ptr_equal(strstr(err_text(s.err), "--find-links: "), err_text(s.err));
    assert_non_null(strstr(err_text(s.err), "large.html"));
    scene_close(&s);

    scene_open(&s);
    strs_add(&s.places, STR("file://example.org/x"));
    scene_start(&s);
    assert_int_equal(s.err->code, ERR_INPUT);
    scene_close(&s);

    scene_open(&s);
    strs_add(&s.places, STR("http://index.example.org/"));
    scene_start(&s);
    assert_int_equal(s.err->code, ERR_USAGE); /* not encrypted */
    scene_close(&s);
}

static void test_given_up(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "page.html", STR("<a href='foo-1.0.tar.gz'>x</a>"));
    strs_add(&s.places, str_of(temp_dir_at(&s.w.dir, "page.html")));
    flat_destroy(flat_start(&s.w.pages, &s.places, told, &s));
    flat_destroy(flat_start(&s.w.pages, &(struct strs){ 0 }, told, &s));
    world_settle(&s.w);
    assert_int_equal(s.calls, 0);
    scene_close(&s);
}

static void test_nothing(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    scene_start(&s);
    assert_int_equal(s.err->code, 0);
    finds(&s, "foo", "");
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory),         cmocka_unit_test(test_kinds_of_places),
        cmocka_unit_test(test_page_in_directory), cmocka_unit_test(test_home),
        cmocka_unit_test(test_ignored),           cmocka_unit_test(test_failures),
        cmocka_unit_test(test_given_up),          cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
