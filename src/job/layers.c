#include "dray/job/layers.h"

#include <stdlib.h>
#include <unistd.h>

#include "dray/job/config_file.h"
#include "dray/job/jobfile.h"
#include "dray/job/pipconf.h"
#include "dray/job/variables.h"
#include "dray/util/mem.h"

static void add_files(struct layers *l, const struct strs *paths, bool is_pips)
{
    for (size_t i = 0; i < paths->n; i++) {
        struct str path = arena_str(&l->arena, paths->items[i]);
        bool found = access(path.p, R_OK) == 0;
        l->files = mem_grow(l->files, l->n, &l->cap, sizeof(*l->files));
        l->files[l->n++] = (struct layers_file){ path, is_pips, found };
    }
}

/* The name of the command whose settings these are; to know what they are, `dray config` is that
 * command and its own. */
static const char *section_of(const struct settings *s)
{
    return settings_command_name(s->command & ~(unsigned)COMMAND_CONFIG);
}

/* An activated virtual environment is the sys.prefix that pip would have. */
static int apply_pips(struct settings *s, const struct layers_wish *wish, struct layers *out,
                      struct err *e)
{
    struct pipconf_site site = { .command = section_of(s),
                                 .prefix = variables_get(wish->env, "VIRTUAL_ENV"),
                                 .env = wish->env,
                                 .isolated = wish->isolated };
    struct strs paths = { 0 };

    pipconf_paths(&out->arena, &site, &paths);
    add_files(out, &paths, true);
    int code = pipconf_apply(s, &site, &paths, e);
    strs_done(&paths);
    return code;
}

static int apply_ours(struct settings *s, const struct layers_wish *wish, struct layers *out,
                      struct err *e)
{
    struct config_site site = { .named = wish->config,
                                .env = wish->env,
                                .isolated = wish->isolated };
    struct strs paths = { 0 };
    bool must_exist = false;
    int code = 0;

    config_file_paths(&out->arena, &site, &paths, &must_exist);
    add_files(out, &paths, false);
    for (size_t i = 0; i < paths.n && !code; i++) {
        code = config_file_apply(s, paths.items[i].p, e);
        if (code == ERR_NOT_FOUND && must_exist)
            err_wrap(e, "%s", wish->config ? "--config" : "DRAY_CONFIG");
        if (code == ERR_NOT_FOUND && !must_exist) {
            err_done(e);
            code = 0;
        }
    }
    strs_done(&paths);
    return code;
}

int layers_apply(struct settings *s, const struct layers_wish *wish, struct layers *out,
                 struct err *e)
{
    int code = s->command == COMMAND_CACHE ? 0 : apply_pips(s, wish, out, e);

    if (!code)
        code = apply_ours(s, wish, out, e);
    if (!code && wish->job)
        code = jobfile_apply(wish->job, s, e);
    if (!code && !wish->isolated)
        code = settings_from_env(s, wish->env, e);
    if (code)
        e->code = ERR_USAGE; /* nothing was begun: it is all about how dray is set up */
    return e->code;
}

void layers_done(struct layers *l)
{
    free(l->files);
    arena_done(&l->arena);
    *l = (struct layers){ 0 };
}
