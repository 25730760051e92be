#include "dray/net/http_bucket.h"

enum {
    US = 1000 * 1000,
    SAVED_PARTS = 10, /* of a second: what was not used for longer is lost */
};

void http_bucket_init(struct http_bucket *b, uint64_t rate, uint64_t now_us)
{
    *b = (struct http_bucket){ .rate = rate, .at_us = now_us };
}

void http_bucket_take(struct http_bucket *b, uint64_t bytes)
{
    if (b->rate)
        b->level -= bytes < INT64_MAX / 2 ? (int64_t)bytes : INT64_MAX / 2;
}

/* A whole number of bytes is filled in at a time, and `at_us` moves by what they took, so that
 * nothing is lost by rounding however often this is asked. */
static void fill(struct http_bucket *b, uint64_t now_us)
{
    uint64_t passed = now_us - b->at_us;
    uint64_t whole = passed / US * b->rate; /* apart, since a product of both may be too large */
    uint64_t part = passed % US * b->rate / US;
    int64_t most = (int64_t)(b->rate / SAVED_PARTS);

    if (whole + part == 0)
        return;
    b->at_us += passed / US * US + part * US / b->rate;
    b->level += (int64_t)(whole + part);
    if (b->level > most)
        b->level = most;
}

uint64_t http_bucket_wait(struct http_bucket *b, uint64_t now_us)
{
    if (!b->rate)
        return 0;
    fill(b, now_us);
    if (b->level >= 0)
        return 0;
    uint64_t debt = (uint64_t)-b->level;
    return debt / b->rate * US + (debt % b->rate * US + b->rate - 1) / b->rate;
}
