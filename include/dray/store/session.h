/* session.h: the directory of one process below <root>/partial, with a lock that says that the
 * process lives, and the clearing of those whose process is gone. Owns the directory and what is in
 * it. For the files of this layer alone. */
#pragma once

#include <stdbool.h>

#include "dray/store/place.h"
#include "dray/util/err.h"

struct session;

/* `root` is there. */
struct session *session_open(const char *root, struct err *e);
/* `leave`: the directory stays, and the next session_sweep() of anybody takes it for one whose
 * process was killed. Every place_file must have been destroyed. NULL is allowed. */
void session_close(struct session *s, bool leave);
struct place *session_place(struct session *s);
/* The directory of all sessions; borrowed. */
int session_parent_fd(const struct session *s);
/* Clears what is left of processes that are gone; whether there was one that had not come to its
 * session_close(). */
bool session_sweep(struct session *s);

enum { SESSION_BOOT_SIZE = 65 };
/* What tells this run of the operating system from all others; "" when it doesn't say. */
void session_boot(char out[static SESSION_BOOT_SIZE]);
