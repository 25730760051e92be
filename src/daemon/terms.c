#include "dray/daemon/terms.h"

#include <unistd.h>

#include "dray/job/job_text.h"
#include "dray/job/jobfile.h"

static bool is_url(struct str s)
{
    return str_starts(s, STR("http:")) || str_starts(s, STR("https:"));
}

/* Settings that were said, and that a daemon does not take from a job. */
static int check_rows(const struct settings *said, struct err *e)
{
    for (const struct setting *w = settings_table; w->name; w++) {
        bool is_said = !str_is(settings_origin(said, w), "default");
        if (is_said && !(w->where & SETTING_IN_DAEMON))
            return err_set(e, ERR_USAGE,
                           "%s: a daemon's jobs can't set that: it is for the daemon's own "
                           "configuration, or for dray run",
                           w->name);
    }
    return 0;
}

static int check_command(const struct jobfile_job *job, bool own, struct err *e)
{
    if (job->command == COMMAND_DOWNLOAD || (job->command == COMMAND_WHEEL && own))
        return 0;
    if (job->command == COMMAND_WHEEL)
        return err_set(e, ERR_USAGE,
                       "command: wheel builds, which runs programs of those who wrote the "
                       "packages: only the daemon's own user may ask for that");
    return err_set(e, ERR_USAGE, "command: a daemon does download and wheel; dray run does %s",
                   settings_command_name(job->command));
}

static bool says_dest(const struct settings *said)
{
    struct str row = said->command == COMMAND_WHEEL ? STR("wheel-dir") : STR("dest");

    return !str_is(settings_origin(said, settings_find(row)), "default");
}

/* Checked on settings that hold nothing else, so that what it can't set is told from what the
 * daemon's own configuration says. */
static int check_job(const struct jobfile_job *job, bool own, struct err *e)
{
    struct settings said;

    if (check_command(job, own, e))
        return e->code;
    settings_init(&said);
    said.command = job->command;
    int code = jobfile_apply(job, &said, e);
    if (!code)
        code = check_rows(&said, e);
    if (!code && !own && (said.python.n || said.target_files.n))
        code = err_set(e, ERR_USAGE,
                       "%s: only the daemon's own user may have it %s; say target instead",
                       said.python.n ? "python" : "target-file", said.python.n ? "run" : "read");
    if (!code && !says_dest(&said))
        code = err_set(e, ERR_USAGE, "dest: say into which directory the files go");
    if (!code && !settings_has_wish(&said))
        code = err_set(e, ERR_USAGE, "it asks for nothing: requirements is missing");
    settings_done(&said);
    return code;
}

static const enum settings_command commands[TERMS_COMMANDS] = { COMMAND_DOWNLOAD, COMMAND_WHEEL,
                                                                COMMAND_METADATA };

/* Kept as a text, since settings can't be copied. */
static int read_one(const struct terms *t, enum settings_command command, struct buf *out,
                    bool *isolated, struct err *e)
{
    struct settings s;

    settings_init(&s);
    int code = t->base(t->ctx, command, &s, e);
    strs_add(&s.requirements, STR("none")); /* a job without any is an error */
    if (!code)
        code = job_text(&s, STR("configuration"), SETTING_IN_JOB, out, e);
    *isolated = s.isolated;
    settings_done(&s);
    return code;
}

int terms_read(struct terms *t, struct err *e)
{
    struct buf texts[TERMS_COMMANDS] = { { 0 } };
    bool isolated = false;

    for (size_t i = 0; i < TERMS_COMMANDS && !e->code; i++)
        read_one(t, commands[i], &texts[i], &isolated, e);
    for (size_t i = 0; i < TERMS_COMMANDS; i++) {
        if (!e->code) {
            buf_done(&t->texts[i]);
            t->texts[i] = texts[i];
            t->isolated = isolated;
        } else {
            buf_done(&texts[i]);
        }
    }
    return e->code;
}

void terms_done(struct terms *t)
{
    for (size_t i = 0; i < TERMS_COMMANDS; i++)
        buf_done(&t->texts[i]);
}

/* What it says was expanded when it was read, or is meant as it stands. */
static const char *as_it_stands(void *ctx, const char *name)
{
    return arena_f(ctx, "${%s}", name).p;
}

static int take_base(const struct terms *t, enum settings_command command, struct settings *out,
                     struct err *e)
{
    struct jobfile file = { 0 };
    size_t i = 0;

    while (i + 1 < TERMS_COMMANDS && commands[i] != command)
        i++;
    struct jobfile_source from = { .text = buf_str(&t->texts[i]),
                                   .name = "configuration",
                                   .is_json = true,
                                   .variable = as_it_stands,
                                   .ctx = &out->arena };
    out->command = command;
    int code = jobfile_read(&from, &file, e);
    if (!code)
        code = jobfile_apply(&file.jobs[0], out, e);
    out->isolated = t->isolated;
    out->requirement_lines.n = 0;
    jobfile_done(&file);
    return code;
}

static int apply(const struct terms *t, const struct jobfile_job *job, bool own,
                 struct settings *out, struct err *e)
{
    if (take_base(t, job->command, out, e) || jobfile_apply(job, out, e))
        return e->code;
    out->no_input = true; /* there is nobody at a terminal */
    out->no_local_files = !own;
    return settings_check(out, e);
}

/* Root can be anybody. */
static bool is_own(uint32_t uid)
{
    return uid == geteuid() || uid == 0;
}

int terms_apply(const struct terms *t, const struct terms_job *job, struct buf *name,
                struct settings *out, struct err *e)
{
    struct jobfile_source from = { .text = job->text, .name = "job", .is_json = job->is_json };
    struct jobfile file = { 0 };
    int code = jobfile_read(&from, &file, e);

    if (!code && file.n != 1)
        code = err_set(e, ERR_USAGE,
                       "expected one job, got %zu: dray submit sends those of a file one by one",
                       file.n);
    if (!code)
        code = check_job(&file.jobs[0], is_own(job->uid), e);
    if (!code)
        code = apply(t, &file.jobs[0], is_own(job->uid), out, e);
    if (!code && name)
        buf_add_str(name, file.jobs[0].name);
    jobfile_done(&file);
    return code;
}

int terms_metadata(const struct terms *t, struct str url, bool is_owner, struct settings *out,
                   struct err *e)
{
    if (take_base(t, COMMAND_METADATA, out, e))
        return e->code;
    if (!is_url(url) && !is_owner)
        return err_set(e, ERR_USAGE, "url: expected an http or https URL");
    strs_add(&out->requirements, arena_str(&out->arena, url));
    out->no_input = true;
    out->no_local_files = !is_owner;
    return 0;
}
