/* reqfile_decode.h: the bytes of a requirements file as UTF-8. Pure. */
#pragma once

#include <stdbool.h>

#include "dray/util/buf.h"
#include "dray/util/err.h"

/* By a byte order mark (UTF-8, UTF-16, UTF-32), else by a PEP 263 comment in one of the first two
 * lines, else as UTF-8, else as Latin-1 with *guessed set. Appends to `out`. ERR_INPUT says which
 * byte is wrong for the encoding that was declared, ERR_UNSUPPORTED names one that dray does not
 * read; `out` and *guessed are then as before. */
int reqfile_decode(struct str bytes, struct buf *out, bool *guessed, struct err *e);
