/* reader.h: local files, read in slices over turns of the loop, so that hashing or copying a large
 * one does not hold up the network; and but a few at a time, since thousands may be wanted at once
 * and each open one costs a descriptor. */
#pragma once

#include <stddef.h>

#include "dray/net/loop.h"
#include "dray/util/str.h"

struct readers; /* those of a run */
struct reader;

struct readers *readers_create(struct loop *l);
/* Every reader must have ended or been cancelled. NULL is allowed. */
void readers_destroy(struct readers *rs);

/* `open` runs once, from the loop, when there is room: it gives a descriptor, which is taken over.
 * `data` gets the bytes in order. A negative return of either ends the reading with the error that
 * it put into `e`; neither may cancel a reader. `done` runs once, later, from the loop, with code 0
 * after the last byte; `e` may be moved away. */
struct reader_sink {
    int (*open)(void *ctx, const char *path, int *fd, struct err *e);
    int (*data)(void *ctx, const void *bytes, size_t n, struct err *e);
    void (*done)(void *ctx, struct err *e);
    void *ctx;
};

/* In the order of these calls. `path` is copied: for `open`, and for the error. */
struct reader *reader_start(struct readers *rs, const char *path, const struct reader_sink *sink);
/* None of the sink's functions will run any more. Not to be called once `done` has. */
void reader_cancel(struct reader *r);
/* ERR_UNSUPPORTED: who asks may not have local files read; see fetch_world.no_local_files. */
int reader_refuse(struct str path, struct err *e);
