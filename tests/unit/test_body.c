/* The bytes of a file: hashed, counted and written, whatever the pieces they come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/body.h"
#include "temp_dir.h"

struct scene {
    struct temp_dir dir;
    struct place *place;
    struct body_pool pool;
    struct err err;
};

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    temp_dir_open(&s->dir);
    s->place = place_open(s->dir.path, &s->err);
    assert_non_null(s->place);
}

static void scene_close(struct scene *s)
{
    place_close(s->place);
    body_pool_done(&s->pool);
    err_done(&s->err);
    temp_dir_close(&s->dir);
}

static struct body *create(struct scene *s, unsigned algs, uint64_t max_bytes)
{
    struct body *b = body_create(s->place, &s->pool, algs, max_bytes, &s->err);

    assert_non_null(b);
    return b;
}

static void test_empty(void **state)
{
    struct digest got[DIGEST_COUNT] = { 0 };
    char hex[DIGEST_HEX_SIZE];
    struct scene s;

    (void)state;
    scene_open(&s);
    struct body *b = create(&s, 1u << DIGEST_SHA256, 0);
    assert_int_equal(body_bytes(b), 0);
    assert_int_equal(body_add(b, "", 0, &s.err), 0);
    assert_int_equal(body_finish(b, got, &s.err), 0);
    assert_int_equal(body_commit(b, s.place, "empty", &s.err), 0);
    body_destroy(b);
    body_destroy(NULL);
    assert_string_equal(digest_hex(&got[DIGEST_SHA256], hex),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_true(temp_dir_has(&s.dir, "empty", STR("")));
    scene_close(&s);
}

/* What is left below the size in which it writes, down to one byte, is written at the end. */
static void test_rest(void **state)
{
    struct digest got[DIGEST_COUNT] = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    struct body *b = create(&s, 1u << DIGEST_SHA256, 1);
    assert_int_equal(body_add(b, "x", 1, &s.err), 0);
    assert_int_equal(body_finish(b, got, &s.err), 0);
    assert_int_equal(body_commit(b, s.place, "one", &s.err), 0);
    body_destroy(b);
    assert_true(temp_dir_has(&s.dir, "one", STR("x")));
    scene_close(&s);
}

/* Pieces below, at and above the size in which it writes. */
static void test_pieces(void **state)
{
    static const size_t pieces[] = { 1, 1000, 16384, 262143, 262144, 262145, 1000000 };
    unsigned algs = 1u << DIGEST_MD5 | 1u << DIGEST_SHA512;
    struct buf content = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    for (size_t i = 0; i < 1000000; i++)
        buf_add_c(&content, (char)(i % 251));
    struct digest want[DIGEST_COUNT] = { 0 };
    struct hasher h;
    hasher_init(&h, algs);
    hasher_add(&h, content.p, content.n);
    hasher_finish(&h, want);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct digest got[DIGEST_COUNT] = { 0 };
        struct body *b = create(&s, algs, content.n);
        body_announce(b, i % 2 ? content.n / 3 : 10); /* wrong: nothing depends on it */
        for (size_t at = 0; at < content.n; at += pieces[i]) {
            struct str part = str_sub(buf_str(&content), at, at + pieces[i]);
            assert_int_equal(body_add(b, part.p, part.n, &s.err), 0);
        }
        assert_int_equal(body_bytes(b), content.n);
        assert_int_equal(body_finish(b, got, &s.err), 0);
        assert_true(i || !temp_dir_has(&s.dir, "x.whl", buf_str(&content))); /* not yet */
        assert_int_equal(body_commit(b, s.place, "x.whl", &s.err), 0);
        body_destroy(b);
        assert_true(digest_eq(&got[DIGEST_MD5], &want[DIGEST_MD5]));
        assert_true(digest_eq(&got[DIGEST_SHA512], &want[DIGEST_SHA512]));
        assert_true(temp_dir_has(&s.dir, "x.whl", buf_str(&content)));
    }
    buf_done(&content);
    scene_close(&s);
}

/* Bytes that are in the file already are hashed, the rest is added; or all begins anew. */
static void test_resume(void **state)
{
    struct digest got[DIGEST_COUNT] = { 0 }, want = digest_sha256(STR("0123456789"));
    struct scene s;

    (void)state;
    scene_open(&s);
    for (int anew = 0; anew < 2; anew++) {
        struct place_file *file = place_file_create(s.place, &s.err);
        assert_int_equal(place_file_write(file, anew ? "abcde" : "01234", 5, &s.err), 0);
        struct body *b = body_resume(file, &s.pool, 1u << DIGEST_SHA256, 10);
        assert_int_equal(body_recall(b, anew ? "abcde" : "01234", 5, &s.err), 0);
        assert_int_equal(body_recall(b, "012345", 6, &s.err), ERR_LENGTH);
        err_done(&s.err);
        if (anew) {
            assert_int_equal(body_add(b, "f", 1, &s.err), 0);
            assert_int_equal(body_restart(b, &s.err), 0);
            assert_int_equal(body_bytes(b), 0);
            assert_int_equal(body_add(b, "01234", 5, &s.err), 0);
        }
        assert_int_equal(body_bytes(b), 5);
        assert_ptr_equal(body_file(b), file);
        assert_int_equal(body_add(b, "56789", 5, &s.err), 0);
        assert_int_equal(body_finish(b, got, &s.err), 0);
        assert_true(digest_eq(&got[DIGEST_SHA256], &want));
        assert_int_equal(body_commit(b, s.place, "ten", &s.err), 0);
        body_destroy(b);
        assert_true(temp_dir_has(&s.dir, "ten", STR("0123456789")));
    }
    scene_close(&s);
}

/* One byte above what was promised is refused before it is counted or written. */
static void test_too_long(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    struct body *b = create(&s, 1u << DIGEST_SHA256, 10);
    assert_int_equal(body_add(b, "0123456789", 10, &s.err), 0);
    assert_int_equal(body_add(b, "x", 1, &s.err), ERR_LENGTH);
    assert_non_null(strstr(err_text(&s.err), "10 bytes"));
    assert_int_equal(body_bytes(b), 10);
    body_destroy(b);
    b = create(&s, 0, 0);
    assert_int_equal(body_add(b, "x", 1, &s.err), ERR_LENGTH);
    body_destroy(b);
    b = create(&s, 0, UINT64_MAX); /* any length */
    assert_int_equal(body_add(b, "x", 1, &s.err), 0);
    body_destroy(b);
    assert_int_equal(temp_dir_count(&s.dir, "."), 0);
    scene_close(&s);
}

/* Several at once; their buffers serve the next ones. */
static void test_side_by_side(void **state)
{
    enum { BODIES = 5 };
    struct body *bodies[BODIES];
    struct scene s;

    (void)state;
    scene_open(&s);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < BODIES; i++)
            bodies[i] = create(&s, 1u << DIGEST_SHA256, UINT64_MAX);
        for (size_t i = 0; i < 100; i++)
            body_add(bodies[i % BODIES], &"abcde"[i % BODIES], 1, &s.err);
        assert_int_equal(s.pool.n, 0);
        for (size_t i = 0; i < BODIES; i++) {
            struct digest got[DIGEST_COUNT] = { 0 };
            char name[] = { (char)('a' + (int)i), '\0' };
            assert_int_equal(body_finish(bodies[i], got, &s.err), 0);
            assert_int_equal(body_commit(bodies[i], s.place, name, &s.err), 0);
            body_destroy(bodies[i]);
        }
        assert_int_equal(s.pool.n, BODIES);
    }
    assert_true(temp_dir_has(&s.dir, "b", STR("bbbbbbbbbbbbbbbbbbbb")));
    assert_true(temp_dir_has(&s.dir, "e", STR("eeeeeeeeeeeeeeeeeeee")));
    body_pool_done(NULL);
    scene_close(&s);
}

/* Abandoned at every step: the temporary file goes. */
static void test_abandoned(void **state)
{
    struct digest got[DIGEST_COUNT] = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    temp_dir_put(&s.dir, "dir/x", STR(""));
    struct body *b = create(&s, 1u << DIGEST_SHA256, UINT64_MAX);
    body_destroy(b);
    b = create(&s, 1u << DIGEST_SHA256, UINT64_MAX);
    body_add(b, "x", 1, &s.err);
    body_destroy(b);
    b = create(&s, 1u << DIGEST_SHA256, UINT64_MAX);
    body_add(b, "x", 1, &s.err);
    assert_int_equal(body_finish(b, got, &s.err), 0);
    assert_int_equal(body_commit(b, s.place, "dir", &s.err), ERR_IO);
    body_destroy(b);
    assert_int_equal(temp_dir_count(&s.dir, "."), 1);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_rest),
        cmocka_unit_test(test_pieces),    cmocka_unit_test(test_resume),
        cmocka_unit_test(test_too_long),  cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_abandoned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
