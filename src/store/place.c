/* All names are resolved against the directory's descriptor, so a directory that is renamed during
 * the run stays the same directory.
 *
 * Where the file system has O_TMPFILE a file has no name until it is committed, so that a killed
 * process leaves nothing behind. Elsewhere it has a temporary one in the same directory. */
#include "dray/store/place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/fs.h>
#endif

#include "dray/store/place_parts.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

enum { TEMP_TRIES = 1000 };

/* Files can be created in it: permissions alone don't tell (a full or read-only file system). */
static int prove_writable(struct place *p, struct err *e)
{
    struct place_file *probe = place_file_create(p, e);

    place_file_destroy(probe);
    return probe ? 0 : e->code;
}

static int place_try(struct place *p, struct err *e)
{
    struct stat st;

    if (stat(p->dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "%s is not a directory; choose another directory", p->dir);
    if (file_make_dir(p->dir, e))
        return e->code;
    p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->fd < 0)
        return err_errno(e, "can't open the directory %s", p->dir);
    return prove_writable(p, e);
}

struct place *place_open(const char *dir, struct err *e)
{
    struct place *p = mem_new(1, sizeof(*p));

    p->dir = mem_dup(dir);
    p->fd = -1;
    if (place_try(p, e)) {
        place_close(p);
        return NULL;
    }
    return p;
}

struct place *place_open_at(int dir_fd, const char *shown, struct err *e)
{
    struct place *p = mem_new(1, sizeof(*p));

    p->dir = mem_dup(shown);
    p->fd = dir_fd;
    if (prove_writable(p, e)) {
        place_close(p);
        return NULL;
    }
    return p;
}

struct place *place_look(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    struct place *p = mem_new(1, sizeof(*p));
    p->dir = mem_dup(dir);
    p->fd = fd;
    return p;
}

void place_close(struct place *p)
{
    if (!p)
        return;
    assert(p->n_files == 0);
    if (p->fd >= 0)
        close(p->fd);
    free(p->dir);
    free(p);
}

const char *place_dir(const struct place *p)
{
    return p->dir;
}

void place_temp_name(struct place *p, char out[static PLACE_NAME_SIZE])
{
    snprintf(out, PLACE_NAME_SIZE, ".dray-%lx-%lx.part", (unsigned long)getpid(), p->next_temp++);
}

int place_link_fd(int fd, int dir_fd, const char *name)
{
    char from[PLACE_NAME_SIZE];

    /* open(2): AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH, the link in /proc needs nothing. */
    snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, from, dir_fd, name, AT_SYMLINK_FOLLOW);
}

static int open_named(struct place *p, char name[static PLACE_NAME_SIZE])
{
    int fd = -1;

    for (int i = 0; i < TEMP_TRIES && fd < 0; i++) {
        place_temp_name(p, name);
        fd = openat(p->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

static int open_unnamed(struct place *p)
{
#ifdef O_TMPFILE
    return openat(p->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
#else
    (void)p;
    errno = ENOTSUP;
    return -1;
#endif
}

/* A temporary name for the file that had none; -1 and errno. */
static int name_file(struct place_file *f)
{
    for (int i = 0; i < TEMP_TRIES; i++) {
        place_temp_name(f->place, f->name);
        if (place_link_fd(f->fd, f->place->fd, f->name) == 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    f->name[0] = '\0';
    return -1;
}

/* Tried once and for real, since there are many who refuse: NFS, FUSE and old kernels know no
 * O_TMPFILE (EOPNOTSUPP, EISDIR, EINVAL, ENOENT), a link needs /proc and is forbidden by Android
 * and some sandboxes (EACCES, EPERM). */
static bool can_be_unnamed(struct place *p)
{
    struct place_file probe = { .place = p };

    if (p->unnamed != PLACE_UNTRIED)
        return p->unnamed == PLACE_UNNAMED;
    probe.fd = open_unnamed(p);
    bool ok = probe.fd >= 0 && name_file(&probe) == 0;
    if (ok)
        unlinkat(p->fd, probe.name, 0);
    if (probe.fd >= 0)
        close(probe.fd);
    p->unnamed = ok ? PLACE_UNNAMED : PLACE_NAMED;
    return ok;
}

struct place_file *place_file_create(struct place *p, struct err *e)
{
    struct place_file *f = mem_new(1, sizeof(*f));

    f->place = p;
    f->fd = can_be_unnamed(p) ? open_unnamed(p) : open_named(p, f->name);
    if (f->fd < 0) {
        err_errno(e, "can't create a file in %s", p->dir);
        free(f);
        return NULL;
    }
    p->n_files++;
    return f;
}

int place_file_fd(const struct place_file *f)
{
    return f->fd;
}

int place_file_write(struct place_file *f, const void *bytes, size_t n, struct err *e)
{
    const char *at = bytes;

    while (n) {
        ssize_t wrote = write(f->fd, at, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return err_errno(e, "can't write to %s", f->place->dir);
        at += wrote;
        n -= (size_t)wrote;
    }
    return 0;
}

/* NFS, FUSE and quotas report a failed write when a descriptor is closed; but only the descriptor
 * can give an unnamed file its name, so that closes a second one. */
static int flush_file(struct place_file *f)
{
    int fd = f->name[0] ? f->fd : dup(f->fd);

    if (f->name[0])
        f->fd = -1;
    return fd >= 0 && close(fd) != 0 ? -1 : 0;
}

/* As renameat(), but what is there stays: EEXIST. */
static int rename_new(int from_fd, const char *from, int to_fd, const char *to)
{
    int rc = -1;

    errno = ENOSYS;
#if defined(__APPLE__)
    rc = renameatx_np(from_fd, from, to_fd, to, RENAME_EXCL);
#elif defined(SYS_renameat2) && defined(RENAME_NOREPLACE)
    rc = (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, RENAME_NOREPLACE);
#endif
    if (rc == 0 || (errno != ENOSYS && errno != EINVAL && errno != ENOTSUP))
        return rc;
    if (linkat(from_fd, from, to_fd, to, 0) != 0) /* NFS, sshfs */
        return -1;
    unlinkat(from_fd, from, 0);
    return 0;
}

int place_file_commit_in(struct place_file *f, struct place *into, const char *name, struct err *e)
{
    assert(!f->committed);
    if (flush_file(f) != 0)
        return err_errno(e, "can't write %s/%s", into->dir, name);
    if (!f->name[0]) {
        f->committed = place_link_fd(f->fd, into->fd, name) == 0;
        /* A link replaces nothing, a rename does. */
        if (!f->committed && (errno != EEXIST || name_file(f) != 0))
            return err_errno(e, "can't place %s/%s", into->dir, name);
    }
    if (!f->committed && renameat(f->place->fd, f->name, into->fd, name) != 0)
        return err_errno(e, "can't place %s/%s", into->dir, name);
    f->committed = true;
    return 0;
}

int place_file_commit(struct place_file *f, const char *name, struct err *e)
{
    return place_file_commit_in(f, f->place, name, e);
}

int place_file_move(struct place_file *f, int dir_fd, const char *name, struct err *e)
{
    struct place *p = f->place;

    assert(!f->committed);
    /* Where this is refused the file is never linked to: place_link() looks at the mode. */
    (void)fchmod(f->fd, 0444);
    if (flush_file(f) != 0)
        return err_errno(e, "can't write to %s", p->dir);
    int rc =
        f->name[0] ? rename_new(p->fd, f->name, dir_fd, name) : place_link_fd(f->fd, dir_fd, name);
    if (rc != 0 && errno == EEXIST)
        return err_set(e, ERR_CONFLICT, "%s is there already", name);
    if (rc != 0)
        return err_errno(e, "can't move a file from %s to %s", p->dir, name);
    f->committed = true;
    return 0;
}

void place_file_destroy(struct place_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    if (!f->committed && f->name[0])
        unlinkat(f->place->fd, f->name, 0);
    place_file_leave_beside(f);
    f->place->n_files--;
    free(f);
}

/* What fstat() or fstatat() said, `rc`, of the file `name`. */
static int judge_file(struct place *p, const char *name, int rc, const struct stat *st,
                      struct err *e)
{
    if (rc != 0 && errno == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "%s/%s does not exist", p->dir, name);
    if (rc != 0)
        return err_errno(e, "can't read %s/%s", p->dir, name);
    if (!S_ISREG(st->st_mode))
        return err_set(e, ERR_IO, "%s/%s is there, but is not a file", p->dir, name);
    return 0;
}

int place_size(struct place *p, const char *name, uint64_t *bytes, struct err *e)
{
    struct stat st = { 0 };
    int rc = fstatat(p->fd, name, &st, 0);

    if (judge_file(p, name, rc, &st, e))
        return e->code;
    *bytes = (uint64_t)st.st_size;
    return 0;
}

int place_find(struct place *p, const char *name, int *fd, uint64_t *bytes, struct err *e)
{
    struct stat st = { 0 };
    int got = openat(p->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block us */
    int rc = got < 0 ? -1 : fstat(got, &st);

    if (judge_file(p, name, rc, &st, e)) {
        if (got >= 0)
            close(got);
        return e->code;
    }
    *fd = got;
    *bytes = (uint64_t)st.st_size;
    return 0;
}
