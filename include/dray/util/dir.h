/* dir.h: what a directory holds, name by name, taken from the descriptor of the one above. */
#pragma once

#include <dirent.h>

/* `name` below the directory `at`; -1 with errno, also where `name` is a link. close() it. */
int dir_open_fd(int at, const char *name);
/* The same, to be listed; NULL with errno. */
DIR *dir_open(int at, const char *name);
/* NULL is none. */
void dir_close(DIR *dir);
/* The next entry but "." and "..", borrowed until the next call; NULL when there is none left, or
 * `dir` is NULL. */
const struct dirent *dir_next(DIR *dir);
