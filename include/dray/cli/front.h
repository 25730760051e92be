/* front.h: what the fetching commands have in common: settings from all their places, one job, and
 * what is seen of it. */
#pragma once

#include "dray/job/layers.h"
#include "dray/job/run.h"
#include "dray/job/settings.h"

struct front {
    enum settings_command command;
    const char *usage; /* the lines of --help before the options */
    /* Whether it can be begun with these settings. */
    int (*check)(const struct settings *s, struct err *e);
    /* Writes what the command is for to standard output, when it has such; or NULL. `e`: that of
     * the run, or of the writing. */
    void (*print)(const struct settings *s, const struct job_result *r, struct err *e);
};

/* Applies all layers to `s`, whose command is set, then the command line. */
int front_read_settings(struct settings *s, int argc, char **argv, struct layers *layers,
                        struct err *e);
/* The whole command; its exit status. */
int front_run(const struct front *f, int argc, char **argv);
