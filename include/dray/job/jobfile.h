/* jobfile.h: job files: what command lines of download, wheel, install, metadata and lock say, in
 * YAML or JSON. A file is one job, or `jobs`, a list of them, with `defaults` below each. The keys
 * of a job are the names of settings marked SETTING_IN_JOB, and besides
 *
 *     name, command          for people; download if it is not said
 *     directory              where relative paths begin; default: that of the source
 *     requirements, constraints   lines as in a requirements file, without "\" at the end
 *     files                  texts, by names that stand for requirements and constraints files
 *     indexes                as in dray.yaml
 *     pip-options            of install: what follows "--"
 *
 * requirement-files and constraint-files are other names of requirement and constraint. A list
 * takes the place of that in `defaults`; files, indexes, only-binary and no-binary add to it.
 *
 * ${NAME} (NAME of A-Z, 0-9 and "_") in values, but not in keys or in `files`, is replaced by what
 * `variable` says, which is not looked through again; it is an error when that is NULL. Nothing
 * else is expanded but "~/" before a path; "$$" is two characters. Relative paths begin at
 * `directory`.
 *
 * What is not understood is an error with line and column. Pure: reads no other file. */
#pragma once

#include "dray/job/settings.h"

struct yaml_node;

/* Where it comes from; all but `text` is borrowed for as long as its jobs are. */
struct jobfile_source {
    struct str text;
    const char *name;     /* for errors and origins: "jobs/wheels.yaml" */
    struct str directory; /* of relative paths; STR_NONE: the working directory */
    bool is_json;
    /* The value of a variable, or NULL when it is not set. NULL: there are none here, also not in
     * requirements files, and ${NAME} is refused. */
    const char *(*variable)(void *ctx, const char *name);
    void *ctx;
};

struct jobfile_job {
    struct str name; /* one line; no two of a file have the same */
    enum settings_command command;
    const struct jobfile_source *source;
    const struct yaml_node *defaults, *said; /* maps; the first one may be NULL */
};

/* Zeroed is an empty one. */
struct jobfile {
    struct arena arena;
    struct jobfile_job *jobs; /* in order */
    size_t n;
};

/* Reads and checks all of it. ERR_USAGE, also for what is too large; `out` is for jobfile_done() in
 * any case. */
int jobfile_read(const struct jobfile_source *from, struct jobfile *out, struct err *e);
void jobfile_done(struct jobfile *f);
/* Applies one to `s`, whose command is the job's, over what it holds. */
int jobfile_apply(const struct jobfile_job *job, struct settings *s, struct err *e);
