/* Every step is taken from the descriptor of the directory it happens in, so that a link that is
 * put in place of a directory leads nowhere. Going down costs one descriptor a level: what lies too
 * deep is moved up to the root first and found there in a later pass. */
#include "dray/util/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/util/buf.h"
#include "dray/util/dir.h"
#include "dray/util/mem.h"

#define DEFAULT_TEMP "/tmp"

enum {
    DEPTH_MAX = 32,    /* descriptors open at once */
    PASSES_MAX = 1000, /* over one directory: somebody fills it as fast as it is emptied */
    MOVED_NAME_SIZE = 32,
    MOVED_TRIES = 1000,
};

struct tree {
    const char *path;
    int root;
    dev_t device;
    unsigned long moved; /* directories that were moved up, for their names */
    struct err *err;
};

static char *make_below(const char *base, const char *kind, struct err *e)
{
    struct buf path = { 0 };
    char real[PATH_MAX];
    char *made = NULL;

    buf_add_f(&path, "%s/dray-%s-XXXXXX", base, kind);
    if (!mkdtemp(path.p))
        err_errno(e, "can't make a temporary directory in %s", base);
    else if (realpath(path.p, real))
        made = mem_dup(real);
    else
        err_errno(e, "can't find the temporary directory %s", path.p);
    buf_done(&path);
    return made;
}

char *tree_make_temp(const char *kind, struct err *e)
{
    const char *base = getenv("TMPDIR");
    struct err first = { 0 };
    char *made = NULL;

    if (base && *base)
        made = make_below(base, kind, &first);
    if (!made)
        made = make_below(DEFAULT_TEMP, kind, e);
    if (!made && first.code)
        err_move(e, &first); /* what was wished for is what has to be mended */
    err_done(&first);
    return made;
}

static bool tree_fails(struct tree *t, const char *name)
{
    if (!t->err->code)
        err_errno(t->err, "can't remove %s: %s", t->path, name);
    return false;
}

static bool tree_refuses(struct tree *t, const char *name, const char *why)
{
    if (!t->err->code)
        err_set(t->err, ERR_IO, "can't remove %s: %s %s", t->path, name, why);
    return false;
}

/* Those of the owner are needed to look into it and to empty it. Old glibc can't change a mode
 * without following links; that it is no link was just looked at. */
static void give_permissions(int parent, const char *name, mode_t mode)
{
    if ((mode & S_IRWXU) == S_IRWXU)
        return;
    if (fchmodat(parent, name, S_IRWXU, AT_SYMLINK_NOFOLLOW) != 0 && errno == EOPNOTSUPP)
        fchmodat(parent, name, S_IRWXU, 0);
}

/* Permissions come first: moving a directory writes its "..". */
static bool move_up(struct tree *t, int parent, const char *name)
{
    char to[MOVED_NAME_SIZE];

    for (int i = 0; i < MOVED_TRIES; i++) {
        snprintf(to, sizeof(to), ".dray-%lu", t->moved++);
        if (renameat(parent, name, t->root, to) == 0)
            return true;
        if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
            break;
    }
    return tree_fails(t, name);
}

static bool empty_directory(struct tree *t, int fd, unsigned depth);

/* `st` is of the directory `name` in `parent`. */
static bool remove_directory(struct tree *t, int parent, const char *name, const struct stat *st,
                             unsigned depth)
{
    if (st->st_dev != t->device)
        return tree_refuses(t, name, "is on another file system");
    give_permissions(parent, name, st->st_mode);
    if (depth == DEPTH_MAX)
        return move_up(t, parent, name);
    int fd = dir_open_fd(parent, name);
    if (fd < 0)
        return tree_fails(t, name);
    if (!empty_directory(t, fd, depth + 1))
        return false;
    /* Not empty again: the next pass over `parent` comes by once more. */
    return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTEMPTY ||
           errno == EEXIST || tree_fails(t, name);
}

static bool remove_entry(struct tree *t, int parent, const char *name, unsigned depth)
{
    struct stat st;

    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || tree_fails(t, name);
    if (S_ISDIR(st.st_mode))
        return remove_directory(t, parent, name, &st, depth);
    return unlinkat(parent, name, 0) == 0 || errno == ENOENT || tree_fails(t, name);
}

/* How many entries were seen; *ok becomes false when one of them can't be removed. */
static size_t empty_once(struct tree *t, DIR *dir, unsigned depth, bool *ok)
{
    size_t seen = 0;
    const struct dirent *entry;

    rewinddir(dir);
    while ((entry = dir_next(dir))) {
        seen++;
        if (!remove_entry(t, dirfd(dir), entry->d_name, depth))
            *ok = false;
    }
    return seen;
}

/* Takes over `fd`. Pass by pass: POSIX leaves open what readdir() shows of a directory that is
 * changed meanwhile. */
static bool empty_directory(struct tree *t, int fd, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    bool ok = true;
    size_t seen = 1;

    if (!dir) {
        tree_fails(t, "a directory in it");
        close(fd);
        return false;
    }
    for (int pass = 0; seen && ok && pass < PASSES_MAX; pass++)
        seen = empty_once(t, dir, depth, &ok);
    if (ok && seen)
        ok = tree_refuses(t, "it", "is being written to");
    closedir(dir);
    return ok;
}

int tree_remove(const char *path, struct err *e)
{
    struct stat st;
    struct err err = { 0 };
    struct tree t = { .path = path, .err = &err };

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(e, "can't remove %s", path);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "can't remove %s: it is not a directory", path);
    give_permissions(AT_FDCWD, path, st.st_mode);
    t.root = dir_open_fd(AT_FDCWD, path);
    if (t.root < 0)
        return err_errno(e, "can't remove %s", path);
    t.device = st.st_dev;
    bool ok = empty_directory(&t, t.root, 0);
    if (ok && rmdir(path) != 0 && errno != ENOENT)
        err_errno(&err, "can't remove %s", path);
    return err.code ? err_move(e, &err) : 0;
}
