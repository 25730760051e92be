/* From what was asked for to one wish a project: tests/data/gather. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/job/gather.h"

enum { WANTS_MAX = 8, HASHES_MAX = 4 };

struct scene {
    struct arena arena;
    struct settings settings;
    struct target *target;
    struct want wants[WANTS_MAX], constraints[WANTS_MAX];
    size_t n_wants, n_constraints;
    struct gathered out;
};

static struct str cut_list(struct str *rest)
{
    struct str all = *rest;
    ptrdiff_t at = str_search(all, STR(" & "));

    *rest = at < 0 ? STR_NONE : str_sub(all, (size_t)at + 3, all.n);
    return at < 0 ? all : str_sub(all, 0, (size_t)at);
}

static struct digest *hashes_of(struct arena *a, struct str list, size_t *n)
{
    struct digest *hashes = arena_alloc(a, HASHES_MAX, sizeof(*hashes));

    for (*n = 0; list.p && *n < HASHES_MAX; ++*n) {
        struct buf hex = { 0 };
        struct str two = str_cut(list, ',', &list);
        for (int i = 0; i < 32; i++)
            buf_add_str(&hex, two);
        assert_true(digest_parse(DIGEST_SHA256, buf_str(&hex), &hashes[*n]));
        buf_done(&hex);
    }
    return hashes;
}

/* "foo==1 %aa,bb; marker" without its hashes, which go to *list. */
static struct str cut_hashes(struct arena *a, struct str text, struct str *list)
{
    ptrdiff_t at = str_search(text, STR(" %"));
    size_t end = (size_t)at + 2;

    *list = STR_NONE;
    if (at < 0)
        return text;
    while (end < text.n && text.p[end] != ';')
        end++;
    *list = str_sub(text, (size_t)at + 2, end);
    return arena_f(a, "%.*s%.*s", (int)at, text.p, STR_ARG(str_sub(text, end, text.n)));
}

static size_t parse_wants(struct case_line *c, struct arena *a, struct str list, const char *file,
                          struct want *wants)
{
    size_t n = 0;

    while (list.n) {
        struct str hashes;
        struct err e = { 0 };
        struct str text = cut_hashes(a, cut_list(&list), &hashes);
        size_t n_hashes;
        struct digest *digests = hashes_of(a, hashes, &n_hashes);
        assert_true(n < WANTS_MAX);
        struct str origin = file ? arena_f(a, "%s, line %zu", file, n + 1) : STR_NONE;
        if (want_parse(
                a,
                &(struct want_text){
                    .text = text, .origin = origin, .hashes = digests, .n_hashes = n_hashes },
                &wants[n++], &e))
            case_fail(c, "%s", err_text(&e));
        err_done(&e);
    }
    return n;
}

static void set_options(struct case_line *c, struct settings *s, struct str options)
{
    while (options.n) {
        struct str value;
        struct err e = { 0 };
        struct str name = str_cut(str_cut(options, ' ', &options), '=', &value);
        const struct setting *which = settings_find(name);
        if (!which || settings_set(s, which, value, "test", &e))
            case_fail(c, "%.*s is no option", STR_ARG(name));
        err_done(&e);
    }
}

static void scene_open(struct scene *s, struct case_line *c, const char *file, bool no_deps)
{
    struct err e = { 0 };

    *s = (struct scene){ 0 };
    settings_init(&s->settings);
    s->settings.no_deps = no_deps;
    set_options(c, &s->settings, c->fields[2]);
    assert_int_equal(target_from_spec(STR("3.12:manylinux_2_28_x86_64"), &s->target, &e), 0);
    s->n_wants = parse_wants(c, &s->arena, c->fields[0], file, s->wants);
    s->n_constraints = parse_wants(c, &s->arena, c->fields[1], "c.txt", s->constraints);
    gather(&(struct gather_input){ .settings = &s->settings,
                                   .env = &s->target->env,
                                   .wants = s->wants,
                                   .n_wants = s->n_wants,
                                   .constraints = s->constraints,
                                   .n_constraints = s->n_constraints },
           &s->out);
}

static void scene_close(struct scene *s)
{
    gathered_done(&s->out);
    settings_done(&s->settings);
    target_destroy(s->target);
    arena_done(&s->arena);
}

static void describe(const struct fetch_wish *w, bool with_extras, struct buf *out)
{
    buf_add_str(out, w->project.p ? w->project : STR("-"));
    for (size_t i = 0; i < w->n_extras && with_extras; i++)
        buf_add_f(out, "%s%.*s%s", i ? "," : "[", STR_ARG(w->extras[i]),
                  i + 1 == w->n_extras ? "]" : "");
    if (w->specifiers.text.n)
        buf_add_f(out, " %.*s", STR_ARG(w->specifiers.text));
    if (w->url.p)
        buf_add_f(out, " %.*s", STR_ARG(w->url));
    for (size_t i = 0; i < w->n_hashes && !w->fault.code; i++)
        buf_add_f(out, "%s%02x", i ? "," : " %", w->hashes[i].bytes[0]);
    buf_add_z(out, w->need_hash ? " need" : "");
    buf_add_z(out, w->allow_wheel ? "" : " no-wheel");
    buf_add_z(out, w->allow_sdist ? "" : " no-sdist");
    buf_add_z(out, w->prefer_binary ? " prefer-binary" : "");
    buf_add_z(out, w->pre ? " pre" : "");
    if (w->fault.code)
        buf_add_f(out, " fault=%s", err_name(w->fault.code));
}

static void describe_all(const struct fetch_wish *wishes, size_t n, bool with_extras,
                         struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        buf_add_z(out, i ? " & " : "");
        describe(&wishes[i], with_extras, out);
    }
}

static void check_resolve(struct case_line *c, void *ctx)
{
    struct buf wishes = { 0 }, constraints = { 0 };
    struct scene s;

    (void)ctx;
    if (!case_has(c, 5, 5))
        return;
    scene_open(&s, c, NULL, false);
    for (size_t i = 0; i < s.out.n_constraints; i++) /* formats are those of the project */
        s.out.constraints[i].allow_wheel = s.out.constraints[i].allow_sdist = true;
    describe_all(s.out.wishes, s.out.n, true, &wishes);
    describe_all(s.out.constraints, s.out.n_constraints, true, &constraints);
    case_equal(c, buf_str(&wishes), c->fields[3]);
    case_equal(c, buf_str(&constraints), c->fields[4]);
    buf_done(&wishes);
    buf_done(&constraints);
    scene_close(&s);
}

static void test_resolve(void **state)
{
    (void)state;
    assert_true(case_each("gather/resolve.case", 6, check_resolve, NULL));
}

static void check_merge(struct case_line *c, void *ctx)
{
    struct buf wishes = { 0 }, ignored = { 0 };
    struct scene s;

    (void)ctx;
    if (!case_has(c, 5, 5))
        return;
    scene_open(&s, c, NULL, true);
    describe_all(s.out.wishes, s.out.n, false, &wishes);
    for (size_t i = 0; i < s.out.ignored.n; i++)
        buf_add_f(&ignored, "%s%.*s", i ? " & " : "", STR_ARG(s.out.ignored.items[i]));
    case_equal(c, buf_str(&wishes), c->fields[3]);
    case_equal(c, buf_str(&ignored), c->fields[4]);
    buf_done(&wishes);
    buf_done(&ignored);
    scene_close(&s);
}

static void test_merge(void **state)
{
    (void)state;
    assert_true(case_each("gather/merge.case", 50, check_merge, NULL));
}

/* REQUIREMENTS | CONSTRAINTS | OPTIONS | LABEL of the first wish | part of its fault, \e for none
 */
static void check_told(struct case_line *c, void *ctx)
{
    struct scene s;

    (void)ctx;
    if (!case_has(c, 5, 5))
        return;
    scene_open(&s, c, "r.txt", true);
    assert_int_equal(s.out.n, 1);
    case_equal(c, s.out.wishes[0].label, c->fields[3]);
    case_contains(c, str_of(err_text(&s.out.wishes[0].fault)), c->fields[4]);
    if (!c->fields[4].n != !s.out.wishes[0].fault.code)
        case_fail(c, "got \"%s\"", err_text(&s.out.wishes[0].fault));
    scene_close(&s);
}

static void test_told(void **state)
{
    (void)state;
    assert_true(case_each("gather/told.case", 8, check_told, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
