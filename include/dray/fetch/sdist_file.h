/* sdist_file.h: the PKG-INFO of a source distribution that is on this machine. It may stand at the
 * end of a large archive, so it is read in slices over turns of the loop. */
#pragma once

#include "dray/fetch/reader.h"
#include "dray/util/str.h"

/* ERR_INPUT, ERR_LIMIT: it is none that can be understood. `text` goes with sdist_file_destroy().
 */
typedef void (*sdist_file_done_fn)(void *ctx, struct str text, struct err *e);

struct sdist_file;
/* `fd`: the open file, which is borrowed, or -1: the one at `path`, which is copied. `done` runs
 * once, later, from the loop. */
struct sdist_file *sdist_file_start(struct readers *rs, const char *path, int fd,
                                    sdist_file_done_fn done, void *ctx);
/* At any time. NULL is allowed. */
void sdist_file_destroy(struct sdist_file *s);
