/* What pip left behind is found where pip put it, and read as pip would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/store/pip_cache.h"
#include "dray/util/mem.h"
#include "temp_dir.h"

static void add_part(struct buf *out, const char *name, struct str value)
{
    if (value.p)
        buf_add_f(out, "; %s=%.*s", name, STR_ARG(value));
}

static void describe(const struct pip_answer *answer, struct buf *out)
{
    buf_add_f(out, "%d", answer->status);
    add_part(out, "date", answer->date);
    add_part(out, "cache-control", answer->cache_control);
    add_part(out, "expires", answer->expires);
    add_part(out, "etag", answer->etag);
    add_part(out, "last-modified", answer->last_modified);
    add_part(out, "content-encoding", answer->content_encoding);
    add_part(out, "content-length", answer->content_length);
    buf_add_z(out, answer->varies ? "; varies" : "");
}

/* Read in memory of exactly its size, so that a sanitizer sees one byte too many. */
static void check_record(struct case_line *c, void *ctx)
{
    struct pip_answer answer = { .status = 4711 };
    struct arena a = { 0 };
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    struct str exact = { mem_new(c->fields[0].n, 1), c->fields[0].n };
    if (exact.n)
        memcpy((char *)exact.p, c->fields[0].p, exact.n);
    if (pip_cache_parse(&a, exact, &answer)) {
        memset((char *)exact.p, 'x', exact.n); /* what was found is a copy */
        describe(&answer, &got);
    } else {
        buf_add_z(&got, "miss");
        case_check(c, answer.status == 4711);
    }
    case_equal(c, buf_str(&got), c->fields[1]);
    free((char *)exact.p);
    buf_done(&got);
    arena_done(&a);
}

static void test_records(void **state)
{
    (void)state;
    assert_true(case_each("pip_cache/record.case", 60, check_record, NULL));
}

#define PLAIN                                                                                      \
    STR("cc=4,\x82\xa8response\x86\xa4" /* as pip writes it */                                     \
        "body\xc4\x00\xa7headers\x80\xa6status\xcc\xc8\xa7version\x0b\xa6reason\xa2OK\xae"         \
        "decode_content\xc2\xa4vary\x80")
#define TOLD                                                                                       \
    STR("cc=4,\x82\xa8response\x83\xa4" /* its body has 4 bytes */                                 \
        "body\xc4\x00\xa7headers\x81\xae"                                                          \
        "Content-Length\xa1"                                                                       \
        "4\xa6status\xcc\xc8\xa4vary\x80")

static bool look(struct temp_dir *d, const char *url, struct pip_answer *out)
{
    return pip_cache_answer(&d->arena, d->path, str_of(url), out);
}

static void check_url(struct case_line *c, void *ctx)
{
    struct pip_answer answer;
    struct temp_dir d;

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    temp_dir_open(&d);
    bool absolute = !str_is(c->fields[1], "none");
    const char *name = arena_f(&d.arena, "http-v2/%s", c->fields[1].p).p;
    const char *body = arena_f(&d.arena, "%s.body", name).p;
    temp_dir_put(&d, name, PLAIN);
    temp_dir_put(&d, body, STR("12345"));
    bool found = pip_cache_answer(&d.arena, d.path, c->fields[0], &answer);
    case_check(c, found == absolute);
    if (found) {
        case_equal(c, answer.body_path, str_of(temp_dir_at(&d, body)));
        case_check(c, answer.body_bytes == 5 && answer.status == 200);
    }
    temp_dir_close(&d);
}

static void test_urls(void **state)
{
    (void)state;
    assert_true(case_each("pip_cache/url.case", 30, check_url, NULL));
}

#define URL  "https://files.example.org/packages/foo-1.0-py3-none-any.whl"
#define NAME "http-v2/c/3/e/9/8/c3e98f4d6ee4df13b6efb9360ecdda3c99b10e4e036587193cca5951"

/* Both files or nothing; neither may be something else, or lead to a wait. */
static void test_both_files(void **state)
{
    struct pip_answer answer = { .status = 4711 };
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    assert_false(look(&d, URL, &answer));
    temp_dir_put(&d, NAME, PLAIN);
    assert_false(look(&d, URL, &answer));
    assert_int_equal(mkfifo(temp_dir_at(&d, NAME ".body"), 0600), 0);
    assert_false(look(&d, URL, &answer));
    assert_int_equal(unlink(temp_dir_at(&d, NAME ".body")), 0);
    assert_int_equal(answer.status, 4711);
    temp_dir_put(&d, NAME ".body", STR(""));
    assert_true(look(&d, URL, &answer));
    assert_true(answer.status == 200 && answer.body_bytes == 0);
    assert_int_equal(unlink(temp_dir_at(&d, NAME)), 0);
    assert_false(look(&d, URL, &answer));
    assert_int_equal(mkfifo(temp_dir_at(&d, NAME), 0600), 0);
    assert_false(look(&d, URL, &answer));
    assert_int_equal(unlink(temp_dir_at(&d, NAME)), 0);
    assert_int_equal(mkdir(temp_dir_at(&d, NAME), 0700), 0);
    assert_false(look(&d, URL, &answer));
    temp_dir_close(&d);
}

/* A body that was cut, or is of another answer than the record. */
static void test_length(void **state)
{
    struct pip_answer answer;
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, NAME, TOLD);
    temp_dir_put(&d, NAME ".body", STR("123"));
    assert_false(look(&d, URL, &answer));
    temp_dir_put(&d, NAME ".body", STR("12345"));
    assert_false(look(&d, URL, &answer));
    temp_dir_put(&d, NAME ".body", STR("1234"));
    assert_true(look(&d, URL, &answer));
    assert_true(str_is(answer.content_length, "4"));
    temp_dir_close(&d);
}

/* The largest record that is read, and one byte more. */
static void test_too_long(void **state)
{
    struct pip_answer answer;
    struct temp_dir d;
    struct buf record = { 0 };
    size_t head = TOLD.n - 6; /* "vary" and its empty map go: the length of a text comes there */

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, NAME ".body", STR("1234"));
    for (uint32_t extra = 0; extra < 2; extra++) {
        uint32_t n = LIMIT_PIP_RECORD_BYTES - (uint32_t)head - 7 + extra;
        buf_reset(&record);
        buf_add_str(&record, str_sub(TOLD, 0, head));
        buf_add_z(&record, "\xa1x\xdb");
        for (int shift = 24; shift >= 0; shift -= 8)
            buf_add_c(&record, (char)(n >> shift));
        for (uint32_t i = 0; i < n; i++)
            buf_add_c(&record, 'x');
        assert_int_equal(record.n, LIMIT_PIP_RECORD_BYTES + extra);
        temp_dir_put(&d, NAME, buf_str(&record));
        assert_int_equal(look(&d, URL, &answer), extra == 0);
    }
    buf_done(&record);
    temp_dir_close(&d);
}

static struct str or_none(struct str field)
{
    return field.n ? field : STR_NONE;
}

static void check_wheel(struct case_line *c, void *ctx)
{
    const struct str *f = c->fields;
    struct digest digest;
    struct buf got = { 0 }, want = { 0 };

    (void)ctx;
    if (!case_has(c, 7, 7))
        return;
    struct pip_wheel_key key = { .url = or_none(f[0]),
                                 .digest = f[1].n ? &digest : NULL,
                                 .subdirectory = f[3],
                                 .interpreter_name = or_none(f[4]),
                                 .interpreter_version = or_none(f[5]) };
    case_check(c, !f[1].n || (digest_alg_parse(f[1], &digest.alg) &&
                              digest_parse(digest.alg, f[2], &digest)));
    buf_add_z(&got, "before ");
    pip_cache_wheel_dir("/cache", &key, &got);
    buf_add_f(&want, "before /cache/wheels/%s", f[6].p);
    case_equal(c, buf_str(&got), buf_str(&want));
    buf_done(&got);
    buf_done(&want);
}

static void test_wheels(void **state)
{
    (void)state;
    assert_true(case_each("pip_cache/wheel.case", 10, check_wheel, NULL));
}

static void set(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void test_dir(void **state)
{
#ifdef __APPLE__
#define BELOW_HOME "/Library/Caches/pip"
#else
#define BELOW_HOME "/.cache/pip"
#endif
    static const struct {
        const char *home, *xdg, *said, *want;
    } cases[] = {
        { "/home/me", NULL, NULL, "/home/me" BELOW_HOME },
        { "/home/me/", "", "", "/home/me" BELOW_HOME },
        { "/", NULL, NULL, BELOW_HOME },
        { "/home/me", "relative", NULL, "/home/me" BELOW_HOME },
        { "/home/me", " /xdg ", NULL, "/xdg/pip" },
        { NULL, "/xdg", NULL, "/xdg/pip" },
        { "/home/me", "/xdg", "/said", "/said" },
        { "/home/me", "/xdg", "said", "said" },
        { "/home/me", "/xdg", "~", "/home/me" },
        { "/", NULL, "~", "/" },
        { "/home/me", "/xdg", "~/.x/", "/home/me/.x/" },
        { "/home/me", "/xdg", "~other/x", "~other/x" },
    };
    const char *home = getenv("HOME"), *xdg = getenv("XDG_CACHE_HOME");
    char *home_before = home ? mem_dup(home) : NULL, *xdg_before = xdg ? mem_dup(xdg) : NULL;
    struct buf got = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        set("HOME", cases[i].home);
        set("XDG_CACHE_HOME", cases[i].xdg);
        buf_reset(&got);
        assert_true(pip_cache_dir(str_of(cases[i].said), &got));
        assert_string_equal(buf_z(&got), cases[i].want);
    }
    set("HOME", NULL); /* what the system has of this user, if it knows one */
    set("XDG_CACHE_HOME", NULL);
    buf_reset(&got);
    bool known = pip_cache_dir(STR_NONE, &got);
    assert_int_equal(known, str_ends(buf_str(&got), STR(BELOW_HOME)));
    set("HOME", home_before);
    set("XDG_CACHE_HOME", xdg_before);
    free(home_before);
    free(xdg_before);
    buf_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),    cmocka_unit_test(test_urls),
        cmocka_unit_test(test_both_files), cmocka_unit_test(test_length),
        cmocka_unit_test(test_too_long),   cmocka_unit_test(test_wheels),
        cmocka_unit_test(test_dir),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
