/* What a file must be to be accepted: allowed hashes, the index's digest, and what can be told
 * before it is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/promise.h"

static struct digest digest_of(enum digest_alg alg, uint8_t byte)
{
    struct digest d = { .alg = alg };

    memset(d.bytes, byte, digest_size(alg));
    return d;
}

/* A file whose every digest consists of the byte `file`. */
static int check(const struct promise *p, uint8_t file, struct err *e)
{
    struct digest got[DIGEST_COUNT] = { 0 };

    for (int i = 0; i < DIGEST_COUNT; i++)
        if (promise_algs(p) & (1u << i))
            got[i] = digest_of((enum digest_alg)i, file);
    return promise_check(p, got, e);
}

static void test_nothing_promised(void **state)
{
    struct promise p = { 0 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(promise_algs(&p), 1u << DIGEST_SHA256);
    assert_false(promise_has_digest(&p));
    assert_int_equal(check(&p, 1, &e), 0);
    assert_int_equal(promise_check_early(&p, &e), 0);
}

static void test_any_allowed_hash_suffices(void **state)
{
    struct digest allowed[] = { digest_of(DIGEST_SHA256, 1), digest_of(DIGEST_SHA512, 2) };
    struct promise p = { .allowed = allowed, .n_allowed = 2 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(check(&p, 1, &e), 0);
    assert_int_equal(check(&p, 2, &e), 0);
    assert_int_equal(check(&p, 3, &e), ERR_HASH);
    assert_non_null(strstr(err_text(&e), "Expected sha256 0101"));
    assert_non_null(strstr(err_text(&e), "      or sha512 0202"));
    assert_non_null(strstr(err_text(&e), "Got sha256 0303"));
    assert_non_null(strstr(err_text(&e), "Got sha512 0303"));
    err_done(&e);
}

static void test_strongest_listed_digest_is_checked_too(void **state)
{
    struct digest allowed[] = { digest_of(DIGEST_SHA256, 1) };
    struct digest listed[] = { digest_of(DIGEST_MD5, 9), digest_of(DIGEST_SHA384, 7) };
    struct promise p = { .allowed = allowed, .n_allowed = 1, .listed = listed, .n_listed = 2 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(promise_algs(&p), 1u << DIGEST_SHA256 | 1u << DIGEST_SHA384);
    assert_int_equal(check(&p, 1, &e), ERR_HASH); /* allowed, but not what the index promised */
    assert_non_null(strstr(err_text(&e), "Expected sha384 0707"));
    listed[1] = digest_of(DIGEST_SHA384, 1);
    assert_int_equal(check(&p, 1, &e), 0);
    err_done(&e);
}

static void test_early(void **state)
{
    struct digest allowed[] = { digest_of(DIGEST_SHA256, 1), digest_of(DIGEST_SHA512, 2) };
    struct digest listed[] = { digest_of(DIGEST_SHA256, 3) };
    struct promise p = { .allowed = allowed, .n_allowed = 1, .listed = listed, .n_listed = 1 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(promise_check_early(&p, &e), ERR_HASH);
    assert_non_null(strstr(err_text(&e), "Got sha256 0303"));
    p.n_allowed = 2; /* the file may still have the sha512 */
    assert_int_equal(promise_check_early(&p, &e), 0);
    p.n_allowed = 1;
    listed[0] = allowed[0];
    assert_int_equal(promise_check_early(&p, &e), 0);
    err_done(&e);
}

static void test_required_hash_is_missing(void **state)
{
    struct digest listed[] = { digest_of(DIGEST_SHA256, 0xab) };
    struct promise p = { .need_allowed = true };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(promise_check_early(&p, &e), 0); /* only the file itself can tell */
    assert_int_equal(check(&p, 0xcd, &e), ERR_NO_HASH);
    assert_non_null(strstr(err_text(&e), "--hash=sha256:cdcdcd"));
    p.listed = listed;
    p.n_listed = 1;
    assert_int_equal(promise_check_early(&p, &e), ERR_NO_HASH);
    assert_non_null(strstr(err_text(&e), "--hash=sha256:ababab"));
    err_done(&e);
}

/* The same file wherever it lies, when it is certain which one it is; else what lies there. */
static void test_name(void **state)
{
    struct digest sha256[] = { digest_of(DIGEST_SHA256, 1), digest_of(DIGEST_SHA256, 2) };
    struct digest md5 = digest_of(DIGEST_MD5, 3);
    const struct {
        struct promise p;
        const char *name;
    } cases[] = {
        { { .listed = sha256, .n_listed = 1 }, "sha256 0101" },
        { { .allowed = sha256, .n_allowed = 1 }, "sha256 0101" },
        { { .listed = &sha256[1], .n_listed = 1, .allowed = sha256, .n_allowed = 2 },
          "sha256 0202" },
        { { .allowed = sha256, .n_allowed = 2 }, "url https://me:secret@example.org/x" },
        { { .listed = &md5, .n_listed = 1 }, "url https://me:secret@example.org/x" },
        { { 0 }, "url https://me:secret@example.org/x" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf name = { 0 };
        promise_name(&cases[i].p, STR("https://me:secret@example.org/x"), &name);
        assert_true(str_starts(buf_str(&name), str_of(cases[i].name)));
        buf_done(&name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_promised),
        cmocka_unit_test(test_any_allowed_hash_suffices),
        cmocka_unit_test(test_strongest_listed_digest_is_checked_too),
        cmocka_unit_test(test_early),
        cmocka_unit_test(test_required_hash_is_missing),
        cmocka_unit_test(test_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
