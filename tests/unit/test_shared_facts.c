/* Jobs that share a store and want the same page or metadata at once: it is asked for once, but for
 * what may not be kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared_store.h"

/* -- pages -- */

static void page_came(void *ctx, const struct page_answer *answer)
{
    struct job *j = ctx;

    j->ends++;
    j->code = answer->err.code;
    j->n_files = answer->listing ? answer->listing->n : 0;
    if (j->then)
        serve_instead(&j->scene->routes[0], j->then);
}

static void ask(struct scene *s, const char *fragment)
{
    for (size_t i = 0; i < JOBS; i++) {
        struct str url = arena_f(&s->w.dir.arena, "http://127.0.0.1:%u%s%s", s->server.port, PAGE,
                                 i ? fragment : "");
        s->jobs[i].page = page_start(&s->jobs[i].pages, url.p, page_came, &s->jobs[i]);
    }
}

static struct server_route *serve_page(struct scene *s, const char *head)
{
    struct str all = arena_f(&s->w.dir.arena, OK "Content-Type: text/html\r\n%s", head);

    return serve(s, PAGE, all.p, STR("<a href='x-1.0.zip'>x</a>"));
}

static void have_page(struct scene *s, const char *first, const char *others)
{
    until_all_ended(s);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(s->jobs[i].code, 0);
        assert_int_equal(s->jobs[i].n_files, 1);
        assert_string_equal(buf_z(&s->jobs[i].told), i ? others : first);
    }
}

static void test_a_fresh_page_is_asked_for_once(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve_page(&s, FRESH);
    ask(&s, "#here");
    have_page(&s, "network", "store");
    assert_int_equal(asked(&s, PAGE), 1);
    scene_close(&s);
}

static void test_a_page_that_is_not_kept(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve_page(&s, NO_STORE)->delay_ms = 100;
    ask(&s, "");
    have_page(&s, "network", "network");
    assert_int_equal(asked(&s, PAGE), JOBS);
    assert_int_equal(s.server.max_in_flight, JOBS - 1); /* not one after the other */
    scene_close(&s);
}

static void test_a_page_that_is_to_be_validated(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve_page(&s, "ETag: \"e\"\r\nCache-Control: no-cache\r\n");
    s.jobs[0].then = "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n";
    ask(&s, "");
    have_page(&s, "network", "network");
    assert_int_equal(asked(&s, PAGE), JOBS);
    assert_non_null(strstr(buf_z(&s.server.requests), "If-None-Match: \"e\""));
    scene_close(&s);
}

static void test_a_page_that_can_not_be_had(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, PAGE, NONE, STR_NONE);
    ask(&s, "");
    until_all_ended(&s);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(s.jobs[i].code, ERR_NOT_FOUND);
    assert_int_equal(asked(&s, PAGE), JOBS);
    scene_close(&s);
}

static void test_a_page_is_tried_again(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, PAGE, BUSY, STR_NONE);
    s.jobs[0].then = OK FRESH "Content-Type: text/html\r\nContent-Length: 12\r\n\r\n<a href='x'>";
    ask(&s, "");
    until_all_ended(&s);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(s.jobs[i].code, 0);
    assert_int_equal(asked(&s, PAGE), 2);
    scene_close(&s);
}

static void test_pages_are_given_up(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve_page(&s, FRESH)->delay_ms = 100;
    ask(&s, "");
    job_give_up(&s.jobs[1]); /* waits */
    job_give_up(&s.jobs[0]); /* asks */
    until_ended(&s, 2);
    assert_int_equal(s.jobs[2].code, 0);
    assert_string_equal(buf_z(&s.jobs[2].told), "network");
    turn(&s);
    assert_int_equal(s.jobs[0].ends + s.jobs[1].ends, 0);
    scene_close(&s);
}

/* -- metadata -- */

static void metadata_came(void *ctx, struct ladder_answer *answer)
{
    struct job *j = ctx;

    j->ends++;
    j->code = answer->err.code;
    if (!j->code)
        assert_true(str_starts(answer->metadata, STR(WHEEL_TEXT)));
}

/* The world outlives the ladder. */
static void climb(struct scene *s, struct fetch_world *world, size_t job, bool has_sidecar)
{
    struct job *j = &s->jobs[job];
    struct ladder_wish wish = { .label = STR(WHEEL_NAME),
                                .url = s->url,
                                .filename = STR(WHEEL_NAME),
                                .project = STR("demo"),
                                .version = STR("1.0"),
                                .promise = &s->promise,
                                .is_recalled = true, /* there is nothing yet */
                                .has_sidecar = has_sidecar };

    *world = world_of(s, j);
    world->retries = 0;
    j->ladder = ladder_start(world, &j->pool, &wish, metadata_came, j);
}

static void have_metadata(struct scene *s, const char *first, const char *others)
{
    until_all_ended(s);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(s->jobs[i].code, 0);
        assert_string_equal(buf_z(&s->jobs[i].told), i ? others : first);
    }
}

static void test_metadata_is_asked_for_once(void **state)
{
    struct fetch_world worlds[JOBS];
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, SIDECAR, OK, STR(WHEEL_TEXT));
    for (size_t i = 0; i < JOBS; i++)
        climb(&s, &worlds[i], i, true);
    have_metadata(&s, "sidecar", "store");
    assert_int_equal(asked(&s, SIDECAR), 1);
    scene_close(&s);
}

static void test_metadata_that_is_not_kept(void **state)
{
    struct fetch_world worlds[JOBS];
    struct scene s;

    (void)state;
    scene_open(&s);
    s.promise.n_allowed = 0;
    serve(&s, SIDECAR, OK NO_STORE, STR(WHEEL_TEXT))->delay_ms = 100;
    for (size_t i = 0; i < JOBS; i++)
        climb(&s, &worlds[i], i, true);
    have_metadata(&s, "sidecar", "sidecar");
    assert_int_equal(asked(&s, SIDECAR), JOBS);
    assert_int_equal(s.server.max_in_flight, JOBS - 1);
    scene_close(&s);
}

static void test_ladders_are_given_up(void **state)
{
    struct fetch_world worlds[JOBS];
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, SIDECAR, OK, STR(WHEEL_TEXT))->delay_ms = 100;
    for (size_t i = 0; i < JOBS; i++)
        climb(&s, &worlds[i], i, true);
    turn(&s);
    job_give_up(&s.jobs[1]);
    job_give_up(&s.jobs[0]);
    until_ended(&s, 2);
    assert_int_equal(s.jobs[2].code, 0);
    assert_string_equal(buf_z(&s.jobs[2].told), "sidecar");
    scene_close(&s);
}

/* The server does no ranges: the whole file is fetched by one ladder, or by a machine. */
static void test_the_whole_file_is_fetched_once(void **state)
{
    struct fetch_world worlds[JOBS];
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, WHEEL_PATH, OK, buf_str(&s.wheel))->delay_ms = 100;
    climb(&s, &worlds[0], 0, false);
    climb(&s, &worlds[1], 1, false);
    for (unsigned i = 0; asked(&s, WHEEL_PATH) < 2 && i < STEPS_MAX; i++) /* tail, whole */
        world_step(&s.w);
    fetch(&s, 2);
    has_fetched(&s, 2, FETCH_FROM_STORE);
    until_all_ended(&s);
    assert_string_equal(buf_z(&s.jobs[0].told), "whole");
    assert_string_equal(buf_z(&s.jobs[1].told), "store");
    assert_int_equal(asked(&s, WHEEL_PATH), 2);
    scene_close(&s);
}

static void test_a_ladder_waits_for_a_machine(void **state)
{
    struct fetch_world world;
    struct scene s;

    (void)state;
    scene_open(&s);
    serve_cut(&s, 1000);
    fetch(&s, 0);
    until_bytes(&s, 0, 1000);
    serve(&s, WHEEL_PATH, OK, buf_str(&s.wheel)); /* the later route counts */
    climb(&s, &world, 1, false);
    turn(&s);
    assert_int_equal(s.jobs[1].ends, 0);
    assert_int_equal(asked(&s, WHEEL_PATH), 2); /* the body, the tail */
    job_give_up(&s.jobs[0]); /* it is fetched after all, without trying a range first */
    until_ended(&s, 1);
    assert_int_equal(s.jobs[1].code, 0);
    assert_string_equal(buf_z(&s.jobs[1].told), "whole");
    assert_int_equal(asked(&s, WHEEL_PATH), 3);
    assert_int_equal(host_can(hosts_find(s.jobs[1].hosts, s.url), HOST_SUFFIX), HOST_CANNOT);
    scene_close(&s);
}

/* Its ranges are refused meanwhile; then it is read where it is, and was to be had. */
static void test_a_ladder_reads_what_a_machine_brought(void **state)
{
    struct fetch_world world;
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, WHEEL_PATH, OK, buf_str(&s.wheel))->delay_ms = 300;
    fetch(&s, 0);
    for (unsigned i = 0; asked(&s, WHEEL_PATH) < 1 && i < STEPS_MAX; i++)
        world_step(&s.w);
    serve(&s, WHEEL_PATH, NONE, STR_NONE);
    climb(&s, &world, 1, false);
    has_fetched(&s, 0, FETCH_FROM_NETWORK);
    until_ended(&s, 1);
    assert_string_equal(buf_z(&s.jobs[1].told), "file");
    assert_int_equal(asked(&s, WHEEL_PATH), 3); /* the body; a suffix, a span */
    assert_int_equal(host_can(hosts_find(s.jobs[1].hosts, s.url), HOST_SUFFIX), HOST_CANNOT);
    scene_close(&s);
}

/* From another server, whose own metadata file is of no use: none of that stays. */
static void test_a_ladder_waits_for_another_server(void **state)
{
    static const struct server_route routes[] = {
        { .path = SIDECAR, .answer = OK "Content-Length: 9\r\n\r\nName: no\n" },
        { .path = WHEEL_PATH, .answer = NONE },
    };
    struct fetch_world worlds[2];
    struct server mirror;
    struct scene s;

    (void)state;
    scene_open(&s);
    server_open(&mirror, s.w.loop, routes, 2);
    serve(&s, WHEEL_PATH, OK, buf_str(&s.wheel))->delay_ms = 300;
    climb(&s, &worlds[0], 0, false);
    for (unsigned i = 0; asked(&s, WHEEL_PATH) < 2 && i < STEPS_MAX; i++) /* tail, whole */
        world_step(&s.w);
    s.url = arena_f(&s.w.dir.arena, "http://127.0.0.1:%u%s", mirror.port, WHEEL_PATH);
    climb(&s, &worlds[1], 1, true);
    until_ended(&s, 0);
    until_ended(&s, 1);
    assert_int_equal(s.jobs[1].code, 0);
    assert_string_equal(buf_z(&s.jobs[1].told), "store");
    assert_int_equal(mirror.n_requests, 3); /* metadata, a suffix, a span */
    server_close(&mirror);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fresh_page_is_asked_for_once),
        cmocka_unit_test(test_a_page_that_is_not_kept),
        cmocka_unit_test(test_a_page_that_is_to_be_validated),
        cmocka_unit_test(test_a_page_that_can_not_be_had),
        cmocka_unit_test(test_a_page_is_tried_again),
        cmocka_unit_test(test_pages_are_given_up),
        cmocka_unit_test(test_metadata_is_asked_for_once),
        cmocka_unit_test(test_metadata_that_is_not_kept),
        cmocka_unit_test(test_ladders_are_given_up),
        cmocka_unit_test(test_the_whole_file_is_fetched_once),
        cmocka_unit_test(test_a_ladder_waits_for_a_machine),
        cmocka_unit_test(test_a_ladder_reads_what_a_machine_brought),
        cmocka_unit_test(test_a_ladder_waits_for_another_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
