/* Temporary files that are to outlive the process: they get a name of the caller's, and a second
 * file beside them that goes where they go. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/store/place_parts.h"
#include "dray/util/mem.h"

void place_file_leave_beside(struct place_file *f)
{
    if (f->beside[0])
        unlinkat(f->place->fd, f->beside, 0);
    f->beside[0] = '\0';
}

bool place_file_rename(struct place_file *f, const char *name)
{
    int rc = f->name[0] ? renameat(f->place->fd, f->name, f->place->fd, name)
                        : place_link_fd(f->fd, f->place->fd, name);

    assert(!f->committed && strlen(name) < sizeof(f->name));
    if (rc == 0)
        snprintf(f->name, sizeof(f->name), "%s", name);
    return rc == 0;
}

bool place_file_put_beside(struct place_file *f, const char *name, struct str content)
{
    struct place *p = f->place;

    place_file_leave_beside(f);
    int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    snprintf(f->beside, sizeof(f->beside), "%s", name);
    bool ok = write(fd, content.p, content.n) == (ssize_t)content.n;
    if (close(fd) != 0)
        ok = false;
    if (!ok)
        place_file_leave_beside(f);
    return ok;
}

struct place_file *place_file_reopen(struct place *p, const char *name, const char *beside)
{
    int fd = openat(p->fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    struct place_file *f = mem_new(1, sizeof(*f));
    f->place = p;
    f->fd = fd;
    snprintf(f->name, sizeof(f->name), "%s", name);
    snprintf(f->beside, sizeof(f->beside), "%s", beside);
    p->n_files++;
    return f;
}

bool place_file_park(struct place_file *f, int dir_fd)
{
    int from = f->place->fd;

    assert(!f->committed && f->name[0] && f->beside[0]);
    if (renameat(from, f->name, dir_fd, f->name) != 0)
        return false;
    f->committed = true;
    /* The note comes last: what has one is whole. */
    bool ok = renameat(from, f->beside, dir_fd, f->beside) == 0;
    if (ok)
        f->beside[0] = '\0';
    else
        unlinkat(dir_fd, f->name, 0);
    return ok;
}

int place_file_clear(struct place_file *f, struct err *e)
{
    place_file_leave_beside(f);
    if (ftruncate(f->fd, 0) != 0 || lseek(f->fd, 0, SEEK_SET) != 0)
        return err_errno(e, "can't empty a file in %s", f->place->dir);
    return 0;
}
