/* sdist_file.h: the PKG-INFO of a source distribution that is on this machine, and its digests. It
 * may stand at the end of a large archive, so that is read in slices over turns of the loop. */
#pragma once

#include "dray/fetch/reader.h"
#include "dray/util/digest.h"
#include "dray/util/str.h"

/* What is to be read. */
struct sdist_file_wish {
    const char *path; /* copied */
    int fd;           /* the open file, which is borrowed; -1: the one at `path` */
    bool is_readable; /* a .tar.gz: else only its digests are told */
    unsigned algs;    /* bit (1u << alg) of each digest; 0: none is needed */
};

struct sdist_file_result { /* goes with sdist_file_destroy() */
    struct err read;       /* it could not be read */
    struct err err;        /* ERR_INPUT, ERR_LIMIT: it has no PKG-INFO that can be understood */
    struct str text;
    struct digest digests[DIGEST_COUNT];
};
typedef void (*sdist_file_done_fn)(void *ctx, struct sdist_file_result *r);

struct sdist_file;
/* `done` runs once, later, from the loop. */
struct sdist_file *sdist_file_start(struct readers *rs, const struct sdist_file_wish *wish,
                                    sdist_file_done_fn done, void *ctx);
/* At any time. NULL is allowed. */
void sdist_file_destroy(struct sdist_file *s);
