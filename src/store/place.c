/* All names are resolved against the directory's descriptor, so a directory that is renamed during
 * the run stays the same directory. */
#include "dray/store/place.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/util/file.h"
#include "dray/util/mem.h"

enum { TEMP_NAME_SIZE = 64, TEMP_TRIES = 1000 };

struct place {
    char *dir;
    int fd;
    unsigned long next_temp;
    size_t n_files; /* created and not yet destroyed */
};

struct place_file {
    struct place *place;
    int fd;
    char name[TEMP_NAME_SIZE];
    bool committed;
};

static int place_try(struct place *p, struct err *e)
{
    struct stat st;

    if (stat(p->dir, &st) == 0 && !S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "%s is not a directory; choose another with -d DIR", p->dir);
    if (file_make_dir(p->dir, e))
        return e->code;
    p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->fd < 0)
        return err_errno(e, "can't open the directory %s", p->dir);
    struct place_file *probe = place_file_create(p, e);
    place_file_destroy(probe);
    return probe ? 0 : e->code;
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

struct place_file *place_file_create(struct place *p, struct err *e)
{
    struct place_file *f = mem_new(1, sizeof(*f));

    f->place = p;
    f->fd = -1;
    for (int i = 0; i < TEMP_TRIES && f->fd < 0; i++) {
        snprintf(f->name, sizeof(f->name), ".dray-%lx-%lx.part", (unsigned long)getpid(),
                 p->next_temp++);
        f->fd = openat(p->fd, f->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (f->fd < 0 && errno != EEXIST)
            break;
    }
    if (f->fd < 0) {
        err_errno(e, "can't create a file in %s", p->dir);
        free(f);
        return NULL;
    }
    p->n_files++;
    return f;
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

int place_file_commit(struct place_file *f, const char *name, struct err *e)
{
    int fd = f->fd;

    assert(!f->committed);
    f->fd = -1;
    if (close(fd) != 0) /* NFS and quotas report a failed write here */
        return err_errno(e, "can't write %s/%s", f->place->dir, name);
    if (renameat(f->place->fd, f->name, f->place->fd, name) != 0)
        return err_errno(e, "can't place %s/%s", f->place->dir, name);
    f->committed = true;
    return 0;
}

void place_file_destroy(struct place_file *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    if (!f->committed)
        unlinkat(f->place->fd, f->name, 0);
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
