/* The metadata file beside a distribution, from a server that answers what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

#include "attempts.h"
#include "dray/fetch/sidecar.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"

#define PATH  "/demo-1.0-py3-none-any.whl.metadata"
#define TEXT  "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
#define WHOLE OK_200 "Content-Length: 46\r\nETag: \"right\"\r\n\r\n" TEXT
#define CUT   OK_200 "Content-Length: 99\r\nETag: \"cut\"\r\nLast-Modified: then\r\n\r\nMeta"

struct scene {
    struct attempts a;
    const struct digest *digest;
    struct sidecar *sidecar;
    struct sidecar_result got;
    bool destroys; /* it, from within `done` */
};

/* As attempts_open(). */
static void scene_open(struct scene *s, const char *answer, enum server_after after)
{
    *s = (struct scene){ 0 };
    attempts_open(&s->a, PATH, answer, after);
    s->a.url.n -= strlen(".metadata"); /* the wheel's, and no NUL behind it */
}

static void scene_close(struct scene *s)
{
    sidecar_destroy(s->sidecar);
    err_done(&s->got.err);
    attempts_close(&s->a);
}

static void told(void *ctx, struct sidecar_result *r)
{
    struct scene *s = ctx;

    assert_int_equal(s->a.calls++, 0);
    s->got = *r;
    if (!s->destroys) {
        r->err = (struct err){ 0 }; /* moved away */
        return;
    }
    s->got.err.text = NULL; /* goes with it */
    sidecar_destroy(s->sidecar);
    s->sidecar = NULL;
}

static void start(struct scene *s)
{
    s->sidecar = sidecar_start(&s->a.world, s->a.url, s->digest, told, s);
    assert_int_equal(s->a.calls, 0); /* later, never from inside */
}

static void run(struct scene *s)
{
    start(s);
    attempts_run(&s->a);
    assert_int_equal(s->a.server.n_requests, s->got.requests);
}

static void gives(struct scene *s, struct str text, unsigned requests)
{
    run(s);
    if (s->got.err.code)
        fail_msg("%s", err_text(&s->got.err));
    assert_true(str_eq(s->got.text, text));
    assert_int_equal(s->got.requests, requests);
}

/* -- right -- */

static void test_right(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s,
               OK_200 "Content-Length: 46\r\nETag: \"a\"\r\nCache-Control: max-age=9\r\n\r\n" TEXT,
               KEEP);
    gives(&s, STR(TEXT), 1);
    assert_string_equal(buf_z(&s.a.server.log), PATH "\n");
    assert_int_equal(s.got.bytes, strlen(TEXT));
    assert_true(s.got.note->keep);
    assert_true(str_is(buf_str(&s.got.note->etag), "\"a\""));
    assert_int_equal(s.got.note->freshness.fresh_until_s, s.got.note->freshness.received_s + 9);
    scene_close(&s);
    scene_open(&s, OK_200 "Cache-Control: no-store\r\n" NOTHING, KEEP);
    gives(&s, STR(""), 1);
    assert_false(s.got.note->keep);
    scene_close(&s);
}

static void test_digests(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * DIGEST_COUNT; i++) {
        enum digest_alg alg = (enum digest_alg)(i / 2);
        struct digest is = digest_compute(alg, STR(TEXT)),
                      other = digest_compute(alg, STR("other"));
        char is_hex[DIGEST_HEX_SIZE], other_hex[DIGEST_HEX_SIZE];
        struct scene s;
        scene_open(&s, WHOLE, KEEP);
        s.digest = i % 2 ? &other : &is;
        run(&s);
        assert_int_equal(s.got.err.code, i % 2 ? ERR_HASH : 0);
        const char *why =
            arena_f(&s.a.w.dir.arena, "its %s is %s, the index promised %s", digest_name(alg),
                    digest_hex(&is, is_hex), digest_hex(&other, other_hex))
                .p;
        assert_string_equal(err_text(&s.got.err), i % 2 ? why : "");
        assert_int_equal(s.got.requests, 1); /* another try would bring the same */
        scene_close(&s);
    }
}

/* An answer of `n` bytes of text, compressed. */
static void add_gzip(struct buf *out, const char *text, size_t n)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)text, .avail_in = (uInt)n };

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    uLong room = deflateBound(&z, (uLong)n);
    Bytef *packed = mem_new(room, 1);
    z.next_out = packed;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_add_f(out, OK_200 "Content-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n", z.total_out);
    buf_add(out, packed, z.total_out);
    deflateEnd(&z);
    free(packed);
}

/* The digest is that of the text; and the cap is on it too. */
static void test_compressed(void **state)
{
    char *large = mem_new(LIMIT_METADATA_BYTES + 1, 1);
    struct str texts[] = { STR(TEXT),
                           { large, LIMIT_METADATA_BYTES },
                           { large, LIMIT_METADATA_BYTES + 1 } };

    (void)state;
    memset(large, 'm', LIMIT_METADATA_BYTES + 1);
    for (size_t i = 0; i < 3; i++) {
        struct scene s;
        struct buf answer = { 0 };
        struct digest digest = digest_compute(DIGEST_SHA256, texts[i]);
        add_gzip(&answer, texts[i].p, texts[i].n);
        scene_open(&s, buf_z(&answer), KEEP);
        s.a.routes[0].n = answer.n;
        s.digest = &digest;
        run(&s);
        assert_int_equal(s.got.err.code, i < 2 ? 0 : ERR_LIMIT);
        assert_true(i == 2 || str_eq(s.got.text, texts[i]));
        assert_true(i < 2 || strstr(err_text(&s.got.err), " more than 16777216 bytes"));
        assert_true(s.got.bytes <= LIMIT_METADATA_BYTES);
        assert_int_equal(s.got.requests, 1);
        scene_close(&s);
        buf_done(&answer);
    }
    free(large);
}

/* -- wrong -- */

static const struct {
    const char *answer;
    enum server_after after;
    int code;
    unsigned requests;
    const char *why;
} faults[] = {
    { "HTTP/1.1 404 Not Found\r\n" NOTHING, KEEP, ERR_NOT_FOUND, 1, "404" },
    { "HTTP/1.1 401 Unauthorized\r\n" NOTHING, KEEP, ERR_STATUS, 1, "401" },
    { "HTTP/1.1 206 Partial\r\n" NOTHING, KEEP, ERR_STATUS, 1, "206" },
    { "HTTP/1.1 302 Found\r\nLocation: ftp://example.org/\r\n" NOTHING, KEEP, ERR_REDIRECT, 1,
      "ftp" },
    { OK_200 "Content-Length: 16777217\r\n\r\nMeta", HANG, ERR_LIMIT, 1, "16777216" },
    { "HTTP/1.1 503 Busy\r\nRetry-After: 601\r\n" NOTHING, KEEP, ERR_STATUS, 1, "601 s" },
    { "HTTP/1.1 503 Busy\r\n" NOTHING, KEEP, ERR_STATUS, 2, "503" },
    { CUT, CLOSE, ERR_NETWORK, 2, "before the end" },
    { "", RESET, ERR_NETWORK, 2, "" },
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        struct scene s;
        scene_open(&s, faults[i].answer, faults[i].after);
        run(&s);
        if (s.got.err.code != faults[i].code || s.got.requests != faults[i].requests ||
            !strstr(err_text(&s.got.err), faults[i].why))
            fail_msg("%s: %s after %u requests: %s", faults[i].answer, err_name(s.got.err.code),
                     s.got.requests, err_text(&s.got.err));
        assert_int_equal(s.a.retries, faults[i].requests - 1);
        scene_close(&s);
    }
}

/* Nothing of the first is in the text, in its digest or in the note. */
static void test_second_attempt(void **state)
{
    static const char *const first[] = { CUT, "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n" NOTHING };
    struct digest digest = digest_compute(DIGEST_SHA256, STR(TEXT));
    struct scene s;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        scene_open(&s, first[i], CLOSE);
        s.a.routes[1].answer = WHOLE;
        s.digest = &digest;
        uint64_t start_us = clock_us();
        gives(&s, STR(TEXT), 2);
        assert_true(i == 0 || clock_us() - start_us > 900 * 1000);
        assert_int_equal(s.got.bytes, i == 0 ? strlen("Meta" TEXT) : strlen(TEXT));
        assert_true(str_is(buf_str(&s.got.note->etag), "\"right\""));
        assert_int_equal(s.got.note->last_modified.n, 0);
        scene_close(&s);
    }
}

static void test_bad_url(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, WHOLE, KEEP);
    s.a.url = STR("ftp://example.org/demo.whl");
    start(&s);
    while (!s.a.calls)
        world_step(&s.a.w);
    assert_non_null(strstr(err_text(&s.got.err), "ftp://example.org/demo.whl.metadata"));
    assert_int_equal(s.a.server.n_requests, 0);
    scene_close(&s);
}

/* -- given up -- */

/* Tells whether there was anything left to give up. */
static bool give_up(const struct moment *m, unsigned turns)
{
    struct scene s;

    scene_open(&s, m->answer, m->after);
    start(&s);
    attempts_reach(&s.a, m, turns);
    unsigned calls = s.a.calls;
    sidecar_destroy(s.sidecar);
    s.sidecar = NULL;
    attempts_turn(&s.a, 3);
    assert_int_equal(s.a.calls, calls); /* nothing comes any more */
    scene_close(&s);
    return !calls;
}

static void test_given_up_at_every_step(void **state)
{
    static const struct moment moments[] = {
        { WHOLE, KEEP, 0, 0, TURNS_MAX }, /* to its end */
        { CUT, HANG, 1, 0, 8 },
        { CUT, CLOSE, 1, 1, 3 }, /* between two attempts */
        { CUT, CLOSE, 2, 1, 2 },
        { "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n" NOTHING, KEEP, 1, 1, 3 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
        unsigned turns = 0;
        while (turns < moments[i].turns && give_up(&moments[i], turns))
            turns++;
        if (i == 0)
            assert_in_range(turns, 4, TURNS_MAX - 1);
        else
            assert_int_equal(turns, moments[i].turns);
    }
    sidecar_destroy(NULL);
}

static void test_given_up_from_done(void **state)
{
    static const char *const answers[] = { WHOLE, "HTTP/1.1 404 Not Found\r\n" NOTHING };
    struct scene s;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        scene_open(&s, answers[i], KEEP);
        s.destroys = true;
        run(&s);
        scene_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_second_attempt),
        cmocka_unit_test(test_bad_url),
        cmocka_unit_test(test_given_up_at_every_step),
        cmocka_unit_test(test_given_up_from_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
