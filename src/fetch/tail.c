/* One request after the other. libcurl's callbacks record what the head says and collect the part;
 * what follows from them is decided in answered(). */
#include "dray/fetch/tail.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dray/fetch/retry.h"
#include "dray/py/zip.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* A file of so few bytes is taken whole when a server ignores the range: it would be read to its
 * end anyway, so that the connection stays. */
enum { SMALL_BYTES = LIMIT_IGNORED_BODY_BYTES };

/* The first read where the size is not known; where it is, py/zip knows better. Of 129 wheels it
 * held all that is needed of 6 in 10 (of those below 1 MiB: of 9 in 10). */
enum { FIRST_BYTES = 16 * 1024 };

struct tail {
    const struct fetch_world *world;
    struct str url, filename;
    uint64_t size; /* FETCH_BYTES_UNKNOWN until an answer told it */
    tail_done_fn done;
    void *ctx;
    struct host *host;
    struct host_wait waits[HOST_SKILL_COUNT]; /* that for suffixes is kept while spans are tried */
    enum host_skill skill;                    /* that the request under way takes */
    bool used[HOST_SKILL_COUNT];
    bool refused[HOST_SKILL_COUNT]; /* by an answer that may mean this file alone */
    struct http_range asked;
    struct http_exchange *exchange;
    struct retry retry;
    struct loop_task end;
    /* Of the answer that is coming. */
    int status;
    uint64_t got_first;
    struct buf got;
    /* Of the first part: what later ones must agree with. */
    struct cache_note note;
    bool has_part;
    struct zip *zip;
    struct tail_result result;
};

static void ask(struct tail *t);

static void end(struct tail *t, enum tail_outcome outcome)
{
    t->result.outcome = outcome;
    loop_post(t->world->loop, &t->end);
}

static void leave(struct tail *t)
{
    for (int skill = 0; skill < HOST_SKILL_COUNT; skill++)
        host_leave(&t->waits[skill]);
}

static void tell(void *ctx)
{
    struct tail *t = ctx;

    if (t->result.outcome == TAIL_FOUND || t->result.outcome == TAIL_FAILED)
        leave(t);
    t->done(t->ctx, &t->result);
}

/* -- the head, from inside libcurl -- */

static int refuse(struct tail *t, struct err *e, const char *why)
{
    return err_set(e, ERR_UNSUPPORTED, "the server can't be asked for a part of %.*s: %s",
                   STR_ARG(t->filename), why);
}

static bool agrees(const struct buf *known, struct str given)
{
    return !known->n || !given.p || str_eq(buf_str(known), given);
}

/* The total, or what follows from a part that ends where the file ends. */
static uint64_t total_of(const struct tail *t, const struct http_content_range *r)
{
    if (r->total >= 0)
        return (uint64_t)r->total;
    if (t->size != FETCH_BYTES_UNKNOWN)
        return t->size;
    return t->asked.kind == HTTP_SUFFIX && r->last >= 0 ? (uint64_t)r->last + 1 : t->size;
}

static int take_part(struct tail *t, const struct http_head *head, struct err *e)
{
    const struct http_content_range *r = &head->content_range;
    uint64_t total = total_of(t, r), first, last;

    if (head->encoded)
        return refuse(t, e, "it sends parts in an encoding");
    if (!r->given || r->first < 0 || total == FETCH_BYTES_UNKNOWN)
        return refuse(t, e, "a part does not say which it is");
    if (t->size != FETCH_BYTES_UNKNOWN && total != t->size)
        return refuse(t, e, "it says another size than was known");
    t->size = total;
    if (t->asked.kind == HTTP_SUFFIX) {
        first = total > t->asked.n ? total - t->asked.n : 0;
        last = total - 1;
    } else {
        first = t->asked.first;
        last = t->asked.n > total - first ? total - 1 : first + t->asked.n - 1;
    }
    if ((uint64_t)r->first != first || (uint64_t)r->last != last)
        return refuse(t, e, "it sends another part than was asked for");
    if (t->has_part && (!agrees(&t->note.etag, head->etag) ||
                        !agrees(&t->note.last_modified, head->last_modified)))
        return refuse(t, e, "the file changed meanwhile");
    t->got_first = first;
    return 0;
}

static int take_whole(struct tail *t, const struct http_head *head, struct err *e)
{
    if (t->has_part)
        return refuse(t, e, "the file changed meanwhile");
    if (head->encoded || head->body_bytes <= 0 || head->body_bytes > SMALL_BYTES ||
        (t->size != FETCH_BYTES_UNKNOWN && (uint64_t)head->body_bytes != t->size))
        return refuse(t, e, "it sends the whole file");
    t->size = (uint64_t)head->body_bytes;
    t->got_first = 0;
    return 0;
}

static int take_head(void *ctx, const struct http_head *head, struct err *e)
{
    struct tail *t = ctx;

    t->status = head->status;
    buf_reset(&t->got);
    if (head->status == 416) {
        if (t->size == FETCH_BYTES_UNKNOWN && head->content_range.given &&
            head->content_range.total > 0)
            t->size = (uint64_t)head->content_range.total;
        return 0;
    }
    int code = head->status == 206 ? take_part(t, head, e) : take_whole(t, head, e);
    if (!code && !t->has_part) {
        struct http_head of_whole = *head;
        of_whole.status = 200; /* a part is as fresh as the whole (RFC 9111 section 3.4) */
        cache_note_head(&t->note, &of_whole);
    }
    return code;
}

static int take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct tail *t = ctx;

    uint64_t most = t->status == 206 ? t->asked.n : SMALL_BYTES;

    t->result.bytes += n;
    if (n > most - t->got.n)
        return refuse(t, e, "it sends more than the part");
    buf_add(&t->got, bytes, n);
    return 0;
}

/* -- what follows -- */

/* Does it mean that this server does not do ranges, rather than that something is wrong just now?
 * All of these statuses were seen in answer to a range (pip, poetry and uv keep lists). */
static bool is_refusal(const struct http_result *r)
{
    bool by_status = r->err.code == ERR_STATUS || r->err.code == ERR_NOT_FOUND;
    int s = r->status;

    return r->err.code == ERR_UNSUPPORTED ||
           (by_status && (s == 400 || s == 403 || s == 404 || s == 405 || s == 500 || s == 501));
}

static void ask_again(void *ctx)
{
    ask(ctx);
}

/* Only now, since the bytes of a part may be others than it says. */
static void learn_from_success(const struct tail *t)
{
    for (int skill = 0; skill < HOST_SKILL_COUNT; skill++)
        if (t->used[skill] && t->status == 206)
            host_learn(t->host, (enum host_skill)skill, t->refused[skill] ? HOST_CANNOT : HOST_CAN);
}

static void learn_from_whole(const struct tail *t)
{
    host_learn(t->host, t->skill, HOST_CANNOT);
    /* Who ignores one kind ignores the other, too. */
    if (host_can(t->host, HOST_SPAN) == HOST_UNKNOWN)
        host_learn(t->host, HOST_SPAN, HOST_CANNOT);
}

static void try_zip(struct tail *t)
{
    struct zip_span lacks;

    if (!t->zip)
        t->zip = zip_create(t->size, t->filename);
    zip_feed(t->zip, t->got_first, t->got.p, t->got.n);
    buf_reset(&t->got);
    switch (zip_step(t->zip, &lacks, &t->result.err)) {
    case ZIP_FOUND:
        learn_from_success(t);
        t->result.metadata = zip_metadata(t->zip);
        t->result.note = &t->note;
        end(t, TAIL_FOUND);
        break;
    case ZIP_LACKS:
        t->asked = (struct http_range){ HTTP_SPAN, lacks.first, lacks.n };
        t->retry.attempt = 0;
        ask(t);
        break;
    case ZIP_FAILED:
        memcpy(t->refused, t->used, sizeof(t->refused));
        end(t, TAIL_BROKEN);
        break;
    }
}

/* A suffix was refused: with a size, or from the front, a span may still do. */
static void use_refusal(struct tail *t, struct err *e)
{
    t->refused[t->skill] = true;
    if (t->skill == HOST_SUFFIX && t->status == 416)
        host_learn(t->host, HOST_SUFFIX, HOST_CANNOT);
    if (t->skill == HOST_SUFFIX && host_can(t->host, HOST_SPAN) != HOST_CANNOT) {
        t->retry.attempt = 0;
        ask(t);
        return;
    }
    if (!t->has_part) /* what was cut, too, and then tried otherwise */
        memcpy(t->refused, t->used, sizeof(t->refused));
    if (e->code)
        err_move(&t->result.err, e);
    else
        refuse(t, &t->result.err, "it refuses the range");
    end(t, TAIL_UNABLE);
}

static void use_part(struct tail *t, struct err *e)
{
    uint64_t left = t->size - t->got_first;
    uint64_t n = t->status == 206 && t->asked.n < left ? t->asked.n : left;

    if (t->got.n != n) {
        refuse(t, e, "a part has another length than it says");
        use_refusal(t, e);
        return;
    }
    t->has_part = true;
    try_zip(t);
}

/* Each part is cut: the whole file need not be. */
static void give_up(struct tail *t, struct err *e)
{
    if (t->status == 206) {
        use_refusal(t, e);
        return;
    }
    err_move(&t->result.err, e);
    end(t, TAIL_FAILED);
}

static void answered(void *ctx, struct http_result *result)
{
    struct tail *t = ctx;

    t->exchange = NULL;
    if (t->status == 200 && !t->has_part)
        learn_from_whole(t);
    if (!result->err.code && t->status != 416) {
        use_part(t, &result->err);
    } else if (!result->err.code || is_refusal(result)) {
        use_refusal(t, &result->err);
    } else if (!retry_later(&t->retry, result)) {
        give_up(t, &result->err);
    }
}

static void request(struct tail *t)
{
    /* A part of a file that changed is worse than none. */
    bool guarded = t->has_part && cache_is_strong(buf_str(&t->note.etag));
    struct http_request rq = { .url = t->url.p,
                               .is_page = true,
                               .rank = UINT64_MAX, /* bodies are chosen by it */
                               .range = t->asked,
                               .if_range = guarded ? buf_z(&t->note.etag) : NULL };
    struct http_sink sink = { .head = take_head, .data = take_bytes, .done = answered, .ctx = t };

    if (!t->has_part)
        cache_note_reset(&t->note);
    t->retry.attempt++;
    t->used[t->skill] = true;
    t->status = 0;
    t->result.requests++;
    buf_reset(&t->got);
    t->exchange = http_start(t->world->http, &rq, &sink);
}

/* The first range that is worth asking for, by what is known. false: a file of that size can't be a
 * wheel. */
static bool choose_first(struct tail *t)
{
    struct zip_span lacks = { 0 };

    if (t->size != FETCH_BYTES_UNKNOWN) {
        if (!t->zip)
            t->zip = zip_create(t->size, t->filename);
        /* Of nothing: it lacks what is to be read first. */
        if (zip_step(t->zip, &lacks, &t->result.err) != ZIP_LACKS)
            return false;
        t->asked = (struct http_range){ HTTP_SPAN, lacks.first, lacks.n };
    } else if (host_can(t->host, HOST_SUFFIX) != HOST_CANNOT && !t->refused[HOST_SUFFIX]) {
        t->skill = HOST_SUFFIX;
        t->asked = (struct http_range){ HTTP_SUFFIX, 0, FIRST_BYTES };
    } else {
        /* From the front: the answer tells the size, and a small wheel is all in it. */
        t->asked = (struct http_range){ HTTP_SPAN, 0, FIRST_BYTES };
    }
    return true;
}

static void ask(struct tail *t)
{
    t->skill = HOST_SPAN;
    if (!t->has_part && !choose_first(t)) {
        end(t, TAIL_BROKEN);
        return;
    }
    if (!host_enter(t->host, t->skill, &t->waits[t->skill]))
        return;
    if (host_can(t->host, t->skill) != HOST_CANNOT) {
        request(t);
    } else if (t->skill == HOST_SUFFIX) {
        ask(t); /* found out meanwhile: with a span, then */
    } else {
        refuse(t, &t->result.err, "it does not do ranges");
        end(t, TAIL_UNABLE);
    }
}

struct tail *tail_start(const struct fetch_world *w, struct str url, struct str filename,
                        uint64_t bytes, tail_done_fn done, void *ctx)
{
    struct tail *t = mem_new(1, sizeof(*t));

    t->world = w;
    t->url = url;
    t->filename = filename;
    t->size = bytes ? bytes : FETCH_BYTES_UNKNOWN;
    t->retry = (struct retry){
        .loop = w->loop, .events = w->events, .retries = w->retries, .again = ask_again, .ctx = t
    };
    t->done = done;
    t->ctx = ctx;
    t->end = (struct loop_task){ .fn = tell, .ctx = t };
    t->host = hosts_find(w->hosts, url);
    for (int skill = 0; skill < HOST_SKILL_COUNT; skill++)
        t->waits[skill] = (struct host_wait){ .go = ask_again, .ctx = t };
    ask(t);
    return t;
}

void tail_blame_host(struct tail *t)
{
    for (int skill = 0; skill < HOST_SKILL_COUNT; skill++)
        if (t->refused[skill])
            host_learn(t->host, (enum host_skill)skill, HOST_CANNOT);
    leave(t);
}

void tail_destroy(struct tail *t)
{
    if (!t)
        return;
    if (t->exchange)
        http_cancel(t->exchange);
    leave(t);
    loop_unpost(t->world->loop, &t->end);
    retry_done(&t->retry);
    zip_destroy(t->zip);
    buf_done(&t->got);
    cache_note_done(&t->note);
    err_done(&t->result.err);
    free(t);
}
