/* http_rest.h: pauses of transfers. For fairness: libcurl reads a fast transfer up to a hundred
 * times in one go, and so does the next: with all of them on a fast line one turn of the loop took
 * 300 ms. And for the limit of bytes a second, which libcurl's own (CURLOPT_MAX_RECV_SPEED_LARGE)
 * keeps badly (curl #13695, #19661). A transfer that had its share, or more than there was to have,
 * is paused, and goes on in a later turn, one after another. A user may have a limit of its own
 * besides that of all. Private to net/http. */
#pragma once

#include <stddef.h>

#include "dray/net/http_bucket.h"
#include "dray/net/loop.h"

struct http_transfer;

struct http_rest {
    struct loop *loop;
    struct loop_task wake;
    struct loop_task *more;              /* posted when requests may be sent again */
    struct loop_timer *timer;            /* until a bucket is out of debt */
    uint64_t due_us;                     /* when it fires; 0: it is not set */
    struct http_bucket bucket;           /* of all */
    struct http_transfer *first, **last; /* in the order in which they came */
};

/* `rate`: bytes a second, 0 for no limit. */
void http_rest_init(struct http_rest *r, struct loop *l, uint64_t rate, struct loop_task *more);
/* Nobody may be resting. */
void http_rest_done(struct http_rest *r);
/* From within the write callback: `n` more bytes of the body have come to `t`, over the wire. */
void http_rest_count(struct http_rest *r, struct http_transfer *t, uint64_t n);
/* Behind it: `n` have been passed on, and more are to come. */
void http_rest_after(struct http_rest *r, struct http_transfer *t, size_t n);
/* Another request may be sent now, as to that of all, or to one user's `own`; else `more` will be
 * posted. */
bool http_rest_may_send(struct http_rest *r);
bool http_rest_user_may_send(struct http_rest *r, struct http_bucket *own);
/* Before the transfer is taken from libcurl. */
void http_rest_forget(struct http_rest *r, struct http_transfer *t);
