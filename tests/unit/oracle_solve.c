/* Reads universes (universe.h) from standard input, each ended by a line "solve", and answers each
 * with one line: the pins, or "nothing"; with -e the explanation behind it. */
#include "universe.h"

#include <unistd.h>

static void answer(struct universe *u, bool explain)
{
    enum solve_state state;
    struct buf out = { 0 };

    universe_finish(u);
    struct solver *s = universe_solve(u, &state);
    if (state == SOLVE_FOUND)
        universe_pins(u, s, &out);
    else
        buf_add_z(&out, "nothing");
    if (state == SOLVE_NOTHING && explain) {
        buf_add_z(&out, " ");
        solver_explain(s, &out);
    }
    puts(buf_z(&out));
    fflush(stdout);
    buf_done(&out);
    solver_destroy(s);
}

int main(int argc, char **argv)
{
    struct universe u;
    struct err e = { 0 };
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    bool explain = argc > 1 && !strcmp(argv[1], "-e"), fine = true;

    universe_init(&u);
    while (fine && (n = getline(&line, &cap, stdin)) > 0) {
        struct str text = str_trim((struct str){ line, (size_t)n });
        if (str_is(text, "solve")) {
            answer(&u, explain);
            universe_done(&u);
            universe_init(&u);
        } else if (!universe_line(&u, text, &e)) {
            fprintf(stderr, "%.*s: %s\n", STR_ARG(text), err_text(&e));
            fine = false;
        }
    }
    universe_done(&u);
    err_done(&e);
    free(line);
    return fine ? 0 : 1;
}
