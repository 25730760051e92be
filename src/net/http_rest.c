#include "dray/net/http_rest.h"

#include <assert.h>

#include "dray/net/http_transfer.h"
#include "dray/util/clock.h"

enum {
    SHARE_BYTES = 1024 * 1024, /* about a millisecond of hashing and writing */
};

/* The timer is for the first that gets out of debt: whoever is not it looks again. */
static void wait_for(struct http_rest *r, uint64_t wait_us, uint64_t now_us)
{
    if (r->due_us && r->due_us <= now_us + wait_us)
        return;
    r->due_us = now_us + wait_us;
    loop_timer_start(r->timer, (wait_us + 999) / 1000);
}

/* If so, the timer says when no more. */
static bool in_debt(struct http_rest *r, struct http_bucket *b)
{
    uint64_t now_us = clock_us();
    uint64_t wait_us = http_bucket_wait(b, now_us);

    if (wait_us)
        wait_for(r, wait_us, now_us);
    return wait_us > 0;
}

static struct http_bucket *own_bucket(const struct http_transfer *t)
{
    return &t->owner->http->bucket;
}

/* The first whose user is not in debt; NULL: none. */
static struct http_transfer *next_to_wake(struct http_rest *r)
{
    struct http_transfer *t = r->first;

    while (t && in_debt(r, own_bucket(t)))
        t = t->next_resting;
    return t;
}

static void rest_wake(void *ctx)
{
    struct http_rest *r = ctx;

    assert(r->first);
    struct http_transfer *t = in_debt(r, &r->bucket) ? NULL : next_to_wake(r);
    if (!t)
        return;
    http_rest_forget(r, t);
    transfer_moved(t);                        /* it was we who kept it from moving */
    curl_easy_pause(t->easy, CURLPAUSE_CONT); /* arms libcurl's timer */
    if (r->first)
        loop_post(r->loop, &r->wake);
}

static void on_out_of_debt(void *ctx)
{
    struct http_rest *r = ctx;

    r->due_us = 0;
    if (r->first)
        loop_post(r->loop, &r->wake);
    loop_post(r->loop, r->more);
}

void http_rest_init(struct http_rest *r, struct loop *l, uint64_t rate, struct loop_task *more)
{
    *r = (struct http_rest){ .loop = l, .last = &r->first, .more = more };
    r->timer = loop_timer_create(l, on_out_of_debt, r);
    http_bucket_init(&r->bucket, rate, clock_us());
    r->wake = (struct loop_task){ .fn = rest_wake, .ctx = r };
}

void http_rest_done(struct http_rest *r)
{
    assert(!r->first);
    loop_unpost(r->loop, &r->wake);
    loop_timer_destroy(r->timer);
}

bool http_rest_may_send(struct http_rest *r)
{
    return !in_debt(r, &r->bucket);
}

bool http_rest_user_may_send(struct http_rest *r, struct http_bucket *own)
{
    return !in_debt(r, own);
}

void http_rest_count(struct http_rest *r, struct http_transfer *t, uint64_t n)
{
    http_bucket_take(&r->bucket, n);
    http_bucket_take(own_bucket(t), n);
}

static bool has_had_enough(struct http_rest *r, const struct http_transfer *t)
{
    uint64_t now_us = clock_us();

    return t->share_bytes >= SHARE_BYTES || http_bucket_wait(&r->bucket, now_us) ||
           http_bucket_wait(own_bucket(t), now_us);
}

void http_rest_after(struct http_rest *r, struct http_transfer *t, size_t n)
{
    t->share_bytes += n;
    if (t->resting || !has_had_enough(r, t))
        return;
    /* Not by CURL_WRITEFUNC_PAUSE, which would make libcurl keep a copy and hand it over again. */
    if (curl_easy_pause(t->easy, CURLPAUSE_RECV) != CURLE_OK)
        return;
    t->resting = true;
    t->next_resting = NULL;
    *r->last = t;
    r->last = &t->next_resting;
    loop_post(r->loop, &r->wake);
}

void http_rest_forget(struct http_rest *r, struct http_transfer *t)
{
    t->share_bytes = 0;
    if (!t->resting)
        return;
    t->resting = false;
    struct http_transfer **at = &r->first;
    while (*at != t)
        at = &(*at)->next_resting;
    *at = t->next_resting;
    if (r->last == &t->next_resting)
        r->last = at;
    if (!r->first)
        loop_unpost(r->loop, &r->wake);
}
