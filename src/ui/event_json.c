/* One table of what each kind has to say; keys always come in the same order. */
#include "dray/ui/event_json.h"

#include <inttypes.h>

#include "dray/util/json.h"

enum { SAYS_N = 1, SAYS_TOOK = 2, SAYS_CODE = 4, SAYS_STATES = 8, SAYS_GOT = 16 };

static const unsigned says[EVENT_COUNT] = {
    [EVENT_START] = SAYS_N,
    [EVENT_STATE] = SAYS_STATES | SAYS_GOT,
    [EVENT_BYTES] = SAYS_N | SAYS_GOT,
    [EVENT_RETRY] = SAYS_N,
    [EVENT_RESUMED] = SAYS_N,
    [EVENT_PAGE] = SAYS_N | SAYS_TOOK | SAYS_CODE,
    [EVENT_METADATA] = SAYS_N | SAYS_TOOK | SAYS_CODE,
    [EVENT_END] = SAYS_CODE,
};

static void add_str(struct json *j, const char *key, struct str s)
{
    if (!s.p)
        return;
    json_key(j, key);
    json_str(j, s);
}

/* JSON numbers of programs are doubles: what is beyond INT64_MAX is no size of anything. */
static void add_u64(struct json *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_int(j, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void add_fetch(struct json *j, const struct fetch_view *v, bool with_got)
{
    add_u64(j, "order", v->order);
    add_str(j, "requirement", v->label);
    add_str(j, "file", v->filename);
    if (!with_got)
        return;
    add_u64(j, "got", v->got_bytes);
    if (v->body_bytes != FETCH_BYTES_UNKNOWN)
        add_u64(j, "size", v->body_bytes);
}

static void add_failure(struct json *j, const struct err *e)
{
    add_str(j, "text", str_of(err_text(e)));
    add_str(j, "code", str_of(err_name(e->code)));
}

static void add_keys(struct json *j, const struct event *ev)
{
    unsigned said = says[ev->kind];

    add_str(j, "event", str_of(event_name(ev->kind)));
    if (ev->fetch)
        add_fetch(j, ev->fetch, said & SAYS_GOT);
    if (said & SAYS_STATES) {
        add_str(j, "from", str_of(fetch_state_name(ev->from)));
        add_str(j, "to", str_of(fetch_state_name(ev->to)));
    }
    if (ev->kind == EVENT_STATE && ev->to == FETCH_FAILED && ev->fetch) {
        add_failure(j, &ev->fetch->err);
        return;
    }
    if (ev->kind == EVENT_STATE && ev->to == FETCH_DONE && ev->fetch) {
        add_str(j, "origin", str_of(fetch_origin_name(ev->fetch->origin)));
        add_str(j, "path", ev->fetch->path);
    }
    if (ev->kind == EVENT_PAGE)
        add_str(j, "origin", str_of(fetch_origin_name(ev->origin)));
    if (ev->index.n)
        add_str(j, "index", ev->index);
    add_str(j, "text", ev->text);
    if (said & SAYS_N)
        add_u64(j, "n", ev->n);
    if (said & SAYS_CODE)
        add_str(j, "code", str_of(err_name(ev->code)));
}

static void add_seconds(struct buf *out, const char *key, uint64_t us)
{
    buf_add_f(out, "\"%s\":%" PRIu64 ".%06" PRIu64 ",", key, us / 1000000, us % 1000000);
}

void event_json_add(struct buf *out, const struct event *ev)
{
    struct buf object = { 0 };
    struct json *j = json_open(&object, false);

    json_map(j);
    add_keys(j, ev);
    json_map_end(j);
    json_close(j);
    /* util/json.h has no fractions, so the seconds go before the first key. */
    buf_add_c(out, '{');
    add_seconds(out, "t", ev->at_us);
    if (says[ev->kind] & SAYS_TOOK)
        add_seconds(out, "took", ev->took_us);
    buf_add_str(out, str_sub(buf_str(&object), 1, object.n));
    buf_add_c(out, '\n');
    buf_done(&object);
}
