/* path.h: paths as texts; the file system is not asked. */
#pragma once

#include "dray/util/buf.h"

/* Appends `path` as seen from `directory`: itself when it is absolute or `directory` is empty. */
void path_join(struct str directory, struct str path, struct buf *out);
/* Appends it without "//", "/./" and "x/../", as os.path.normpath() has it: one name for one file,
 * as long as no symbolic link is among them. */
void path_normalize(struct str path, struct buf *out);
