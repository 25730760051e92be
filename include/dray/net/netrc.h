/* netrc.h: names and passwords by host, as ~/.netrc has them. Read as Python's netrc module reads
 * it (3.11 and later), which is what pip goes by: quotes, backslashes, comments, macros and all. */
#pragma once

#include <stdbool.h>

#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/err.h"
#include "dray/util/map.h"

/* `struct netrc n = { 0 }` is an empty one; owns all. */
struct netrc {
    struct arena arena;
    struct map machines;
};

/* Borrowed from the netrc; neither is STR_NONE. */
struct netrc_login {
    struct str user, password;
};

/* Pure. ERR_INPUT names the line and never what stands there, which may be a password; `out` is
 * then empty. */
int netrc_parse(struct str text, struct netrc *out, struct err *e);
void netrc_done(struct netrc *n);
/* What stands for this host (without port; byte for byte, as in Python), else what `default` says;
 * false when that is nothing. Where there is no login the account counts as one (requests). */
bool netrc_find(const struct netrc *n, struct str host, struct netrc_login *out);
/* The file: $NETRC, and no other when that is set, else ~/.netrc, else ~/_netrc. Appended to `out`;
 * false when there is none. */
bool netrc_path(struct buf *out);
/* Reads it. ERR_IO, ERR_LIMIT, ERR_INPUT. */
int netrc_load(const char *path, struct netrc *out, struct err *e);
