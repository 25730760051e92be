/* Bytes go straight from libcurl (or from slices of a local file) into the push parser; nothing of
 * a page is kept but its listing. A page that fails half-way is begun anew, parser and all. */
#include "dray/fetch/page.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "dray/fetch/reader.h"
#include "dray/fetch/retry.h"
#include "dray/net/url.h"
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
    page_done_fn done;
    void *ctx;
    struct http_exchange *exchange; /* at most one of these three is under way */
    struct reader *reader;
    struct loop_task refuse;
    struct loop_timer *timer; /* between two attempts */
    struct simple_parser *parser;
    struct simple_listing listing;
    struct buf final_url, base;
    unsigned attempt;
    uint64_t bytes, start_us;
    struct page_answer answer;
};

static void page_begin(struct page *p);

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
    if (e->code)
        page_reset(p);
    err_move(&p->answer.err, e);
    events_emit(p->world->events, &(struct event){ .kind = EVENT_PAGE,
                                                   .text = buf_str(&shown),
                                                   .n = p->bytes,
                                                   .took_us = clock_us() - p->start_us,
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
    return page_open_parser(ctx, head->content_type, head->url, e);
}

static void page_again(void *ctx)
{
    page_begin(ctx);
}

static bool page_retry(struct page *p, struct http_result *result)
{
    uint64_t delay_ms;
    struct buf text = { 0 };

    if (!retry_after(result, p->attempt, p->world->retries, &delay_ms))
        return false;
    page_name_error(p, &result->err);
    buf_add_z(&text, err_text(&result->err));
    events_emit(p->world->events,
                &(struct event){ .kind = EVENT_RETRY, .text = buf_str(&text), .n = delay_ms });
    buf_done(&text);
    page_reset(p);
    if (!p->timer)
        p->timer = loop_timer_create(p->world->loop, page_again, p);
    loop_timer_start(p->timer, delay_ms);
    return true;
}

static void page_fetched(void *ctx, struct http_result *result)
{
    struct page *p = ctx;
    struct err e = { 0 };

    p->exchange = NULL;
    if (result->err.code && page_retry(p, result))
        return;
    err_move(&e, &result->err);
    if (!e.code && !p->parser) /* an empty body: no head came with it */
        err_set(&e, ERR_INPUT, "the page is empty");
    if (!e.code)
        simple_parser_finish(p->parser, &e);
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

static void page_refuse(void *ctx)
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

static void page_begin(struct page *p)
{
    struct err *e = &p->answer.err;

    p->attempt++;
    if (str_starts(str_of(p->url), STR("file:"))) {
        if (page_begin_local(p, e))
            loop_post(p->world->loop, &p->refuse);
        return;
    }
    if (page_check_origin(p, e)) {
        loop_post(p->world->loop, &p->refuse);
        return;
    }
    struct http_request rq = { .url = p->url,
                               .accept = accept_types,
                               .is_page = true,
                               .rank = UINT64_MAX, /* before all bodies: they depend on pages */
                               .max_bytes = LIMIT_LISTING_BYTES };
    struct http_sink sink = {
        .head = page_head, .data = page_data, .done = page_fetched, .ctx = p
    };
    p->exchange = http_start(p->world->http, &rq, &sink);
}

struct page *page_start(const struct page_world *w, const char *url, page_done_fn done, void *ctx)
{
    struct page *p = mem_new(1, sizeof(*p));

    p->world = w;
    p->url = mem_dup(url);
    p->done = done;
    p->ctx = ctx;
    p->start_us = clock_us();
    p->refuse = (struct loop_task){ .fn = page_refuse, .ctx = p };
    page_begin(p);
    return p;
}

void page_destroy(struct page *p)
{
    if (!p)
        return;
    if (p->exchange)
        http_cancel(p->exchange);
    if (p->reader)
        reader_cancel(p->reader);
    loop_unpost(p->world->loop, &p->refuse);
    loop_timer_destroy(p->timer);
    page_reset(p);
    buf_done(&p->final_url);
    buf_done(&p->base);
    err_done(&p->answer.err);
    free(p->url);
    free(p);
}
