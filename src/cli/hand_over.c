#include "dray/cli/hand_over.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/cli/command.h"
#include "dray/cli/front.h"
#include "dray/job/inputs.h"
#include "dray/job/job_text.h"
#include "dray/job/settings_origin.h"
#include "dray/ui/progress.h"
#include "dray/ui/screen.h"
#include "dray/ui/summary.h"
#include "dray/util/path.h"

/* What only this process could do with them was asked for by mistake; what a file or variable says
 * is for this machine's own runs. */
static int check_row(const struct settings *s, const struct setting *w, bool is_job, struct err *e)
{
    struct str origin = settings_origin(s, w);
    bool is_meant = is_job ? !str_is(origin, "default") : str_starts(origin, STR("-"));

    if (!is_meant || (w->where & SETTING_IN_DAEMON) || !(w->where & SETTING_IN_JOB))
        return 0;
    return err_set(e, ERR_USAGE,
                   "%s%s can't be said for a daemon's job: it is for dray's own runs, or for the "
                   "daemon's configuration",
                   is_job ? "" : "--", w->name);
}

static struct str absolute(struct settings *s, struct str directory, struct str path)
{
    struct buf joined = { 0 }, plain = { 0 };

    path_join(directory, path, &joined);
    path_normalize(buf_str(&joined), &plain);
    struct str all = arena_str(&s->arena, buf_str(&plain));
    buf_done(&joined);
    buf_done(&plain);
    return all;
}

/* Paths are the same wherever the daemon runs. */
static void make_absolute(struct settings *s)
{
    char *cwd = getcwd(NULL, 0);

    if (cwd) {
        s->directory = absolute(s, str_of(cwd), s->directory);
        s->dest = absolute(s, str_of(cwd), s->dest);
    }
    settings_origin_note(
        s, settings_find(s->command == COMMAND_WHEEL ? STR("wheel-dir") : STR("dest")), "--dest");
    free(cwd);
}

int hand_over_text(struct settings *s, struct str name, struct buf *out, struct err *e)
{
    struct events nobody = { 0 };
    bool is_job = name.p; /* of a file: all that it says was meant for the daemon */

    make_absolute(s);
    for (const struct setting *w = settings_table; w->name; w++)
        if ((w->commands & s->command) && check_row(s, w, is_job, e))
            return e->code;
    if (inputs_carry(s, &nobody, e))
        return e->code;
    return job_text(s, name, SETTING_IN_DAEMON, out, e);
}

/* -- showing -- */

struct showing {
    const struct settings *settings;
    struct events events;
    struct progress *progress;
};

static void begin(void *ctx)
{
    struct showing *w = ctx;
    const struct settings *s = w->settings;

    progress_destroy(w->progress);
    w->events = (struct events){ 0 };
    w->progress =
        progress_create(&(struct progress_options){ .out = stderr,
                                                    .json_out = stdout,
                                                    .mode = s->progress,
                                                    .quiet = s->quiet,
                                                    .verbose = s->verbose,
                                                    .is_terminal = screen_is_terminal(stderr),
                                                    .colour = screen_may_colour(stderr, false) },
                        &w->events);
}

static void note(void *ctx, const char *text)
{
    const struct showing *w = ctx;

    if (!w->settings->quiet)
        fprintf(stderr, "%s\n", text);
}

static int status_of(const struct remote_outcome *o)
{
    if (o->signal)
        return EXIT_SIGNAL + o->signal;
    return o->err.code == ERR_USAGE ? EXIT_USAGE : o->state == JOB_DONE ? EXIT_DONE : EXIT_FAILED;
}

int hand_over_watch(struct remote *r, int64_t id, const struct settings *s, bool cancels)
{
    struct showing w = { .settings = s };
    struct remote_outcome o = { 0 };
    struct err e = { 0 };
    int status = EXIT_FAILED;
    const struct remote_watch watch = {
        .events = &w.events, .begins = begin, .note = note, .ctx = &w, .cancels = cancels
    };

    int code = remote_watch(r, id, &watch, &o, &e);
    progress_destroy(w.progress);
    if (code) {
        front_print_error(&e);
    } else if (job_state_is_end(o.state)) {
        summary_print(stderr,
                      &(struct summary_options){ .colour = screen_may_colour(stderr, false),
                                                 .quiet = s->quiet,
                                                 .dest = s->dest },
                      &o.result, &o.err);
        status = status_of(&o);
    } else {
        fprintf(stderr, "job %lld goes on; dray cancel %lld ends it\n", (long long)id,
                (long long)id);
        status = status_of(&o);
    }
    remote_outcome_done(&o);
    err_done(&e);
    return status;
}

int hand_over_run(struct settings *s)
{
    struct remote *r = NULL;
    struct buf text = { 0 };
    struct err e = { 0 };
    int64_t id = 0;
    int status = EXIT_FAILED;

    if (!hand_over_text(s, STR_NONE, &text, &e))
        r = remote_open(s, &e);
    if (r && !remote_submit(r, buf_str(&text), NULL, &id, &e))
        status = hand_over_watch(r, id, s, true);
    if (e.code) {
        front_print_error(&e);
        status = e.code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
    }
    remote_close(r);
    buf_done(&text);
    err_done(&e);
    return status;
}
