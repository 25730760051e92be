/* front.h: what the fetching commands have in common: settings from all their places, one job, and
 * what is seen of it. */
#pragma once

#include "dray/job/job.h"
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

extern const struct front front_download, front_wheel, front_install, front_metadata, front_lock;

/* Applies all layers to `s`, whose command is set, then the command line. */
int front_read_settings(struct settings *s, int argc, char **argv, struct layers *layers,
                        struct err *e);
/* The same for a job of a command that does jobs, whose line it is. */
int front_read_settings_as(struct settings *s, enum settings_command command, int argc, char **argv,
                           struct layers *layers, struct err *e);
/* Whether the job can be begun with these settings: they fit together, something is asked for, and
 * the files that they name can be read, or written. */
int front_check(const struct front *f, const struct settings *s, struct err *e);
/* Runs the job, and shows all that is seen of it; its exit status. */
int front_run_job(const struct front *f, struct settings *s, struct run *run);
/* One line to standard error. */
void front_print_error(const struct err *e);
/* What --help says below the options. */
void front_help_end(struct buf *out);
/* The whole command; its exit status. */
int front_run(const struct front *f, int argc, char **argv);
