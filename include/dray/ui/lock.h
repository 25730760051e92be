/* lock.h: the solution of a job as a file from which it can be had again. The same solution gives
 * the same bytes: no times, nothing of this machine. */
#pragma once

#include "dray/job/job.h"
#include "dray/util/buf.h"

struct lock_options {
    bool only_target; /* of each version only the file that the target takes */
    bool no_hashes;   /* --no-require-hashes */
};

/* pip's requirements format, with a hash for each file. Of several targets the versions must be the
 * same: ERR_UNSUPPORTED otherwise. ERR_NO_HASH: the index promises no SHA-256 of a file. */
int lock_requirements(const struct job_result *r, const struct lock_options *o, struct buf *out,
                      struct err *e);
/* pylock.toml (PEP 751). What only some of several targets need has a marker. ERR_NO_HASH as above.
 */
int lock_pylock(const struct job_result *r, const struct lock_options *o, struct buf *out,
                struct err *e);
/* A map: version, and for each target its packages with their files. */
void lock_json(const struct job_result *r, const struct lock_options *o, struct buf *out);
