/* wheel_file.h: the METADATA of a wheel that is on this machine. Synchronous: a few short reads,
 * whatever the file's size. */
#pragma once

#include <stdint.h>

#include "dray/util/buf.h"
#include "dray/util/err.h"

/* Of the open file `fd` of `bytes`, called `filename`; appended to `out`. ERR_INPUT when it is no
 * wheel that can be understood. */
int wheel_file_metadata(int fd, uint64_t bytes, struct str filename, struct buf *out,
                        struct err *e);
/* Does the wheel say what was read of it before it was there (pip #13983)? ERR_CONFLICT when not.
 * `known`: that text; `source`: what to call it. */
int wheel_file_check(int fd, uint64_t bytes, struct str filename, struct str known,
                     const char *source, struct err *e);
