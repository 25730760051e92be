/* dray submit, jobs, watch and cancel: what one does with a daemon. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#include "dray/cli/command.h"
#include "dray/cli/front.h"
#include "dray/cli/hand_over.h"
#include "dray/cli/job_input.h"
#include "dray/cli/options.h"
#include "dray/job/settings_origin.h"
#include "dray/ui/shown.h"
#include "dray_config.h"

struct asking {
    enum settings_command command;
    const char *usage;
    int (*run)(struct settings *s, struct remote *r, struct err *e); /* its exit status */
};

static int status_of(int code)
{
    return code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

/* -- submit -- */

static int submit_one(struct settings *s, struct remote *r, const struct jobfile_job *job,
                      int64_t *id, struct err *e)
{
    struct settings of_job;
    struct buf text = { 0 };

    settings_init(&of_job);
    of_job.command = job->command;
    if (!jobfile_apply(job, &of_job, e)) {
        of_job.priority = s->priority != PRIORITY_NORMAL ? s->priority : of_job.priority;
        if (s->priority != PRIORITY_NORMAL)
            settings_origin_note(&of_job, settings_find(STR("priority")), "--priority");
        if (!hand_over_text(&of_job, job->name, &text, e))
            remote_submit(r, buf_str(&text), NULL, id, e);
    }
    settings_done(&of_job);
    buf_done(&text);
    return e->code;
}

/* One after another, since each is shown as if it were done here. */
static int wait_for(struct settings *s, struct remote *r, const int64_t *ids, size_t n)
{
    int worst = EXIT_DONE;

    for (size_t i = 0; i < n && worst < EXIT_SIGNAL; i++) {
        int status = hand_over_watch(r, ids[i], s, false);
        worst = status > worst ? status : worst;
    }
    return worst;
}

/* A file is taken whole or not at all, so that it can be mended and submitted again. */
static int take_back(struct remote *r, const int64_t *ids, size_t n, struct err *e)
{
    struct err unused = { 0 };
    struct buf answer = { 0 }, left = { 0 };

    for (size_t i = 0; i < n; i++) {
        if (remote_cancel(r, ids[i], &answer, &unused))
            buf_add_f(&left, " %" PRId64, ids[i]);
        err_done(&unused);
    }
    if (left.n)
        err_set(e, e->code, "%s; submitted before it, and not taken back:%s", err_text(e),
                buf_z(&left));
    else if (n)
        err_set(e, e->code, "%s; the jobs before it in the file were cancelled", err_text(e));
    buf_done(&answer);
    buf_done(&left);
    return e->code;
}

static int submit_all(struct settings *s, struct remote *r, const struct job_input *in,
                      struct err *e)
{
    int64_t *ids = arena_alloc(&s->arena, in->file.n, sizeof(*ids));

    for (size_t i = 0; i < in->file.n; i++) {
        if (submit_one(s, r, &in->file.jobs[i], &ids[i], e)) {
            err_wrap(e, "job %s", in->file.jobs[i].name.p);
            return take_back(r, ids, i, e);
        }
    }
    for (size_t i = 0; i < in->file.n; i++)
        printf("%" PRId64 "\n", ids[i]);
    fflush(stdout);
    return s->waits ? wait_for(s, r, ids, in->file.n) : EXIT_DONE;
}

static int run_submit(struct settings *s, struct remote *r, struct err *e)
{
    int worst = EXIT_DONE;

    if (!s->requirements.n)
        return err_set(e, ERR_USAGE, "nothing to submit: name a job file, or \"-\"");
    for (size_t i = 0; i < s->requirements.n && !e->code; i++) {
        struct job_input in = { 0 };
        int status = EXIT_DONE;
        if (!job_input_read(&in, s->requirements.items[i], e))
            status = submit_all(s, r, &in, e);
        worst = status > worst ? status : worst;
        job_input_done(&in);
    }
    return worst;
}

/* -- jobs -- */

static struct str text_of(yajl_val map, const char *key)
{
    const char *path[] = { key, NULL };

    return str_of(YAJL_GET_STRING(yajl_tree_get(map, path, yajl_t_string)));
}

static int64_t number_of(yajl_val map, const char *key)
{
    const char *path[] = { key, NULL };
    yajl_val value = yajl_tree_get(map, path, yajl_t_number);

    return YAJL_IS_INTEGER(value) ? YAJL_GET_INTEGER(value) : 0;
}

static void add_job(struct buf *out, yajl_val job)
{
    struct str submitted = str_sub(text_of(job, "submitted"), 0, 19);

    buf_add_f(out, "%6" PRId64 "  %-9.*s  %-6.*s  %.*s  ", number_of(job, "id"),
              STR_ARG(text_of(job, "state")), STR_ARG(text_of(job, "priority")),
              STR_ARG(submitted));
    if (number_of(job, "files"))
        buf_add_f(out, "%" PRId64 "/%" PRId64 "  ",
                  number_of(job, "files") - number_of(job, "failed"), number_of(job, "files"));
    shown_add(out, text_of(job, "name"));
    buf_add_c(out, '\n');
}

static int print_jobs(const struct buf *answer, struct err *e)
{
    const char *path[] = { "jobs", NULL };
    yajl_val tree = yajl_tree_parse(buf_z(answer), NULL, 0);
    yajl_val jobs = yajl_tree_get(tree, path, yajl_t_array);
    struct buf out = { 0 };

    if (!YAJL_IS_ARRAY(jobs))
        err_set(e, ERR_INPUT, "the daemon's answer has no \"jobs\": is it one of dray?");
    for (size_t i = 0; !e->code && i < jobs->u.array.len; i++)
        add_job(&out, jobs->u.array.values[i]);
    fwrite(buf_z(&out), 1, out.n, stdout);
    if (jobs && number_of(tree, "next"))
        fprintf(stderr, "there are older ones: these are the newest %zu\n", jobs->u.array.len);
    buf_done(&out);
    yajl_tree_free(tree);
    return e->code;
}

static int read_id(const struct settings *s, int64_t *out, struct err *e)
{
    uint64_t id = 0;

    if (s->requirements.n != 1 || !str_to_u64(s->requirements.items[0], INT64_MAX, &id))
        return err_set(e, ERR_USAGE, "expected the number of one job; dray jobs lists them");
    *out = (int64_t)id;
    return 0;
}

static int run_jobs(struct settings *s, struct remote *r, struct err *e)
{
    struct buf answer = { 0 };

    if (s->requirements.n)
        err_set(e, ERR_USAGE, "jobs takes no arguments; dray watch ID shows one");
    else if (!remote_get(r, "/v1/jobs?limit=1000", &answer, e)) {
        if (s->json)
            fwrite(answer.p, 1, answer.n, stdout);
        else
            print_jobs(&answer, e);
    }
    buf_done(&answer);
    return EXIT_DONE;
}

static int run_watch(struct settings *s, struct remote *r, struct err *e)
{
    int64_t id = 0;

    return read_id(s, &id, e) ? EXIT_USAGE : hand_over_watch(r, id, s, false);
}

static int run_cancel(struct settings *s, struct remote *r, struct err *e)
{
    struct buf answer = { 0 };
    int64_t id = 0;

    if (!read_id(s, &id, e))
        remote_cancel(r, id, &answer, e);
    buf_done(&answer);
    return EXIT_DONE;
}

/* -- what they have in common -- */

static int run(const struct asking *a, int argc, char **argv)
{
    struct layers layers = { 0 };
    struct settings s;
    struct remote *r = NULL;
    struct err e = { 0 };
    int status = EXIT_DONE;

    settings_init(&s);
    s.command = a->command;
    if (!front_read_settings(&s, argc, argv, &layers, &e))
        r = remote_open(&s, &e);
    layers_done(&layers);
    s.dest = STR_NONE; /* each job has its own */
    if (r)
        status = a->run(&s, r, &e);
    if (e.code) {
        front_print_error(&e);
        status = status_of(e.code);
    }
    remote_close(r);
    settings_done(&s);
    err_done(&e);
    return status;
}

static int start(const struct asking *a, int argc, char **argv)
{
    struct buf out = { 0 };

    switch (options_wish(a->command, argc, argv)) {
    case OPTIONS_HELP:
        buf_add_f(&out, "%s\nOptions:\n", a->usage);
        options_help(a->command, &out);
        fputs(buf_z(&out), stdout);
        buf_done(&out);
        return EXIT_DONE;
    case OPTIONS_VERSION:
        puts("dray " DRAY_VERSION);
        return EXIT_DONE;
    case OPTIONS_RUN:
        return run(a, argc, argv);
    }
    abort();
}

int cmd_submit(int argc, char **argv)
{
    static const struct asking asking = {
        .command = COMMAND_SUBMIT,
        .usage = "Usage: dray submit [OPTIONS] JOB.yaml...\n\n"
                 "Hands the jobs of job files to the daemon, with the files that they name, and\n"
                 "prints the number of each. Relative paths are those of this machine: the daemon\n"
                 "writes below its roots only.\n",
        .run = run_submit
    };

    return start(&asking, argc, argv);
}

int cmd_jobs(int argc, char **argv)
{
    static const struct asking asking = {
        .command = COMMAND_JOBS,
        .usage = "Usage: dray jobs [OPTIONS]\n\nLists the daemon's jobs, the newest first.\n",
        .run = run_jobs
    };

    return start(&asking, argc, argv);
}

int cmd_watch(int argc, char **argv)
{
    static const struct asking asking = {
        .command = COMMAND_WATCH,
        .usage = "Usage: dray watch [OPTIONS] ID\n\n"
                 "Shows a job of the daemon until it has ended. Ctrl-C ends the showing only.\n",
        .run = run_watch
    };

    return start(&asking, argc, argv);
}

int cmd_cancel(int argc, char **argv)
{
    static const struct asking asking = {
        .command = COMMAND_CANCEL,
        .usage = "Usage: dray cancel [OPTIONS] ID\n\nEnds a job of the daemon.\n",
        .run = run_cancel
    };

    return start(&asking, argc, argv);
}
