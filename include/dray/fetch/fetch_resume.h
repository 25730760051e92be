/* fetch_resume.h: how the body of a machine goes on after a cut. Private to the files of
 * fetch/machine. */
#pragma once

#include "dray/net/http.h"
#include "dray/net/loop.h"
#include "dray/util/buf.h"

struct fetch;

/* What came of asking for the rest of a body. */
enum resume_answer {
    RESUME_ACCEPTED, /* it comes; or the whole */
    RESUME_COMPLETE, /* there is no more */
    RESUME_REFUSED   /* nothing to go on with: from the first byte again */
};

/* How a body that is cut goes on. */
struct resume {
    struct buf validator; /* for If-Range, of the answer that its bytes came with; "": none */
    uint64_t total_bytes; /* by that answer, or FETCH_BYTES_UNKNOWN */
    uint64_t first;       /* where the present attempt goes on; 0: at the beginning */
    uint64_t furthest;    /* that any attempt came to when it last counted as a step forward */
    enum resume_answer answer;
    bool encoded;           /* that answer's bytes are not those of the file */
    bool went_on;           /* its bytes are of several answers */
    bool forbidden;         /* since those of several did not fit together */
    bool held;              /* the body is open while the machine waits */
    bool no_ranges;         /* the server refuses them; what came stays until the whole comes */
    struct loop_task guard; /* large: is to outlive a kill */
};

/* Begins to hash what an earlier run got of it, to go on with the rest from QUEUE; false: there is
 * nothing. From PROBE. */
bool fetch_take_partial(struct fetch *f);
/* Keeps what came of the body for a later run, where that can be of use. */
void fetch_keep_partial(struct fetch *f);
/* Drops the body. */
void fetch_resume_reset(struct fetch *f);
/* The machine begins to wait with its body, which only so many may; the others drop it. */
void fetch_resume_hold(struct fetch *f);
/* It waits no more. */
void fetch_resume_release(struct fetch *f);
/* Makes a request one for the rest, if that may be; else it is for all, and there is no body any
 * more, or one that goes when the whole comes. */
void fetch_resume_ask(struct fetch *f, struct http_request *rq);
/* The head of the answer to that. */
int fetch_resume_head(struct fetch *f, const struct http_head *h, struct err *e);
/* Did it end because the rest was asked for? Then all of it is asked for next, once. */
bool fetch_resume_was_refused(struct fetch *f, int status);
/* The next attempt is the last. If asking for the rest has brought nothing, it asks for all: some
 * servers break over ranges, and what was kept must not keep a file from being fetched. */
void fetch_resume_doubt(struct fetch *f);
/* The whole is coming: what to ask with for the rest, should it be cut. */
void fetch_resume_begin(struct fetch *f, const struct http_head *h);
/* All its bytes have come, as far as one knows. */
bool fetch_body_is_whole(const struct fetch *f);
/* Bytes of several answers were put together, and don't fit: once more, from the first byte, for
 * which `f->fault` is the reason. */
bool fetch_has_resumed_wrong(const struct fetch *f);
void fetch_start_over(struct fetch *f);
