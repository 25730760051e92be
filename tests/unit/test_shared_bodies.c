/* Jobs that share a store and want the same file at once: it is fetched once, and when whoever does
 * so goes or fails, the next one takes over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared_store.h"

static void test_a_body_is_fetched_once(void **state)
{
    static const char *const freshness[] = { "", FRESH };

    (void)state;
    for (size_t i = 0; i < 2; i++) { /* by its digest; without one, as long as it is fresh */
        struct scene s;
        scene_open(&s);
        serve(&s, WHEEL_PATH, arena_f(&s.w.dir.arena, OK "%s", freshness[i]).p, buf_str(&s.wheel));
        if (i)
            s.promise.n_allowed = 0;
        fetch_all(&s);
        has_fetched(&s, 0, FETCH_FROM_NETWORK);
        has_fetched(&s, 1, FETCH_FROM_STORE);
        has_fetched(&s, 2, FETCH_FROM_STORE);
        assert_int_equal(asked(&s, WHEEL_PATH), 1);
        scene_close(&s);
    }
}

/* The others begin when the store has it, not when the first has made its copy. */
static void test_a_body_is_placed_by_all(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    s.mode = PLACE_ONLY_COPY;
    while (s.wheel.n < 8 * 1024 * 1024)
        buf_add_str(&s.wheel,
                    STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
    s.sha256 = digest_sha256(buf_str(&s.wheel));
    serve(&s, WHEEL_PATH, OK, buf_str(&s.wheel));
    fetch(&s, 0);
    fetch(&s, 1);
    has_fetched(&s, 0, FETCH_FROM_NETWORK);
    has_fetched(&s, 1, FETCH_FROM_STORE);
    assert_int_equal(s.jobs[1].saw, FETCH_PLACE);
    scene_close(&s);
}

static void test_into_one_place(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, WHEEL_PATH, OK, buf_str(&s.wheel));
    place_close(s.jobs[1].place);
    s.jobs[1].place = s.jobs[0].place;
    fetch(&s, 0);
    fetch(&s, 1);
    has_fetched(&s, 0, FETCH_FROM_NETWORK);
    until_ended(&s, 1);
    assert_int_equal(view(&s, 1)->state, FETCH_DONE);
    assert_int_equal(view(&s, 1)->origin, FETCH_KEPT);
    assert_int_equal(asked(&s, WHEEL_PATH), 1);
    job_give_up(&s.jobs[1]);
    s.jobs[1].place = NULL;
    scene_close(&s);
}

/* What has come of it so far is not fetched again. */
static void test_the_next_one_takes_over(void **state)
{
    enum { CAME = 30000 };
    struct scene s;

    (void)state;
    scene_open(&s);
    struct server_route *route = serve_cut(&s, CAME);
    fetch_all(&s);
    until_bytes(&s, 0, CAME);
    turn(&s);
    assert_int_equal(view(&s, 1)->state, FETCH_PROBE);
    assert_int_equal(s.server.n_requests, 1);

    struct buf rest = { 0 };
    buf_add_f(&rest,
              "HTTP/1.1 206 Partial\r\nETag: \"e\"\r\nContent-Length: %zu\r\n"
              "Content-Range: bytes %d-%zu/%zu\r\n\r\n",
              s.wheel.n - CAME, CAME, s.wheel.n - 1, s.wheel.n);
    buf_add_str(&rest, str_sub(buf_str(&s.wheel), CAME, SIZE_MAX));
    *route = (struct server_route){ .path = WHEEL_PATH, .answer = buf_z(&rest), .n = rest.n };
    fetcher_cancel(s.jobs[0].fetcher);
    has_fetched(&s, 1, FETCH_FROM_NETWORK);
    has_fetched(&s, 2, FETCH_FROM_STORE);
    assert_int_equal(view(&s, 1)->resumed_bytes, CAME);
    assert_int_equal(asked(&s, WHEEL_PATH), 2);
    assert_non_null(strstr(buf_z(&s.server.requests), "Range: bytes=30000-"));
    assert_int_equal(s.jobs[0].ends, 0);
    scene_close(&s);
    buf_done(&rest);
}

static void test_each_has_its_own_failure(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, WHEEL_PATH, NONE, STR_NONE);
    fetch_all(&s);
    until_all_ended(&s);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(view(&s, i)->state, FETCH_FAILED);
        assert_int_equal(view(&s, i)->err.code, ERR_NOT_FOUND);
    }
    assert_int_equal(asked(&s, WHEEL_PATH), JOBS);
    assert_int_equal(s.server.max_in_flight, 1); /* one after the other */
    scene_close(&s);
}

/* Between two attempts, too. */
static void test_while_it_is_tried_again(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    s.jobs[0].then = arena_f(&s.w.dir.arena, OK "Content-Length: 3\r\n\r\nabc").p;
    s.sha256 = digest_sha256(STR("abc"));
    serve(&s, WHEEL_PATH, BUSY, STR_NONE);
    fetch_all(&s);
    until_all_ended(&s);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(view(&s, i)->state, FETCH_DONE);
    assert_int_equal(asked(&s, WHEEL_PATH), 2);
    assert_int_equal(view(&s, 0)->attempt, 2);
    scene_close(&s);
}

/* Nobody promised anything, and it may not be kept: then not one after the other. */
static void test_a_body_that_is_not_kept(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    s.promise.n_allowed = 0;
    serve(&s, WHEEL_PATH, OK NO_STORE, buf_str(&s.wheel))->delay_ms = 100;
    fetch_all(&s);
    for (size_t i = 0; i < JOBS; i++)
        has_fetched(&s, i, FETCH_FROM_NETWORK);
    assert_int_equal(asked(&s, WHEEL_PATH), JOBS);
    assert_int_equal(s.server.max_in_flight, JOBS - 1);
    scene_close(&s);
}

static void test_those_that_wait_give_up(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve_cut(&s, 1000);
    fetch_all(&s);
    until_bytes(&s, 0, 1000);
    turn(&s);
    fetcher_cancel(s.jobs[1].fetcher);
    job_give_up(&s.jobs[1]);
    turn(&s);
    assert_int_equal(view(&s, 0)->state, FETCH_BODY);
    job_give_up(&s.jobs[0]); /* wakes the last one, which goes before its turn */
    job_give_up(&s.jobs[2]);
    turn(&s);
    assert_int_equal(s.server.n_requests, 1);
    scene_close(&s);
}

/* It can't come into the store: nobody waits for that. */
static void test_a_store_that_is_broken(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve_cut(&s, 1000);
    const char *temp = place_dir(store_temp(s.cache.store));
    assert_int_equal(nftw(temp, temp_dir_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
    fetch(&s, 0);
    fetch(&s, 1);
    until_bytes(&s, 0, 1000);
    until_bytes(&s, 1, 1000);
    assert_int_equal(view(&s, 0)->state, FETCH_BODY);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_body_is_fetched_once),
        cmocka_unit_test(test_a_body_is_placed_by_all),
        cmocka_unit_test(test_into_one_place),
        cmocka_unit_test(test_the_next_one_takes_over),
        cmocka_unit_test(test_each_has_its_own_failure),
        cmocka_unit_test(test_while_it_is_tried_again),
        cmocka_unit_test(test_a_body_that_is_not_kept),
        cmocka_unit_test(test_those_that_wait_give_up),
        cmocka_unit_test(test_a_store_that_is_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
