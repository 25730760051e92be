/* What was read of a wheel's metadata, found again: by the hash of the wheel for ever, by its URL
 * as long as HTTP allows. */
#include "dray/fetch/recall.h"

#include "dray/util/clock.h"
#include "store_world.h"

#define WHEEL_URL STR("https://files.example.org/demo-1.0-py3-none-any.whl")

struct bench {
    struct temp_dir dir;
    struct cache cache;
    struct digest sha256;
    struct recall_of by_hash, by_url;
};

static void bench_open(struct bench *b)
{
    *b = (struct bench){ .sha256 = digest_sha256(STR("the wheel")) };
    temp_dir_open(&b->dir);
    b->cache.store = store_world_open(temp_dir_at(&b->dir, "store"), 0);
    b->by_url = (struct recall_of){ .url = WHEEL_URL, .label = STR("demo.whl") };
    b->by_hash = b->by_url;
    b->by_hash.sha256 = &b->sha256;
}

/* Another run: what was put is written, and forgotten in memory. `sql` is done to it, or NULL. */
static void bench_again(struct bench *b, const char *sql)
{
    store_close(b->cache.store);
    if (sql)
        store_world_sql(temp_dir_at(&b->dir, "store"), sql);
    b->cache.store = store_world_open(temp_dir_at(&b->dir, "store"), 0);
}

static void bench_close(struct bench *b)
{
    store_close(b->cache.store);
    temp_dir_close(&b->dir);
}

static int64_t count(struct bench *b, const char *where)
{
    const char *sql = arena_f(&b->dir.arena, "SELECT count(*) FROM record WHERE %s", where).p;

    bench_again(b, NULL);
    return store_world_sql(temp_dir_at(&b->dir, "store"), sql);
}

/* Is `text` found, behind what was there; and when `text` is NULL, nothing? */
static bool finds(const struct bench *b, const struct recall_of *of, const char *text)
{
    struct buf out = { 0 }, want = { 0 };

    buf_add_z(&out, "before|");
    buf_add_f(&want, "before|%s", text ? text : "");
    bool found = recall_find(&b->cache, of, &out);
    bool right = found == (text != NULL) && str_eq(buf_str(&out), buf_str(&want));
    buf_done(&out);
    buf_done(&want);
    return right;
}

/* As told by an answer with these fields, which came just now. */
static void keep_told(struct bench *b, const struct recall_of *of, struct str cache_control,
                      const char *text)
{
    struct http_head head = { .status = 200, .cache_control = cache_control, .etag = STR("\"e\"") };
    struct cache_note note = { 0 };

    cache_note_reset(&note);
    cache_note_head(&note, &head);
    recall_keep(&b->cache, of, &note, str_of(text));
    cache_note_done(&note);
}

/* What a server said counts for its URLs alone, what the file itself said for all. */
static void test_by_hash(void **state)
{
    struct str elsewhere = STR("https://elsewhere.example.org/demo.whl");
    struct bench b;

    (void)state;
    bench_open(&b);
    assert_true(finds(&b, &b.by_hash, NULL));
    recall_keep(&b.cache, &b.by_hash, NULL, STR("its metadata"));
    struct digest same = b.sha256;
    struct digest other = digest_sha256(STR("another wheel"));
    struct recall_of of_another = { .sha256 = &same, .url = elsewhere };
    for (unsigned run = 0; run < 2; run++) {
        assert_true(finds(&b, &b.by_hash, "its metadata"));
        assert_true(finds(&b, &of_another, NULL));
        assert_true(finds(&b, &(struct recall_of){ .sha256 = &same }, NULL));
        assert_true(finds(&b, &(struct recall_of){ .sha256 = &other, .url = WHEEL_URL }, NULL));
        assert_true(finds(&b, &b.by_url, NULL)); /* is under the hash alone */
        bench_again(&b, NULL);
    }
    assert_int_equal(count(&b, "label = 'demo.whl'"), 1);
    recall_keep(&b.cache, &b.by_hash, NULL, STR("read anew"));
    assert_true(finds(&b, &b.by_hash, "read anew"));
    of_another.is_whole = true;
    recall_keep(&b.cache, &of_another, NULL, STR("of the file"));
    assert_true(finds(&b, &b.by_hash, "of the file"));
    assert_true(finds(&b, &(struct recall_of){ .sha256 = &same }, "of the file"));
    bench_close(&b);
}

/* Whatever the answer's head said, whatever the clock says: the hash can't come to mean another. */
static void test_by_hash_for_ever(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    keep_told(&b, &b.by_hash, STR("no-store"), "its metadata");
    assert_true(finds(&b, &b.by_hash, "its metadata"));
    assert_int_equal(count(&b, "flags != 0 AND fresh_until = 9223372036854775807"), 1);
    bench_again(&b, "UPDATE record SET received = received - 1000000000");
    assert_true(finds(&b, &b.by_hash, "its metadata"));
    bench_again(&b, "UPDATE record SET received = received + 2000000000");
    assert_true(finds(&b, &b.by_hash, "its metadata"));
    bench_close(&b);
}

static void test_by_url(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    recall_keep(&b.cache, &b.by_url, NULL, STR("of nobody knows when"));
    assert_true(finds(&b, &b.by_url, NULL));
    assert_int_equal(count(&b, "1"), 0);
    keep_told(&b, &b.by_url, STR("max-age=600"), "its metadata");
    for (unsigned run = 0; run < 2; run++) {
        assert_true(finds(&b, &b.by_url, "its metadata"));
        assert_true(finds(&b, &b.by_hash, NULL)); /* may be of another file of that URL */
        bench_again(&b, NULL);
    }
    assert_true(finds(&b, &(struct recall_of){ .url = STR("https://example.org/demo.whl") }, NULL));
    recall_keep(&b.cache, &b.by_url, NULL, STR("of nobody knows when"));
    assert_true(finds(&b, &b.by_url, "its metadata")); /* and nothing is lost */
    bench_close(&b);
}

/* What is stale is read again, but offline it has to do. */
static void test_by_url_while_fresh(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b);
    keep_told(&b, &b.by_url, STR("max-age=600"), "its metadata");
    bench_again(&b, "UPDATE record SET received = received - 601, fresh_until = fresh_until - 601");
    assert_true(finds(&b, &b.by_url, NULL));
    b.cache.offline = true;
    assert_true(finds(&b, &b.by_url, "its metadata"));
    b.cache.offline = false;
    keep_told(&b, &b.by_url, STR("max-age=600"), "read anew");
    assert_true(finds(&b, &b.by_url, "read anew"));
    keep_told(&b, &b.by_url, STR_NONE, "never fresh");
    assert_true(finds(&b, &b.by_url, NULL));
    b.cache.offline = true;
    assert_true(finds(&b, &b.by_url, "never fresh"));
    keep_told(&b, &b.by_url, STR("no-store"), "not to be kept"); /* takes the others with it */
    assert_true(finds(&b, &b.by_url, NULL));
    bench_close(&b);
}

/* The URL is a key with all that is in it, and is shown without its password. */
static void test_credentials(void **state)
{
    struct bench b;
    struct recall_of alice = { .url = STR("https://alice:pa55@example.org/demo.whl") };
    struct recall_of bob = { .url = STR("https://bob:pa55@example.org/demo.whl") };
    struct recall_of nobody = { .url = STR("https://example.org/demo.whl") };

    (void)state;
    bench_open(&b);
    keep_told(&b, &alice, STR("max-age=600"), "hers");
    assert_true(finds(&b, &alice, "hers"));
    assert_true(finds(&b, &bob, NULL));
    assert_true(finds(&b, &nobody, NULL));
    assert_int_equal(count(&b, "label LIKE '%alice%'"), 1);
    assert_int_equal(count(&b, "label LIKE '%pa55%'"), 0);
    bench_close(&b);
}

static void test_forget(void **state)
{
    struct bench b;
    struct recall_of other = { .url = STR("https://example.org/other.whl") };
    struct digest other_sha256 = digest_sha256(STR("another wheel"));

    (void)state;
    for (unsigned known = 0; known < 2; known++) { /* the hash of what is to be forgotten */
        bench_open(&b);
        keep_told(&b, &b.by_url, STR("max-age=600"), "its metadata");
        keep_told(&b, &other, STR("max-age=600"), "other");
        recall_keep(&b.cache, &b.by_hash, NULL, STR("its metadata"));
        recall_keep(&b.cache, &(struct recall_of){ .sha256 = &other_sha256 }, NULL, STR("other"));
        bench_again(&b, NULL);
        recall_forget(&b.cache, known ? &b.by_hash : &b.by_url);
        for (unsigned run = 0; run < 2; run++) {
            assert_true(finds(&b, &b.by_url, NULL));
            assert_true(finds(&b, &b.by_hash, known ? NULL : "its metadata"));
            assert_true(finds(&b, &other, "other"));
            assert_true(finds(&b, &(struct recall_of){ .sha256 = &other_sha256 }, "other"));
            bench_again(&b, NULL);
        }
        recall_forget(&b.cache, &b.by_hash); /* what is not there */
        bench_close(&b);
    }
}

static void test_without_a_store(void **state)
{
    struct digest sha256 = digest_sha256(STR("the wheel"));
    struct recall_of ofs[] = { { .url = WHEEL_URL }, { .sha256 = &sha256, .url = WHEEL_URL } };

    (void)state;
    for (unsigned offline = 0; offline < 2; offline++)
        for (size_t i = 0; i < 2; i++) {
            struct bench b = { .cache.offline = offline };
            keep_told(&b, &ofs[i], STR("max-age=600"), "its metadata");
            assert_true(finds(&b, &ofs[i], NULL));
            recall_forget(&b.cache, &ofs[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hash),         cmocka_unit_test(test_by_hash_for_ever),
        cmocka_unit_test(test_by_url),          cmocka_unit_test(test_by_url_while_fresh),
        cmocka_unit_test(test_credentials),     cmocka_unit_test(test_forget),
        cmocka_unit_test(test_without_a_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
