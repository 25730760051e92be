/* Bytes go straight from libcurl (or from slices of a local file) into the push parser; nothing of
 * a page is kept but its listing, which goes into the store as it is: read back, it needs no
 * parser. A page that fails half-way is begun anew, parser and all. While another job fetches it,
 * this one waits for that, once: it may be one that is not to be kept. */
#include "dray/fetch/page.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "dray/fetch/flight.h"
#include "dray/fetch/reader.h"
#include "dray/fetch/retry.h"
#include "dray/net/url.h"
#include "dray/py/simple_pack.h"
#include "dray/util/clock.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* PEP 691: JSON first, HTML as the fallback, as pip asks. */
static const char accept_types[] =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.01";

struct page {
    const struct page_world *world;
    char *url;
    struct str index; /* its name, or STR_NONE */
    page_done_fn done;
    void *ctx;
    struct http_exchange *exchange; /* at most one of these four is under way */
    struct reader *reader;
    struct loop_task end; /* the answer is there at once: a refusal, or what the store has */
    struct flight flight; /* another job fetches it; while `exchange` is, this one does */
    struct arena kept_arena;
    struct store_record kept; /* what the store has, when has_kept; fresh or to be validated */
    bool has_kept;
    struct cache_note note;
    enum fetch_origin origin;
    struct retry retry;
    struct simple_parser *parser;
    struct simple_listing listing;
    struct buf final_url, base;
    int status;
    uint64_t bytes, start_us;
    struct page_answer answer;
};

static void page_request(struct page *p);

static void page_reset(struct page *p)
{
    simple_parser_destroy(p->parser);
    p->parser = NULL;
    simple_listing_done(&p->listing);
    p->listing = (struct simple_listing){ 0 };
    buf_reset(&p->final_url);
    p->bytes = 0;
}

static int page_set_base(struct page *p, struct err *e)
{
    struct buf joined = { 0 };
    int code = 0;

    if (p->listing.base.p)
        code = url_join(buf_str(&p->final_url), p->listing.base, &joined, e);
    else
        buf_add_str(&joined, buf_str(&p->final_url));
    buf_reset(&p->base);
    if (!code)
        url_lend_userinfo(str_of(p->url), buf_str(&joined), &p->base);
    buf_done(&joined);
    return code;
}

/* Errors of the transfer name the URL already; those of the page are told where they were found. */
static void page_name_error(struct page *p, struct err *e)
{
    struct buf shown = { 0 };

    url_redact(str_of(p->url), &shown);
    /* The transfer names it without its credentials. */
    struct str bare =
        str_sub(buf_str(&shown), (size_t)(str_rfind(buf_str(&shown), '@') + 1), SIZE_MAX);
    if (e->code && str_search(str_of(err_text(e)), bare) < 0)
        err_wrap(e, "%s", buf_z(&shown));
    buf_done(&shown);
}

/* Tells whoever asked; takes the error over. */
static void page_end(struct page *p, struct err *e)
{
    struct buf shown = { 0 };

    url_redact(str_of(p->url), &shown);
    if (!e->code && !page_set_base(p, e)) {
        p->answer.listing = &p->listing;
        p->answer.base = buf_str(&p->base);
    }
    page_name_error(p, e);
    flight_leave(&p->flight);
    if (e->code)
        page_reset(p);
    err_move(&p->answer.err, e);
    events_emit(p->world->events, &(struct event){ .kind = EVENT_PAGE,
                                                   .text = buf_str(&shown),
                                                   .index = p->index,
                                                   .n = p->bytes,
                                                   .took_us = clock_us() - p->start_us,
                                                   .origin = p->origin,
                                                   .code = p->answer.err.code });
    buf_done(&shown);
    p->done(p->ctx, &p->answer);
}

static int page_data(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct page *p = ctx;

    p->bytes += n;
    return simple_parser_feed(p->parser, bytes, n, e);
}

static int page_open_parser(struct page *p, struct str content_type, struct str url, struct err *e)
{
    enum simple_format format;

    if (!simple_format_of(content_type, &format))
        return err_set(e, ERR_INPUT,
                       "this is no index page: its type is \"%.*s\"; a package index sends HTML "
                       "(PEP 503) or JSON "
                       "(PEP 691). Is the index URL right?",
                       STR_ARG(content_type));
    page_reset(p);
    buf_add_str(&p->final_url, url);
    p->parser = simple_parser_create(format, content_type, &p->listing);
    return 0;
}

static int page_head(void *ctx, const struct http_head *head, struct err *e)
{
    struct page *p = ctx;

    p->status = head->status;
    if (head->status == 304) {
        cache_note_not_modified(&p->note, head, &p->kept);
        return 0;
    }
    cache_note_head(&p->note, head);
    return page_open_parser(p, head->content_type, head->url, e);
}

/* The listing as the store has it. */
static int page_recall(struct page *p, struct err *e)
{
    page_reset(p);
    buf_add_str(&p->final_url, p->kept.base);
    return simple_unpack(p->kept.content, &p->listing, e);
}

static void page_keep(struct page *p)
{
    struct buf packed = { 0 };

    if (!p->world->cache.store)
        return;
    simple_pack(&p->listing, &packed);
    cache_keep(&p->world->cache, STORE_LISTING, str_of(p->url), &p->note, buf_str(&p->final_url),
               buf_str(&packed));
    buf_done(&packed);
}

/* Parses what came to its end, or takes what the store has. */
static int page_use(struct page *p, struct err *e)
{
    if (p->status == 304) {
        cache_renew(&p->world->cache, STORE_LISTING, str_of(p->url), &p->note);
        return page_recall(p, e);
    }
    if (!p->parser) /* an empty body: no head came with it */
        return err_set(e, ERR_INPUT, "the page is empty");
    int code = simple_parser_finish(p->parser, e);
    if (!code)
        page_keep(p);
    return code;
}

static void page_fetched(void *ctx, struct http_result *result)
{
    struct page *p = ctx;
    struct err e = { 0 };

    p->exchange = NULL;
    page_name_error(p, &result->err);
    if (retry_later(&p->retry, result)) {
        page_reset(p);
        return;
    }
    err_move(&e, &result->err);
    if (!e.code)
        page_use(p, &e);
    if (e.code && p->status == 304) { /* what the store has is damaged */
        err_done(&e);
        p->has_kept = false;
        page_request(p);
        return;
    }
    page_end(p, &e);
}

static void page_read(void *ctx, struct err *e)
{
    struct page *p = ctx;

    p->reader = NULL;
    if (!e->code)
        simple_parser_finish(p->parser, e);
    page_end(p, e);
}

/* pip: pages over plain http only from this machine or a trusted host; whoever sits in between
 * could send anything. */
static int page_check_origin(const struct page *p, struct err *e)
{
    struct url u;
    int code = url_parse(str_of(p->url), &u, e);

    if (code)
        return code;
    if (str_is(str_of(u.scheme), "http") && !url_is_loopback(&u) &&
        !url_is_trusted(&u, p->world->trusted_hosts, p->world->n_trusted_hosts)) {
        struct buf shown = { 0 };
        url_redact(str_of(p->url), &shown);
        code = err_set(e, ERR_USAGE,
                       "%s is not encrypted; use https, or --trusted-host %s to accept it",
                       buf_z(&shown), u.host);
        buf_done(&shown);
    }
    url_done(&u);
    return code;
}

static void page_end_now(void *ctx)
{
    struct page *p = ctx;
    struct err e = { 0 };

    err_move(&e, &p->answer.err);
    page_end(p, &e);
}

static int page_open(void *ctx, const char *path, int *fd, struct err *e)
{
    struct page *p = ctx;
    uint64_t bytes;

    if (file_open_regular(path, fd, &bytes, e))
        return e->code;
    return page_open_parser(p, STR("text/html"), str_of(p->url), e);
}

static int page_begin_local(struct page *p, struct err *e)
{
    struct reader_sink sink = { page_open, page_data, page_read, p };
    struct buf path = { 0 };
    int code = url_to_path(str_of(p->url), &path, e);

    if (!code && str_ends(buf_str(&path), STR("/")))
        buf_add_z(&path, "index.html");
    if (!code)
        p->reader = reader_start(p->world->readers, buf_z(&path), &sink);
    buf_done(&path);
    return code;
}

/* RFC 9111 section 4.2.4 forbids to use it; it is all there is, so it is said. */
static void page_warn_of_age(struct page *p)
{
    struct buf shown = { 0 };

    if (!p->kept.no_stale || clock_unix_s() < p->kept.fresh_until_s)
        return;
    url_redact(str_of(p->url), &shown);
    events_warn(
        p->world->events, NULL,
        "%s is as the store has it: its server wants to be asked each time, which --offline "
        "forbids",
        buf_z(&shown));
    buf_done(&shown);
}

/* Is it in the store, fresh, or must not be asked for? Then there is an answer, or an error. */
static bool page_begin_kept(struct page *p, struct err *e)
{
    const struct cache *c = &p->world->cache;
    struct err damaged = { 0 };

    arena_done(&p->kept_arena);
    p->kept_arena = (struct arena){ 0 };
    enum cache_state state = cache_look(c, STORE_LISTING, str_of(p->url), &p->kept_arena, &p->kept);
    p->has_kept = state != CACHE_MISS;
    if (state == CACHE_FRESH && !page_recall(p, &damaged)) {
        p->origin = FETCH_FROM_STORE;
        page_warn_of_age(p);
        return true;
    }
    p->has_kept &= !damaged.code;
    err_done(&damaged);
    if (!c->offline)
        return false;
    err_set(e, ERR_OFFLINE, "this page is not in the store; run without --offline");
    return true;
}

static const char *or_null(struct str validator)
{
    return validator.n ? validator.p : NULL;
}

static void page_request(struct page *p)
{
    struct http_request rq = { .url = p->url,
                               .accept = accept_types,
                               .is_page = true,
                               .rank = UINT64_MAX, /* before all bodies: they depend on pages */
                               .max_bytes = LIMIT_LISTING_BYTES };
    struct http_sink sink = {
        .head = page_head, .data = page_data, .done = page_fetched, .ctx = p
    };

    if (p->has_kept) {
        rq.if_none_match = or_null(p->kept.etag);
        rq.if_modified_since = or_null(p->kept.last_modified);
    }
    p->origin = FETCH_FROM_NETWORK;
    p->status = 0;
    cache_note_reset(&p->note);
    p->exchange = http_start(p->world->http, &rq, &sink);
}

/* Does no other job fetch it? Otherwise this one is woken when that has ended. */
static bool page_is_first(struct page *p)
{
    const struct page_world *w = p->world;
    struct buf key = { 0 };

    buf_add_f(&key, "page %.*s", STR_ARG(url_cut_fragment(str_of(p->url), &(struct str){ 0 })));
    bool first = flight_enter_once(w->cache.store ? w->flights : NULL, &p->flight, buf_str(&key));
    buf_done(&key);
    return first;
}

static void page_begin(void *ctx)
{
    struct page *p = ctx;
    struct err *e = &p->answer.err;

    if (str_starts(str_of(p->url), STR("file:"))) {
        p->origin = FETCH_FROM_FILE;
        if (p->world->no_local_files ? reader_refuse(str_of(p->url), e) : page_begin_local(p, e))
            loop_post(p->world->loop, &p->end);
    } else if (page_check_origin(p, e) || page_begin_kept(p, e)) {
        loop_post(p->world->loop, &p->end);
    } else if (page_is_first(p)) {
        p->retry.attempt++;
        page_request(p);
    }
}

struct page *page_start(const struct page_world *w, const char *url, page_done_fn done, void *ctx)
{
    struct page *p = mem_new(1, sizeof(*p));

    p->world = w;
    p->url = mem_dup(url);
    p->done = done;
    p->ctx = ctx;
    p->start_us = clock_us();
    p->retry = (struct retry){
        .loop = w->loop, .events = w->events, .retries = w->retries, .again = page_begin, .ctx = p
    };
    p->end = (struct loop_task){ .fn = page_end_now, .ctx = p };
    p->flight = (struct flight){ .go = page_begin, .ctx = p };
    page_begin(p);
    return p;
}

void page_set_index(struct page *p, struct str name)
{
    p->index = name;
}

void page_destroy(struct page *p)
{
    if (!p)
        return;
    if (p->exchange)
        http_cancel(p->exchange);
    if (p->reader)
        reader_cancel(p->reader);
    loop_unpost(p->world->loop, &p->end);
    flight_leave(&p->flight);
    retry_done(&p->retry);
    page_reset(p);
    buf_done(&p->final_url);
    buf_done(&p->base);
    cache_note_done(&p->note);
    arena_done(&p->kept_arena);
    err_done(&p->answer.err);
    free(p->url);
    free(p);
}
