/* mark.h: the file by which a directory is known as a store of dray, and by backup programs as a
 * cache: CACHEDIR.TAG (the Cache Directory Tagging Specification). Without it a directory that
 * holds anything is somebody else's, and is left alone. For the files of this layer alone. */
#pragma once

#include <stdbool.h>

#include "dray/util/err.h"

/* Is `root` a store, or may it become one? An empty directory is marked, unless `read_only`:
 * ERR_NOT_FOUND then. ERR_INPUT names what is in it otherwise. */
int mark_check(const char *root, bool read_only, struct err *e);
