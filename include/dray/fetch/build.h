/* build.h: source distributions into wheels, by the machine's own pip (`PYTHON -m pip wheel
 * --no-deps`) as children of the loop, a few at once. What they print is kept, and shown only when
 * one fails. A build takes as long as it takes. Each has a directory of its own below TMPDIR, which
 * is also the TMPDIR of all that runs in it, so that nothing is left of one that was killed. */
#pragma once

#include "dray/net/loop.h"
#include "dray/util/err.h"
#include "dray/util/str.h"
#include "dray/util/strs.h"

struct builds; /* those of a run */
struct build;

/* Borrowed until builds_destroy(). */
struct build_world {
    struct loop *loop;
    const char *python; /* its pip is run */
    /* Added to the environment, "NAME=value"; "NAME" takes one away. Index settings go here and not
     * into arguments, which every user of the machine can read. NULL is allowed. */
    const struct strs *env;
    void (*begins)(void *ctx); /* the first of the run is about to be started; or NULL */
    void *ctx;
    unsigned at_once; /* 0: one for each processor */
};

struct build_result {     /* all of it goes with build_destroy() */
    struct err err;       /* ERR_CHILD: with the last lines of what pip printed, control characters
                             spelled out; ERR_IO, ERR_SPACE: there can be no directory */
    const char *wheel;    /* path of the one wheel that was made */
    const char *filename; /* its last part */
    struct str metadata;  /* instead of these, of build_metadata_start() */
};
typedef void (*build_done_fn)(void *ctx, struct build_result *result);

struct builds *builds_create(const struct build_world *w);
/* Every build must have been destroyed. NULL is allowed. */
void builds_destroy(struct builds *bs);
/* `sdist`: path of the archive under its own file name. `done` runs once, later, from the loop. Its
 * directory is made below TMPDIR when its turn has come. In the order of these calls. */
struct build *build_start(struct builds *bs, const char *sdist, build_done_fn done, void *ctx);
/* An archive; copied. */
struct build_archive {
    const char *path;
    int fd;          /* the open file, which is borrowed until its turn has come; -1: `path` */
    struct str name; /* of the file */
};
/* The core metadata alone, for which less is built, as a rule (PEP 517,
 * prepare_metadata_for_build_wheel; `PYTHON -m pip install --dry-run --report`, pip 22.2). */
struct build *build_metadata_start(struct builds *bs, const struct build_archive *archive,
                                   build_done_fn done, void *ctx);
/* At any time: kills the child and all that it started, removes the directory; of one that is under
 * way as soon as it is dead, in loop_close() at the latest. NULL is allowed. */
void build_destroy(struct build *b);
