/* Which file is chosen, and what is said when none is: tests/data/candidate/choose.case; and all
 * that may be chosen, in order: list.case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/fetch/candidate.h"

enum { FILES_MAX = 16 };

struct scene {
    struct arena arena;
    struct simple_file files[FILES_MAX];
    struct distribution distributions[FILES_MAX];
    const struct distribution *items[FILES_MAX];
    struct str texts[FILES_MAX];
    size_t n;
};

static struct digest *digest_of(struct arena *a, struct str two)
{
    struct digest *d = arena_alloc(a, 1, sizeof(*d));
    struct buf hex = { 0 };

    for (int i = 0; i < 32; i++)
        buf_add_str(&hex, str_sub(two, 0, 2));
    assert_true(digest_parse(DIGEST_SHA256, buf_str(&hex), d));
    buf_done(&hex);
    return d;
}

static void scene_add(struct scene *s, struct str text)
{
    struct simple_file *f = &s->files[s->n];
    size_t end = 0;

    assert_true(s->n < FILES_MAX);
    while (end < text.n && !strchr("!<#", text.p[end]))
        end++;
    f->filename = f->url = arena_str(&s->arena, str_sub(text, 0, end));
    f->size = SIMPLE_SIZE_UNKNOWN;
    struct str rest = str_sub(text, end, text.n);
    if (str_starts(rest, STR("!"))) {
        f->yanked = true;
        f->yanked_reason = str_sub(rest, 1, rest.n);
    } else if (str_starts(rest, STR("<"))) {
        f->requires_python = str_sub(rest, 1, rest.n - 1);
    } else if (rest.n) {
        f->digests = digest_of(&s->arena, str_sub(rest, 1, 3));
        f->n_digests = 1;
    }
    if (!distribution_parse(&s->arena, f, STR("foo"), STR_NONE, &s->distributions[s->n]))
        fail_msg("%.*s is no file of foo", STR_ARG(text));
    s->texts[s->n] = text;
    s->items[s->n] = &s->distributions[s->n];
    s->n++;
}

static void set_flags(struct scene *s, struct candidate_rules *rules, struct str flags)
{
    while (flags.n) {
        struct str flag = str_cut(flags, ' ', &flags);
        if (str_is(flag, "pre"))
            rules->pre = true;
        else if (str_is(flag, "prefer-binary"))
            rules->prefer_binary = true;
        else if (str_is(flag, "no-wheel"))
            rules->allow_wheel = false;
        else if (str_is(flag, "no-sdist"))
            rules->allow_sdist = false;
        else if (str_starts(flag, STR("hash=")))
            rules->hashes = digest_of(&s->arena, str_sub(flag, 5, 7)), rules->n_hashes = 1;
        else
            fail_msg("unknown flag %.*s", STR_ARG(flag));
    }
}

/* What the rules borrow lives in the scene, but for the target. */
static struct candidate_rules scene_open(struct scene *s, struct str specifiers, struct str flags,
                                         struct str files)
{
    struct specifier_set *set = arena_alloc(&s->arena, 1, sizeof(*set));
    struct target *target = NULL;
    struct err e = { 0 };

    assert_int_equal(target_from_spec(STR("3.12:manylinux_2_28_x86_64"), &target, &e), 0);
    assert_int_equal(specifier_set_parse(&s->arena, specifiers, set, &e), 0);
    struct candidate_rules rules = { .label = STR("foo"),
                                     .specifiers = set,
                                     .target = target,
                                     .allow_wheel = true,
                                     .allow_sdist = true };
    set_flags(s, &rules, flags);
    while (files.n)
        scene_add(s, str_cut(files, ' ', &files));
    return rules;
}

static void scene_close(struct scene *s, const struct candidate_rules *rules)
{
    target_destroy((struct target *)(uintptr_t)rules->target);
    arena_done(&s->arena);
}

static void check(struct case_line *c, void *ctx)
{
    struct scene s = { 0 };
    struct err e = { 0 };

    (void)ctx;
    assert_int_equal(c->n, 4);
    struct candidate_rules rules = scene_open(&s, c->fields[0], c->fields[1], c->fields[2]);
    const struct distribution *best = candidate_choose(&rules, s.items, s.n, &e);
    if (best) {
        struct str text = s.texts[best - s.distributions];
        if (!str_starts(text, c->fields[3]))
            case_equal(c, text, c->fields[3]);
    } else if (str_search(str_of(err_text(&e)), c->fields[3]) < 0) {
        case_equal(c, str_of(err_text(&e)), c->fields[3]);
    }
    err_done(&e);
    scene_close(&s, &rules);
}

/* Whatever version is asked for. */
static void check_list(struct case_line *c, void *ctx)
{
    static const char *const specifiers[] = { "", "==99", ">=1.0rc1" };

    (void)ctx;
    if (!case_has(c, 4, 4))
        return;
    for (size_t i = 0; i < 3; i++) {
        struct scene s = { 0 };
        struct candidate_list list;
        struct buf items = { 0 }, refused = { 0 };
        struct candidate_rules rules =
            scene_open(&s, str_of(specifiers[i]), c->fields[0], c->fields[1]);
        candidate_list(&rules, s.items, s.n, &s.arena, &list);
        for (size_t k = 0; k < list.n; k++)
            buf_add_f(&items, "%s%.*s", k ? " " : "",
                      STR_ARG(s.texts[list.items[k] - s.distributions]));
        for (size_t k = 0; k < list.n_refused; k++)
            buf_add_f(&refused, "%s%.*s %.*s", k ? "; " : "",
                      STR_ARG(list.refused[k].version->text), STR_ARG(list.refused[k].why));
        case_equal(c, buf_str(&items), c->fields[2]);
        case_equal(c, buf_str(&refused), c->fields[3]);
        buf_done(&items);
        buf_done(&refused);
        scene_close(&s, &rules);
    }
}

static void test_choose(void **state)
{
    (void)state;
    assert_true(case_each("candidate/choose.case", 35, check, NULL));
}

static void test_list(void **state)
{
    (void)state;
    assert_true(case_each("candidate/list.case", 30, check_list, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_choose),
                                        cmocka_unit_test(test_list) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
