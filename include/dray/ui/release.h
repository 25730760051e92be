/* release.h: what ended a wait, where a trace tells. A turn on a connection comes when another
 * transfer, or a page, has ended just before; a decision falls when the last metadata has come; a
 * file that another machine fetches is there when that one has ended. Pure. */
#pragma once

#include "dray/ui/trace_file.h"

enum {
    RELEASE_NEAR_US = 10000, /* so long before the wait's end at most, but for files */
    RELEASE_WAIT_US = 1000   /* a shorter wait needs no reason, and chance would find one */
};

struct release {
    uint64_t at_us;
    uint32_t line; /* of the trace */
    uint32_t span; /* the one that ended, of `row` */
    size_t row;    /* TRACE_NONE: a page */
    size_t page;   /* TRACE_NONE: a span */
};

/* `t` is borrowed. */
struct releases *releases_create(const struct trace_file *t);
void releases_destroy(struct releases *r);
/* The last thing that can have ended this wait; false when the state is no wait, or none is near.
 * What is found always stands in an earlier line than the end of the wait. */
bool releases_find(const struct releases *r, size_t row, size_t span, struct release *out);
