/* The ladder by which a file that is kept elsewhere gets into a directory without being copied:
 * blocks shared (FICLONE, clonefile), the same file under a second name. No look at the devices
 * or the kind of file system foretells what works: links fail between two mounts of one device, and
 * blocks are shared across the subvolumes of btrfs. So each is tried, and a refusal remembered. */
#include "dray/store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif
#ifdef __APPLE__
#include <sys/clonefile.h>
#endif

#include "dray/store/place_parts.h"

enum { LINK_TRIES = 1000 };

/* How one way of linking went. */
enum link_end {
    LINK_DONE,
    LINK_NOT_NOW, /* not this file, or not at this moment */
    LINK_NEVER,   /* nor any other from that device */
    LINK_ERROR    /* `e` says what */
};

struct link_job {
    struct place *place;
    int fd;
    const char *path, *name;
    struct stat st; /* of fd */
};

/* Errors that say nothing about the next file; all others are taken for the way of that device.
 * EAGAIN: btrfs and ZFS, of what is not on the disk yet. ENOENT: it was removed meanwhile. */
static enum link_end end_of(int number)
{
    static const int passing[] = { EAGAIN, EINTR,  ENOSPC, EDQUOT, ENOMEM,
                                   EIO,    EMLINK, ENOENT, EEXIST, ETXTBSY };

    for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
        if (number == passing[i])
            return LINK_NOT_NOW;
    return LINK_NEVER;
}

/* Makes the content of `f`, which is empty, that of `fd`; -1 and errno. */
static int clone_into(struct place_file *f, int fd)
{
#if defined(__linux__) && defined(FICLONE)
    return ioctl(f->fd, FICLONE, fd);
#elif defined(__APPLE__)
    /* It makes its file itself, with the mode and the times of the other one; only the temporary
     * name matters from here on. */
    struct stat st;
    int dir_fd = f->place->fd;

    if (fstat(f->fd, &st) != 0 || unlinkat(dir_fd, f->name, 0) != 0 ||
        fclonefileat(fd, dir_fd, f->name, 0) != 0)
        return -1;
    int rc = fchmodat(dir_fd, f->name, st.st_mode & 07777, 0);
    return rc != 0 ? rc : utimensat(dir_fd, f->name, NULL, 0);
#else
    (void)f;
    (void)fd;
    errno = ENOTSUP;
    return -1;
#endif
}

static enum link_end link_reflink(struct link_job *job, struct err *e)
{
    struct place_file *f = place_file_create(job->place, e);
    enum link_end end = LINK_DONE;

    if (!f)
        return LINK_ERROR;
    if (clone_into(f, job->fd) != 0)
        end = end_of(errno);
    else if (place_file_commit(f, job->name, e))
        end = LINK_ERROR;
    place_file_destroy(f);
    return end;
}

static bool is_source(const struct link_job *job, const char *name)
{
    struct stat st;

    return fstatat(job->place->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_dev == job->st.st_dev && st.st_ino == job->st.st_ino;
}

/* Links the source under a temporary name; -1 and errno. */
static int link_temp(const struct link_job *job, char temp[static PLACE_NAME_SIZE])
{
    int rc = -1;

    errno = EEXIST;
    for (int i = 0; i < LINK_TRIES && rc != 0 && errno == EEXIST; i++) {
        place_temp_name(job->place, temp);
        rc = place_link_fd(job->fd, job->place->fd, temp);
        if (rc != 0 && errno == ENOENT) /* no /proc */
            rc = linkat(AT_FDCWD, job->path, job->place->fd, temp, 0);
    }
    return rc;
}

/* By way of a temporary name, for a name that is taken, and where only the path can be linked:
 * that may be another file by now, which must never be seen under `name`. */
static enum link_end link_over(struct link_job *job, struct err *e)
{
    struct place *p = job->place;
    char temp[PLACE_NAME_SIZE];

    if (is_source(job, job->name))
        return LINK_DONE;
    if (link_temp(job, temp) != 0)
        return end_of(errno);
    enum link_end end = is_source(job, temp) ? LINK_DONE : LINK_NOT_NOW;
    if (end == LINK_DONE && renameat(p->fd, temp, p->fd, job->name) != 0) {
        err_errno(e, "can't place %s/%s", p->dir, job->name);
        end = LINK_ERROR;
    }
    /* rename(2): two names of one file are both left as they are. */
    if (end != LINK_DONE || is_source(job, temp))
        unlinkat(p->fd, temp, 0);
    return end;
}

static enum link_end link_hardlink(struct link_job *job, struct err *e)
{
    if (!S_ISREG(job->st.st_mode) || (job->st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)))
        return LINK_NOT_NOW; /* who edits one name would change what the other one has */
    if (place_link_fd(job->fd, job->place->fd, job->name) == 0)
        return LINK_DONE;
    return errno == EEXIST || errno == ENOENT ? link_over(job, e) : end_of(errno);
}

/* What is known about the device of the source. */
static struct place_source *source_of(struct place *p, dev_t device)
{
    size_t known = p->n_sources < PLACE_SOURCES ? p->n_sources : PLACE_SOURCES;

    for (size_t i = 0; i < known; i++)
        if (p->sources[i].device == device)
            return &p->sources[i];
    struct place_source *s = &p->sources[p->n_sources++ % PLACE_SOURCES];
    *s = (struct place_source){ .device = device };
    return s;
}

static const struct {
    enum place_mode only;
    enum link_end (*link)(struct link_job *job, struct err *e);
} ladder[] = {
    { PLACE_ONLY_REFLINK, link_reflink },
    { PLACE_ONLY_HARDLINK, link_hardlink },
};

int place_link(struct place *p, enum place_mode mode, int fd, const char *path, const char *name,
               struct err *e)
{
    struct link_job job = { .place = p, .fd = fd, .path = path, .name = name };

    if (fstat(fd, &job.st) != 0)
        return err_errno(e, "can't read %s", path);
    struct place_source *source = source_of(p, job.st.st_dev);
    for (size_t i = 0; i < sizeof(ladder) / sizeof(*ladder); i++) {
        unsigned bit = 1u << ladder[i].only;
        if ((mode != PLACE_AUTO && mode != ladder[i].only) || (source->refused & bit))
            continue;
        enum link_end end = ladder[i].link(&job, e);
        if (end == LINK_ERROR)
            return e->code;
        if (end == LINK_DONE)
            return 0;
        source->refused |= end == LINK_NEVER ? bit : 0;
    }
    return err_set(e, ERR_UNSUPPORTED, "%s can't be linked into %s", path, p->dir);
}
