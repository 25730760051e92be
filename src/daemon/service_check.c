#include "dray/daemon/service_check.h"

int service_check(const struct settings *s, struct err *e)
{
    if (!s->roots.n)
        return err_set(e, ERR_USAGE,
                       "say below which directories jobs may write: --root DIR, or root in the "
                       "part daemon of dray.yaml");
    if (!s->max_jobs)
        return err_set(e, ERR_USAGE, "max-jobs: with 0 no job would ever run; say 1 to %d",
                       SETTINGS_JOBS_MAX);
    return 0;
}

static bool is_same(const struct strs *a, const struct strs *b)
{
    size_t i = 0;

    while (i < a->n && i < b->n && str_eq(a->items[i], b->items[i]))
        i++;
    return i == a->n && i == b->n;
}

bool service_needs_restart(const struct settings *before, const struct settings *after)
{
    return !str_eq(before->socket, after->socket) || !str_eq(before->state_dir, after->state_dir) ||
           !str_eq(before->token_file, after->token_file) ||
           !is_same(&before->allow_uids, &after->allow_uids) ||
           !is_same(&before->listen, &after->listen) ||
           !is_same(&before->allow_hosts, &after->allow_hosts);
}
