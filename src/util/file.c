#include "dray/util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };

static int file_open(const char *path, struct err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(e, ERR_NOT_FOUND, "%s does not exist", path);
    if (fd < 0)
        return err_errno(e, "can't open %s", path);
    if (fstat(fd, &st) != 0) {
        int code = err_errno(e, "can't read %s", path);
        close(fd);
        return code;
    }
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) {
        close(fd);
        return err_set(e, ERR_IO, "%s is a %s, not a file", path,
                       S_ISDIR(st.st_mode) ? "directory" : "device");
    }
    return fd;
}

int file_open_regular(const char *path, int *fd, uint64_t *bytes, struct err *e)
{
    struct stat st;
    int got = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not block us */

    if (got < 0 && (errno == ENOENT || errno == ENOTDIR))
        return err_set(e, ERR_NOT_FOUND, "%s does not exist", path);
    if (got < 0)
        return err_errno(e, "can't open %s", path);
    if (fstat(got, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(got);
        return err_set(e, ERR_IO, "%s is not a file", path);
    }
    *fd = got;
    *bytes = (uint64_t)st.st_size;
    return 0;
}

static int read_all(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
    char chunk[READ_BYTES];
    size_t before = out->n;
    ssize_t n;
    int code = 0;

    while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            code = err_errno(e, "can't read %s", path);
            break;
        }
        if (out->n - before + (size_t)n > max) {
            code = err_set(e, ERR_LIMIT, "%s has more than %zu bytes, the most that is read", path,
                           max);
            break;
        }
        buf_add(out, chunk, (size_t)n);
    }
    if (code)
        buf_cut(out, before);
    return code;
}

int file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
    int fd = file_open(path, e);

    if (fd < 0)
        return fd;
    int code = read_all(fd, path, max, out, e);
    close(fd);
    return code;
}

int file_read_stdin(size_t max, struct buf *out, struct err *e)
{
    return read_all(STDIN_FILENO, "standard input", max, out, e);
}

static int write_all(int fd, struct str s)
{
    while (s.n) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        s = str_sub(s, (size_t)n, s.n);
    }
    return 0;
}

/* A device or pipe: there is no half of it to be seen, and renaming would put a file in its place.
 */
static int write_into(const char *path, struct str content, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int code = fd < 0 || write_all(fd, content) < 0 ? err_errno(e, "can't write %s", path) : 0;

    if (fd >= 0 && close(fd) != 0 && !code)
        code = err_errno(e, "can't write %s", path);
    return code;
}

int file_write(const char *path, struct str content, struct err *e)
{
    struct stat st;
    struct buf temp = { 0 };
    int code = 0;

    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return write_into(path, content, e);

    buf_add_f(&temp, "%s.XXXXXX", path);
    int fd = mkstemp(temp.p);
    if (fd < 0) {
        code = err_errno(e, "can't write %s", path);
        goto out;
    }
    mode_t mask = umask(0);
    umask(mask);
    bool ok = write_all(fd, content) == 0 && fchmod(fd, 0666 & ~mask) == 0;
    if (close(fd) != 0 || !ok || rename(temp.p, path) != 0) {
        code = err_errno(e, "can't write %s", path);
        unlink(temp.p);
    }
out:
    buf_done(&temp);
    return code;
}

int file_copy(int fd, const char *path, struct err *e)
{
    char chunk[READ_BYTES];
    ssize_t n;
    off_t at = 0;
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = out >= 0;

    while (ok && (n = pread(fd, chunk, sizeof(chunk), at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        ok = n > 0 && write_all(out, (struct str){ chunk, (size_t)n }) == 0;
        at += n;
    }
    int code = ok ? 0 : err_errno(e, "can't write %s", path);
    if (out >= 0 && close(out) != 0 && !code)
        code = err_errno(e, "can't write %s", path);
    return code;
}

/* A directory that is there is what was wanted; a file of that name is not, though both are EEXIST.
 */
static bool make_one_dir(const char *path)
{
    struct stat st;

    if (mkdir(path, 0777) == 0)
        return true;
    int number = errno;
    bool there = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    errno = number;
    return there;
}

int file_make_dir(const char *path, struct err *e)
{
    struct buf part = { 0 };
    int code = 0;

    for (const char *p = path; !code; p++) {
        if ((*p == '/' || !*p) && part.n && !make_one_dir(buf_z(&part)))
            code = err_errno(e, "can't create the directory %s", buf_z(&part));
        if (!*p)
            break;
        buf_add_c(&part, *p);
    }
    buf_done(&part);
    return code;
}

int file_make_private_dir(const char *path, struct err *e)
{
    ptrdiff_t end = (ptrdiff_t)strlen(path);
    struct buf parent = { 0 };
    int code = 0;

    while (end > 1 && path[end - 1] == '/')
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    buf_add(&parent, path, (size_t)end);
    if (parent.n)
        code = file_make_dir(buf_z(&parent), e);
    if (!code && mkdir(path, 0700) != 0 && errno != EEXIST)
        code = err_errno(e, "can't create the directory %s", path);
    buf_done(&parent);
    return code;
}
