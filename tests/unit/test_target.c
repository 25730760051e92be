/* Which tags and marker values a target has stands in tests/data/target; here are what a base
 * lends, the probe's answer and the caps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/py/target.h"
#include "dray/py/target_probe.h"
#include "dray/util/buf.h"

enum { ITEMS = 16 };

static struct target *made(int code, struct target *t, struct err *e)
{
    bool agree = (code == 0) == (t != NULL) && e->code == code;

    if (!agree)
        fail_msg("returned %d with %s: %s", code, t ? "a target" : "no target", err_text(e));
    return t;
}

static struct target *from_spec(struct str spec, struct err *e)
{
    struct target *t = NULL;
    int code = target_from_spec(spec, &t, e);

    return made(code, t, e);
}

static size_t split(struct str text, struct str out[static ITEMS])
{
    size_t n = 0;

    while (text.n > 0 && n < ITEMS)
        out[n++] = str_cut(text, ',', &text);
    return n;
}

/* PLATFORMS VERSION IMPLEMENTATION ABIS BASE */
static struct target *from_words(const struct str *fields, struct err *e)
{
    struct str platforms[ITEMS], abis[ITEMS];
    struct target_words words = { .platforms = platforms,
                                  .n_platforms = split(fields[0], platforms),
                                  .python_version = fields[1],
                                  .implementation = fields[2],
                                  .abis = abis,
                                  .n_abis = split(fields[3], abis) };
    struct target *base = fields[4].n ? from_spec(fields[4], e) : NULL, *t = NULL;

    int code = target_from_words(&words, base, &t, e);
    target_destroy(base); /* what was made of it must not need it */
    return made(code, t, e);
}

/* Also through tag_set_rank(), which must see what tag_set_at() sees. */
static int tag_find(const struct tag_set *set, struct str text)
{
    struct wheel_name w = { 0 };

    w.python_tags = str_cut(text, '-', &text);
    w.abi_tags = str_cut(text, '-', &text);
    w.platform_tags = text;
    int rank = tag_set_rank(set, &w);
    if (rank == TAG_NONE)
        return rank;
    const struct tag *tag = tag_set_at(set, (size_t)rank);
    assert_true(str_eq(tag->python, w.python_tags) && str_eq(tag->abi, w.abi_tags) &&
                str_eq(tag->platform, w.platform_tags));
    return rank;
}

/* NUMBER, present in this order, absent */
static bool tags_are(const struct target *t, const struct str *fields)
{
    uint64_t count;
    int last = -1;
    bool ok = str_to_u64(fields[0], SIZE_MAX, &count) && tag_set_count(t->tags) == count;

    for (struct str rest = fields[1]; ok && rest.n;) {
        int rank = tag_find(t->tags, str_cut(rest, ' ', &rest));
        ok = rank > last;
        last = rank;
    }
    for (struct str rest = fields[2]; ok && rest.n;)
        ok = tag_find(t->tags, str_cut(rest, ' ', &rest)) == TAG_NONE;
    if (!ok)
        fprintf(stderr, "%zu tags\n", tag_set_count(t->tags));
    return ok;
}

static struct str value_of(const struct target *t, struct str name)
{
#define VALUE_IF(field, text)                                                                      \
    if (str_is(name, text))                                                                        \
        return t->env.field;
    MARKER_VARIABLES(VALUE_IF)
#undef VALUE_IF
    if (str_is(name, "LABEL"))
        return t->label;
    return str_is(name, "VERSION") ? t->python.text : STR("no such name");
}

static bool env_is(const struct target *t, struct str expected)
{
    bool ok = expected.n > 0;

    while (ok && expected.n) {
        struct str value, name = str_cut(str_cut(expected, ',', &expected), '=', &value);
        struct str got = value_of(t, name);
        ok = got.p && str_eq(got, value);
        if (!ok)
            fprintf(stderr, "%.*s is \"%.*s\"\n", STR_ARG(name), STR_ARG(got));
    }
    return ok;
}

/* Says why there is no target when one was expected, and ends both. */
static bool end(struct target *t, struct err *e, bool ok)
{
    if (!t)
        fprintf(stderr, "%s\n", err_text(e));
    target_destroy(t);
    err_done(e);
    return ok;
}

static void check_spec(struct case_line *c, void *ctx)
{
    struct err e = { 0 };
    struct target *t = from_spec(c->fields[0], &e);

    (void)ctx;
    case_check(c, end(t, &e, t && c->n == 4 && tags_are(t, c->fields + 1)));
}

static void check_spec_env(struct case_line *c, void *ctx)
{
    struct err e = { 0 };
    struct target *t = from_spec(c->fields[0], &e);

    (void)ctx;
    case_check(c, end(t, &e, t && c->n == 2 && env_is(t, c->fields[1])));
}

static bool told(struct target *t, struct err *e, struct str error, struct str words)
{
    bool ok = !t && str_is(error, err_name(e->code)) && words.n > 0 &&
              str_search(str_of(err_text(e)), words) >= 0;

    if (!ok)
        fprintf(stderr, "got %s: %s\n", err_name(e->code), err_text(e));
    target_destroy(t);
    err_done(e);
    return ok;
}

static void check_spec_bad(struct case_line *c, void *ctx)
{
    struct err e = { 0 };

    (void)ctx;
    case_check(c, told(from_spec(c->fields[0], &e), &e, STR("usage"),
                       c->n == 2 ? c->fields[1] : STR_NONE));
}

static void test_spec(void **state)
{
    (void)state;
    assert_true(case_each("target/spec.case", 25, check_spec, NULL));
    assert_true(case_each("target/spec_env.case", 15, check_spec_env, NULL));
    assert_true(case_each("target/spec_bad.case", 50, check_spec_bad, NULL));
}

static void check_words(struct case_line *c, void *ctx)
{
    struct err e = { 0 };
    struct target *t = from_words(c->fields, &e);

    (void)ctx;
    case_check(c, end(t, &e, t && c->n == 8 && tags_are(t, c->fields + 5)));
}

static void check_words_env(struct case_line *c, void *ctx)
{
    struct err e = { 0 };
    struct target *t = from_words(c->fields, &e);

    (void)ctx;
    case_check(c, end(t, &e, t && c->n == 6 && env_is(t, c->fields[5])));
}

static void check_words_bad(struct case_line *c, void *ctx)
{
    struct err e = { 0 };

    (void)ctx;
    case_check(c, c->n == 7 && told(from_words(c->fields, &e), &e, c->fields[5], c->fields[6]));
}

static void test_words(void **state)
{
    (void)state;
    assert_true(case_each("target/words.case", 30, check_words, NULL));
    assert_true(case_each("target/words_env.case", 10, check_words_env, NULL));
    assert_true(case_each("target/words_bad.case", 15, check_words_bad, NULL));
}

/* An answer of the probe, each member as JSON; a case overrides some. */
static const char *const facts_default[][2] = {
    { "implementation_name", "\"cpython\"" },
    { "implementation_version", "\"3.12.4\"" },
    { "os_name", "\"posix\"" },
    { "platform_machine", "\"x86_64\"" },
    { "platform_python_implementation", "\"CPython\"" },
    { "platform_release", "\"6.1.0\"" },
    { "platform_system", "\"Linux\"" },
    { "platform_version", "\"#1 SMP\"" },
    { "python_full_version", "\"3.12.4\"" },
    { "python_version", "\"3.12\"" },
    { "sys_platform", "\"linux\"" },
    { "python_major", "3" },
    { "python_minor", "12" },
    { "ext_suffix", "\".cpython-312-x86_64-linux-gnu.so\"" },
    { "soabi", "\"cpython-312-x86_64-linux-gnu\"" },
    { "platform", "\"linux-x86_64\"" },
    { "debug_build", "false" },
    { "free_threaded", "false" },
    { "is_32bit", "false" },
    { "no_pymalloc", "false" },
    { "glibc_major", "2" },
    { "glibc_minor", "17" },
    { "musl_major", "0" },
    { "musl_minor", "0" },
    { "macos_major", "0" },
    { "macos_minor", "0" },
    { "macos_machine", "null" },
    { "elf_abi", "null" },
    { "android_api", "0" },
    { "manylinux_denied", "[]" },
    { "executable", "\"/usr/bin/python3\"" },
};

/* `changes`: NAME=JSON joined by ";"; "NAME=" leaves the member out. */
static struct str facts_json(struct arena *a, struct str changes)
{
    struct buf json = { 0 };

    for (size_t i = 0; i < sizeof(facts_default) / sizeof(facts_default[0]); i++) {
        struct str value = str_of(facts_default[i][1]);
        for (struct str rest = changes; rest.n;) {
            struct str to, name = str_cut(str_cut(rest, ';', &rest), '=', &to);
            if (str_is(name, facts_default[i][0]))
                value = to;
        }
        if (value.n)
            buf_add_f(&json, "%c\"%s\": %.*s", json.n ? ',' : '{', facts_default[i][0],
                      STR_ARG(value));
    }
    buf_add_c(&json, '}');
    struct str out = arena_str(a, buf_str(&json));
    buf_done(&json);
    return out;
}

static struct target *from_facts(struct str json, struct err *e)
{
    struct arena a = { 0 };
    struct target_facts facts = { .python_major = 77 };
    struct target *t = NULL;

    int code = target_facts_parse(&a, json, &facts, e);
    if (code)
        assert_int_equal(facts.python_major, 77);
    else
        code = target_from_facts(&facts, &t, e);
    arena_done(&a); /* the target has copied what it keeps */
    return made(code, t, e);
}

static struct target *from_changes(struct str changes, struct err *e)
{
    struct arena a = { 0 };
    struct target *t = from_facts(facts_json(&a, changes), e);

    arena_done(&a);
    return t;
}

static void check_facts(struct case_line *c, void *ctx)
{
    struct err e = { 0 };
    struct target *t = from_changes(c->fields[0], &e);

    (void)ctx;
    case_check(c, end(t, &e, t && c->n == 4 && tags_are(t, c->fields + 1)));
}

static void check_facts_env(struct case_line *c, void *ctx)
{
    struct err e = { 0 };
    struct target *t = from_changes(c->fields[0], &e);

    (void)ctx;
    case_check(c, end(t, &e, t && c->n == 2 && env_is(t, c->fields[1])));
}

static void check_facts_bad(struct case_line *c, void *ctx)
{
    struct err e = { 0 };

    (void)ctx;
    case_check(c,
               c->n == 3 && told(from_changes(c->fields[0], &e), &e, c->fields[1], c->fields[2]));
}

static void check_answer_bad(struct case_line *c, void *ctx)
{
    struct err e = { 0 };

    (void)ctx;
    case_check(c, told(from_facts(c->fields[0], &e), &e, STR("input"),
                       c->n == 2 ? c->fields[1] : STR_NONE));
}

static void test_facts(void **state)
{
    (void)state;
    assert_true(case_each("target/facts.case", 25, check_facts, NULL));
    assert_true(case_each("target/facts_env.case", 5, check_facts_env, NULL));
    assert_true(case_each("target/facts_bad.case", 20, check_facts_bad, NULL));
    assert_true(case_each("target/answer_bad.case", 9, check_answer_bad, NULL));
}

/* What the facts hold is what the answer said, absent texts told from empty ones. */
static void test_facts_parse(void **state)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct target_facts f;
    struct str json =
        facts_json(&a, STR("soabi=null;elf_abi=\"\";executable=\"/\\u00e9\";no_pymalloc=true;"
                           "manylinux_denied=[\"2_17_x86_64\", \"x\"];android_api=200"));

    (void)state;
    assert_int_equal(target_facts_parse(&a, json, &f, &e), 0);
    assert_null(f.soabi.p);
    assert_true(f.elf_abi.p && f.elf_abi.n == 0);
    assert_true(str_is(f.executable, "/\xc3\xa9"));
    assert_true(f.no_pymalloc && !f.debug_build && !f.free_threaded && !f.is_32bit);
    assert_int_equal(f.android_api, 200);
    assert_int_equal(f.glibc_minor, 17);
    assert_int_equal(f.n_manylinux_denied, 2);
    assert_true(str_is(f.manylinux_denied[1], "x"));
    assert_true(str_is(f.env.platform_version, "#1 SMP"));
    arena_done(&a);
}

static void test_caps(void **state)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct target_facts f = { .env.platform_system = STR("Windows"), .glibc_minor = 201 };
    struct target *t = NULL;
    struct buf json = { 0 };

    (void)state;
    assert_int_equal(target_from_facts(&f, &t, &e), ERR_LIMIT);
    assert_non_null(strstr(err_text(&e), "201"));
    while (json.n <= LIMIT_CHILD_OUTPUT_BYTES)
        buf_add_c(&json, ' ');
    assert_int_equal(target_facts_parse(&a, buf_str(&json), &f, &e), ERR_LIMIT);
    assert_int_equal(f.glibc_minor, 201);
    err_done(&e);
    buf_done(&json);
    arena_done(&a);
}

/* ABIs and platforms are the caller's to give in any number; their product is capped. */
static void test_too_many_tags(void **state)
{
    enum { MANY = 800 };
    struct arena a = { 0 };
    struct err e = { 0 };
    struct target *t = NULL;
    struct str names[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++)
        names[i] = arena_f(&a, "x%d", i);
    struct target_words words = { names, MANY, STR("3"), STR("cp"), names, 600 };
    assert_int_equal(target_from_words(&words, NULL, &t, &e), 0);
    assert_int_equal(tag_set_count(t->tags), MANY * 600 + 2 * MANY + 2);
    target_destroy(t);
    t = NULL;
    words.n_abis = MANY;
    assert_int_equal(target_from_words(&words, NULL, &t, &e), ERR_LIMIT);
    assert_null(t);
    assert_non_null(strstr(err_text(&e), "500000"));
    err_done(&e);
    arena_done(&a);
}

static void test_destroy_nothing(void **state)
{
    (void)state;
    target_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_facts_parse),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_too_many_tags),
        cmocka_unit_test(test_destroy_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
