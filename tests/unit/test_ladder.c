/* Rung after rung: the first that holds is taken, each that does not costs what it must and no
 * more, and what was read is known from then on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/host.h"
#include "dray/fetch/ladder.h"
#include "dray/fetch/recall.h"
#include "http_server.h"
#include "local_world.h"
#include "small_sdist.h"
#include "small_wheel.h"
#include "store_world.h"

#define WHEEL_PATH "/" WHEEL_NAME
#define NOTHING    "Content-Length: 0\r\n\r\n"

enum { ROUTES = 4, STEPS_MAX = 4000, DESCRIPTION_BYTES = 70000 };

struct scene {
    struct local_world w;
    struct server server;
    struct server_route routes[ROUTES];
    struct buf answers[ROUTES];
    struct buf wheel; /* too large to be taken whole where a range was asked for */
    struct digest sha256;
    struct place *dir;
    struct fetch_world world;
    struct body_pool pool;
    struct promise promise;
    struct ladder_wish wish;
    struct ladder *ladder;
    unsigned calls;
    struct ladder_answer got; /* its texts stay while the ladder does */
    struct buf why, events;
    size_t n_routes;
};

static void note_event(void *ctx, const struct event *ev)
{
    struct scene *s = ctx;

    if (ev->kind == EVENT_METADATA)
        buf_add_f(&s->events, "%.*s %s\n", STR_ARG(ev->text), err_name(ev->code));
}

static void scene_open(struct scene *s, bool with_store)
{
    struct err e = { 0 };

    *s = (struct scene){ 0 };
    world_open(&s->w);
    server_open(&s->server, s->w.loop, s->routes, 0);
    small_wheel_add(&s->wheel, STR(WHEEL_TEXT), DESCRIPTION_BYTES);
    s->sha256 = digest_sha256(buf_str(&s->wheel));
    s->dir = place_open(s->w.dir.path, &e);
    assert_non_null(s->dir);
    s->world = (struct fetch_world){ .loop = s->w.loop,
                                     .http = s->w.http,
                                     .events = &s->w.events,
                                     .readers = s->w.readers,
                                     .temp = s->dir,
                                     .goal = GOAL_METADATA };
    if (with_store) {
        s->world.cache.store = store_world_open(temp_dir_at(&s->w.dir, "store"), 0);
        s->world.temp = store_temp(s->world.cache.store);
    }
    s->world.hosts = hosts_create(s->w.loop, &s->world.cache);
    events_listen(&s->w.events, note_event, s);
    s->promise =
        (struct promise){ .listed = &s->sha256, .n_listed = 1, .bytes = FETCH_BYTES_UNKNOWN };
    s->wish = (struct ladder_wish){ .label = STR(WHEEL_NAME),
                                    .url = arena_f(&s->w.dir.arena, "http://127.0.0.1:%u%s",
                                                   s->server.port, WHEEL_PATH),
                                    .filename = STR(WHEEL_NAME),
                                    .project = STR("demo"),
                                    .version = STR("1.0"),
                                    .promise = &s->promise };
}

static void forget(struct scene *s)
{
    body_destroy(s->got.body);
    ladder_destroy(s->ladder);
    buf_reset(&s->why);
    buf_reset(&s->events);
    s->ladder = NULL;
    s->calls = 0;
    s->got = (struct ladder_answer){ 0 };
}

static void scene_close(struct scene *s)
{
    forget(s);
    hosts_destroy(s->world.hosts);
    body_pool_done(&s->pool);
    server_close(&s->server);
    store_close(s->world.cache.store);
    place_close(s->dir);
    for (size_t i = 0; i < ROUTES; i++)
        buf_done(&s->answers[i]);
    buf_done(&s->wheel);
    buf_done(&s->why);
    buf_done(&s->events);
    world_close(&s->w);
}

static void serve(struct scene *s, const char *path, const char *head, struct str body)
{
    struct buf *out = &s->answers[s->n_routes];

    buf_add_z(out, head);
    if (body.p)
        buf_add_f(out, "Content-Length: %zu\r\n\r\n", body.n);
    buf_add_str(out, body);
    s->routes[s->n_routes++] =
        (struct server_route){ .path = path, .answer = buf_z(out), .n = out->n };
    s->server.n_routes = s->n_routes;
}

/* The whole wheel whatever is asked for. */
static void serve_wheel(struct scene *s)
{
    serve(s, WHEEL_PATH, "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n", buf_str(&s->wheel));
}

static void serve_sidecar(struct scene *s, struct str text)
{
    s->wish.has_sidecar = true;
    serve(s, WHEEL_PATH ".metadata", "HTTP/1.1 200 OK\r\n", text);
}

static void told(void *ctx, struct ladder_answer *answer)
{
    struct scene *s = ctx;

    assert_int_equal(s->calls++, 0);
    s->got = *answer;
    buf_add_z(&s->why, err_text(&answer->err));
    loop_stop(s->w.loop);
}

static void start(struct scene *s)
{
    s->ladder = ladder_start(&s->world, &s->pool, &s->wish, told, s);
    assert_int_equal(s->calls, 0); /* later, never from inside */
}

static void run(struct scene *s)
{
    start(s);
    for (unsigned i = 0; !s->calls && i < STEPS_MAX; i++)
        world_step(&s->w);
    assert_int_equal(s->calls, 1);
}

static void gives(struct scene *s, enum metadata_rung rung, unsigned requests, struct str text)
{
    run(s);
    if (s->got.err.code)
        fail_msg("%s", buf_z(&s->why));
    assert_int_equal(s->got.rung, rung);
    assert_int_equal(s->got.requests, requests);
    assert_true(str_starts(s->got.metadata, text));
    assert_string_equal(buf_z(&s->events),
                        arena_f(&s->w.dir.arena, "%s ok\n", metadata_rung_name(rung)).p);
}

static void fails(struct scene *s, int code, const char *part)
{
    run(s);
    assert_int_equal(s->got.err.code, code);
    if (!strstr(buf_z(&s->why), part))
        fail_msg("\"%s\" does not say \"%s\"", buf_z(&s->why), part);
}

static bool is_known(struct scene *s)
{
    struct buf text = { 0 };
    bool found = recall_find(
        &s->world.cache, &(struct recall_of){ .sha256 = &s->sha256, .url = s->wish.url }, &text);

    if (found)
        assert_true(str_starts(buf_str(&text), STR(WHEEL_TEXT)));
    buf_done(&text);
    return found;
}

/* -- sidecar -- */

static void test_sidecar(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, true);
    serve_sidecar(&s, STR(WHEEL_TEXT));
    struct digest digest = digest_sha256(STR(WHEEL_TEXT));
    s.wish.sidecar_digest = &digest;
    gives(&s, METADATA_SIDECAR, 1, STR(WHEEL_TEXT));
    assert_int_equal(s.got.bytes, strlen(WHEEL_TEXT));
    assert_null(s.got.body);
    assert_null(s.got.existing);
    assert_true(is_known(&s));
    forget(&s);
    gives(&s, METADATA_STORE, 0, STR(WHEEL_TEXT));
    assert_string_equal(buf_z(&s.w.told), "");
    scene_close(&s);
}

static void test_bad_sidecars(void **state)
{
    static const struct {
        const char *text;
        bool wrong_digest;
        const char *why;
    } bad[] = {
        { WHEEL_TEXT, true, "the index promised" },
        { "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n", false, "other" },
        { "Metadata-Version: 2.1\nName: demo\nVersion: 1.1\n", false, "1.1" },
        { "<html>sign in</html>", false, "" },
        { "", false, "" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct scene s;
        scene_open(&s, true);
        serve_sidecar(&s, str_of(bad[i].text));
        serve_wheel(&s);
        if (bad[i].wrong_digest)
            s.wish.sidecar_digest = &s.sha256;
        gives(&s, METADATA_WHOLE, 3, STR(WHEEL_TEXT)); /* beside it, a range, all of it */
        assert_true(str_starts(buf_str(&s.w.told), STR("warning ")));
        assert_non_null(strstr(buf_z(&s.w.told), WHEEL_NAME));
        if (!strstr(buf_z(&s.w.told), bad[i].why))
            fail_msg("\"%s\" does not say \"%s\"", buf_z(&s.w.told), bad[i].why);
        scene_close(&s);
    }
}

/* -- whole -- */

static void test_whole_becomes_an_object(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, true);
    serve_wheel(&s);
    gives(&s, METADATA_WHOLE, 2, STR(WHEEL_TEXT));
    assert_null(s.got.body);
    assert_true(digest_eq(s.got.sha256, &s.sha256));
    assert_int_equal(store_world_find(s.world.cache.store, &s.sha256), STORE_TRUSTED);
    assert_true(is_known(&s));
    scene_close(&s);
}

static void test_whole_without_a_store(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, false);
    serve_wheel(&s);
    gives(&s, METADATA_WHOLE, 2, STR(WHEEL_TEXT));
    assert_non_null(s.got.body);
    assert_int_equal(body_bytes(s.got.body), s.wheel.n);
    assert_true(digest_eq(&s.got.digests[DIGEST_SHA256], &s.sha256));
    struct err e = { 0 };
    assert_int_equal(body_commit(s.got.body, s.dir, WHEEL_NAME, &e), 0);
    assert_true(temp_dir_has(&s.w.dir, WHEEL_NAME, buf_str(&s.wheel)));
    scene_close(&s);
}

/* Nothing of a file that is not the one that was promised. */
static void test_whole_is_wrong(void **state)
{
    static const struct digest other = { .alg = DIGEST_SHA256 };
    struct scene s;

    (void)state;
    for (unsigned with_store = 0; with_store < 2; with_store++) {
        scene_open(&s, with_store);
        serve_wheel(&s);
        s.promise.listed = &other;
        fails(&s, ERR_HASH, "0000000");
        assert_string_equal(buf_z(&s.events), "whole hash\n");
        assert_null(s.got.body);
        forget(&s);
        if (with_store)
            assert_int_equal(store_world_find(s.world.cache.store, &s.sha256), WORLD_NONE);
        assert_int_equal(temp_dir_count(&s.w.dir, "."), with_store);
        scene_close(&s);
    }
    scene_open(&s, true);
    serve(&s, WHEEL_PATH, "HTTP/1.1 200 OK\r\n", STR("no wheel"));
    s.promise.n_listed = 0;
    fails(&s, ERR_INPUT, "reading " WHEEL_NAME);
    scene_close(&s);
}

/* -- what is here -- */

static void test_an_object(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, true);
    store_world_commit(s.world.cache.store, buf_str(&s.wheel));
    gives(&s, METADATA_FILE, 0, STR(WHEEL_TEXT));
    assert_non_null(s.got.existing);
    assert_int_equal(s.got.existing->origin, FETCH_FROM_STORE);
    assert_true(digest_eq(&s.got.existing->sha256, &s.sha256));
    assert_int_equal(s.server.n_requests, 0);
    scene_close(&s);
}

static void test_a_local_file(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, false);
    s.promise.n_listed = 0;
    s.wish.url = temp_dir_url(&s.w.dir, WHEEL_NAME);
    fails(&s, ERR_NOT_FOUND, WHEEL_NAME);
    forget(&s);
    temp_dir_put(&s.w.dir, WHEEL_NAME, buf_str(&s.wheel));
    gives(&s, METADATA_FILE, 0, STR(WHEEL_TEXT));
    forget(&s);
    s.wish.project = STR("other");
    fails(&s, ERR_CONFLICT, "other");
    scene_close(&s);
}

/* What is known under the hash of another project's wheel is not taken. */
static void test_a_record_of_another(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, true);
    serve_sidecar(&s, STR(WHEEL_TEXT));
    gives(&s, METADATA_SIDECAR, 1, STR(WHEEL_TEXT));
    forget(&s);
    s.wish.project = STR("other");
    s.wish.has_sidecar = false;
    serve(&s, WHEEL_PATH, "HTTP/1.1 401 Unauthorized\r\n" NOTHING, STR_NONE);
    fails(&s, ERR_STATUS, "401");
    assert_true(is_known(&s));
    scene_close(&s);
}

/* Which hash it is kept under: the index's, else the user's if only one will do. */
static void test_what_it_is_kept_under(void **state)
{
    struct digest two[2] = { { .alg = DIGEST_SHA256 }, { .alg = DIGEST_SHA256 } };
    struct scene s;

    (void)state;
    for (size_t n_allowed = 0; n_allowed <= 2; n_allowed++) {
        scene_open(&s, true);
        serve_sidecar(&s, STR(WHEEL_TEXT));
        two[0] = s.sha256;
        s.promise = (struct promise){ .allowed = two, .n_allowed = n_allowed, .bytes = s.wheel.n };
        gives(&s, METADATA_SIDECAR, 1, STR(WHEEL_TEXT));
        assert_int_equal(is_known(&s), n_allowed == 1);
        scene_close(&s);
    }
}

static void test_no_way(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, true);
    s.world.cache.offline = true;
    s.wish.has_sidecar = true;
    fails(&s, ERR_OFFLINE, "--offline");
    forget(&s);
    s.world.cache.offline = false;
    s.wish.has_sidecar = false;
    s.wish.filename = STR("demo-1.0.zip");
    fails(&s, ERR_UNSUPPORTED, "PEP 643");
    assert_int_equal(s.server.n_requests, 0);
    forget(&s);
    serve_sidecar(&s, STR(WHEEL_TEXT)); /* the index has built it */
    gives(&s, METADATA_SIDECAR, 1, STR(WHEEL_TEXT));
    scene_close(&s);
}

/* -- source distributions -- */

#define SDIST_NAME "demo-1.0.tar.gz"

static void serve_sdist(struct scene *s, const char *text)
{
    struct buf archive = { 0 };

    small_sdist_add(&archive, "demo-1.0/PKG-INFO", text);
    serve(s, "/" SDIST_NAME, "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n",
          buf_str(&archive));
    s->sha256 = digest_sha256(buf_str(&archive));
    s->wish.filename = s->wish.label = STR(SDIST_NAME);
    s->wish.url = arena_f(&s->w.dir.arena, "http://127.0.0.1:%u/" SDIST_NAME, s->server.port);
    buf_done(&archive);
}

static void test_sdist(void **state)
{
    static const char text[] = SMALL_SDIST_TEXT("demo", "1.0", "Requires-Dist: a\n");

    (void)state;
    for (int with_store = 0; with_store < 2; with_store++) {
        struct scene s;
        scene_open(&s, with_store);
        serve_sdist(&s, text);
        gives(&s, METADATA_WHOLE, 1, str_of(text));
        assert_int_equal(s.got.body != NULL, !with_store); /* else it is in the store */
        forget(&s);
        if (with_store)
            gives(&s, METADATA_STORE, 0, str_of(text));
        scene_close(&s);
    }
}

/* What it needs is left to a build: but it need not be fetched again for that. */
static void test_dynamic_sdist(void **state)
{
    (void)state;
    for (int with_store = 0; with_store < 2; with_store++) {
        struct scene s;
        scene_open(&s, with_store);
        serve_sdist(&s, SMALL_SDIST_TEXT("demo", "1.0", "Dynamic: Requires-Dist\n"));
        for (unsigned run = 0; run < 2; run++) {
            fails(&s, ERR_UNSUPPORTED, "PEP 643");
            assert_null(s.got.body);
            assert_int_equal(s.got.requests, run && with_store ? 0 : 1);
            forget(&s);
        }
        scene_close(&s);
    }
}

static void test_bad_sdists(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        { SMALL_SDIST_TEXT("other", "1.0", ""), "other" },
        { SMALL_SDIST_TEXT("demo", "1.1", ""), "1.1" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct scene s;
        scene_open(&s, true);
        serve_sdist(&s, bad[i].text);
        run(&s);
        assert_int_equal(s.got.err.code, ERR_CONFLICT);
        assert_non_null(strstr(buf_z(&s.why), bad[i].why));
        assert_false(is_known(&s));
        scene_close(&s);
    }
}

/* -- given up -- */

/* Through all rungs: a sidecar that is missing, a range in vain, the whole file. */
static bool give_up_after(unsigned turns, bool with_store)
{
    struct scene s;

    scene_open(&s, with_store);
    s.wish.has_sidecar = true;
    serve(&s, WHEEL_PATH ".metadata", "HTTP/1.1 404 Not Found\r\n" NOTHING, STR_NONE);
    serve_wheel(&s);
    start(&s);
    for (unsigned i = 0; i < turns && !s.calls; i++)
        world_step(&s.w);
    bool over = s.calls > 0;
    forget(&s);
    for (unsigned i = 0; i < 2; i++)
        world_step(&s.w);
    assert_int_equal(s.calls, 0); /* nothing comes any more */
    if (!over && with_store)
        assert_int_equal(store_world_find(s.world.cache.store, &s.sha256), WORLD_NONE);
    assert_int_equal(temp_dir_count(&s.w.dir, "."), with_store);
    scene_close(&s);
    return !over;
}

static void test_given_up_at_every_step(void **state)
{
    unsigned turns = 0;

    (void)state;
    for (unsigned with_store = 0; with_store < 2; with_store++)
        for (turns = 0; turns < STEPS_MAX && give_up_after(turns, with_store);)
            turns++;
    assert_in_range(turns, 8, STEPS_MAX - 1);
    ladder_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sidecar),
        cmocka_unit_test(test_bad_sidecars),
        cmocka_unit_test(test_whole_becomes_an_object),
        cmocka_unit_test(test_whole_without_a_store),
        cmocka_unit_test(test_whole_is_wrong),
        cmocka_unit_test(test_an_object),
        cmocka_unit_test(test_a_local_file),
        cmocka_unit_test(test_a_record_of_another),
        cmocka_unit_test(test_what_it_is_kept_under),
        cmocka_unit_test(test_no_way),
        cmocka_unit_test(test_sdist),
        cmocka_unit_test(test_dynamic_sdist),
        cmocka_unit_test(test_bad_sdists),
        cmocka_unit_test(test_given_up_at_every_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
