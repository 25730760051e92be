/* terms.h: what a job may ask of a daemon: from the text that was submitted to settings, or an
 * error. What concerns the daemon as a whole (its store, proxies, certificates, connections) no job
 * can set; who is not the daemon's own user has no local file read, and no program run. */
#pragma once

#include "dray/job/settings.h"
#include "dray/util/buf.h"

/* The commands that a daemon has settings for. */
enum { TERMS_COMMANDS = 3 };

/* Zeroed but for the first two. */
struct terms {
    /* Makes settings of the daemon's configuration, for that command. */
    int (*base)(void *ctx, enum settings_command command, struct settings *out, struct err *e);
    void *ctx;
    struct buf texts[TERMS_COMMANDS]; /* what it came to, as job_text() has it */
    bool isolated;
};

/* Reads the configuration, which then holds for all jobs until it is read again. On failure it is
 * as it was. */
int terms_read(struct terms *t, struct err *e);
void terms_done(struct terms *t);

/* The user of jobs that came by TCP: nobody of this machine. */
#define TERMS_UID_REMOTE UINT32_MAX

/* What was submitted. */
struct terms_job {
    struct str text;
    bool is_json;
    uint32_t uid;
};
/* Reads it into `out`, which is initialised; appends its name to `name` unless that is NULL.
 * ERR_USAGE. */
int terms_apply(const struct terms *t, const struct terms_job *job, struct buf *name,
                struct settings *out, struct err *e);
/* Settings for the metadata of what is at `url`. */
int terms_metadata(const struct terms *t, struct str url, bool is_own, struct settings *out,
                   struct err *e);
