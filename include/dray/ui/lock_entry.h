/* lock_entry.h: a version of a project that a lock names, in all targets that have it. Private to
 * ui/lock*.c. */
#pragma once

#include "dray/ui/lock.h"

struct lock_entry {
    const struct fetch_view *view; /* of the first target that has it */
    const struct fetch_view **all; /* one for each such target, in their order */
    size_t n;
};

struct lock_entries {
    struct lock_entry *items; /* by project, then by version */
    size_t n;
};

void lock_entries_init(struct lock_entries *l, const struct job_result *r);
void lock_entries_done(struct lock_entries *l);

/* Is this file to be told? Some target takes it, or every file is. */
bool lock_tells(const struct lock_entry *entry, const struct fetch_file *f,
                const struct lock_options *o);
/* NULL: it is not promised. */
const struct digest *lock_sha256(const struct fetch_file *f);
/* ERR_NO_HASH where a file that is told has none. */
int lock_check_hashes(const struct lock_entries *l, const struct lock_options *o, struct err *e);
