/* page.h: one index page, from the store when it is fresh there, else from http(s) or a local file,
 * parsed while it arrives, with the retries that it is worth. */
#pragma once

#include "dray/fetch/cache.h"
#include "dray/fetch/event.h"
#include "dray/fetch/reader.h"
#include "dray/net/http.h"
#include "dray/net/loop.h"
#include "dray/py/simple.h"

struct flights;

/* What pages need of the run; borrowed for as long as any page lives. */
struct page_world {
    struct loop *loop;
    struct http *http;
    struct readers *readers;
    struct events *events;
    struct cache cache;
    struct flights *flights; /* of the store; NULL: no other job uses it */
    unsigned retries;
    bool no_local_files; /* neither pages nor directories */
    const char *const
        *trusted_hosts; /* "host" or "host:port": their pages may come over plain http */
    size_t n_trusted_hosts;
};

struct page;

/* Borrowed from the page, valid until page_destroy(). */
struct page_answer {
    struct err err;                 /* ERR_NOT_FOUND: the index has no such page */
    struct simple_listing *listing; /* NULL when err.code is set */
    struct str base; /* absolute URL at which relative ones of the listing start, with
                        the credentials of the page: never to be shown */
};

typedef void (*page_done_fn)(void *ctx, const struct page_answer *answer);

/* `url`: http, https or file; a file: URL that ends in "/" means index.html there. An http page is
 * refused unless its host is this machine or trusted, as pip does. `done` runs once, later, from
 * the loop. */
struct page *page_start(const struct page_world *w, const char *url, page_done_fn done, void *ctx);
/* The name of the index that it is of, for what is told of it; borrowed. */
void page_set_index(struct page *p, struct str name);
/* At any time: cancels what is under way, frees the listing. NULL is allowed. */
void page_destroy(struct page *p);
