/* dray run: jobs from files, one after another. All of them are read, and their settings put
 * together, before the first is begun: a slip in the last is told at once, not hours later. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/cli/command.h"
#include "dray/cli/front.h"
#include "dray/cli/job_input.h"
#include "dray/cli/options.h"
#include "dray/job/inputs.h"
#include "dray/job/jobfile.h"
#include "dray/ui/shown.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"
#include "dray_config.h"

#ifdef __APPLE__ /* whose unistd.h does not have it */
extern char **environ;
#endif

/* What a job writes besides files of packages. */
struct written {
    char *path;
    const struct jobfile_job *job;
};

struct batch {
    int argc;
    char **argv;
    struct settings words; /* the command line: its arguments are the files */
    struct job_input *inputs;
    size_t n, n_jobs;
    struct written *written;
    size_t n_written, cap_written;
    struct run *run;
    int status;
};

static const struct front *front_of(enum settings_command command)
{
    static const struct front *const all[] = { &front_download, &front_wheel, &front_install,
                                               &front_metadata, &front_lock };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (all[i]->command == command)
            return all[i];
    abort();
}

static int read_file(struct batch *b, struct job_input *in, struct str file, struct err *e)
{
    if (job_input_read(in, file, e))
        return e->code;
    b->n_jobs += in->file.n;
    return b->n_jobs > LIMIT_JOBS ? err_set(e, ERR_USAGE, "%s: there are more than %d jobs",
                                            in->source.name, LIMIT_JOBS)
                                  : 0;
}

/* All layers: what the job says lies below DRAY_* and the command line. */
static int read_settings(const struct batch *b, const struct jobfile_job *job, struct settings *s,
                         struct err *e)
{
    struct layers layers = { 0 };
    struct layers_wish wish = { .config = b->words.config.p,
                                .isolated = b->words.isolated,
                                .job = job,
                                .env = (const char *const *)environ };

    settings_init(s);
    s->command = job->command;
    int code = layers_apply(s, &wish, &layers, e);
    layers_done(&layers);
    if (!code)
        code = options_parse_as(s, COMMAND_RUN, b->argc, b->argv, e);
    if (!code && front_check(front_of(job->command), s, e)) {
        bool has_place = str_starts(str_of(err_text(e)), str_of(job->source->name));
        code = has_place ? e->code : err_wrap(e, "%s, job %s", job->source->name, job->name.p);
    }
    return code;
}

static int add_written(struct batch *b, const char *what, struct str path,
                       const struct jobfile_job *job, struct err *e)
{
    if (!path.n || str_is(path, "-") || str_starts(path, STR("/dev/")))
        return 0;
    for (size_t i = 0; i < b->n_written; i++) {
        const struct jobfile_job *other = b->written[i].job;
        bool run_together = !b->words.check_only || other->source == job->source;
        if (other != job && run_together && str_is(path, b->written[i].path))
            return err_set(e, ERR_USAGE,
                           "%s, job %s: its %s would overwrite what job %s writes: %s",
                           job->source->name, job->name.p, what, other->name.p, path.p);
    }
    b->written = mem_grow(b->written, b->n_written, &b->cap_written, sizeof(*b->written));
    b->written[b->n_written++] = (struct written){ mem_dup(path.p), job };
    return 0;
}

/* No job may undo what another one of this run did. */
static int check_written(struct batch *b, const struct settings *s, const struct jobfile_job *job,
                         struct err *e)
{
    struct str output = s->command == COMMAND_LOCK ? s->output : STR_NONE;

    if (add_written(b, "report", s->report, job, e) || add_written(b, "trace", s->trace, job, e))
        return e->code;
    return add_written(b, "output", output, job, e);
}

/* As far as this machine can tell. */
static int check_job(struct batch *b, const struct jobfile_job *job, struct err *e)
{
    struct events nobody = { 0 };
    struct settings s;
    int code = read_settings(b, job, &s, e);

    if (!code)
        code = check_written(b, &s, job, e);
    if (!code && b->words.check_only)
        code = inputs_check(&s, &nobody, e);
    settings_done(&s);
    return code;
}

/* Errors of all files are told, the first one of each. */
static void read_files(struct batch *b)
{
    const struct strs *files = &b->words.requirements;

    b->inputs = mem_new(files->n, sizeof(*b->inputs));
    for (b->n = 0; b->n < files->n; b->n++) {
        struct job_input *in = &b->inputs[b->n];
        struct err e = { 0 };
        int code = read_file(b, in, files->items[b->n], &e);
        for (size_t i = 0; i < in->file.n && !code; i++)
            code = check_job(b, &in->file.jobs[i], &e);
        if (code) {
            front_print_error(&e);
            b->status = EXIT_USAGE;
        } else if (b->words.check_only) {
            printf("%s: %zu job%s, well-formed\n", in->source.name, in->file.n,
                   in->file.n == 1 ? "" : "s");
        }
        err_done(&e);
    }
}

static void print_heading(const struct settings *s, const struct jobfile_job *job)
{
    struct buf line = { 0 };

    if (s->quiet)
        return;
    buf_add_z(&line, "==> ");
    shown_add(&line, job->name);
    buf_add_z(&line, " <==\n");
    fflush(stdout); /* where both are one, what the job before has printed stands above */
    fputs(buf_z(&line), stderr);
    buf_done(&line);
}

/* Its exit status; from 128 on a signal has ended it. */
static int run_one(const struct batch *b, const struct jobfile_job *job)
{
    struct settings s;
    struct err e = { 0 };
    int status = EXIT_USAGE;

    if (read_settings(b, job, &s, &e)) {
        front_print_error(&e); /* what could be read before is gone or changed */
    } else {
        print_heading(&s, job);
        status = front_run_job(front_of(job->command), &s, b->run);
    }
    err_done(&e);
    settings_done(&s);
    return status;
}

/* On one engine: its connections stay for the next job. */
static void run_all(struct batch *b)
{
    struct err e = { 0 };

    b->run = run_open(&e);
    if (!b->run) {
        front_print_error(&e);
        err_done(&e);
        b->status = EXIT_FAILED;
        return;
    }
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < b->inputs[i].file.n && b->status < EXIT_SIGNAL; k++) {
            int status = run_one(b, &b->inputs[i].file.jobs[k]);
            b->status = status > b->status ? status : b->status;
        }
}

static void batch_done(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        job_input_done(&b->inputs[i]);
    free(b->inputs);
    for (size_t i = 0; i < b->n_written; i++)
        free(b->written[i].path);
    free(b->written);
    run_close(b->run);
    settings_done(&b->words);
}

static int run(int argc, char **argv)
{
    struct batch b = { .argc = argc, .argv = argv };
    struct err e = { 0 };

    settings_init(&b.words);
    b.words.command = COMMAND_RUN;
    if (!options_parse(&b.words, argc, argv, &e) && !b.words.requirements.n)
        err_set(&e, ERR_USAGE, "nothing to run: name a job file, or \"-\" for standard input");
    if (e.code) {
        front_print_error(&e);
        b.status = EXIT_USAGE;
    } else {
        read_files(&b);
    }
    if (!b.status && !b.words.check_only)
        run_all(&b);
    batch_done(&b);
    err_done(&e);
    return b.status;
}

static int print_help(void)
{
    struct buf out = { 0 };

    buf_add_z(&out,
              "Usage: dray run [OPTIONS] JOB.yaml...\n\n"
              "Does what job files say, one job after another: what command lines of download,\n"
              "wheel, install, metadata and lock say, in YAML, or in JSON if the file is named\n"
              "*.json; \"-\" is standard input. Options count for all jobs, over what these say.\n"
              "\nOptions:\n");
    options_help(COMMAND_RUN, &out);
    front_help_end(&out);
    fputs(buf_z(&out), stdout);
    buf_done(&out);
    return EXIT_DONE;
}

int cmd_run(int argc, char **argv)
{
    switch (options_wish(COMMAND_RUN, argc, argv)) {
    case OPTIONS_HELP:
        return print_help();
    case OPTIONS_VERSION:
        puts("dray " DRAY_VERSION);
        return EXIT_DONE;
    case OPTIONS_RUN:
        return run(argc, argv);
    }
    abort();
}
