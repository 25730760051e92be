/* temp_dir.h: a directory of the test's own, which goes with all that is in it. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/file.h"

struct temp_dir {
    struct arena arena; /* of all paths that were given out */
    const char *path;   /* absolute, without links in it */
};

static inline void temp_dir_check(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

static inline void temp_dir_open(struct temp_dir *d)
{
    const char *base = getenv("TMPDIR");
    struct buf path = { 0 };

    buf_add_f(&path, "%s/dray-test-XXXXXX", base && *base ? base : "/tmp");
    temp_dir_check(mkdtemp(path.p) != NULL, path.p);
    char *real = realpath(path.p, NULL);
    temp_dir_check(real != NULL, path.p);
    *d = (struct temp_dir){ 0 };
    d->path = arena_str(&d->arena, str_of(real)).p;
    free(real);
    buf_done(&path);
}

static inline int temp_dir_remove(const char *path, const struct stat *st, int kind, struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

static inline void temp_dir_close(struct temp_dir *d)
{
    temp_dir_check(nftw(d->path, temp_dir_remove, 16, FTW_DEPTH | FTW_PHYS) == 0, d->path);
    arena_done(&d->arena);
}

/* The path of `name` in it; lives until temp_dir_close(). */
static inline const char *temp_dir_at(struct temp_dir *d, const char *name)
{
    return arena_f(&d->arena, "%s/%s", d->path, name).p;
}

/* "file:///..." of `name` in it, whose characters need no escaping. */
static inline struct str temp_dir_url(struct temp_dir *d, const char *name)
{
    return arena_f(&d->arena, "file://%s/%s", d->path, name);
}

/* Writes a file, and the directories above it. */
static inline void temp_dir_put(struct temp_dir *d, const char *name, struct str content)
{
    const char *path = temp_dir_at(d, name);
    struct err e = { 0 };
    struct str dir = str_sub(str_of(path), 0, (size_t)str_rfind(str_of(path), '/'));

    int code = file_make_dir(arena_str(&d->arena, dir).p, &e);
    if (!code)
        code = file_write(path, content, &e);
    temp_dir_check(code == 0, err_text(&e));
    err_done(&e);
}

/* Is `name` a file with this content? */
static inline bool temp_dir_has(struct temp_dir *d, const char *name, struct str content)
{
    struct buf got = { 0 };
    struct err e = { 0 };
    bool ok =
        file_read(temp_dir_at(d, name), SIZE_MAX, &got, &e) == 0 && str_eq(buf_str(&got), content);

    buf_done(&got);
    err_done(&e);
    return ok;
}

/* How many entries `name` has, hidden ones too; "." for the directory itself. */
static inline size_t temp_dir_count(struct temp_dir *d, const char *name)
{
    DIR *dir = opendir(temp_dir_at(d, name));
    size_t n = 0;

    temp_dir_check(dir != NULL, name);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2; /* "." and ".." */
}
