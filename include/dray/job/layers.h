/* layers.h: all that settings are told by but the command line, from the lowest to the highest:
 * pip's configuration, dray.yaml, a job file, DRAY_* variables. */
#pragma once

#include "dray/job/settings.h"

struct jobfile_job;

/* What the command line has to say about it; borrowed. */
struct layers_wish {
    const char *config;            /* --config, or NULL */
    bool isolated;                 /* --isolated */
    const struct jobfile_job *job; /* of `dray run`, or NULL */
    const char *const *env;        /* as environ */
};

/* A file that was looked for. */
struct layers_file {
    struct str path;
    bool is_pips;
    bool found;
};

/* `struct layers l = { 0 }` is an empty one. In order, lowest first. */
struct layers {
    struct arena arena;
    struct layers_file *files;
    size_t n, cap;
};

/* Applies them to `s`, whose command decides what of them counts; COMMAND_CACHE asks nothing of
 * pip. Adds the files to `out`, also after an error: ERR_USAGE, whatever is wrong with them. */
int layers_apply(struct settings *s, const struct layers_wish *wish, struct layers *out,
                 struct err *e);
void layers_done(struct layers *l);
