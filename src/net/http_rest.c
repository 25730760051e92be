#include "dray/net/http_rest.h"

#include <assert.h>

#include "dray/net/http_transfer.h"

enum {
    SHARE_BYTES = 2 * 1024 * 1024, /* about 2 ms of hashing and writing */
};

static void rest_wake(void *ctx)
{
    struct http_rest *r = ctx;

    struct http_transfer *t = r->first;

    assert(t);
    http_rest_forget(r, t);
    curl_easy_pause(t->easy, CURLPAUSE_CONT); /* arms libcurl's timer */
    if (r->first)
        loop_post(r->loop, &r->wake);
}

void http_rest_init(struct http_rest *r, struct loop *l)
{
    *r = (struct http_rest){ .loop = l, .last = &r->first };
    r->wake = (struct loop_task){ .fn = rest_wake, .ctx = r };
}

void http_rest_done(struct http_rest *r)
{
    assert(!r->first);
    loop_unpost(r->loop, &r->wake);
}

void http_rest_after(struct http_rest *r, struct http_transfer *t, size_t n)
{
    t->share_bytes += n;
    if (t->share_bytes < SHARE_BYTES || t->resting)
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
