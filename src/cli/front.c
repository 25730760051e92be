/* Everything that a command does happens in job/run; here is only what goes in and what is seen. */
#include "dray/cli/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/cli/command.h"
#include "dray/cli/hand_over.h"
#include "dray/cli/options.h"
#include "dray/job/layers.h"
#include "dray/job/run.h"
#include "dray/ui/progress.h"
#include "dray/ui/prompt.h"
#include "dray/ui/report.h"
#include "dray/ui/screen.h"
#include "dray/ui/summary.h"
#include "dray/ui/trace.h"
#include "dray_config.h"

#ifdef __APPLE__ /* whose unistd.h does not have it */
extern char **environ;
#endif

void front_print_error(const struct err *e)
{
    fprintf(stderr, "error: %s\n", err_text(e));
}

static int exit_status(const struct err *e, int signal)
{
    if (signal)
        return EXIT_SIGNAL + signal;
    return e->code == ERR_USAGE ? EXIT_USAGE : e->code ? EXIT_FAILED : EXIT_DONE;
}

void front_help_end(struct buf *out)
{
    buf_add_z(
        out,
        "\nEach option may also stand in a variable, --index-url in DRAY_INDEX_URL, and most of "
        "them in\ndray.yaml. Where none of these says anything, what pip is configured with "
        "counts: pip.conf and\nPIP_* variables. dray config says what it all comes to.\n");
}

static int print_help(const struct front *f)
{
    struct buf out = { 0 };

    buf_add_f(&out, "%s\nOptions:\n", f->usage);
    options_help(f->command, &out);
    front_help_end(&out);
    fputs(buf_z(&out), stdout);
    buf_done(&out);
    return EXIT_DONE;
}

int front_read_settings_as(struct settings *s, enum settings_command command, int argc, char **argv,
                           struct layers *layers, struct err *e)
{
    struct settings words;
    int code;

    /* A slip in what was just typed is told before one in some file. */
    settings_init(&words);
    words.command = command;
    code = options_parse(&words, argc, argv, e);
    if (!code)
        code = layers_apply(s,
                            &(struct layers_wish){ .config = words.config.p,
                                                   .isolated = words.isolated,
                                                   .env = (const char *const *)environ },
                            layers, e);
    settings_done(&words);
    return code ? code : options_parse_as(s, command, argc, argv, e);
}

int front_read_settings(struct settings *s, int argc, char **argv, struct layers *layers,
                        struct err *e)
{
    return front_read_settings_as(s, s->command, argc, argv, layers, e);
}

static int read_settings(struct settings *s, int argc, char **argv, struct err *e)
{
    struct layers layers = { 0 };
    int code = front_read_settings(s, argc, argv, &layers, e);

    layers_done(&layers);
    return code;
}

/* What would only be found out when all is done, or not at all. */
static int check_files(const struct settings *s, struct err *e)
{
    const struct str readable[] = { s->cert, s->client_cert };
    ptrdiff_t slash = str_rfind(s->report, '/');

    for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
        if (readable[i].n && access(readable[i].p, R_OK) != 0)
            return err_errno(e, "%s %s", i ? "--client-cert" : "--cert", readable[i].p);
    if (slash <= 0)
        return 0;
    struct buf dir = { 0 };
    buf_add_str(&dir, str_sub(s->report, 0, (size_t)slash));
    if (access(buf_z(&dir), W_OK | X_OK) != 0)
        err_errno(e, "--report %.*s: can't be written into %s", STR_ARG(s->report), buf_z(&dir));
    buf_done(&dir);
    return e->code;
}

int front_check(const struct front *f, const struct settings *s, struct err *e)
{
    return settings_check(s, e) || f->check(s, e) || check_files(s, e) ? e->code : 0;
}

/* What was fetched is as it is: a report or trace that can't be written is one more error. */
static void add_error(struct err *run, struct err *e)
{
    if (e->code)
        front_print_error(e);
    if (run->code)
        err_done(e);
    else
        err_move(run, e);
}

static void write_report(const struct settings *s, const struct job_result *r, struct err *run)
{
    struct err e = { 0 };

    if (s->report.p)
        report_write(s->report.p, s, r, &e);
    add_error(run, &e);
}

static void close_trace(struct trace *t, struct err *run)
{
    struct err e = { 0 };

    trace_close(t, &e);
    add_error(run, &e);
}

static void print(const struct front *f, const struct settings *s, const struct job_result *r,
                  struct err *run)
{
    int before = run->code;

    if (f->print)
        f->print(s, r, run);
    if (run->code != before)
        front_print_error(run);
}

static void keep_quiet(void *ctx, bool wanted)
{
    progress_pause(ctx, wanted);
}

static int do_job(const struct front *f, struct settings *s, struct run *run, struct events *events,
                  struct err *e)
{
    bool colour = screen_may_colour(stderr, false);
    unsigned talks = f->print && !s->verbose; /* then what it prints says it all */
    struct progress *progress = progress_create(
        &(struct progress_options){ .out = stderr,
                                    .json_out = stdout,
                                    .mode = s->progress,
                                    .quiet = s->quiet + talks,
                                    .verbose = s->verbose,
                                    .passing = s->command == COMMAND_INSTALL && !s->dry_run,
                                    .is_terminal = screen_is_terminal(stderr),
                                    .colour = colour },
        events);

    struct prompt *prompt = prompt_create(keep_quiet, progress);
    struct job *job = job_create(&(struct job_options){ .engine = run_engine(run),
                                                        .settings = s,
                                                        .events = events,
                                                        .prompter = prompt_prompter(prompt) });
    run_job(run, job, e);
    progress_destroy(progress);
    const struct job_result *result = job_result(job);
    summary_print(
        stderr,
        &(struct summary_options){ .colour = colour,
                                   .quiet = s->quiet + talks,
                                   .stats = s->stats && s->command != COMMAND_METADATA,
                                   .dest = s->command == COMMAND_INSTALL ? STR_NONE : s->dest },
        result, e);
    print(f, s, result, e);
    fflush(stdout); /* before what is said of it, where both are one */
    if (s->stats)
        summary_print_turns(stderr, &result->turns);
    write_report(s, result, e);
    int signal = result->signal;
    job_destroy(job);
    prompt_destroy(prompt);
    return signal;
}

int front_run_job(const struct front *f, struct settings *s, struct run *run)
{
    struct events events = { 0 };
    struct trace *trace = NULL;
    struct err e = { 0 };
    int signal = 0;

    if (s->trace.p)
        trace = trace_open(s->trace.p, &events, &e);
    if (e.code)
        front_print_error(&e);
    else
        signal = do_job(f, s, run, &events, &e);
    close_trace(trace, &e);
    int status = exit_status(&e, signal);
    err_done(&e);
    return status;
}

static int run_here(const struct front *f, struct settings *s)
{
    struct err e = { 0 };
    int status = EXIT_FAILED;
    struct run *run = run_open(&e);

    if (run)
        status = front_run_job(f, s, run);
    else
        front_print_error(&e);
    run_close(run);
    err_done(&e);
    return status;
}

static int run_elsewhere(struct settings *s)
{
#ifdef DRAY_DAEMON
    return hand_over_run(s);
#else
    (void)s;
    fputs("error: --daemon: this dray was built without it\n", stderr);
    return EXIT_USAGE;
#endif
}

static int run(const struct front *f, int argc, char **argv)
{
    struct settings s;
    struct err e = { 0 };
    int status;

    settings_init(&s);
    s.command = f->command;
    if (read_settings(&s, argc, argv, &e) || front_check(f, &s, &e)) {
        front_print_error(&e);
        status = exit_status(&e, 0);
    } else {
        status = s.to_daemon ? run_elsewhere(&s) : run_here(f, &s);
    }
    err_done(&e);
    settings_done(&s);
    return status;
}

int front_run(const struct front *f, int argc, char **argv)
{
    switch (options_wish(f->command, argc, argv)) {
    case OPTIONS_HELP:
        return print_help(f);
    case OPTIONS_VERSION:
        puts("dray " DRAY_VERSION);
        return EXIT_DONE;
    case OPTIONS_RUN:
        return run(f, argc, argv);
    }
    abort();
}
