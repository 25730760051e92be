/* Whole lives of machines, with a directory for an index. Lives over a network are in tests/flow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/fetch.h"
#include "dray/fetch/host.h"
#include "dray/fetch/source.h"
#include "local_world.h"
#include "small_wheel.h"

static const char content[] = "a wheel", other[] = "another";

struct scene {
    struct local_world w;
    struct source_index index;
    struct strs find_links;
    struct target *target;
    struct source *source;
    struct hosts *hosts;
    struct cache cache;
    struct place *place;
    struct fetcher *fetcher;
    struct digest sha256; /* of `content` */
    bool dry_run, no_place;
    unsigned ends;
};

static void ended(void *ctx)
{
    struct scene *s = ctx;

    s->ends++;
    loop_stop(s->w.loop);
}

/* An index with foo 1.0, which promises the digest of `content`, and bar 2.0, which promises none.
 */
static void put_index(struct scene *s)
{
    char hex[DIGEST_HEX_SIZE];

    s->sha256 = digest_sha256(str_of(content));
    temp_dir_put(&s->w.dir, "files/foo-1.0-py3-none-any.whl", str_of(content));
    temp_dir_put(&s->w.dir, "files/bar-2.0.tar.gz", str_of(other));
    temp_dir_put(&s->w.dir, "simple/foo/index.html",
                 arena_f(&s->w.dir.arena,
                         "<a href='../../files/foo-1.0-py3-none-any.whl#sha256=%s'>x</a>",
                         digest_hex(&s->sha256, hex)));
    temp_dir_put(&s->w.dir, "simple/bar/index.html",
                 STR("<a href='../../files/bar-2.0.tar.gz'>x</a>"));
}

static void scene_open(struct scene *s)
{
    struct err e = { 0 };

    *s = (struct scene){ 0 };
    world_open(&s->w);
    put_index(s);
    s->index.url = temp_dir_url(&s->w.dir, "simple");
    assert_int_equal(target_from_spec(STR("3.12:manylinux_2_28_x86_64"), &s->target, &e), 0);
    s->place = place_open(temp_dir_at(&s->w.dir, "dest"), &e);
    assert_non_null(s->place);
    s->hosts = hosts_create(s->w.loop, &s->cache);
    s->source = source_create(&s->w.pages, &(struct source_places){ .indexes = &s->index,
                                                                    .n_indexes = 1,
                                                                    .find_links = &s->find_links });
}

/* Machines for these wishes, not yet started. */
static void scene_add(struct scene *s, const struct fetch_wish *wishes, size_t n)
{
    struct fetch_world world = { .loop = s->w.loop,
                                 .http = s->w.http,
                                 .events = &s->w.events,
                                 .source = s->source,
                                 .readers = s->w.readers,
                                 .hosts = s->hosts,
                                 .place = s->no_place ? NULL : s->place,
                                 .temp = s->no_place ? NULL : s->place,
                                 .target = s->target,
                                 .goal = s->dry_run ? GOAL_CHOICE : GOAL_FILES };

    fetcher_destroy(s->fetcher);
    buf_reset(&s->w.steps);
    s->ends = 0;
    s->fetcher = fetcher_create(&world, ended, s);
    for (size_t i = 0; i < n; i++)
        fetcher_add(s->fetcher, &wishes[i]);
    fetcher_start(s->fetcher);
    assert_true(s->ends == 0 && s->w.steps.n == 0); /* later, never from inside */
}

static const struct fetch_view *const *run(struct scene *s, const struct fetch_wish *wishes,
                                           size_t n)
{
    size_t got = 0;

    scene_add(s, wishes, n);
    assert_true(world_run(&s->w));
    assert_int_equal(s->ends, 1);
    const struct fetch_view *const *views = fetcher_views(s->fetcher, &got);
    assert_int_equal(got, n);
    return views;
}

static void scene_close(struct scene *s)
{
    fetcher_destroy(s->fetcher);
    source_destroy(s->source);
    hosts_destroy(s->hosts);
    place_close(s->place);
    target_destroy(s->target);
    strs_done(&s->find_links);
    world_close(&s->w);
}

static struct fetch_wish wish_for(const char *project)
{
    return (struct fetch_wish){ .label = str_of(project),
                                .project = str_of(project),
                                .allow_wheel = true,
                                .allow_sdist = true };
}

static struct fetch_wish wish_url(struct scene *s, const char *name)
{
    struct fetch_wish wish = wish_for("url");

    wish.project = STR_NONE;
    wish.url = temp_dir_url(&s->w.dir, name);
    return wish;
}

static void is_failed(const struct fetch_view *v, int code, const char *part)
{
    assert_int_equal(v->state, FETCH_FAILED);
    assert_int_equal(v->err.code, code);
    if (!strstr(err_text(&v->err), part))
        fail_msg("\"%s\" does not say \"%s\"", err_text(&v->err), part);
}

static void test_whole_life(void **state)
{
    struct fetch_wish wish = wish_for("foo");
    struct scene s;

    (void)state;
    scene_open(&s);
    const struct fetch_view *v = run(&s, &wish, 1)[0];
    assert_int_equal(v->state, FETCH_DONE);
    assert_string_equal(buf_z(&s.w.steps),
                        "0 lookup metadata\n0 metadata decide\n0 decide probe\n0 probe queue\n"
                        "0 queue body\n0 body hash\n0 hash place\n0 place done\n");
    assert_true(str_is(v->version, "1.0") && str_is(v->filename, "foo-1.0-py3-none-any.whl"));
    assert_true(str_eq(v->url, temp_dir_url(&s.w.dir, "files/foo-1.0-py3-none-any.whl")));
    assert_true(str_is(v->path, temp_dir_at(&s.w.dir, "dest/foo-1.0-py3-none-any.whl")));
    assert_true(digest_eq(&v->sha256, &s.sha256));
    assert_true(v->origin == FETCH_FROM_FILE && !v->replaced && !v->is_direct);
    assert_int_equal(v->got_bytes, sizeof(content) - 1);
    assert_true(temp_dir_has(&s.w.dir, "dest/foo-1.0-py3-none-any.whl", str_of(content)));
    assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 1);

    v = run(&s, &wish, 1)[0]; /* and once more: it is there */
    assert_string_equal(buf_z(&s.w.steps), "0 lookup metadata\n0 metadata decide\n"
                                           "0 decide probe\n0 probe done\n");
    assert_true(v->origin == FETCH_KEPT && digest_eq(&v->sha256, &s.sha256));
    assert_true(str_is(v->path, temp_dir_at(&s.w.dir, "dest/foo-1.0-py3-none-any.whl")));
    scene_close(&s);
}

/* A file of that name is replaced when it is wrong, and by a local one without a digest always. */
static void test_file_is_there(void **state)
{
    struct fetch_wish wishes[] = { wish_for("foo"), wish_for("bar") };
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "dest/foo-1.0-py3-none-any.whl", STR("a whale")); /* same length */
    temp_dir_put(&s.w.dir, "dest/bar-2.0.tar.gz", STR("whatever"));
    const struct fetch_view *const *views = run(&s, wishes, 2);
    assert_true(views[0]->state == FETCH_DONE && views[0]->replaced);
    assert_true(temp_dir_has(&s.w.dir, "dest/foo-1.0-py3-none-any.whl", str_of(content)));
    assert_true(views[1]->state == FETCH_DONE && views[1]->origin == FETCH_FROM_FILE);
    assert_false(temp_dir_has(&s.w.dir, "dest/bar-2.0.tar.gz", STR("whatever")));
    scene_close(&s);
}

/* What fails to be what was promised leaves the destination as it was. */
static void test_wrong_content(void **state)
{
    struct fetch_wish wish = wish_for("foo");
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "files/foo-1.0-py3-none-any.whl", STR("forged!"));
    is_failed(run(&s, &wish, 1)[0], ERR_HASH, "Expected sha256");
    assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 0);
    assert_true(str_ends(buf_str(&s.w.steps), STR("0 body hash\n0 hash failed\n")));
    temp_dir_put(&s.w.dir, "dest/foo-1.0-py3-none-any.whl", STR("older"));
    is_failed(run(&s, &wish, 1)[0], ERR_HASH, "Expected sha256");
    assert_true(temp_dir_has(&s.w.dir, "dest/foo-1.0-py3-none-any.whl", STR("older")));
    assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 1);
    scene_close(&s);
}

/* The user's hash against the index's: told before a byte is read. */
static void test_hash_contradicts_index(void **state)
{
    struct digest wrong = { .alg = DIGEST_SHA256 };
    struct fetch_wish wish = wish_for("foo");
    struct scene s;

    (void)state;
    scene_open(&s);
    wish.hashes = &wrong;
    wish.n_hashes = 1;
    is_failed(run(&s, &wish, 1)[0], ERR_HASH, "Expected sha256 0000");
    assert_true(str_ends(buf_str(&s.w.steps), STR("0 lookup failed\n")));
    wish.hashes = &s.sha256;
    assert_int_equal(run(&s, &wish, 1)[0]->state, FETCH_DONE);
    scene_close(&s);
}

/* One that fails does not stop the others; the order of the views is that of the wishes. */
static void test_failures_stay_apart(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    struct fetch_wish wishes[] = { wish_for("none"),
                                   wish_for("foo"),
                                   wish_for("faulty"),
                                   wish_for("bar"),
                                   wish_url(&s, "files/missing-1.0.zip"),
                                   wish_url(&s, "files/.bar-2.0.zip"),
                                   wish_url(&s, "files/notes.txt") };
    err_set(&wishes[2].fault, ERR_CONFLICT, "two demands");
    wishes[3].allow_sdist = false;
    const struct fetch_view *const *views = run(&s, wishes, 7);
    is_failed(views[0], ERR_NOT_FOUND, "\"none\"");
    assert_int_equal(views[1]->state, FETCH_DONE);
    is_failed(views[2], ERR_CONFLICT, "two demands");
    is_failed(views[3], ERR_NO_MATCH, "--only-binary");
    is_failed(views[4], ERR_NOT_FOUND, "missing-1.0.zip does not exist");
    is_failed(views[5], ERR_INPUT, "file name");
    is_failed(views[6], ERR_INPUT, "neither a wheel nor a source distribution");
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(views[i]->order, i);
    assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 1);
    err_done(&wishes[2].fault);
    scene_close(&s);
}

static void test_direct(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    struct buf wheel = { 0 };
    small_wheel_add(&wheel, STR(WHEEL_TEXT), 0);
    temp_dir_put(&s.w.dir, "files/" WHEEL_NAME, buf_str(&wheel));
    buf_done(&wheel);
    temp_dir_put(&s.w.dir, "files/foo-1.0-cp39-cp39-win32.whl", STR("x"));
    temp_dir_put(&s.w.dir, "files/foo-2.0-py3-none-any.whl", STR("x"));
    struct fetch_wish wishes[] = { wish_url(&s, "files/" WHEEL_NAME),
                                   wish_url(&s, "files/bar-2.0.tar.gz"),
                                   wish_url(&s, "files/foo-1.0-cp39-cp39-win32.whl"),
                                   wish_url(&s, "files/foo-2.0-py3-none-any.whl") };
    wishes[1].project = STR("bar");
    const struct fetch_view *const *views = run(&s, wishes, 4);
    assert_true(views[0]->state == FETCH_DONE && views[0]->is_direct);
    assert_true(str_is(views[0]->project, "demo") && str_is(views[0]->version, "1.0"));
    assert_true(views[1]->state == FETCH_DONE && str_is(views[1]->version, "2.0"));
    is_failed(views[2], ERR_NO_MATCH, "cp39-cp39-win32");
    is_failed(views[3], ERR_INPUT, "foo-2.0-py3-none-any.whl is no sound wheel");
    assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 2);

    wishes[0].project = STR("bar");
    is_failed(run(&s, wishes, 1)[0], ERR_CONFLICT, "of the project demo");

    /* "demo @ URL" and "demo>=2", say in a constraints file */
    struct specifier_set two;
    struct arena a = { 0 };
    assert_int_equal(specifier_set_parse(&a, STR("==3"), &two, &(struct err){ 0 }), 0);
    wishes[0].project = STR("demo");
    wishes[0].specifiers = wishes[1].specifiers = two;
    views = run(&s, wishes, 2);
    is_failed(views[0], ERR_CONFLICT, "demo-1.0-py3-none-any.whl is not in ==3");
    is_failed(views[1], ERR_CONFLICT, "bar-2.0.tar.gz is not in ==3");
    arena_done(&a);
    scene_close(&s);
}

/* Two files of one name: the later requirement loses. */
static void test_same_name(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "elsewhere/bar-2.0.tar.gz", STR("x"));
    struct fetch_wish wishes[] = { wish_url(&s, "elsewhere/bar-2.0.tar.gz"),
                                   wish_url(&s, "files/bar-2.0.tar.gz") };
    const struct fetch_view *const *views = run(&s, wishes, 2);
    assert_int_equal(views[0]->state, FETCH_DONE);
    is_failed(views[1], ERR_CONFLICT, "bar-2.0.tar.gz");
    assert_true(temp_dir_has(&s.w.dir, "dest/bar-2.0.tar.gz", STR("x")));
    scene_close(&s);
}

/* One file, asked for twice: the second waits, and finds it here. So do different addresses of
 * which the same digest is promised. */
static void test_same_file(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "elsewhere/foo-1.0-py3-none-any.whl", str_of(content));
    struct fetch_wish wishes[] = { wish_for("foo"), wish_url(&s, "files/bar-2.0.tar.gz"),
                                   wish_url(&s, "files/bar-2.0.tar.gz"), wish_for("bar"),
                                   wish_url(&s, "elsewhere/foo-1.0-py3-none-any.whl") };
    wishes[4].hashes = &s.sha256;
    wishes[4].n_hashes = 1;
    const struct fetch_view *const *views = run(&s, wishes, 5);
    size_t repeated = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(views[i]->state, FETCH_DONE);
        assert_non_null(views[i]->path.p);
        assert_int_equal(views[i]->origin, FETCH_FROM_FILE);
        repeated += views[i]->repeated;
    }
    assert_int_equal(repeated, 3);
    assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 2);
    s.dry_run = true;
    views = run(&s, wishes, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(views[i]->state, FETCH_DONE);
    scene_close(&s);
}

/* The one that waits has its own try when the first one fails. */
static void test_same_file_fails(void **state)
{
    struct digest wrong = { .alg = DIGEST_SHA256 };
    struct scene s;

    (void)state;
    scene_open(&s);
    struct fetch_wish wishes[] = { wish_url(&s, "files/bar-2.0.tar.gz"),
                                   wish_url(&s, "files/bar-2.0.tar.gz"),
                                   wish_url(&s, "files/bar-2.0.tar.gz") };
    wishes[0].hashes = wishes[2].hashes = &wrong;
    wishes[0].n_hashes = wishes[2].n_hashes = 1;
    const struct fetch_view *const *views = run(&s, wishes, 3);
    is_failed(views[0], ERR_HASH, "Expected");
    assert_int_equal(views[1]->state, FETCH_DONE);
    is_failed(views[2], ERR_HASH, "Expected");
    assert_true(temp_dir_has(&s.w.dir, "dest/bar-2.0.tar.gz", str_of(other)));
    assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 1);

    scene_add(&s, wishes, 3); /* cancelled while they wait */
    fetcher_cancel(s.fetcher);
    scene_close(&s);
}

static void test_dry_run(void **state)
{
    struct fetch_wish wish = wish_for("foo");
    struct scene s;

    (void)state;
    scene_open(&s);
    s.dry_run = true;
    for (int i = 0; i < 2; i++) {
        s.no_place = i == 1; /* a destination that does not exist */
        const struct fetch_view *v = run(&s, &wish, 1)[0];
        assert_int_equal(v->state, FETCH_DONE);
        assert_true(str_is(v->filename, "foo-1.0-py3-none-any.whl") && v->path.p == NULL);
        assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 0);
    }
    s.no_place = false;
    temp_dir_put(&s.w.dir, "dest/foo-1.0-py3-none-any.whl", str_of(content));
    const struct fetch_view *v = run(&s, &wish, 1)[0];
    assert_true(v->state == FETCH_DONE && v->origin == FETCH_KEPT && v->path.p);
    temp_dir_put(&s.w.dir, "dest/foo-1.0-py3-none-any.whl", STR("a whale"));
    v = run(&s, &wish, 1)[0];
    assert_true(v->state == FETCH_DONE && v->origin == FETCH_FROM_FILE && !v->path.p);
    assert_true(temp_dir_has(&s.w.dir, "dest/foo-1.0-py3-none-any.whl", STR("a whale")));
    scene_close(&s);
}

static void test_yanked(void **state)
{
    struct fetch_wish wish = wish_for("old");
    struct specifier_set pinned;
    struct arena a = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.w.dir, "files/old-1.zip", STR("x"));
    temp_dir_put(&s.w.dir, "simple/old/index.html",
                 STR("<a href='../../files/old-1.zip' data-yanked='it is broken'>x</a>"));
    is_failed(run(&s, &wish, 1)[0], ERR_NO_MATCH, "yanked (it is broken)");
    assert_int_equal(specifier_set_parse(&a, STR("==1"), &pinned, &(struct err){ 0 }), 0);
    wish.specifiers = pinned;
    const struct fetch_view *v = run(&s, &wish, 1)[0];
    assert_int_equal(v->state, FETCH_DONE);
    assert_true(str_is(v->yanked_reason, "it is broken"));
    assert_non_null(strstr(buf_z(&s.w.told), "warning old-1.zip is yanked: it is broken"));
    arena_done(&a);
    scene_close(&s);
}

static void test_nothing_to_do(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    run(&s, NULL, 0);
    scene_close(&s);
}

static void stop_at(void *ctx, const struct event *ev)
{
    struct scene *s = ctx;

    if (ev->kind == EVENT_BYTES)
        loop_stop(s->w.loop);
}

/* Cancelled at the first bytes: finished files stay, the temporary one goes, nobody is told. */
static void test_cancelled(void **state)
{
    struct fetch_wish wish = wish_for("bar");
    struct buf large = { 0 };
    struct scene s;
    size_t n;

    (void)state;
    scene_open(&s);
    while (large.n < 5 * 1024 * 1024)
        buf_add_z(&large, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    temp_dir_put(&s.w.dir, "files/bar-2.0.tar.gz", buf_str(&large));
    events_listen(&s.w.events, stop_at, &s);
    scene_add(&s, &wish, 1);
    world_run(&s.w);
    assert_int_equal(fetcher_views(s.fetcher, &n)[0]->state, FETCH_BODY);
    fetcher_cancel(s.fetcher);
    assert_int_equal(temp_dir_count(&s.w.dir, "dest"), 0);
    world_settle(&s.w);
    assert_int_equal(s.ends, 0);
    assert_int_equal(fetcher_views(s.fetcher, &n)[0]->state, FETCH_BODY);
    fetcher_cancel(s.fetcher); /* twice does no harm */

    scene_add(&s, &wish, 1); /* and destroyed before the first turn */
    fetcher_destroy(s.fetcher);
    s.fetcher = NULL;
    world_settle(&s.w);
    assert_int_equal(s.ends, 0);
    buf_done(&large);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_life),
        cmocka_unit_test(test_file_is_there),
        cmocka_unit_test(test_wrong_content),
        cmocka_unit_test(test_hash_contradicts_index),
        cmocka_unit_test(test_failures_stay_apart),
        cmocka_unit_test(test_direct),
        cmocka_unit_test(test_same_name),
        cmocka_unit_test(test_same_file),
        cmocka_unit_test(test_same_file_fails),
        cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_yanked),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
