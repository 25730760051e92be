/* lock.h: locks on open files, which end with their process. They are advice: only who asks is held
 * back. Nothing here waits. For this layer, and for daemon/queue. */
#pragma once

#include <stdbool.h>

/* Takes the lock of the open file `fd`, which must be open for reading and writing; what it had is
 * exchanged. false when another one has it (errno is EAGAIN or EACCES), or the file system knows
 * no locks. */
bool lock_shared(int fd);
bool lock_alone(int fd);
void lock_release(int fd);
