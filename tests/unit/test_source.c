/* All files of a project: from which places, in which order, asked for how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/source.h"
#include "local_world.h"

enum { QUERIES = 3, INDEXES = 4 };

struct scene {
    struct local_world w;
    struct source_index indexes[INDEXES];
    size_t n_indexes;
    struct strs find_links;
    struct source *source;
    struct source_query *queries[QUERIES];
    const struct source_answer *answers[QUERIES];
    unsigned calls, expected;
};

struct asker {
    struct scene *scene;
    size_t i;
};

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    world_open(&s->w);
}

static void index_add(struct scene *s, const char *name)
{
    assert_true(s->n_indexes < INDEXES);
    s->indexes[s->n_indexes++].url = temp_dir_url(&s->w.dir, name);
}

static void told(void *ctx, const struct source_answer *answer)
{
    struct asker *asker = ctx;
    struct scene *s = asker->scene;

    assert_null(s->answers[asker->i]); /* once */
    s->answers[asker->i] = answer;
    if (++s->calls == s->expected)
        loop_stop(s->w.loop);
}

/* Asks `n` times at once. The askers live as long as the scene. */
static void ask(struct scene *s, const char *project, unsigned n)
{
    if (!s->source)
        s->source =
            source_create(&s->w.pages, &(struct source_places){ .indexes = s->indexes,
                                                                .n_indexes = s->n_indexes,
                                                                .find_links = &s->find_links });
    s->calls = 0;
    s->expected = n;
    for (size_t i = 0; i < n; i++) {
        struct asker *asker = arena_alloc(&s->w.dir.arena, 1, sizeof(*asker));
        *asker = (struct asker){ s, i };
        s->answers[i] = NULL;
        s->queries[i] = source_start(s->source, str_of(project), told, asker);
    }
    assert_int_equal(s->calls, 0); /* later, never from inside */
    assert_true(world_run(&s->w));
}

static void forget(struct scene *s)
{
    for (size_t i = 0; i < QUERIES; i++) {
        source_query_destroy(s->queries[i]);
        s->queries[i] = NULL;
    }
}

static void scene_close(struct scene *s)
{
    forget(s);
    source_destroy(s->source);
    strs_done(&s->find_links);
    world_close(&s->w);
}

static void answers(struct scene *s, const char *want)
{
    const struct source_answer *a = s->answers[0];
    struct buf got = { 0 };

    for (size_t i = 0; i < a->n; i++)
        buf_add_f(&got, "%s%.*s", i ? " " : "", STR_ARG(a->items[i]->file->filename));
    assert_string_equal(err_text(&a->err), "");
    assert_string_equal(buf_z(&got), want);
    buf_done(&got);
}

static void fails(struct scene *s, int code, const char *part)
{
    const struct err *e = &s->answers[0]->err;

    assert_int_equal(e->code, code);
    if (!strstr(err_text(e), part))
        fail_msg("\"%s\" does not say \"%s\"", err_text(e), part);
}

/* pip's order: local files, then what --find-links pages list, then the indexes. */
static void test_order(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    struct temp_dir *d = &s.w.dir;
    temp_dir_put(d, "one/foo/index.html",
                 STR("<a href='foo-1.tar.gz'>x</a>"
                     "<a href='foo_bar-1-py3-none-any.whl'>x</a>"
                     "<a href='foo-2-py3-none-any.whl'>x</a>"));
    temp_dir_put(d, "two/foo/index.html", STR("<a href='Foo-3.zip'>x</a>"));
    temp_dir_put(d, "page.html", STR("<a href='foo-4.tar.gz'>x</a><a href='bar-4.tar.gz'>x</a>"));
    temp_dir_put(d, "dir/foo-5.tar.gz", STR("x"));
    index_add(&s, "one");
    index_add(&s, "two//"); /* slashes at the end count for nothing */
    strs_add(&s.find_links, str_of(temp_dir_at(d, "page.html")));
    strs_add(&s.find_links, str_of(temp_dir_at(d, "dir")));
    ask(&s, "foo", 1);
    answers(&s, "foo-5.tar.gz foo-4.tar.gz foo-1.tar.gz foo-2-py3-none-any.whl Foo-3.zip");
    const struct distribution *last = s.answers[0]->items[4];
    assert_true(str_eq(last->base, temp_dir_url(d, "two/foo/")));
    assert_true(str_is(last->version.text, "3"));
    scene_close(&s);
}

static size_t pages_read(const struct scene *s)
{
    size_t n = 0;

    for (const char *at = buf_z(&s->w.told); (at = strstr(at, "page ")) != NULL; at++)
        n++;
    return n;
}

static void test_asked_once(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "one/foo/index.html", STR("<a href='foo-1.tar.gz'>x</a>"));
    temp_dir_put(&s.w.dir, "page.html", STR("<a href='foo-2.tar.gz'>x</a>"));
    index_add(&s, "one");
    strs_add(&s.find_links, str_of(temp_dir_at(&s.w.dir, "page.html")));
    ask(&s, "foo", QUERIES);
    assert_ptr_equal(s.answers[0], s.answers[1]);
    assert_ptr_equal(s.answers[0], s.answers[2]);
    assert_int_equal(pages_read(&s), 2);

    /* While somebody needs the answer it stays; nobody is told twice. */
    source_query_destroy(s.queries[1]);
    source_query_destroy(s.queries[2]);
    struct asker late = { &s, 1 };
    s.answers[1] = NULL;
    s.expected = s.calls + 1;
    s.queries[2] = NULL;
    s.queries[1] = source_start(s.source, STR("foo"), told, &late);
    assert_null(s.answers[1]);
    assert_true(world_run(&s.w));
    assert_ptr_equal(s.answers[1], s.answers[0]);
    assert_int_equal(pages_read(&s), 2);

    /* When all are gone the page is read again, the --find-links are not. */
    forget(&s);
    ask(&s, "foo", 1);
    answers(&s, "foo-2.tar.gz foo-1.tar.gz");
    assert_int_equal(pages_read(&s), 3);
    scene_close(&s);
}

static void test_not_found(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "one/foo/index.html", STR("<a href='bar-1.tar.gz'>x</a>"));
    index_add(&s, "one");
    strs_add(&s.find_links, str_of(temp_dir_at(&s.w.dir, "one")));
    ask(&s, "none", 1);
    fails(&s, ERR_NOT_FOUND, "no files of a project named \"none\"");
    fails(&s, ERR_NOT_FOUND, s.indexes[0].url.p);
    fails(&s, ERR_NOT_FOUND, s.find_links.items[0].p);
    forget(&s);
    ask(&s, "foo", 1); /* a page without a file of it */
    fails(&s, ERR_NOT_FOUND, "no files");
    scene_close(&s);
}

static void test_nowhere_to_look(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    ask(&s, "foo", 2);
    fails(&s, ERR_NOT_FOUND, "--no-index");
    scene_close(&s);
}

/* A page that isn't there is no error when another index has the project. */
static void test_one_index_has_it(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "two/foo/index.html", STR("<a href='foo-1.tar.gz'>x</a>"));
    index_add(&s, "one");
    index_add(&s, "two");
    ask(&s, "foo", 1);
    answers(&s, "foo-1.tar.gz");
    scene_close(&s);
}

/* But one that can't be had makes the answer an error, never a smaller answer. */
static void test_outage(void **state)
{
    static const char bad[] = "<meta name='pypi:repository-version' content='9.0'>";
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "one/foo/index.html", STR("<a href='foo-1.tar.gz'>x</a>"));
    temp_dir_put(&s.w.dir, "two/foo/index.html", str_of(bad));
    index_add(&s, "one");
    index_add(&s, "two");
    ask(&s, "foo", 1);
    fails(&s, ERR_UNSUPPORTED, "two/foo/");
    scene_close(&s);

    scene_open(&s);
    temp_dir_put(&s.w.dir, "one/foo/index.html", STR("<a href='foo-1.tar.gz'>x</a>"));
    temp_dir_put(&s.w.dir, "page.html", str_of(bad));
    index_add(&s, "one");
    strs_add(&s.find_links, str_of(temp_dir_at(&s.w.dir, "page.html")));
    ask(&s, "foo", 1);
    fails(&s, ERR_UNSUPPORTED, "page.html");
    scene_close(&s);
}

/* One that serves "packages" alone, with blanks between. */
static void index_pin(struct scene *s, const char *name, const char *packages)
{
    struct source_index *ix = &s->indexes[s->n_indexes];
    struct strs list = { 0 };
    struct str rest = str_of(packages);

    index_add(s, name);
    while (rest.p)
        strs_add(&list, str_cut(rest, ' ', &rest));
    ix->name = str_of(name);
    ix->packages = arena_copy(&s->w.dir.arena, list.items, list.n, sizeof(*list.items));
    ix->n_packages = list.n;
    strs_done(&list);
}

/* Of which indexes the files of each project are. */
static void test_pinned(void **state)
{
    static const char *const projects[] = { "foo", "corp-a", "corp-b", "corp", "corpa", "lib" };
    static const char *const want[] = { "open-1.zip", "corp-1.zip", "other-1.zip",
                                        "open-1.zip", "open-1.zip", "corp-1.zip other-1.zip" };
    static const char *const indexes[] = { "open", "corp", "other" };
    struct scene s;

    (void)state;
    scene_open(&s);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 6; k++)
            temp_dir_put(&s.w.dir,
                         arena_f(&s.w.dir.arena, "%s/%s/index.html", indexes[i], projects[k]).p,
                         arena_f(&s.w.dir.arena, "<a href='%s-1.zip#egg=%s'>%s-1.zip</a>",
                                 projects[k], projects[k], projects[k]));
    index_pin(&s, "corp", "corp-* lib");
    index_add(&s, "open");
    index_pin(&s, "other", "corp-b lib");
    for (size_t k = 0; k < 6; k++) {
        ask(&s, projects[k], 1);
        struct str rest = str_of(want[k]);
        assert_int_equal(s.answers[0]->n, k == 5 ? 2 : 1);
        for (size_t i = 0; i < s.answers[0]->n; i++) {
            struct str index = str_cut(str_cut(rest, ' ', &rest), '-', &(struct str){ 0 });
            if (str_search(s.answers[0]->items[i]->base,
                           arena_f(&s.w.dir.arena, "/%.*s/", STR_ARG(index))) < 0)
                fail_msg("%s is of %.*s", projects[k], STR_ARG(s.answers[0]->items[i]->base));
        }
        forget(&s);
    }
    scene_close(&s);
}

/* The very name, then the longer beginning, then all. */
static void test_closest(void **state)
{
    static const struct str packages[] = {
        { "*", 1 }, { "corp-*", 6 }, { "corp-b*", 7 }, { "corp-bc", 7 }
    };
    struct source_index ix = { .packages = packages };
    static const char *const projects[] = {
        "x", "corp", "corp-a", "corp-b", "corp-bcd", "corp-bc"
    };
    static const size_t want[][6] = { { 0 },
                                      { 1, 1, 1, 1, 1, 1 },
                                      { 1, 1, 6, 6, 6, 6 },
                                      { 1, 1, 6, 7, 7, 7 },
                                      { 1, 1, 6, 7, 7, SIZE_MAX } };

    (void)state;
    for (ix.n_packages = 0; ix.n_packages <= 4; ix.n_packages++)
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(source_index_match(&ix, str_of(projects[i])), want[ix.n_packages][i]);
}

/* What is held to an index comes from no page of links; but from a directory of files it does. */
static void test_pinned_links(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    struct temp_dir *d = &s.w.dir;
    temp_dir_put(d, "corp/foo/index.html", STR("<a href='foo-1.tar.gz'>x</a>"));
    temp_dir_put(d, "open/none/index.html", STR("<a href='none-1.tar.gz'>x</a>"));
    temp_dir_put(d, "page.html", STR("<a href='foo-4.tar.gz'>x</a><a href='bar-4.tar.gz'>x</a>"));
    temp_dir_put(d, "dir/foo-5.tar.gz", STR("x"));
    index_add(&s, "open");
    index_pin(&s, "corp", "foo none");
    strs_add(&s.find_links, str_of(temp_dir_at(d, "page.html")));
    strs_add(&s.find_links, str_of(temp_dir_at(d, "dir")));
    ask(&s, "foo", 1);
    answers(&s, "foo-5.tar.gz foo-1.tar.gz");
    forget(&s);
    ask(&s, "bar", 1);
    answers(&s, "bar-4.tar.gz");
    forget(&s);
    ask(&s, "none", 1);
    fails(&s, ERR_NOT_FOUND, "/corp (index corp)");
    fails(&s, ERR_NOT_FOUND, "nowhere else: the configuration holds it to that index");
    assert_null(strstr(err_text(&s.answers[0]->err), "/open"));
    scene_close(&s);
}

/* Given up while pages are on their way, by one of two, and by all. */
static void test_given_up(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "one/foo/index.html", STR("<a href='foo-1.tar.gz'>x</a>"));
    temp_dir_put(&s.w.dir, "page.html", STR("<a href='foo-2.tar.gz'>x</a>"));
    index_add(&s, "one");
    strs_add(&s.find_links, str_of(temp_dir_at(&s.w.dir, "page.html")));
    s.source = source_create(&s.w.pages, &(struct source_places){ .indexes = s.indexes,
                                                                  .n_indexes = s.n_indexes,
                                                                  .find_links = &s.find_links });
    struct asker first = { &s, 0 }, second = { &s, 1 };
    struct source_query *q = source_start(s.source, STR("foo"), told, &first);
    s.expected = 1;
    s.queries[1] = source_start(s.source, STR("foo"), told, &second);
    source_query_destroy(q);
    assert_true(world_run(&s.w));
    assert_true(s.calls == 1 && s.answers[0] == NULL && s.answers[1] != NULL);
    forget(&s);
    source_query_destroy(source_start(s.source, STR("foo"), told, &first));
    source_query_destroy(source_start(s.source, STR("bar"), told, &first));
    source_query_destroy(NULL);
    world_settle(&s.w);
    assert_int_equal(s.calls, 1);
    scene_close(&s);
    source_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_asked_once),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_nowhere_to_look),
        cmocka_unit_test(test_one_index_has_it),
        cmocka_unit_test(test_outage),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_closest),
        cmocka_unit_test(test_pinned_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
