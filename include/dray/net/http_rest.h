/* http_rest.h: fairness between transfers. libcurl reads a fast transfer up to a hundred times in
 * one go, and so does the next: with all of them on a fast line one turn of the loop took 300 ms.
 * A transfer that had its share is paused, and goes on in a later turn, one after another. Private
 * to net/http. */
#pragma once

#include <stddef.h>

#include "dray/net/loop.h"

struct http_transfer;

struct http_rest {
    struct loop *loop;
    struct loop_task wake;
    struct http_transfer *first, **last; /* in the order in which they came */
};

void http_rest_init(struct http_rest *r, struct loop *l);
/* Nobody may be resting. */
void http_rest_done(struct http_rest *r);
/* From within the write callback: `n` more bytes have been passed on, and more are to come. */
void http_rest_after(struct http_rest *r, struct http_transfer *t, size_t n);
/* Before the transfer is taken from libcurl. */
void http_rest_forget(struct http_rest *r, struct http_transfer *t);
