/* Digests: known values are in tests/data/digest; here is how they are written, read and compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/util/digest.h"

static void check_vector(struct case_line *c, void *ctx)
{
    enum digest_alg alg = DIGEST_COUNT;
    struct digest want, got[DIGEST_COUNT] = { 0 };
    struct hasher h;
    uint64_t times = 0;
    char hex[DIGEST_HEX_SIZE];

    (void)ctx;
    if (!case_has(c, 4, 4) || !digest_alg_parse(c->fields[0], &alg) ||
        !str_to_u64(c->fields[2], UINT32_MAX, &times) || !digest_parse(alg, c->fields[3], &want)) {
        case_fail(c, "makes no sense");
        return;
    }
    hasher_init(&h, 1u << alg);
    for (uint64_t i = 0; i < times; i++)
        hasher_add(&h, c->fields[1].p, c->fields[1].n);
    hasher_finish(&h, got);
    case_equal(c, str_of(digest_hex(&got[alg], hex)), c->fields[3]);
    if (!digest_eq(&got[alg], &want) || got[alg].alg != alg)
        case_fail(c, "the digests differ");
}

static void test_vectors(void **state)
{
    (void)state;
    assert_true(case_each("digest/vectors.case", 80, check_vector, NULL));
}

/* All at once, in uneven pieces: the same as one after the other. */
static void test_several_in_one_pass(void **state)
{
    struct digest all[DIGEST_COUNT] = { 0 }, one[DIGEST_COUNT] = { 0 };
    unsigned char bytes[5000];
    struct hasher h;

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 31);
    hasher_init(&h, (1u << DIGEST_COUNT) - 1);
    for (size_t at = 0, n = 0; at < sizeof(bytes); at += n, n = (n + 7) % 200)
        hasher_add(&h, bytes + at, at + n < sizeof(bytes) ? n : sizeof(bytes) - at);
    hasher_finish(&h, all);
    for (unsigned alg = 0; alg < DIGEST_COUNT; alg++) {
        hasher_init(&h, 1u << alg);
        hasher_add(&h, bytes, sizeof(bytes));
        hasher_finish(&h, one);
        assert_true(digest_eq(&all[alg], &one[alg]));
    }
}

static void test_what_was_not_asked_for_is_left_alone(void **state)
{
    struct digest out[DIGEST_COUNT], before[DIGEST_COUNT];
    struct hasher h;

    (void)state;
    memset(out, 0x5a, sizeof(out));
    memcpy(before, out, sizeof(out));
    hasher_init(&h, 0);
    hasher_add(&h, "x", 1);
    hasher_finish(&h, out);
    assert_memory_equal(out, before, sizeof(out));
    hasher_init(&h, 1u << DIGEST_SHA256);
    hasher_add(&h, "x", 1);
    hasher_finish(&h, out);
    assert_memory_equal(&out[DIGEST_MD5], &before[DIGEST_MD5], sizeof(out[0]));
    assert_memory_not_equal(&out[DIGEST_SHA256], &before[DIGEST_SHA256], sizeof(out[0]));
    for (size_t i = 32; i < DIGEST_MAX_BYTES; i++)
        assert_int_equal(out[DIGEST_SHA256].bytes[i], 0);
    hasher_done(&h);
    hasher_done(NULL);
}

/* Abandoned in the middle: nothing leaks. */
static void test_abandoned(void **state)
{
    struct hasher h;

    (void)state;
    hasher_init(&h, (1u << DIGEST_COUNT) - 1);
    hasher_add(&h, "x", 1);
    hasher_done(&h);
    hasher_done(&h);
}

static void test_names(void **state)
{
    enum digest_alg alg;

    (void)state;
    for (int i = 0; i < DIGEST_COUNT; i++) {
        const char *name = digest_name((enum digest_alg)i);
        assert_true(digest_alg_parse(str_of(name), &alg));
        assert_int_equal(alg, i);
        assert_in_range(digest_size(alg), 16, DIGEST_MAX_BYTES);
    }
    alg = DIGEST_SHA1;
    const char *none[] = { "", "SHA256", "sha-256", "sha256 ", "sha2567", "sha3_256", "md4" };
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_false(digest_alg_parse(str_of(none[i]), &alg));
    assert_false(digest_alg_parse(STR_NONE, &alg));
    assert_int_equal(alg, DIGEST_SHA1);
}

static void test_parsing(void **state)
{
    static const char good[] = "00112233445566778899aabbccddeeFF";
    struct digest d = { .alg = DIGEST_SHA512, .bytes = { 77 } }, kept = d;
    char hex[DIGEST_HEX_SIZE], bad[sizeof(good)];

    (void)state;
    assert_false(digest_parse(DIGEST_MD5, STR(""), &d));
    assert_false(digest_parse(DIGEST_MD5, STR_NONE, &d));
    assert_false(digest_parse(DIGEST_MD5, str_sub(str_of(good), 0, 31), &d));
    assert_false(digest_parse(DIGEST_MD5, STR("00112233445566778899aabbccddeeff0"), &d));
    assert_false(digest_parse(DIGEST_SHA256, str_of(good), &d));
    for (size_t i = 0; i < sizeof(good) - 1; i++)
        for (const char *wrong = "g/:@G`\xff x"; *wrong; wrong++) {
            memcpy(bad, good, sizeof(good));
            bad[i] = *wrong;
            assert_false(digest_parse(DIGEST_MD5, (struct str){ bad, sizeof(bad) - 1 }, &d));
        }
    assert_memory_equal(&d, &kept, sizeof(d)); /* untouched all the while */
    assert_true(digest_parse(DIGEST_MD5, str_of(good), &d));
    assert_int_equal(d.alg, DIGEST_MD5);
    assert_string_equal(digest_hex(&d, hex), "00112233445566778899aabbccddeeff");
    for (size_t i = 16; i < DIGEST_MAX_BYTES; i++)
        assert_int_equal(d.bytes[i], 0);
}

static void test_equality(void **state)
{
    struct digest a = { .alg = DIGEST_SHA256 }, b = a;

    (void)state;
    assert_true(digest_eq(&a, &b));
    b.bytes[31] = 1;
    assert_false(digest_eq(&a, &b));
    b = a;
    b.bytes[32] = 1; /* does not count */
    assert_true(digest_eq(&a, &b));
    b = a;
    b.alg = DIGEST_SHA512; /* all zero, but of another kind */
    assert_false(digest_eq(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_several_in_one_pass),
        cmocka_unit_test(test_what_was_not_asked_for_is_left_alone),
        cmocka_unit_test(test_abandoned),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_parsing),
        cmocka_unit_test(test_equality),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
