/* Where a file is found that is here already, in which order, and that nothing wrong is. */
#include "store_world.h"

#include "dray/fetch/existing.h"
#include "dray/util/clock.h"
#include "local_world.h"

/* Its pages in pip's HTTP cache are test_pip_cache.c's. */
#define URL    "https://files.example.org/packages/foo-1.0-py3-none-any.whl"
#define PIPS   "pip/http-v2/c/3/e/9/8/c3e98f4d6ee4df13b6efb9360ecdda3c99b10e4e036587193cca5951"
#define NAME   "foo-1.0-py3-none-any.whl"
#define RIGHT  STR("what it is to hold")
#define WRONG  STR("something else now")
#define LONGER STR("what it is to hold, and more")
#define RECORD                                                                                     \
    STR("cc=4,\x82\xa8response\x86\xa4"                                                            \
        "body\xc4\x00\xa7headers\x80\xa6status\xcc\xc8\xa7version\x0b\xa6reason\xa2OK\xae"         \
        "decode_content\xc2\xa4vary\x80")

struct bench {
    struct local_world w;
    struct fetch_world world;
    struct digest sha256, sha512;
    struct promise promise;
    struct existing_wish wish;
    struct existing_answer answer;
    struct buf path;
    unsigned calls;
};

/* The index promises its sha256 and size. */
static void bench_open(struct bench *b)
{
    struct err e = { 0 };

    *b = (struct bench){ 0 };
    world_open(&b->w);
    b->sha256 = digest_compute(DIGEST_SHA256, RIGHT);
    b->sha512 = digest_compute(DIGEST_SHA512, RIGHT);
    b->promise = (struct promise){ .listed = &b->sha256, .n_listed = 1, .bytes = RIGHT.n };
    b->wish =
        (struct existing_wish){ .promise = &b->promise, .url = STR(URL), .filename = STR(NAME) };
    b->world = (struct fetch_world){ .loop = b->w.loop,
                                     .http = b->w.http,
                                     .events = &b->w.events,
                                     .readers = b->w.readers,
                                     .pip_cache_dir = temp_dir_at(&b->w.dir, "pip") };
    b->world.place = place_open(temp_dir_at(&b->w.dir, "dest"), &e);
    b->world.cache.store = store_world_open(temp_dir_at(&b->w.dir, "store"), 0);
}

static void bench_close(struct bench *b)
{
    place_close(b->world.place);
    store_close(b->world.cache.store);
    buf_done(&b->path);
    world_close(&b->w);
}

static void reopen_store(struct bench *b, const char *sql)
{
    const char *root = temp_dir_at(&b->w.dir, "store");

    store_close(b->world.cache.store);
    if (sql)
        store_world_sql(root, sql);
    b->world.cache.store = store_world_open(root, 0);
}

static void told(void *ctx, const struct existing_answer *answer)
{
    struct bench *b = ctx;

    b->answer = *answer;
    buf_reset(&b->path);
    if (answer->found)
        buf_add_str(&b->path, answer->path);
    b->calls++;
    loop_stop(b->w.loop);
}

static bool look(struct bench *b, bool with_dest)
{
    b->calls = 0;
    struct existing *x = existing_start(&b->world, &b->wish, with_dest, told, b);
    assert_int_equal(b->calls, 0); /* later, never from inside */
    assert_true(world_run(&b->w));
    existing_destroy(x);
    world_settle(&b->w);
    assert_int_equal(b->calls, 1);
    return b->answer.found;
}

/* Found, whole, and told where. */
static void check_found(struct bench *b, enum fetch_origin origin)
{
    struct buf content = { 0 };
    struct err e = { 0 };

    assert_true(look(b, true));
    assert_int_equal(b->answer.origin, origin);
    assert_int_equal(b->answer.bytes, RIGHT.n);
    assert_true(digest_eq(&b->answer.sha256, &b->sha256));
    assert_int_equal(file_read(buf_z(&b->path), SIZE_MAX, &content, &e), 0);
    assert_true(str_eq(buf_str(&content), RIGHT));
    buf_done(&content);
}

static void put_in_pip(struct bench *b, struct str content)
{
    temp_dir_put(&b->w.dir, PIPS, RECORD);
    temp_dir_put(&b->w.dir, PIPS ".body", content);
}

/* The URL had this object; fresh for so many seconds from now. */
static void put_url(struct bench *b, const struct digest *sha256, int fresh_s)
{
    struct cache_note n = { .keep = true };
    int64_t now = clock_unix_s();

    n.freshness = (struct freshness){ .received_s = now, .fresh_until_s = now + fresh_s };
    cache_keep(&b->world.cache, STORE_FILE, STR(URL), &n, STR_NONE,
               (struct str){ (const char *)sha256->bytes, digest_size(DIGEST_SHA256) });
    cache_note_done(&n);
}

static void damage(struct bench *b, struct str content)
{
    const char *path = store_world_path(&b->w.dir, b->world.cache.store, &b->sha256);
    struct err e = { 0 };

    assert_int_equal(unlink(path), 0);
    assert_int_equal(file_write(path, content, &e), 0);
}

static void test_nowhere(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    assert_false(look(&b, true));
    store_close(b.world.cache.store);
    place_close(b.world.place);
    b.world.cache.store = NULL;
    b.world.place = NULL;
    b.world.pip_cache_dir = NULL;
    assert_false(look(&b, true));
    bench_close(&b);
}

/* Destination, store, pip: the nearest first. */
static void test_order(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    put_in_pip(&b, RIGHT);
    check_found(&b, FETCH_FROM_PIP);
    store_world_commit(b.world.cache.store, RIGHT);
    check_found(&b, FETCH_FROM_STORE);
    temp_dir_put(&b.w.dir, "dest/" NAME, RIGHT);
    check_found(&b, FETCH_KEPT);
    assert_true(look(&b, false));
    assert_int_equal(b.answer.origin, FETCH_FROM_STORE);
    bench_close(&b);
}

static void test_destination_differs(void **state)
{
    static const struct str others[] = { { "something else now", 18 }, { "less", 4 }, { "", 0 } };
    struct bench b;

    (void)state;
    bench_open(&b);
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        temp_dir_put(&b.w.dir, "dest/" NAME, others[i]);
        assert_false(look(&b, true));
        assert_false(look(&b, false));
    }
    store_world_commit(b.world.cache.store, RIGHT);
    check_found(&b, FETCH_FROM_STORE);
    assert_true(temp_dir_has(&b.w.dir, "dest/" NAME, STR("")));
    bench_close(&b);
}

/* Without a digest to compare with nothing speaks for what lies in the destination. */
static void test_destination_without_digest(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    b.promise.n_listed = 0;
    temp_dir_put(&b.w.dir, "dest/" NAME, RIGHT);
    assert_false(look(&b, true));
    bench_close(&b);
}

static void test_damaged_object(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    for (int boot = 0; boot < 2; boot++) {
        store_world_commit(b.world.cache.store, RIGHT);
        reopen_store(&b, NULL);
        damage(&b, boot ? WRONG : LONGER);
        if (boot)
            reopen_store(&b, "UPDATE object SET boot = 'another'");
        assert_false(look(&b, true));
    }
    /* Hashed and found wrong it has gone; another one may come. */
    assert_int_equal(store_world_find(b.world.cache.store, &b.sha256), WORLD_NONE);
    store_world_commit(b.world.cache.store, RIGHT);
    check_found(&b, FETCH_FROM_STORE);
    bench_close(&b);
}

static void test_object_of_another_boot(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    store_world_commit(b.world.cache.store, RIGHT);
    reopen_store(&b, "UPDATE object SET boot = 'another'");
    assert_int_equal(store_world_find(b.world.cache.store, &b.sha256), STORE_UNVERIFIED);
    check_found(&b, FETCH_FROM_STORE);
    assert_int_equal(store_world_find(b.world.cache.store, &b.sha256), STORE_TRUSTED);
    bench_close(&b);
}

/* The right name does not make up for another promise. */
static void test_promised_otherwise(void **state)
{
    struct digest both[2], other = digest_compute(DIGEST_SHA512, WRONG);
    struct bench b;

    (void)state;
    bench_open(&b);
    store_world_commit(b.world.cache.store, RIGHT);
    both[0] = other;
    both[1] = b.sha256;
    b.promise.listed = both;
    b.promise.n_listed = 2;
    assert_false(look(&b, true));
    assert_int_equal(store_world_find(b.world.cache.store, &b.sha256), STORE_TRUSTED);
    b.promise.listed = &b.sha256;
    b.promise.n_listed = 1;
    b.promise.bytes = RIGHT.n + 1;
    assert_false(look(&b, true));
    b.promise.bytes = FETCH_BYTES_UNKNOWN;
    check_found(&b, FETCH_FROM_STORE);
    bench_close(&b);
}

static void test_by_what_the_user_allows(void **state)
{
    struct digest allowed[2];
    struct bench b;

    (void)state;
    bench_open(&b);
    store_world_commit(b.world.cache.store, RIGHT);
    allowed[0] = digest_compute(DIGEST_SHA256, WRONG);
    allowed[1] = b.sha256;
    b.promise = (struct promise){
        .allowed = allowed, .n_allowed = 2, .bytes = FETCH_BYTES_UNKNOWN, .need_allowed = true
    };
    check_found(&b, FETCH_FROM_STORE);
    b.promise.n_allowed = 1;
    assert_false(look(&b, true));
    b.wish.sha256 = &b.sha256; /* known from elsewhere: that does not allow it */
    assert_false(look(&b, true));
    bench_close(&b);
}

static void test_by_its_url(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    store_world_commit(b.world.cache.store, RIGHT);
    b.promise = (struct promise){ .bytes = FETCH_BYTES_UNKNOWN };
    assert_false(look(&b, true));
    put_url(&b, &b.sha256, 600);
    check_found(&b, FETCH_FROM_STORE);
    put_url(&b, &b.sha256, 0);
    assert_false(look(&b, true)); /* may be another file by now */
    b.promise.listed = &b.sha512;
    b.promise.n_listed = 1;
    check_found(&b, FETCH_FROM_STORE); /* its content tells */
    b.sha512 = digest_compute(DIGEST_SHA512, WRONG);
    assert_false(look(&b, true));
    assert_int_equal(store_world_find(b.world.cache.store, &b.sha256), STORE_TRUSTED);
    bench_close(&b);
}

static void test_by_its_url_offline(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    store_world_commit(b.world.cache.store, RIGHT);
    b.promise = (struct promise){ .bytes = FETCH_BYTES_UNKNOWN };
    put_url(&b, &b.sha256, 0);
    b.world.cache.offline = true;
    check_found(&b, FETCH_FROM_STORE);
    bench_close(&b);
}

static void test_a_record_that_is_none(void **state)
{
    struct bench b;
    struct cache_note n = { .keep = true };

    (void)state;
    bench_open(&b);
    b.promise = (struct promise){ .bytes = FETCH_BYTES_UNKNOWN };
    n.freshness.fresh_until_s = clock_unix_s() + 600;
    cache_keep(&b.world.cache, STORE_FILE, STR(URL), &n, STR_NONE, STR("too short"));
    assert_false(look(&b, true));
    cache_note_done(&n);
    bench_close(&b);
}

static void test_pip(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    put_in_pip(&b, WRONG);
    assert_false(look(&b, true));
    assert_true(temp_dir_has(&b.w.dir, PIPS ".body", WRONG)); /* pip's own is left alone */
    put_in_pip(&b, LONGER);
    assert_false(look(&b, true));
    put_in_pip(&b, RIGHT);
    b.wish.url = STR("https://alice:pa55@files.example.org/packages/" NAME "#sha256=00");
    check_found(&b, FETCH_FROM_PIP); /* pip's key has neither */
    b.wish.url = STR(URL);
    b.promise = (struct promise){ .bytes = FETCH_BYTES_UNKNOWN };
    assert_false(look(&b, true)); /* its record has no date: nothing tells that it is fresh */
    bench_close(&b);
}

static void test_given_up(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    temp_dir_put(&b.w.dir, "dest/" NAME, RIGHT);
    struct existing *x = existing_start(&b.world, &b.wish, true, told, &b);
    existing_destroy(x); /* before it began */
    world_settle(&b.w);
    /* Large enough to be hashed in several turns of the loop. */
    struct buf large = { 0 };
    for (int i = 0; i < 1 << 20; i++)
        buf_add(&large, "0123456789abcdef", 16);
    temp_dir_put(&b.w.dir, "dest/" NAME, buf_str(&large));
    b.promise.bytes = large.n;
    x = existing_start(&b.world, &b.wish, true, told, &b);
    struct loop_timer *timer = loop_timer_create(b.w.loop, world_turn, b.w.loop);
    loop_timer_start(timer, 0);
    world_run(&b.w);
    existing_destroy(x);
    world_settle(&b.w);
    assert_int_equal(b.calls, 0);
    existing_destroy(NULL);
    loop_timer_destroy(timer);
    buf_done(&large);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nowhere),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_destination_differs),
        cmocka_unit_test(test_destination_without_digest),
        cmocka_unit_test(test_damaged_object),
        cmocka_unit_test(test_object_of_another_boot),
        cmocka_unit_test(test_promised_otherwise),
        cmocka_unit_test(test_by_what_the_user_allows),
        cmocka_unit_test(test_by_its_url),
        cmocka_unit_test(test_by_its_url_offline),
        cmocka_unit_test(test_a_record_that_is_none),
        cmocka_unit_test(test_pip),
        cmocka_unit_test(test_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
