/* A body that was cut goes on where it was cut: the bytes that came stay in the file and in the
 * hasher, and the next attempt asks for the rest. Between two runs the file lies in the store
 * (store/partial), and is hashed from its beginning before the rest is asked for.
 *
 * What may be put together: bytes of one representation, which If-Range with a strong validator
 * ensures (RFC 9110 section 13.1.5); or any bytes whose digest is promised, since it shows in the
 * end. Then one more attempt begins from the first byte. */
#include <fcntl.h>
#include <inttypes.h>

#include "dray/fetch/machine.h"
#include "dray/store/partial.h"
#include "dray/util/limits.h"

enum {
    GUARD_BYTES = 8 * LIMIT_MIB, /* what is so large is kept even when dray is killed */
    VALIDATOR_MAX = 1024,
    HELD_MAX = 64, /* a descriptor each */
};

static uint64_t known_total(const struct fetch *f)
{
    return f->promise.bytes != FETCH_BYTES_UNKNOWN ? f->promise.bytes : f->resume.total_bytes;
}

bool fetch_body_is_whole(const struct fetch *f)
{
    return f->body && body_bytes(f->body) > 0 && body_bytes(f->body) == known_total(f);
}

/* -- within a run -- */

/* A date is a strong validator when the answer was made later than that second (RFC 9110
 * section 8.8.2.2). */
static struct str validator_of(const struct http_head *h)
{
    int64_t changed_s = freshness_date(h->last_modified), made_s = freshness_date(h->date);

    if (cache_is_strong(h->etag))
        return h->etag;
    return !h->etag.p && changed_s >= 0 && made_s > changed_s ? h->last_modified : STR_NONE;
}

void fetch_resume_release(struct fetch *f)
{
    f->fetcher->n_held -= f->resume.held;
    f->resume.held = false;
}

void fetch_resume_hold(struct fetch *f)
{
    if (!f->body)
        return;
    if (f->fetcher->n_held >= HELD_MAX) {
        fetch_resume_reset(f);
        return;
    }
    f->resume.held = true;
    f->fetcher->n_held++;
}

void fetch_resume_reset(struct fetch *f)
{
    fetch_resume_release(f);
    body_destroy(f->body);
    f->body = NULL;
    f->view.got_bytes = f->view.resumed_bytes = 0;
    buf_reset(&f->resume.validator);
    f->resume.total_bytes = FETCH_BYTES_UNKNOWN;
    f->resume.first = 0;
}

static bool can_go_on(const struct fetch *f)
{
    return !f->resume.encoded && !f->resume.forbidden &&
           (f->resume.validator.n || promise_has_digest(&f->promise));
}

void fetch_resume_ask(struct fetch *f, struct http_request *rq)
{
    struct resume *r = &f->resume;

    r->answer = RESUME_ACCEPTED;
    r->first = f->body ? body_bytes(f->body) : 0;
    if (!r->first || !can_go_on(f)) {
        fetch_resume_reset(f);
        return;
    }
    if (r->no_ranges)
        return;
    rq->range = (struct http_range){ .kind = HTTP_REST, .first = r->first };
    rq->if_range = r->validator.n ? buf_z(&r->validator) : NULL;
}

/* Of what servers were seen to answer to a range, what is not the last word on the whole file. */
static bool is_about_range(int status)
{
    return status == 304 || status == 400 || status == 403 || status == 404 || status == 405 ||
           status == 410 || status == 412 || status == 501;
}

bool fetch_resume_was_refused(struct fetch *f, int status)
{
    struct resume *r = &f->resume;

    if (!r->first || r->no_ranges || !is_about_range(status))
        return false;
    r->no_ranges = true;
    return true;
}

void fetch_resume_doubt(struct fetch *f)
{
    if (f->body && f->resume.first && body_bytes(f->body) == f->resume.first)
        f->resume.no_ranges = true;
}

typedef void (*partial_fn)(struct store *s, struct place_file *f, struct str key,
                           const struct partial_note *note);

/* The body as it is now, to the store. */
static void hand_over(struct fetch *f, partial_fn to)
{
    struct partial_note note = { .url = digest_sha256(f->url),
                                 .validator = buf_str(&f->resume.validator),
                                 .total_bytes = f->resume.total_bytes };
    struct place_file *file = body_file(f->body);
    struct buf key = { 0 };

    promise_name(&f->promise, f->url, &key);
    if (file)
        to(f->fetcher->world.cache.store, file, buf_str(&key), &note);
    buf_done(&key);
}

/* For a kill: not from inside libcurl, which may have closed a socket whose number the file would
 * get. */
static void guard(void *ctx)
{
    struct fetch *f = ctx;

    if (f->body && fetch_is_in_store(f))
        hand_over(f, partial_guard);
}

void fetch_resume_begin(struct fetch *f, const struct http_head *h)
{
    struct resume *r = &f->resume;
    struct str validator = h->encoded ? STR_NONE : validator_of(h);

    buf_reset(&r->validator);
    if (validator.n <= VALIDATOR_MAX)
        buf_add_str(&r->validator, validator);
    r->total_bytes = h->body_bytes >= 0 ? (uint64_t)h->body_bytes : FETCH_BYTES_UNKNOWN;
    r->encoded = h->encoded;
    r->guard.fn = guard; /* it may be queued: its links stay */
    r->guard.ctx = f;
    if (!r->encoded && known_total(f) != FETCH_BYTES_UNKNOWN && known_total(f) >= GUARD_BYTES)
        loop_post(f->fetcher->world.loop, &r->guard);
}

/* The rest of another file, or another part than was asked for. */
static int refuse(struct fetch *f, struct err *e, const char *why)
{
    f->resume.answer = RESUME_REFUSED;
    return err_set(e, ERR_UNSUPPORTED, "the server can't go on at byte %" PRIu64 ": %s",
                   f->resume.first, why);
}

static int take_rest(struct fetch *f, const struct http_head *h, struct err *e)
{
    const struct http_content_range *r = &h->content_range;
    uint64_t total = known_total(f);

    if (h->encoded)
        return refuse(f, e, "it sends the rest in an encoding");
    if (!r->given || r->first < 0 || r->last < 0)
        return refuse(f, e, "it does not say which part it sends");
    if (total == FETCH_BYTES_UNKNOWN)
        total = r->total >= 0 ? (uint64_t)r->total : (uint64_t)r->last + 1;
    if ((uint64_t)r->first != f->resume.first || (uint64_t)r->last + 1 != total ||
        (r->total >= 0 && (uint64_t)r->total != total))
        return refuse(f, e, "it sends another part");
    if (h->body_bytes >= 0 && (uint64_t)h->body_bytes != total - f->resume.first)
        return refuse(f, e, "the length of what it sends is not that of the rest");
    if (cache_is_strong(h->etag) && cache_is_strong(buf_str(&f->resume.validator)) &&
        !str_eq(h->etag, buf_str(&f->resume.validator)))
        return refuse(f, e, "the file has changed");
    f->resume.total_bytes = total;
    f->resume.went_on = true;
    f->view.body_bytes = total;
    events_emit(f->fetcher->world.events,
                &(struct event){ .kind = EVENT_RESUMED, .fetch = &f->view, .n = f->resume.first });
    return 0;
}

int fetch_resume_head(struct fetch *f, const struct http_head *h, struct err *e)
{
    struct resume *r = &f->resume;

    if (h->status == 206)
        return take_rest(f, h, e);
    if (h->status == 416) {
        bool same = h->content_range.given && h->content_range.total >= 0 &&
                    (uint64_t)h->content_range.total == r->first;
        r->answer = same ? RESUME_COMPLETE : RESUME_REFUSED;
        return 0;
    }
    /* The whole: it has changed, or this server does not do ranges. */
    r->first = 0;
    f->view.got_bytes = f->view.resumed_bytes = 0;
    return body_restart(f->body, e);
}

void fetch_start_over(struct fetch *f)
{
    events_emit(f->fetcher->world.events, &(struct event){ .kind = EVENT_RETRY,
                                                           .fetch = &f->view,
                                                           .text = str_of(err_text(&f->fault)) });
    fetch_resume_reset(f);
    f->resume.forbidden = true; /* so that this happens once */
    f->resume.went_on = false;
    f->delay_ms = 0;
    err_done(&f->fault);
    fetch_go(f, FETCH_WAIT);
}

bool fetch_has_resumed_wrong(const struct fetch *f)
{
    return f->resume.went_on && f->fault.code && f->fault.code != ERR_IO &&
           f->fault.code != ERR_SPACE;
}

/* -- between two runs -- */

void fetch_keep_partial(struct fetch *f)
{
    bool is_remote = f->view.origin == FETCH_FROM_NETWORK && !f->has_found;
    /* In PROBE it has more bytes than were hashed so far. */
    bool has_bytes = f->body && (body_bytes(f->body) || f->view.state == FETCH_PROBE);

    if (!has_bytes || !fetch_is_in_store(f) || !is_remote || !can_go_on(f))
        return;
    hand_over(f, partial_keep);
}

/* May the rest of what the note tells of be asked for here? */
static bool is_of_use(const struct fetch *f, const struct partial_note *note, bool same_url)
{
    if (f->promise.bytes != FETCH_BYTES_UNKNOWN && note->total_bytes != PARTIAL_BYTES_UNKNOWN &&
        note->total_bytes != f->promise.bytes)
        return false;
    return promise_has_digest(&f->promise) || (same_url && note->validator.n);
}

static int open_partial(void *ctx, const char *path, int *fd, struct err *e)
{
    struct fetch *f = ctx;

    /* With one offset: writing goes on where reading ended. */
    *fd = fcntl(body_fd(f->body), F_DUPFD_CLOEXEC, 0);
    return *fd < 0 ? err_errno(e, "can't read %s", path) : 0;
}

static int recall(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct fetch *f = ctx;

    return body_recall(f->body, bytes, n, e);
}

static void recalled(void *ctx, struct err *e)
{
    struct fetch *f = ctx;

    f->reader = NULL;
    f->resume.went_on = !e->code;
    if (e->code)
        fetch_resume_reset(f);
    else
        f->view.got_bytes = f->view.resumed_bytes = body_bytes(f->body);
    fetch_go(f, FETCH_QUEUE);
}

bool fetch_take_partial(struct fetch *f)
{
    struct store *store = f->fetcher->world.cache.store;
    struct reader_sink sink = { open_partial, recall, recalled, f };
    struct partial_note note;
    struct arena a = { 0 };
    struct buf key = { 0 };

    if (!fetch_is_in_store(f) || f->view.origin != FETCH_FROM_NETWORK ||
        f->fetcher->n_held >= HELD_MAX)
        return false;
    promise_name(&f->promise, f->url, &key);
    struct place_file *file = partial_take(store, buf_str(&key), &a, &note);
    struct digest url = digest_sha256(f->url);
    bool same_url = file && digest_eq(&url, &note.url);
    if (file && !is_of_use(f, &note, same_url)) {
        place_file_destroy(file);
        file = NULL;
    }
    if (file) {
        if (same_url)
            buf_add_str(&f->resume.validator, note.validator);
        f->resume.total_bytes = note.total_bytes;
        f->body = body_resume(file, &f->fetcher->pool, promise_algs(&f->promise), f->promise.bytes);
        fetch_resume_hold(f);
        f->reader = reader_start(f->fetcher->world.readers, place_dir(store_temp(store)), &sink);
    }
    buf_done(&key);
    arena_done(&a);
    return file;
}
