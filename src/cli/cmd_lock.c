/* dray lock: resolves, and writes down what it would fetch. */
#include <stdio.h>

#include "dray/cli/command.h"
#include "dray/cli/front.h"
#include "dray/ui/lock.h"
#include "dray/util/file.h"

static int check_wish(const struct settings *s, struct err *e)
{
    if (!settings_has_wish(s))
        return err_set(e, ERR_USAGE,
                       "nothing to lock: name a requirement or a file of them with -r FILE");
    return 0;
}

static int compose(const struct settings *s, const struct job_result *r, struct buf *out,
                   struct err *e)
{
    struct lock_options o = { .only_target = s->only_target, .no_hashes = s->no_require_hashes };

    switch (s->lock_format) {
    case LOCK_REQUIREMENTS:
        return lock_requirements(r, &o, out, e);
    case LOCK_PYLOCK:
        return lock_pylock(r, &o, out, e);
    case LOCK_JSON:
        lock_json(r, &o, out);
        break;
    }
    return 0;
}

/* All of it or nothing: a lock that lacks something would pass for a whole one. */
static void print(const struct settings *s, const struct job_result *r, struct err *e)
{
    struct buf out = { 0 };

    if (e->code || compose(s, r, &out, e)) {
        buf_done(&out);
        return;
    }
    if (s->output.n && !str_is(s->output, "-"))
        file_write(s->output.p, buf_str(&out), e);
    else
        fwrite(out.p, 1, out.n, stdout);
    buf_done(&out);
}

const struct front front_lock = {
    .command = COMMAND_LOCK,
    .usage = "Usage: dray lock [OPTIONS] REQUIREMENT...\n"
             "       dray lock [OPTIONS] -r FILE\n\n"
             "Resolves the requirements and writes the versions that they and their dependencies\n"
             "get, with the hashes of their files: as a requirements file, as pylock.toml or as\n"
             "JSON. Fetches metadata only.\n",
    .check = check_wish,
    .print = print
};

int cmd_lock(int argc, char **argv)
{
    return front_run(&front_lock, argc, argv);
}
