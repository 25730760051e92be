/* How long the solver alone takes for one universe: all its facts are in memory, so that neither
 * a server nor the reading of pages and metadata counts.
 *
 * usage: solver FILE; of the format of tests/unit/universe.h; prints one line of JSON: medians of
 * several solves, each from creating the solver to its solution.
 */
#include "../unit/universe.h"

#include <time.h>

#include "dray/util/clock.h"
#include "dray/util/file.h"

enum { SOLVES = 21, FILE_MAX = 64 * 1024 * 1024 };

struct solved {
    double wall_s[SOLVES], cpu_s[SOLVES];
    size_t pins, rounds, facts;
};

static bool read_universe(struct universe *u, struct str text)
{
    struct err e = { 0 };

    for (size_t number = 1; text.n; number++) {
        struct str line = str_cut(text, '\n', &text);
        if (!universe_line(u, line, &e)) {
            fprintf(stderr, "solver: line %zu: %s\n", number, e.code ? err_text(&e) : "no fact");
            err_done(&e);
            return false;
        }
    }
    universe_finish(u);
    return true;
}

static bool solve_once(struct universe *u, struct solved *out, size_t n)
{
    enum solve_state state;

    u->told = 0;
    uint64_t began_us = clock_us();
    clock_t cpu_began = clock();
    struct solver *s = universe_solve(u, &state);
    out->cpu_s[n] = (double)(clock() - cpu_began) / CLOCKS_PER_SEC;
    out->wall_s[n] = (double)(clock_us() - began_us) / 1e6;
    if (state == SOLVE_FOUND)
        solver_pins(s, &out->pins);
    out->rounds = solver_rounds(s);
    out->facts = u->told;
    solver_destroy(s);
    return state == SOLVE_FOUND;
}

static int compare(const void *x, const void *y)
{
    const double *a = x, *b = y;

    return (*a > *b) - (*a < *b);
}

static double median(double *values)
{
    qsort(values, SOLVES, sizeof(*values), compare);
    return values[SOLVES / 2];
}

static int solve(struct universe *u)
{
    struct solved solved = { 0 };

    for (size_t n = 0; n < SOLVES; n++)
        if (!solve_once(u, &solved, n)) {
            fputs("solver: there is no solution\n", stderr);
            return 1;
        }
    printf("{\"wall_s\": %.6f, \"cpu_s\": %.6f, \"pins\": %zu, \"rounds\": %zu, \"facts\": %zu}\n",
           median(solved.wall_s), median(solved.cpu_s), solved.pins, solved.rounds, solved.facts);
    return 0;
}

int main(int argc, char **argv)
{
    struct universe u;
    struct buf text = { 0 };
    struct err e = { 0 };
    int code = 2;

    if (argc != 2) {
        fputs("usage: solver FILE\n", stderr);
        return code;
    }
    universe_init(&u);
    if (file_read(argv[1], FILE_MAX, &text, &e))
        fprintf(stderr, "solver: %s\n", err_text(&e));
    else if (read_universe(&u, buf_str(&text)))
        code = solve(&u);
    universe_done(&u);
    buf_done(&text);
    err_done(&e);
    return code;
}
