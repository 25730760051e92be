/* One name is opened at a time, from the descriptor of the directory above: then it is known which
 * name was refused, and what was renamed meanwhile is still below what it was below. A symbolic
 * link is refused wherever it leads, so the walk never has to know whether it stays inside. */
#include "dray/daemon/roots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__linux__) && defined(SYS_openat2)
#include <linux/openat2.h>
#endif

#include "dray/daemon/roots_parts.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* Enough to go on from; needs no right to list what is in it. */
#ifdef O_PATH
enum { THROUGH = O_PATH | O_DIRECTORY | O_CLOEXEC };
#else
enum { THROUGH = O_RDONLY | O_DIRECTORY | O_CLOEXEC };
#endif

enum { AGAIN_TRIES = 100, REPLACE_TRIES = 10 };

/* -1 and errno. */
static int open_by_kernel(int at, const char *name, int flags)
{
#if defined(__linux__) && defined(SYS_openat2)
    struct open_how how = {
        .flags = (unsigned)flags,
        .mode = flags & O_CREAT ? 0666 : 0,
        /* Another mount below a root is allowed: somebody with more rights than a job made it. */
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int fd = -1;

    errno = EAGAIN;
    for (int i = 0; i < AGAIN_TRIES && fd < 0 && (errno == EAGAIN || errno == EINTR); i++)
        fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
    return fd;
#else
    (void)at;
    (void)name;
    (void)flags;
    errno = ENOSYS;
    return -1;
#endif
}

/* -1 and errno. */
static int open_name(const struct roots *r, int at, const char *name, int flags)
{
    if (r->way == ROOTS_OPENAT2)
        return open_by_kernel(at, name, flags);
    return openat(at, name, flags | O_NOFOLLOW, 0666);
}

static bool is_link(int at, const char *name)
{
    struct stat st;

    return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/* Why `shown`, which is `name` in `at`, can't be opened; by errno, which does not tell a link from
 * what is no directory. */
static int refuse(int at, const char *name, const char *shown, struct err *e)
{
    int number = errno;

    if (number == ELOOP || is_link(at, name))
        return err_set(e, ERR_USAGE,
                       "%s is a symbolic link, and a job's paths go over none; give the path that "
                       "it leads to",
                       shown);
    if (number == ENOENT)
        return err_set(e, ERR_NOT_FOUND, "%s does not exist", shown);
    if (number == ENOTDIR)
        return err_set(e, ERR_USAGE, "%s is not a directory; choose another one", shown);
    if (number == ENAMETOOLONG)
        return err_set(e, ERR_USAGE, "a name is too long for the file system: %s", shown);
    if (number == EACCES)
        return err_set(e, ERR_USAGE,
                       "the daemon's user may not open %s; give it the right, or choose another "
                       "path",
                       shown);
    errno = number;
    return err_errno(e, "can't open %s", shown);
}

/* Is each name between the slashes one that means itself? */
static int check_names(struct str path, const char *what, struct err *e)
{
    struct str rest = path;

    if (path.n == 0)
        return err_set(e, ERR_USAGE, "%s is empty; give a directory or a file", what);
    if (path.n > LIMIT_PATH_BYTES)
        return err_set(e, ERR_LIMIT, "%s has %zu bytes, and may have %d", what, path.n,
                       LIMIT_PATH_BYTES);
    if (str_find(path, '\0') >= 0)
        return err_set(e, ERR_USAGE, "%s has a NUL byte in it; leave that out", what);
    while (rest.p) {
        struct str name = str_cut(rest, '/', &rest);
        if (name.n == 0)
            return err_set(e, ERR_USAGE,
                           "%s \"%.*s\" has an empty name in it; write it with one "
                           "slash between two names",
                           what, STR_ARG(path));
        if (str_is(name, ".") || str_is(name, ".."))
            return err_set(e, ERR_USAGE, "%s \"%.*s\" has \"%.*s\" in it; write it without", what,
                           STR_ARG(path), STR_ARG(name));
    }
    return 0;
}

/* Is `path` the root or below it? What is below it then. */
static bool is_below(const struct root *root, struct str path, struct str *rest)
{
    struct str above = { root->path, strlen(root->path) };

    if (!str_starts(path, above) || (path.n > above.n && path.p[above.n] != '/'))
        return false;
    *rest = str_sub(path, above.n + 1, path.n);
    return true;
}

static void refuse_outside(const struct roots *r, struct str path, struct err *e)
{
    struct buf all = { 0 };

    for (size_t i = 0; i < r->n; i++)
        buf_add_f(&all, "%s%s", i ? ", " : "", *r->items[i].path ? r->items[i].path : "/");
    err_set(e, ERR_USAGE, "%.*s is outside of the directories that are open to jobs: %s",
            STR_ARG(path), r->n ? buf_z(&all) : "none is configured");
    buf_done(&all);
}

/* The root of `path`, and the names from there. NULL: none. */
static const struct root *find_root(const struct roots *r, struct str path, struct str *names,
                                    struct err *e)
{
    bool is_absolute = path.n && path.p[0] == '/';
    const struct root *best = NULL;
    struct str rest = STR_NONE;

    if (!str_is(path, "/") && check_names(str_sub(path, is_absolute, path.n), "the path", e))
        return NULL;
    *names = path;
    if (!is_absolute && r->n)
        return &r->items[0];
    for (size_t i = 0; i < r->n; i++) { /* what is relative comes here when there are none */
        const struct root *root = &r->items[i];
        if (!is_below(root, path, &rest) || (best && strlen(root->path) <= strlen(best->path)))
            continue;
        best = root;
        *names = rest;
    }
    if (!best)
        refuse_outside(r, path, e);
    return best;
}

/* A walk that is under way: the last directory, and its path as it is shown. */
struct walk {
    const struct roots *roots;
    int fd;
    struct buf shown;
};

static void walk_done(struct walk *w)
{
    if (w->fd >= 0)
        close(w->fd);
    buf_done(&w->shown);
}

/* One name down; opened with `flags`. */
static int walk_into(struct walk *w, struct str name, int flags, bool create, struct err *e)
{
    char z[LIMIT_PATH_BYTES + 1];

    memcpy(z, name.p, name.n);
    z[name.n] = '\0';
    buf_add_f(&w->shown, "/%s", z);
    int fd = open_name(w->roots, w->fd, z, flags);
    if (fd < 0 && errno == ENOENT && create) {
        if (mkdirat(w->fd, z, 0777) != 0 && errno != EEXIST)
            return err_errno(e, "can't create the directory %s", buf_z(&w->shown));
        fd = open_name(w->roots, w->fd, z, flags);
    }
    if (fd < 0)
        return refuse(w->fd, z, buf_z(&w->shown), e);
    close(w->fd);
    w->fd = fd;
    return 0;
}

/* From the root down all `names`; the last directory is opened for reading when `readable`. */
static int walk_start(struct walk *w, const struct root *root, bool readable, struct err *e)
{
    buf_add_z(&w->shown, root->path);
    /* A descriptor of its own, for O_PATH ones can't be read from. */
    w->fd = openat(root->fd, ".", readable ? O_RDONLY | O_DIRECTORY | O_CLOEXEC : THROUGH);
    return w->fd < 0 ? err_errno(e, "can't open %s", *root->path ? root->path : "/") : 0;
}

static int walk_down(struct walk *w, struct str names, bool create, bool readable, struct err *e)
{
    while (names.n) {
        struct str name = str_cut(names, '/', &names);
        int flags = names.n || !readable ? THROUGH : O_RDONLY | O_DIRECTORY | O_CLOEXEC;
        if (walk_into(w, name, flags, create, e))
            return e->code;
    }
    return 0;
}

static void walk_give(struct walk *w, struct rooted *out)
{
    if (w->shown.n == 0)
        buf_add_c(&w->shown, '/');
    *out = (struct rooted){ .fd = w->fd, .path = buf_take(&w->shown) };
    w->fd = -1;
}

int roots_dir(struct roots *r, struct str path, bool create, struct rooted *out, struct err *e)
{
    struct walk w = { .roots = r, .fd = -1 };
    struct str names = STR_NONE;

    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    const struct root *root = find_root(r, path, &names, e);
    int code = root ? walk_start(&w, root, names.n == 0, e) : e->code;
    if (!code)
        code = walk_down(&w, names, create, true, e);
    if (!code)
        walk_give(&w, out);
    walk_done(&w);
    return code;
}

/* For reading; a FIFO must not block us. */
static int open_to_read(struct walk *w, const char *name, int *fd, struct err *e)
{
    struct stat st;
    int got = open_name(w->roots, w->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (got < 0)
        return refuse(w->fd, name, buf_z(&w->shown), e);
    if (fstat(got, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(got);
        return err_set(e, ERR_IO, "%s is not a file", buf_z(&w->shown));
    }
    *fd = got;
    return 0;
}

/* For writing. Others may put something there again and again. */
static int open_to_write(struct walk *w, const char *name, int *fd, struct err *e)
{
    const char *shown = buf_z(&w->shown);
    int got = -1;

    for (int i = 0; i < REPLACE_TRIES; i++) {
        struct stat st;
        got = open_name(w->roots, w->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC);
        if (got >= 0 || errno != EEXIST)
            break;
        if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISLNK(st.st_mode))
            return refuse(w->fd, name, shown, e);
        if (!S_ISREG(st.st_mode))
            return err_set(e, ERR_IO, "%s is there, but is not a file; choose another name", shown);
        if (unlinkat(w->fd, name, 0) != 0 && errno != ENOENT)
            return err_errno(e, "can't replace %s", shown);
    }
    if (got < 0)
        return err_errno(e, "can't create %s", shown);
    *fd = got;
    return 0;
}

static int walk_to_file(struct walk *w, struct str name, enum roots_use use, struct err *e)
{
    char z[LIMIT_PATH_BYTES + 1];
    int fd = -1;

    memcpy(z, name.p, name.n);
    z[name.n] = '\0';
    buf_add_f(&w->shown, "/%s", z);
    if (use == ROOTS_READ ? open_to_read(w, z, &fd, e) : open_to_write(w, z, &fd, e))
        return e->code;
    close(w->fd);
    w->fd = fd;
    return 0;
}

int roots_file(struct roots *r, struct str path, enum roots_use use, struct rooted *out,
               struct err *e)
{
    struct walk w = { .roots = r, .fd = -1 };
    struct str names = STR_NONE;

    const struct root *root = find_root(r, path, &names, e);
    if (!root)
        return e->code;
    if (names.n == 0)
        return err_set(e, ERR_USAGE, "%.*s is a directory, not a file", STR_ARG(path));
    ptrdiff_t slash = str_rfind(names, '/');
    int code = walk_start(&w, root, false, e);
    if (!code && slash > 0)
        code = walk_down(&w, str_sub(names, 0, (size_t)slash), false, false, e);
    if (!code)
        code = walk_to_file(&w, str_sub(names, (size_t)(slash + 1), names.n), use, e);
    if (!code)
        walk_give(&w, out);
    walk_done(&w);
    return code;
}

static int open_root(struct roots *r, struct str path, struct err *e)
{
    struct root *root = &r->items[r->n];

    if (path.n == 0 || path.p[0] != '/')
        return err_set(e, ERR_USAGE, "the root \"%.*s\" is not absolute; write it from / on",
                       STR_ARG(path));
    if (path.p[path.n - 1] == '/')
        path.n--;
    if (path.n && check_names(str_sub(path, 1, path.n), "the root", e))
        return e->code;
    struct buf z = { 0 };
    buf_add_str(&z, path);
    root->path = buf_take(&z);
    root->fd = open(*root->path ? root->path : "/", THROUGH);
    r->n++;
    if (root->fd >= 0)
        return 0;
    return err_errno(e,
                     "can't open %s, which jobs are to read and write below; create it, or "
                     "leave it out",
                     root->path);
}

struct roots *roots_open(const struct str *paths, size_t n, struct err *e)
{
    struct roots *r = mem_new(1, sizeof(*r));
    int code = 0;

    if (n > LIMIT_ROOTS)
        code = err_set(e, ERR_LIMIT, "there are %zu roots, and may be %d", n, LIMIT_ROOTS);
    r->items = mem_new(code || !n ? 1 : n, sizeof(*r->items));
    for (size_t i = 0; i < n && !code; i++)
        code = open_root(r, paths[i], e);
    if (code) {
        roots_close(r);
        return NULL;
    }
    /* Asked once: who forbids it says EPERM, which each later call would have to tell from the
     * file system's. */
    int fd = n ? open_by_kernel(r->items[0].fd, ".", THROUGH) : -1;
    r->way = fd >= 0 ? ROOTS_OPENAT2 : ROOTS_NOFOLLOW;
    if (fd >= 0)
        close(fd);
    return r;
}

void roots_close(struct roots *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        if (r->items[i].fd >= 0)
            close(r->items[i].fd);
        free(r->items[i].path);
    }
    free(r->items);
    free(r);
}
