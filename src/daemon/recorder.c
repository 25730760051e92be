#include "dray/daemon/recorder.h"

#include <inttypes.h>

#include "dray/ui/event_json.h"
#include "dray/util/json.h"

/* Bytes are told otherwise: there would be thousands, and the last one says it all. */
static bool is_recorded(enum event_kind kind)
{
    return kind != EVENT_TICK && kind != EVENT_BYTES && kind != EVENT_END;
}

static void add_line(struct recorder *r, struct str line)
{
    struct err e = { 0 };

    if (str_ends(line, STR("\n")))
        line.n--;
    if (queue_event(r->queue, r->job, line, NULL, &e) && !r->err.code)
        err_move(&r->err, &e);
    err_done(&e);
}

static void add_file(struct recorder *r, const struct fetch_view *v)
{
    struct err e = { 0 };
    char hex[DIGEST_HEX_SIZE] = "";
    bool sized = v->body_bytes != FETCH_BYTES_UNKNOWN;

    if (v->state == FETCH_DONE)
        digest_hex(&v->sha256, hex);
    struct queue_file f = { .number = (int64_t)v->order + 1,
                            .label = v->label,
                            .project = v->project,
                            .version = v->version,
                            .filename = v->filename,
                            .path = v->path,
                            .sha256 = hex[0] ? str_of(hex) : STR_NONE,
                            .state = str_of(fetch_state_name(v->state)),
                            .error = v->err.code ? str_of(err_text(&v->err)) : STR_NONE,
                            .bytes = sized ? v->body_bytes : v->got_bytes };

    if (queue_file(r->queue, r->job, &f, &e) && !r->err.code)
        err_move(&r->err, &e);
    err_done(&e);
}

static void on_event(void *ctx, const struct event *ev)
{
    struct recorder *r = ctx;
    struct buf line = { 0 };

    r->moved |= ev->kind == EVENT_BYTES;
    if (!is_recorded(ev->kind))
        return;
    event_json_add(&line, ev);
    add_line(r, buf_str(&line));
    buf_done(&line);
    bool ended = ev->kind == EVENT_STATE && (ev->to == FETCH_DONE || ev->to == FETCH_FAILED);
    if (ev->fetch && (ended || ev->kind == EVENT_ADDED))
        add_file(r, ev->fetch);
}

void recorder_init(struct recorder *r, struct queue *q, int64_t job, struct events *events)
{
    *r = (struct recorder){ .queue = q, .job = job };
    events_listen(events, on_event, r);
}

static void add_number(struct json *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_int(j, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void add_result(struct json *j, const struct job_result *r)
{
    json_key(j, "counts");
    json_map(j);
    add_number(j, "files", r->n);
    add_number(j, "fetched", r->fetched);
    add_number(j, "reused", r->reused);
    add_number(j, "kept", r->kept);
    add_number(j, "repeated", r->repeated);
    add_number(j, "failed", r->failed);
    add_number(j, "bytes", r->fetched_bytes);
    add_number(j, "took_us", r->took_us);
    json_map_end(j);
}

void recorder_state(struct recorder *r, enum job_state state, unsigned attempt,
                    const struct job_result *result, const struct err *e)
{
    uint64_t t = result ? result->took_us : 0;
    struct buf object = { 0 }, line = { 0 };
    struct json *j = json_open(&object, false);

    json_map(j);
    json_key(j, "event");
    json_str(j, STR("job"));
    json_key(j, "state");
    json_str(j, str_of(job_state_name(state)));
    add_number(j, "attempt", attempt);
    if (result)
        add_result(j, result);
    if (e && e->code) {
        json_key(j, "code");
        json_str(j, str_of(err_name(e->code)));
        json_key(j, "text");
        json_str(j, str_of(err_text(e)));
    }
    json_map_end(j);
    json_close(j);
    buf_add_f(&line, "{\"t\":%" PRIu64 ".%06" PRIu64 ",%s", t / 1000000, t % 1000000,
              buf_z(&object) + 1);
    add_line(r, buf_str(&line));
    buf_done(&object);
    buf_done(&line);
}

void recorder_done(struct recorder *r)
{
    err_done(&r->err);
}
