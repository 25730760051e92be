/* 256 directories, so that none gets long. Nothing here believes what it finds: links are not
 * followed and what is no regular file is none of ours. */
#include "dray/store/object_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/util/buf.h"
#include "dray/util/dir.h"

enum { READ_BYTES = 128 * 1024 };

const char *object_file_name(const struct digest *sha256, char out[static OBJECT_NAME_SIZE])
{
    char hex[DIGEST_HEX_SIZE];

    assert(sha256->alg == DIGEST_SHA256);
    digest_hex(sha256, hex);
    snprintf(out, OBJECT_NAME_SIZE, "%.2s/%.64s", hex, hex);
    return out;
}

static struct object_stat stat_of(const struct stat *st)
{
#ifdef __APPLE__
    struct timespec written = st->st_mtimespec;
#else
    struct timespec written = st->st_mtim;
#endif

    return (struct object_stat){ .bytes = (uint64_t)st->st_size,
                                 /* Unsigned: a clock may say what it likes. */
                                 .written_ns = (int64_t)((uint64_t)written.tv_sec * 1000000000 +
                                                         (uint64_t)written.tv_nsec) };
}

bool object_file_open(int objects, const struct digest *sha256, int *fd, struct object_stat *out)
{
    char name[OBJECT_NAME_SIZE];
    struct stat st;
    int got = openat(objects, object_file_name(sha256, name),
                     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (got < 0)
        return false;
    if (fstat(got, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(got);
        return false;
    }
    *fd = got;
    *out = stat_of(&st);
    return true;
}

bool object_file_look(int objects, const struct digest *sha256, struct object_stat *out)
{
    char name[OBJECT_NAME_SIZE];
    struct stat st;

    if (fstatat(objects, object_file_name(sha256, name), &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode))
        return false;
    if (out)
        *out = stat_of(&st);
    return true;
}

bool object_file_remove(int objects, const struct digest *sha256)
{
    char name[OBJECT_NAME_SIZE];

    return unlinkat(objects, object_file_name(sha256, name), 0) == 0;
}

void object_file_clear(int objects, const struct digest *sha256)
{
    char name[OBJECT_NAME_SIZE];

    object_file_name(sha256, name);
    if (unlinkat(objects, name, 0) != 0)
        unlinkat(objects, name, AT_REMOVEDIR);
}

int object_file_dir(int objects, const struct digest *sha256, int *fd, struct err *e)
{
    char name[OBJECT_NAME_SIZE];

    object_file_name(sha256, name);
    name[2] = '\0';
    int got = dir_open_fd(objects, name);
    if (got < 0 && errno == ENOENT) {
        if (mkdirat(objects, name, 0700) != 0 && errno != EEXIST)
            return err_errno(e, "can't create the directory objects/%s of the store", name);
        got = dir_open_fd(objects, name);
    }
    if (got < 0)
        return err_errno(e, "can't open the directory objects/%s of the store", name);
    *fd = got;
    return 0;
}

bool object_file_is(int fd, const struct digest *sha256)
{
    char chunk[READ_BYTES];
    struct digest got[DIGEST_COUNT];
    struct hasher h;
    off_t at = 0;
    ssize_t n;

    hasher_init(&h, 1u << DIGEST_SHA256);
    while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        hasher_add(&h, chunk, (size_t)n);
        at += n;
    }
    hasher_finish(&h, got);
    hasher_done(&h);
    return n == 0 && digest_eq(&got[DIGEST_SHA256], sha256);
}

static bool is_object(int objects, const char *name, struct digest *out)
{
    char right[OBJECT_NAME_SIZE];
    struct str hex = str_of(strchr(name, '/') + 1);

    return digest_parse(DIGEST_SHA256, hex, out) &&
           strcmp(name, object_file_name(out, right)) == 0 && object_file_look(objects, out, NULL);
}

static bool is_gone(int objects, const char *name)
{
    struct stat st;

    return fstatat(objects, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

static void each_of(int objects, const char *dir, object_file_fn fn, void *ctx)
{
    DIR *list = dir_open(objects, dir);
    struct buf name = { 0 };
    struct digest sha256;

    if (!list && !is_gone(objects, dir)) /* a file where only directories are */
        fn(ctx, dir, NULL);
    for (const struct dirent *d; (d = dir_next(list));) {
        buf_reset(&name);
        buf_add_f(&name, "%s/%s", dir, d->d_name);
        if (is_object(objects, buf_z(&name), &sha256))
            fn(ctx, buf_z(&name), &sha256);
        else if (!is_gone(objects, buf_z(&name))) /* another process may be evicting */
            fn(ctx, buf_z(&name), NULL);
    }
    buf_done(&name);
    dir_close(list);
}

void object_file_each(int objects, object_file_fn fn, void *ctx)
{
    DIR *list = dir_open(objects, ".");

    for (const struct dirent *d; (d = dir_next(list));)
        each_of(objects, d->d_name, fn, ctx);
    dir_close(list);
}
