/* One file into a body, from a server that answers what the test says: what is handed over, what is
 * tried again, and that nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attempts.h"
#include "dray/fetch/whole.h"
#include "dray/util/clock.h"
#include "full_disk.h"
#include "store_world.h"

#define PATH   "/demo.whl"
#define TEXT   "bytes of a file"
#define WHOLE  OK_200 "Content-Length: 15\r\nETag: \"right\"\r\n\r\n" TEXT
#define CUT    OK_200 "Content-Length: 15\r\nETag: \"cut\"\r\nLast-Modified: then\r\n\r\nbite"
#define CLOSED OK_200 "Connection: close\r\n\r\n" TEXT

enum { DESCRIPTORS = 256 };

struct scene {
    struct attempts a;
    struct place *dir;
    struct body_pool pool;
    struct promise promise;
    struct whole *whole;
    unsigned files;
    struct whole_result got;
    bool destroys; /* it, from within `done` */
};

/* Files without a name are seen by nobody but whoever has them open. */
static unsigned open_files(void)
{
    struct stat st;
    unsigned n = 0;

    for (int fd = 0; fd < DESCRIPTORS; fd++)
        n += fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    return n;
}

static bool nothing_stays(struct scene *s)
{
    return open_files() == s->files && temp_dir_count(&s->a.w.dir, ".") == 0;
}

/* As attempts_open(). */
static void scene_open(struct scene *s, const char *answer, enum server_after after)
{
    struct err e = { 0 };

    *s = (struct scene){ .promise.bytes = FETCH_BYTES_UNKNOWN };
    attempts_open(&s->a, PATH, answer, after);
    s->dir = place_open(s->a.w.dir.path, &e);
    assert_non_null(s->dir);
    s->a.world.temp = s->dir;
    s->files = open_files();
}

static void scene_close(struct scene *s)
{
    whole_destroy(s->whole);
    body_destroy(s->got.body);
    err_done(&s->got.err);
    assert_int_equal(open_files(), s->files);
    body_pool_done(&s->pool);
    place_close(s->dir);
    attempts_close(&s->a);
}

static void told(void *ctx, struct whole_result *r)
{
    struct scene *s = ctx;

    assert_int_equal(s->a.calls++, 0);
    s->got = *r;
    if (!s->destroys) {
        r->err = (struct err){ 0 }; /* moved away */
        return;
    }
    s->got.err.text = NULL; /* goes with it */
    whole_destroy(s->whole);
    s->whole = NULL;
}

static void start(struct scene *s)
{
    s->whole = whole_start(&s->a.world, &s->pool, s->a.url, &s->promise, told, s);
    assert_int_equal(s->a.calls, 0); /* later, never from inside */
}

static void run(struct scene *s)
{
    start(s);
    attempts_run(&s->a);
    assert_int_equal(s->got.body == NULL, s->got.err.code != 0);
    assert_int_equal(s->got.requests, s->a.retries + 1);
}

/* The file, verified and whole on the disk, after so many requests. */
static void gives(struct scene *s, struct str text, unsigned requests)
{
    struct digest sha256 = digest_sha256(text);
    char *got = mem_new(text.n + 1, 1);

    run(s);
    if (s->got.err.code)
        fail_msg("%s", err_text(&s->got.err));
    assert_int_equal(s->got.requests, requests);
    assert_true(digest_eq(&s->got.digests[DIGEST_SHA256], &sha256));
    assert_int_equal(body_bytes(s->got.body), text.n);
    assert_int_equal(pread(body_fd(s->got.body), got, text.n + 1, 0), text.n);
    assert_memory_equal(got, text.p, text.n);
    free(got);
}

/* -- right -- */

static void test_right(void **state)
{
    struct scene s;
    struct err e = { 0 };

    (void)state;
    scene_open(&s,
               OK_200 "Content-Length: 15\r\nCache-Control: max-age=9\r\nETag: \"a\"\r\n\r\n" TEXT,
               KEEP);
    gives(&s, STR(TEXT), 1);
    assert_int_equal(s.got.bytes, strlen(TEXT));
    assert_true(s.got.note->keep);
    assert_true(str_is(buf_str(&s.got.note->etag), "\"a\""));
    assert_int_equal(s.got.note->freshness.fresh_until_s, s.got.note->freshness.received_s + 9);
    whole_destroy(s.whole); /* the body was handed over */
    s.whole = NULL;
    assert_int_equal(open_files(), s.files + 1);
    assert_int_equal(body_commit(s.got.body, s.dir, "demo.whl", &e), 0);
    assert_true(temp_dir_has(&s.a.w.dir, "demo.whl", STR(TEXT)));
    assert_int_equal(temp_dir_count(&s.a.w.dir, "."), 1);
    scene_close(&s);
    scene_open(&s, OK_200 NOTHING, KEEP);
    gives(&s, STR(""), 1);
    body_destroy(s.got.body); /* or was not wanted */
    s.got.body = NULL;
    assert_true(nothing_stays(&s));
    scene_close(&s);
}

/* Of more than one piece. */
static void test_large(void **state)
{
    struct scene s;
    struct buf all = { 0 };

    (void)state;
    scene_open(&s, OK_200 "Content-Length: 600000\r\n\r\n", KEEP);
    s.a.routes[0].more = 600000;
    s.a.routes[0].one_line = true;
    s.promise.bytes = 600000;
    while (all.n < 600000)
        buf_add_c(&all, 'm');
    gives(&s, buf_str(&all), 1);
    assert_int_equal(s.got.bytes, 600000);
    buf_done(&all);
    scene_close(&s);
}

static void test_promised(void **state)
{
    struct digest all[DIGEST_COUNT], other = digest_sha256(STR("other"));
    struct hasher h;
    struct scene s;

    (void)state;
    hasher_init(&h, ~0u);
    hasher_add(&h, TEXT, strlen(TEXT));
    hasher_finish(&h, all);
    hasher_done(&h);
    scene_open(&s, WHOLE, KEEP);
    s.promise = (struct promise){
        .allowed = &all[DIGEST_MD5], .n_allowed = 1, .listed = all, .n_listed = 1, .bytes = 15
    };
    gives(&s, STR(TEXT), 1);
    assert_true(digest_eq(&s.got.digests[DIGEST_SHA512], &all[DIGEST_SHA512]));
    assert_true(digest_eq(&s.got.digests[DIGEST_MD5], &all[DIGEST_MD5]));
    scene_close(&s);
    for (unsigned listed = 0; listed < 2; listed++) {
        scene_open(&s, WHOLE, KEEP);
        s.promise = (struct promise){ .allowed = &other,
                                      .n_allowed = !listed,
                                      .listed = &other,
                                      .n_listed = listed,
                                      .bytes = FETCH_BYTES_UNKNOWN };
        run(&s);
        assert_int_equal(s.got.err.code, ERR_HASH);
        assert_non_null(strstr(err_text(&s.got.err), listed ? "the index promises" : "allows"));
        assert_int_equal(s.got.requests, 1); /* another try would bring the same */
        whole_destroy(s.whole);
        s.whole = NULL;
        assert_true(nothing_stays(&s));
        scene_close(&s);
    }
}

/* -- wrong -- */

static const struct {
    const char *answer;
    enum server_after after;
    uint64_t promised;
    int code;
    unsigned requests;
    uint64_t bytes;
    const char *why;
} faults[] = {
    { "HTTP/1.1 404 Not Found\r\n" NOTHING, KEEP, 15, ERR_NOT_FOUND, 1, 0, "404" },
    { "HTTP/1.1 401 Unauthorized\r\n" NOTHING, KEEP, 15, ERR_STATUS, 1, 0, "401" },
    { "HTTP/1.1 206 Partial\r\n" NOTHING, KEEP, 15, ERR_STATUS, 1, 0, "206" },
    { "HTTP/1.1 503 Busy\r\nRetry-After: 601\r\n" NOTHING, KEEP, 15, ERR_STATUS, 1, 0, "601 s" },
    { "HTTP/1.1 503 Busy\r\n" NOTHING, KEEP, 15, ERR_STATUS, 2, 0, "503" },
    { WHOLE, KEEP, 16, ERR_LENGTH, 1, 0, "the server sends 15 bytes, the index promised 16" },
    { WHOLE, KEEP, 0, ERR_LENGTH, 1, 0, "the server sends 15 bytes, the index promised 0" },
    { CLOSED, CLOSE, 16, ERR_LENGTH, 2, 30, "it ended after 15 of 16 bytes" },
    { CLOSED, CLOSE, 14, ERR_LENGTH, 1, 15, "longer than the 14 bytes that were promised" },
    { CUT, CLOSE, 15, ERR_NETWORK, 2, 8, "before the end" },
    { "", RESET, 15, ERR_NETWORK, 2, 0, "" },
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        struct scene s;
        scene_open(&s, faults[i].answer, faults[i].after);
        s.promise.bytes = faults[i].promised;
        run(&s);
        if (s.got.err.code != faults[i].code || s.got.requests != faults[i].requests ||
            s.got.bytes != faults[i].bytes || !strstr(err_text(&s.got.err), faults[i].why))
            fail_msg("%s: %s after %u requests, %ju bytes: %s", faults[i].answer,
                     err_name(s.got.err.code), s.got.requests, (uintmax_t)s.got.bytes,
                     err_text(&s.got.err));
        assert_int_equal(s.a.server.n_requests, faults[i].requests);
        whole_destroy(s.whole);
        s.whole = NULL;
        assert_true(nothing_stays(&s));
        scene_close(&s);
    }
}

/* Nothing of the first is in the file or in the note. */
static void test_second_attempt(void **state)
{
    static const char *const first[] = { CUT, "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n" NOTHING };
    struct digest sha256 = digest_sha256(STR(TEXT));
    struct scene s;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        scene_open(&s, first[i], CLOSE);
        s.a.routes[1].answer = WHOLE;
        s.promise.listed = &sha256;
        s.promise.n_listed = 1;
        uint64_t start_us = clock_us();
        gives(&s, STR(TEXT), 2);
        assert_true(i == 0 || clock_us() - start_us > 900 * 1000);
        assert_int_equal(s.got.bytes, i == 0 ? strlen("bite" TEXT) : strlen(TEXT));
        assert_true(str_is(buf_str(&s.got.note->etag), "\"right\""));
        assert_int_equal(s.got.note->last_modified.n, 0);
        assert_int_equal(open_files(), s.files + 1);
        scene_close(&s);
    }
}

static void test_bad_url(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, WHOLE, KEEP);
    s.a.url = STR("ftp://example.org/demo.whl");
    run(&s);
    assert_non_null(strstr(err_text(&s.got.err), "ftp://example.org/demo.whl"));
    assert_int_equal(s.a.server.n_requests, 0);
    scene_close(&s);
}

/* -- a directory that can't take it -- */

static void test_no_directory(void **state)
{
    struct scene s;
    struct err e = { 0 };

    (void)state;
    scene_open(&s, WHOLE, KEEP);
    s.a.world.temp = place_open(temp_dir_at(&s.a.w.dir, "gone"), &e);
    s.files = open_files();
    assert_int_equal(rmdir(temp_dir_at(&s.a.w.dir, "gone")), 0);
    run(&s);
    assert_int_equal(s.got.err.code, ERR_IO);
    assert_non_null(strstr(err_text(&s.got.err), "gone"));
    assert_int_equal(s.got.requests, 1);
    assert_int_equal(s.got.bytes, 0);
    place_close(s.a.world.temp);
    scene_close(&s);
}

/* One that is too large for the disk from the start, and one that fails as its last piece goes out:
 * both are said, and not tried again. */
static bool whole_when_full(const char *dir)
{
    static const size_t sizes[] = { 600000, 200000 };
    struct err e = { 0 };
    bool ok = true;

    for (size_t i = 0; i < 2; i++) {
        struct scene s;
        struct place *full = place_open(dir, &e);
        struct buf answer = { 0 };
        buf_add_f(&answer, OK_200 "Content-Length: %zu\r\n\r\n", sizes[i]);
        scene_open(&s, buf_z(&answer), KEEP);
        s.a.routes[0].more = sizes[i];
        s.a.routes[0].one_line = true;
        s.a.world.temp = full;
        run(&s);
        if (s.got.err.code != ERR_SPACE || s.got.requests != 1) {
            fprintf(stderr, "%u requests: %s\n", s.got.requests, err_text(&s.got.err));
            ok = false;
        }
        scene_close(&s);
        place_close(full);
        buf_done(&answer);
    }
    return ok;
}

static void test_full_disk(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    int got = full_disk_run(d.path, whole_when_full);
    temp_dir_close(&d);
    if (got == FULL_DISK_NONE)
        skip();
    assert_int_equal(got, 0);
}

/* -- given up -- */

/* Tells whether there was anything left to give up. */
static bool give_up(const struct moment *m, unsigned turns, bool *begun)
{
    struct scene s;

    scene_open(&s, m->answer, m->after);
    start(&s);
    attempts_reach(&s.a, m, turns);
    unsigned calls = s.a.calls;
    *begun |= open_files() > s.files;
    whole_destroy(s.whole);
    s.whole = NULL;
    assert_true(calls || nothing_stays(&s));
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
        bool begun = false;
        while (turns < moments[i].turns && give_up(&moments[i], turns, &begun))
            turns++;
        if (i == 0)
            assert_in_range(turns, 4, TURNS_MAX - 1);
        else
            assert_int_equal(turns, moments[i].turns);
        assert_true(begun || moments[i].retries); /* there was a file that could have stayed */
    }
    whole_destroy(NULL);
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
        assert_int_equal(open_files(), s.files + !i); /* what was handed over stays */
        scene_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_promised),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_second_attempt),
        cmocka_unit_test(test_bad_url),
        cmocka_unit_test(test_no_directory),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_given_up_at_every_step),
        cmocka_unit_test(test_given_up_from_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
