/* A session is made in three steps: its directory, the file `lock` in it, the lock. Another
 * process may sweep between any two of them, so the maker looks afterwards whether what it has
 * locked is still there under its name, and else begins anew under another name. The sweeper
 * removes only what it has locked itself, `lock` last; so of a directory that is left half swept
 * the rest goes with the next sweep. */
#include "dray/store/session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include "dray/store/lock.h"
#include "dray/store/partial.h"
#include "dray/util/buf.h"
#include "dray/util/clock.h"
#include "dray/util/dir.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

enum { NAME_SIZE = 48, TRIES = 100 };

struct session {
    int partial_fd; /* the directory of all sessions */
    int dir_fd, lock_fd;
    char name[NAME_SIZE];
    struct place *place;
};

static void name_session(char out[static NAME_SIZE])
{
    uint64_t number;

    if (getentropy(&number, sizeof(number)) != 0)
        number = clock_us(); /* a name that is taken is found out */
    snprintf(out, NAME_SIZE, "%ld-%016llx", (long)getpid(), (unsigned long long)number);
}

static bool lock_is_there(int dir_fd, int lock_fd)
{
    struct stat named, held;

    return fstatat(dir_fd, "lock", &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(lock_fd, &held) == 0 && named.st_ino == held.st_ino && named.st_dev == held.st_dev;
}

static void forget_fds(struct session *s)
{
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    s->dir_fd = s->lock_fd = -1;
}

/* false with errno: 0 when somebody swept it meanwhile, so that another name is tried. */
static bool make_dir(struct session *s)
{
    name_session(s->name);
    if (mkdirat(s->partial_fd, s->name, 0700) != 0) {
        errno = errno == EEXIST ? 0 : errno;
        return false;
    }
    s->dir_fd = dir_open_fd(s->partial_fd, s->name);
    if (s->dir_fd >= 0)
        s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        errno = errno == ENOENT ? 0 : errno;
        return false;
    }
    bool locked = lock_alone(s->lock_fd);
    if (!locked && errno != EAGAIN && errno != EACCES && errno != EWOULDBLOCK)
        return false;
    bool kept = locked && lock_is_there(s->dir_fd, s->lock_fd);
    errno = 0;
    return kept;
}

static int make_session(struct session *s, const char *partial, struct err *e)
{
    bool made = false;

    if (mkdir(partial, 0700) != 0 && errno != EEXIST)
        return err_errno(e, "can't create the directory %s", partial);
    s->partial_fd = dir_open_fd(AT_FDCWD, partial);
    if (s->partial_fd < 0)
        return err_errno(e, "can't open the directory %s", partial);
    for (int i = 0; i < TRIES && !made; i++) {
        made = make_dir(s);
        if (!made && errno != 0) {
            int code = err_errno(e, "can't create a locked file in %s/%s", partial, s->name);
            unlinkat(s->partial_fd, s->name, AT_REMOVEDIR);
            return code;
        }
        if (!made)
            forget_fds(s);
    }
    if (!made)
        return err_set(e, ERR_IO, "can't keep a directory in %s: others remove it", partial);
    return 0;
}

struct session *session_open(const char *root, struct err *e)
{
    struct session *s = mem_new(1, sizeof(*s));
    struct buf path = { 0 };

    s->partial_fd = s->dir_fd = s->lock_fd = -1;
    buf_add_f(&path, "%s/partial", root);
    int code = make_session(s, buf_z(&path), e);
    if (!code) {
        buf_add_f(&path, "/%s", s->name);
        s->place = place_open(buf_z(&path), e);
    }
    if (!s->place) {
        session_close(s, false);
        s = NULL;
    }
    buf_done(&path);
    return s;
}

void session_close(struct session *s, bool leave)
{
    if (!s)
        return;
    place_close(s->place);
    if (s->lock_fd >= 0 && !leave) {
        unlinkat(s->dir_fd, "lock", 0);
        unlinkat(s->partial_fd, s->name, AT_REMOVEDIR);
    }
    forget_fds(s);
    if (s->partial_fd >= 0)
        close(s->partial_fd);
    free(s);
}

struct place *session_place(struct session *s)
{
    return s->place;
}

int session_parent_fd(const struct session *s)
{
    return s->partial_fd;
}

static void remove_files(int dir_fd)
{
    DIR *list = dir_open(dir_fd, ".");

    for (const struct dirent *d; (d = dir_next(list));)
        if (strcmp(d->d_name, "lock") != 0)
            unlinkat(dir_fd, d->d_name, 0);
    dir_close(list);
}

/* Clears one session, unless its process lives; whether it ended without session_close(). */
static bool sweep_one(struct session *s, const char *name)
{
    bool dead = false;
    int dir_fd = dir_open_fd(s->partial_fd, name);

    if (dir_fd < 0)
        return false;
    int lock_fd = openat(dir_fd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (lock_fd >= 0 && lock_alone(lock_fd) && lock_is_there(dir_fd, lock_fd)) {
        partial_rescue(dir_fd, s->partial_fd);
        remove_files(dir_fd);
        dead = unlinkat(dir_fd, "lock", 0) == 0;
    }
    /* Without `lock` it is half swept or about to be filled: then it is empty, or this fails. */
    if (dead || lock_fd < 0)
        unlinkat(s->partial_fd, name, AT_REMOVEDIR);
    if (lock_fd >= 0)
        close(lock_fd);
    close(dir_fd);
    return dead;
}

bool session_sweep(struct session *s)
{
    DIR *list = dir_open(s->partial_fd, ".");
    bool dead = false;

    for (const struct dirent *d; (d = dir_next(list));)
        if (strcmp(d->d_name, s->name) != 0)
            dead = sweep_one(s, d->d_name) || dead;
    dir_close(list);
    return dead;
}

#ifdef __APPLE__
/* Not kern.boottime: that moves when the clock is set. */
static struct str read_boot(struct buf *into)
{
    char text[SESSION_BOOT_SIZE] = "";
    size_t size = sizeof(text);

    if (sysctlbyname("kern.bootsessionuuid", text, &size, NULL, 0) == 0)
        buf_add(into, text, strnlen(text, sizeof(text)));
    return buf_str(into);
}
#else
static struct str read_boot(struct buf *into)
{
    struct err e = { 0 };

    if (file_read("/proc/sys/kernel/random/boot_id", SESSION_BOOT_SIZE - 1, into, &e))
        buf_reset(into);
    err_done(&e);
    return str_trim(buf_str(into));
}
#endif

void session_boot(char out[static SESSION_BOOT_SIZE])
{
    struct buf text = { 0 };
    struct str id = read_boot(&text);

    assert(id.n < SESSION_BOOT_SIZE);
    snprintf(out, SESSION_BOOT_SIZE, "%.*s", STR_ARG(id));
    buf_done(&text);
}
