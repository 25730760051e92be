/* What is chosen, and why there is nothing to choose: tests/data/resolve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/util/file.h"
#include "universe.h"

struct scene {
    struct universe u;
    struct buf name, got, want;
    unsigned n, failed;
};

static void scene_reset(struct scene *sc)
{
    universe_done(&sc->u);
    universe_init(&sc->u);
    buf_reset(&sc->name);
    buf_reset(&sc->got);
    buf_reset(&sc->want);
}

/* All facts before the first question, and some that nobody asks for. */
static struct solver *solve_told_before(struct universe *u, enum solve_state *out)
{
    struct solver *s = universe_solver(u);

    for (size_t i = 0; i < u->projects.n; i++) {
        struct universe_project *p = u->projects.entries[i].value;
        universe_tell(u, s, &(struct solve_lack){ p->name, SOLVE_LISTING, STR_NONE });
        for (size_t k = 0; k < p->n; k++)
            universe_tell(u, s, &(struct solve_lack){ p->name, (int)k, STR_NONE });
    }
    while ((*out = universe_step(s)) == SOLVE_LACKS) {
        size_t n;
        const struct solve_lack *lacks = solver_lacks(s, &n);
        for (size_t i = 0; i < n; i++) {
            assert_null(map_get(&u->projects, lacks[i].project));
            universe_tell(u, s, &lacks[i]);
        }
    }
    return s;
}

static void describe(const struct universe *u, struct solver *s, enum solve_state state,
                     struct buf *out)
{
    if (state == SOLVE_FOUND)
        universe_pins(u, s, out);
    else
        buf_add_z(out, "nothing\n");
    if (state == SOLVE_NOTHING)
        solver_explain(s, out);
}

static void scene_check(struct scene *sc)
{
    enum solve_state state;
    struct buf before = { 0 };

    if (!sc->want.n)
        return;
    universe_finish(&sc->u);
    struct solver *s = universe_solve(&sc->u, &state);
    describe(&sc->u, s, state, &sc->got);
    solver_destroy(s);
    s = solve_told_before(&sc->u, &state);
    describe(&sc->u, s, state, &before);
    solver_destroy(s);
    sc->n++;
    if (!str_eq(buf_str(&sc->got), buf_str(&sc->want)) ||
        !str_eq(buf_str(&before), buf_str(&sc->got))) {
        print_error("== %s\ngot\n%s\nwant\n%s\ntold before\n%s\n", buf_z(&sc->name),
                    buf_z(&sc->got), buf_z(&sc->want), buf_z(&before));
        sc->failed++;
    }
    buf_done(&before);
}

static void scene_line(struct scene *sc, struct str line)
{
    struct err e = { 0 };

    if (str_starts(line, STR("== "))) {
        scene_check(sc);
        scene_reset(sc);
        buf_add_str(&sc->name, str_sub(line, 3, line.n));
    } else if (str_starts(line, STR("-> "))) {
        buf_add_str(&sc->want, str_sub(line, 3, line.n));
    } else if (str_starts(line, STR("| "))) {
        buf_add_f(&sc->want, "\n%.*s", STR_ARG(str_sub(line, 2, line.n)));
    } else if (!universe_line(&sc->u, line, &e)) {
        fail_msg("%s: %.*s: %s", buf_z(&sc->name), STR_ARG(line), err_text(&e));
    }
    err_done(&e);
}

static void check_file(const char *path, unsigned least)
{
    struct scene *sc = mem_new(1, sizeof(*sc));
    struct buf content = { 0 };
    struct err e = { 0 };

    assert_int_equal(file_read(path, 1 << 20, &content, &e), 0);
    universe_init(&sc->u);
    for (struct str rest = buf_str(&content); rest.p;)
        scene_line(sc, str_cut(rest, '\n', &rest));
    scene_check(sc);
    assert_int_equal(sc->failed, 0);
    assert_true(sc->n >= least);
    universe_done(&sc->u);
    buf_done(&sc->name);
    buf_done(&sc->got);
    buf_done(&sc->want);
    buf_done(&content);
    free(sc);
}

static void chooses(void **state)
{
    (void)state;
    check_file(TEST_DATA "/resolve/choices.case", 25);
}

static void explains(void **state)
{
    (void)state;
    check_file(TEST_DATA "/resolve/conflicts.case", 14);
}

static void add_line(struct universe *u, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_line(struct universe *u, const char *format, ...)
{
    struct err e = { 0 };
    struct buf line = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&line, format, ap);
    va_end(ap);
    if (!universe_line(u, buf_str(&line), &e))
        fail_msg("%s: %s", buf_z(&line), err_text(&e));
    buf_done(&line);
    err_done(&e);
}

static void check_told(struct universe *u, const char *pins, size_t most)
{
    struct buf got = { 0 };
    enum solve_state state;

    universe_finish(u);
    struct solver *s = universe_solve(u, &state);
    assert_int_equal(state, SOLVE_FOUND);
    universe_pins(u, s, &got);
    assert_string_equal(buf_z(&got), pins);
    assert_true(solver_rounds(s) > 256); /* more than one step of it */
    if (u->told > most)
        fail_msg("it asked for %zu facts, %zu would do", u->told, most);
    solver_destroy(s);
    buf_done(&got);
    universe_done(u);
}

/* boto3 and its like: each of 300 versions is tied to its own botocore, and that to an older
 * urllib3 than another project needs; only the oldest is not. It looks at each version once. */
static void goes_back_over_many_versions_once(void **state)
{
    struct universe u;

    (void)state;
    universe_init(&u);
    add_line(&u, "require boto");
    add_line(&u, "require web");
    add_line(&u, "project boto");
    for (int i = 0; i < 300; i++) {
        add_line(&u, "1.%d", i);
        add_line(&u, "needs core>=1.%d,<1.%d", i, i + 1);
        add_line(&u, "needs transfer>=0.%d", i / 10);
    }
    add_line(&u, "project transfer");
    for (int i = 0; i < 30; i++) {
        add_line(&u, "0.%d", i);
        add_line(&u, "needs core>=1.%d", i);
    }
    add_line(&u, "project core");
    for (int i = 0; i < 300; i++) {
        add_line(&u, "1.%d", i);
        if (i > 0)
            add_line(&u, "needs lib<2");
    }
    add_line(&u, "project lib");
    for (int i = 0; i < 40; i++)
        add_line(&u, "%d.%d", i / 10, i % 10);
    add_line(&u, "project web");
    add_line(&u, "1.0");
    add_line(&u, "needs lib>=2");
    check_told(&u, "boto 1.0, web 1.0, core 1.0, transfer 0.0, lib 3.9", 640);
}

/* A chain of choices of which none matters: what stands in the way at the end is learned, not tried
 * in each of 2 to the 40th ways. */
static void does_not_blow_up(void **state)
{
    struct universe u;

    (void)state;
    universe_init(&u);
    for (int i = 0; i < 40; i++) {
        add_line(&u, "require p%d", i);
        add_line(&u, "project p%d", i);
        for (int v = 1; v <= 2; v++) {
            add_line(&u, "%d.0", v);
            add_line(&u, "needs q%d", i);
        }
        add_line(&u, "project q%d", i);
        add_line(&u, "1.0");
        add_line(&u, "2.0");
    }
    add_line(&u, "require last");
    add_line(&u, "project last");
    add_line(&u, "1.0");
    add_line(&u, "2.0");
    add_line(&u, "needs far");
    add_line(&u, "project far");
    for (int v = 1; v < 50; v++) {
        add_line(&u, "%d.0", v);
        add_line(&u, "needs nowhere>=%d", v);
    }
    add_line(&u, "project nowhere");
    add_line(&u, "0.5");

    enum solve_state found;
    universe_finish(&u);
    struct solver *s = universe_solve(&u, &found);
    assert_int_equal(found, SOLVE_FOUND);
    assert_true(u.told < 400);
    solver_destroy(s);
    universe_done(&u);
}

static void guesses_what_a_requirement_alone_would_get(void **state)
{
    struct universe u;
    struct requirement r;
    struct err e = { 0 };

    (void)state;
    universe_init(&u);
    add_line(&u, "project a");
    add_line(&u, "1.0");
    add_line(&u, "2.0 yanked");
    add_line(&u, "3.0rc1");
    universe_finish(&u);
    struct solver *s = solver_create(&u.rules);
    assert_int_equal(requirement_parse(&u.arena, STR("a"), &r, &e), 0);
    assert_int_equal(solver_guess(s, &r), SOLVE_LISTING);
    universe_tell(&u, s, &(struct solve_lack){ STR("a"), SOLVE_LISTING, STR_NONE });
    assert_int_equal(solver_guess(s, &r), 2);
    assert_int_equal(requirement_parse(&u.arena, STR("a>=3.0rc1"), &r, &e), 0);
    assert_int_equal(solver_guess(s, &r), 0);
    assert_int_equal(requirement_parse(&u.arena, STR("a>4"), &r, &e), 0);
    assert_int_equal(solver_guess(s, &r), SOLVE_LISTING);
    solver_destroy(s);
    universe_done(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses),
        cmocka_unit_test(explains),
        cmocka_unit_test(goes_back_over_many_versions_once),
        cmocka_unit_test(does_not_blow_up),
        cmocka_unit_test(guesses_what_a_requirement_alone_would_get),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
