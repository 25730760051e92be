/* Runs that are told in tests/data/progress (event_script.h), with what must have been written
 * after each step: whole frames with their escape sequences, lines, JSON. */
#include "event_script.h"

#include "dray/ui/progress.h"
#include "dray/ui/screen.h"

struct watch {
    struct progress_options options;
    struct progress *progress; /* NULL until the first window: options come before it */
    char *text;
    size_t n, read;
};

static void watch_size(void *ctx, unsigned *columns, unsigned *rows)
{
    const struct script *s = ctx;

    *columns = s->columns;
    *rows = s->rows;
}

static struct str watch_written(struct script *s)
{
    struct watch *w = s->ctx;

    fflush(w->options.out);
    struct str written = { w->text + w->read, w->n - w->read };
    w->read = w->n;
    return written;
}

static unsigned mode_of(struct str name)
{
    static const char *const names[] = { "auto", "on", "off", "json" };

    for (unsigned i = 0; i < 4; i++)
        if (str_is(name, names[i]))
            return i;
    fail_msg("no such mode");
    return 0;
}

/* option | NAME | VALUE, then create; at last destroy. */
static void watch_other(struct script *s, struct case_line *c)
{
    struct watch *w = s->ctx;
    struct str name = c->n > 1 ? c->fields[1] : STR_NONE;

    if (str_is(c->fields[0], "create"))
        w->progress = progress_create(&w->options, &s->events);
    else if (str_is(c->fields[0], "destroy"))
        progress_destroy(w->progress);
    else if (str_is(name, "mode"))
        w->options.mode = (enum settings_progress)mode_of(c->fields[2]);
    else if (str_is(name, "terminal"))
        w->options.is_terminal = true;
    else if (str_is(name, "colour"))
        w->options.colour = true;
    else if (str_is(name, "quiet"))
        w->options.quiet = (unsigned)script_number(c, 2);
    else if (str_is(name, "verbose"))
        w->options.verbose = (unsigned)script_number(c, 2);
    else
        fail_msg("%s:%u: no such word", c->file, c->number);
}

static void play(const char *name)
{
    struct watch w = { 0 };
    struct script s = { .other = watch_other, .written = watch_written, .ctx = &w };

    FILE *f = open_memstream(&w.text, &w.n);
    w.options.out = w.options.json_out = f;
    w.options.size = watch_size;
    w.options.size_ctx = &s;
    script_play(&s, name);
    fclose(f);
    free(w.text);
}

#define SCRIPTS(X)                                                                                 \
    X(width_40)                                                                                    \
    X(width_80)                                                                                    \
    X(width_200)                                                                                   \
    X(resize)                                                                                      \
    X(many)                                                                                        \
    X(tiny)                                                                                        \
    X(lookup)                                                                                      \
    X(unsized) X(lines) X(order) X(interrupted) X(resumed) X(colour) X(verbose) X(states) X(quiet) \
        X(silent) X(dry_run) X(json) X(hostile) X(forced) X(stalled)

#define SCRIPT_TEST(name)                                                                          \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        play("progress/" #name ".case");                                                           \
    }
SCRIPTS(SCRIPT_TEST)

static void test_terminal(void **state)
{
    unsigned columns = 0, rows = 0;
    FILE *f = tmpfile();

    (void)state;
    setenv("TERM", "xterm", 1);
    assert_false(screen_is_terminal(f));
    assert_false(screen_may_colour(f, false));
    screen_size(f, &columns, &rows);
    assert_int_equal(columns, 80);
    assert_int_equal(rows, 24);
    fclose(f);
}

/* A pseudo-terminal: what TERM and NO_COLOR do only shows on one. */
static void test_environment(void **state)
{
    int fd = posix_openpt(2 /* O_RDWR */);
    FILE *f = NULL;

    (void)state;
    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0)
        skip();
    f = fopen(ptsname(fd), "r+");
    assert_non_null(f);
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    assert_true(screen_is_terminal(f));
    assert_true(screen_may_colour(f, false));
    assert_false(screen_may_colour(f, true));
    setenv("NO_COLOR", "", 1);
    assert_true(screen_may_colour(f, false));
    setenv("NO_COLOR", "0", 1);
    assert_false(screen_may_colour(f, false));
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(screen_is_terminal(f));
    unsetenv("TERM");
    assert_false(screen_is_terminal(f));
    fclose(f);
}

int main(void)
{
#define SCRIPT_ENTRY(name) cmocka_unit_test(test_##name),
    const struct CMUnitTest tests[] = { SCRIPTS(SCRIPT_ENTRY) cmocka_unit_test(test_terminal),
                                        cmocka_unit_test(test_environment) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
