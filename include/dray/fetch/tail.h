/* tail.h: a wheel's METADATA from the end of the file, by HTTP ranges (RFC 9110 section 14): one
 * request for most wheels, two for nearly all. Nothing that a server says is believed: a part
 * counts only when it is a 206 whose Content-Range is what was asked for, and what several parts
 * say of the file must agree. No HEAD: servers lie about ranges in it (facts: pip #8723, uv
 * #18998). */
#pragma once

#include "dray/fetch/host.h"
#include "dray/fetch/world.h"

enum tail_outcome {
    TAIL_FOUND,
    TAIL_UNABLE, /* this server can't, or says things that don't agree: fetch the whole file */
    TAIL_BROKEN, /* the parts make no wheel: the file is broken, or the server lies */
    TAIL_FAILED  /* no use to ask for the whole file either */
};

struct tail_result {
    enum tail_outcome outcome;
    struct err err;      /* why, but for TAIL_FOUND; may be moved away */
    struct str metadata; /* valid until tail_destroy(), as is `note`: of the first part's head */
    const struct cache_note *note;
    unsigned requests;
    uint64_t bytes;
};
typedef void (*tail_done_fn)(void *ctx, struct tail_result *result);

struct tail;
/* `url`: http or https, may hold credentials. `bytes`: the size that the index promised, or
 * FETCH_BYTES_UNKNOWN. Both texts are borrowed until tail_destroy(). `done` runs once, later, from
 * the loop. */
struct tail *tail_start(const struct fetch_world *w, struct str url, struct str filename,
                        uint64_t bytes, tail_done_fn done, void *ctx);
/* After TAIL_UNABLE or TAIL_BROKEN: the whole file could be fetched and was a wheel, so it was the
 * ranges that this host can't do. Those that wait for the verdict do so until this or
 * tail_destroy() is called. */
void tail_blame_host(struct tail *t);
/* At any time. NULL is allowed. */
void tail_destroy(struct tail *t);
