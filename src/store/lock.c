/* Open file description locks, where there are any: the older kind of fcntl() lock goes when any
 * descriptor of the file is closed, and one process never locks itself out, though two stores of
 * one process must. flock() has neither fault; over NFS it is the older kind again. */
#include "dray/store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#ifdef F_OFD_SETLK
static bool set_lock(int fd, short type)
{
    struct flock whole = { .l_type = type, .l_whence = SEEK_SET };

    return fcntl(fd, F_OFD_SETLK, &whole) == 0;
}

bool lock_shared(int fd)
{
    return set_lock(fd, F_RDLCK);
}

bool lock_alone(int fd)
{
    return set_lock(fd, F_WRLCK);
}

void lock_release(int fd)
{
    (void)set_lock(fd, F_UNLCK);
}
#else
bool lock_shared(int fd)
{
    return flock(fd, LOCK_SH | LOCK_NB) == 0;
}

bool lock_alone(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void lock_release(int fd)
{
    (void)flock(fd, LOCK_UN);
}
#endif
