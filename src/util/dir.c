#include "dray/util/dir.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int dir_open_fd(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

DIR *dir_open(int at, const char *name)
{
    int fd = dir_open_fd(at, name);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && !dir)
        close(fd);
    return dir;
}

void dir_close(DIR *dir)
{
    if (dir)
        closedir(dir);
}

const struct dirent *dir_next(DIR *dir)
{
    const struct dirent *entry = dir ? readdir(dir) : NULL;

    while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0))
        entry = readdir(dir);
    return entry;
}
