/* reader.h: a local file, read in slices over turns of the loop, so that hashing or copying a large
 * one does not hold up the network. */
#pragma once

#include <stddef.h>

#include "dray/net/loop.h"

struct reader;

/* `data` gets the bytes in order; a negative return ends the reading with the error that it put
 * into `e`. `done` runs once, later, from the loop, with code 0 after the last byte; `e` may be
 * moved away. */
struct reader_sink {
    int (*data)(void *ctx, const void *bytes, size_t n, struct err *e);
    void (*done)(void *ctx, struct err *e);
    void *ctx;
};

/* Takes over `fd`. `name` is for the error. */
struct reader *reader_start(struct loop *l, int fd, const char *name,
                            const struct reader_sink *sink);
/* `data` and `done` will not run any more. Not to be called once `done` has. */
void reader_cancel(struct reader *r);
