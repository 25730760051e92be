/* What of an answer is kept in a store, and what it is good for afterwards. The rules of freshness
 * have tests of their own (test_freshness.c). */
#include "dray/fetch/cache.h"

#include "dray/util/clock.h"
#include "store_world.h"

#define PAGE STR("https://index.example.org/simple/foo/")

struct bench {
    struct temp_dir dir;
    struct cache cache;
    struct store_record got;
};

static void bench_open(struct bench *b)
{
    *b = (struct bench){ 0 };
    temp_dir_open(&b->dir);
    b->cache.store = store_world_open(temp_dir_at(&b->dir, "store"), 0);
}

/* What was put is written, and forgotten in memory. */
static void bench_again(struct bench *b)
{
    store_close(b->cache.store);
    b->cache.store = store_world_open(temp_dir_at(&b->dir, "store"), 0);
}

static void bench_close(struct bench *b)
{
    store_close(b->cache.store);
    temp_dir_close(&b->dir);
}

static enum cache_state look(struct bench *b, struct str url)
{
    return cache_look(&b->cache, STORE_LISTING, url, &b->dir.arena, &b->got);
}

/* As if a 200 with these fields had come just now. */
static void keep(struct bench *b, struct str url, const struct http_head *head, struct str content)
{
    struct cache_note n = { 0 };

    cache_note_reset(&n);
    cache_note_head(&n, head);
    cache_keep(&b->cache, STORE_LISTING, url, &n, STR("https://files.example.org/"), content);
    cache_note_done(&n);
}

static const struct http_head fresh = { .status = 200,
                                        .etag = { "\"a\"", 3 },
                                        .cache_control = { "max-age=600", 11 } };
static const struct http_head stale = { .status = 200, .etag = { "\"a\"", 3 } };

static void test_fresh_and_stale(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    assert_int_equal(look(&b, PAGE), CACHE_MISS);
    for (int written = 0; written < 2; written++) {
        if (!written)
            keep(&b, PAGE, &fresh, STR("content"));
        else
            bench_again(&b);
        assert_int_equal(look(&b, PAGE), CACHE_FRESH);
        assert_true(str_is(b.got.content, "content"));
        assert_true(str_is(b.got.base, "https://files.example.org/"));
        assert_true(str_is(b.got.etag, "\"a\""));
        assert_null(b.got.last_modified.p);
        assert_true(str_eq(b.got.label, PAGE));
        assert_true(b.got.received_s <= clock_unix_s());
        assert_int_equal(b.got.fresh_until_s, b.got.received_s + 600);
    }
    keep(&b, PAGE, &stale, STR("other"));
    assert_int_equal(look(&b, PAGE), CACHE_STALE);
    assert_true(str_is(b.got.content, "other"));
    b.cache.offline = true;
    assert_int_equal(look(&b, PAGE), CACHE_FRESH);
    bench_close(&b);
}

/* What may not be kept takes with it what was there before. */
static void test_not_to_be_kept(void **state)
{
    static const struct http_head not_to_be[] = {
        { .status = 200, .etag = { "\"a\"", 3 }, .cache_control = { "no-store", 8 } },
        { .status = 200, .etag = { "\"a\"", 3 }, .vary = { "*", 1 } },
        { .status = 404, .etag = { "\"a\"", 3 }, .cache_control = { "max-age=600", 11 } },
    };
    struct bench b;

    (void)state;
    bench_open(&b);
    for (size_t i = 0; i < sizeof(not_to_be) / sizeof(*not_to_be); i++) {
        keep(&b, PAGE, &fresh, STR("content"));
        bench_again(&b);
        keep(&b, PAGE, &not_to_be[i], STR("other"));
        assert_int_equal(look(&b, PAGE), CACHE_MISS);
        bench_again(&b);
        assert_int_equal(look(&b, PAGE), CACHE_MISS);
    }
    bench_close(&b);
}

/* Users, URLs and kinds have each their own; a fragment is for the client alone. */
static void test_keys(void **state)
{
    struct bench b;
    struct str alice = STR("https://alice:pa55@index.example.org/simple/foo/");

    (void)state;
    bench_open(&b);
    keep(&b, alice, &fresh, STR("hers"));
    assert_int_equal(look(&b, PAGE), CACHE_MISS);
    assert_int_equal(look(&b, STR("https://bob:pa55@index.example.org/simple/foo/")), CACHE_MISS);
    assert_int_equal(look(&b, STR("https://alice:pa55@index.example.org/simple/foo")), CACHE_MISS);
    assert_int_equal(look(&b, STR("https://alice:pa55@index.example.org/simple/foo/#x=y")),
                     CACHE_FRESH);
    assert_int_equal(look(&b, alice), CACHE_FRESH);
    assert_true(str_is(b.got.label, "https://alice:****@index.example.org/simple/foo/"));
    assert_int_equal(cache_look(&b.cache, STORE_FILE, alice, &b.dir.arena, &b.got), CACHE_MISS);
    bench_close(&b);
}

/* A 304 came for what `look` found. */
static void renew(struct bench *b, struct str url, const struct http_head *head)
{
    struct cache_note n = { 0 };

    cache_note_reset(&n);
    cache_note_not_modified(&n, head, &b->got);
    cache_renew(&b->cache, STORE_LISTING, url, &n);
    cache_note_done(&n);
}

static void test_not_modified(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    keep(&b, PAGE, &stale, STR("content"));
    bench_again(&b);
    assert_int_equal(look(&b, PAGE), CACHE_STALE);
    renew(&b, PAGE, &(struct http_head){ .status = 304 });
    assert_int_equal(look(&b, PAGE), CACHE_STALE);
    assert_true(str_is(b.got.etag, "\"a\""));
    renew(&b, PAGE,
          &(struct http_head){ .status = 304,
                               .etag = STR("\"b\""),
                               .last_modified = STR("Sun, 06 Nov 1994 08:49:37 GMT"),
                               .cache_control = STR("max-age=60, must-revalidate") });
    for (int written = 0; written < 2; written++) {
        assert_int_equal(look(&b, PAGE), CACHE_FRESH);
        assert_true(str_is(b.got.content, "content"));
        assert_true(str_is(b.got.etag, "\"b\""));
        assert_true(str_is(b.got.last_modified, "Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_int_equal(b.got.fresh_until_s, b.got.received_s + 60);
        assert_true(b.got.no_stale);
        bench_again(&b);
    }
    bench_close(&b);
}

/* A note is used for one attempt after the other. */
static void test_note_of_another_attempt(void **state)
{
    struct bench b;
    struct cache_note n = { 0 };

    (void)state;
    bench_open(&b);
    cache_note_reset(&n);
    cache_note_head(&n, &(struct http_head){ .status = 200,
                                             .etag = STR("\"of the first\""),
                                             .last_modified = STR("then"),
                                             .cache_control = STR("max-age=600") });
    assert_true(n.keep);
    cache_note_reset(&n);
    assert_false(n.keep);
    cache_note_head(&n, &(struct http_head){ .status = 200, .etag = STR("\"b\"") });
    cache_keep(&b.cache, STORE_LISTING, PAGE, &n, STR_NONE, STR("content"));
    assert_int_equal(look(&b, PAGE), CACHE_STALE);
    assert_true(str_is(b.got.etag, "\"b\""));
    assert_null(b.got.last_modified.p);
    assert_null(b.got.base.p);
    cache_note_done(&n);
    bench_close(&b);
}

/* Received in the future, as far as this clock knows. */
static void test_clock_set_back(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    keep(&b, PAGE, &fresh, STR("content"));
    store_close(b.cache.store);
    store_world_sql(temp_dir_at(&b.dir, "store"), "UPDATE record SET received = received + 9999,"
                                                  " fresh_until = fresh_until + 9999");
    b.cache.store = store_world_open(temp_dir_at(&b.dir, "store"), 0);
    assert_int_equal(look(&b, PAGE), CACHE_STALE);
    bench_close(&b);
}

static void test_without_a_store(void **state)
{
    struct bench b = { .cache = { .offline = true } };

    (void)state;
    keep(&b, PAGE, &fresh, STR("content"));
    assert_int_equal(look(&b, PAGE), CACHE_MISS);
    renew(&b, PAGE, &(struct http_head){ .status = 304 });
    assert_int_equal(look(&b, PAGE), CACHE_MISS);
}

static void test_strong(void **state)
{
    (void)state;
    assert_true(cache_is_strong(STR("\"a\"")));
    assert_true(cache_is_strong(STR("\"\"")));
    assert_false(cache_is_strong(STR("W/\"a\"")));
    assert_false(cache_is_strong(STR("\"")));
    assert_false(cache_is_strong(STR("a")));
    assert_false(cache_is_strong(STR("")));
    assert_false(cache_is_strong(STR_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fresh_and_stale),
        cmocka_unit_test(test_not_to_be_kept),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_not_modified),
        cmocka_unit_test(test_note_of_another_attempt),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_without_a_store),
        cmocka_unit_test(test_strong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
