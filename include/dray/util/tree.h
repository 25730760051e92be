/* tree.h: temporary directory trees: made private, removed whole. Synchronous. */
#pragma once

#include "dray/util/err.h"

/* A fresh, empty directory "dray-<kind>-XXXXXX" below $TMPDIR or, when nothing can be made there,
 * below /tmp, as Python's tempfile does it. Mode 0700. Returns its absolute path without links in
 * it (free()), or NULL: ERR_IO, ERR_SPACE. */
char *tree_make_temp(const char *kind, struct err *e);
/* Removes the directory `path` and all that is in it; a `path` that isn't there is removed already.
 * Never follows a symbolic link (not at `path` either, which is then ERR_IO) and stays on the file
 * system of `path`. Directories that lack the permissions are given them first. What others add
 * meanwhile is removed too, within reason. What can't be removed stays, and of it the first is
 * told: ERR_IO. */
int tree_remove(const char *path, struct err *e);
