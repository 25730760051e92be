/* full_disk.h: a file system of 64 KiB, for what happens when there is no room. Mounted in a
 * child's own mount namespace, so that nobody else sees it and it goes with the child. Linux, as
 * root. */
#pragma once

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/mount.h>
#endif

#include "temp_dir.h"

enum { FULL_DISK_BYTES = 64 * 1024, FULL_DISK_NONE = 77 };

static inline bool full_disk_mount(const char *at)
{
#ifdef __linux__
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", at, "tmpfs", 0, "size=64k") == 0;
#else
    (void)at;
    errno = ENOTSUP;
    return false;
#endif
}

/* Runs `fn` in a child, where `dir` is the small file system; it says on stderr what is wrong and
 * returns false then. Returns 0, 1 when `fn` was not content, or FULL_DISK_NONE where this machine
 * lets nobody mount one. */
static inline int full_disk_run(const char *dir, bool (*fn)(const char *dir))
{
    int status = 0;

    fflush(NULL);
    pid_t child = fork();
    temp_dir_check(child >= 0, "fork");
    if (child == 0 && !full_disk_mount(dir)) {
        perror("no small file system, so a full one is not tested");
        _exit(FULL_DISK_NONE);
    }
    if (child == 0)
        _exit(fn(dir) ? 0 : 1);
    temp_dir_check(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
