/* Server-sent events. A listener is a number, that of the last event it was told, and the few lines
 * that are on their way to it: what is further on is read from the queue when its socket takes
 * more, so one that stands still costs nothing and holds up nobody. */
#include <inttypes.h>
#include <stdlib.h>

#include "dray/daemon/api_parts.h"
#include "dray/util/mem.h"

enum { AT_ONCE = 64 };

struct api_listener {
    struct api *api;
    struct server_call *call;
    int64_t job, told;
    uint64_t version; /* of the progress that was told */
    struct buf lines;
    size_t sent; /* of them */
    struct api_listener *prev, *next;
};

static bool add_event(void *ctx, int64_t number, struct str line)
{
    struct api_listener *l = ctx;

    buf_add_f(&l->lines, "id: %" PRId64 "\ndata: %.*s\n\n", number, STR_ARG(line));
    l->told = number;
    return true;
}

/* Lines of JSON as messages that have no number: the next ones make up for those that get lost. */
static void add_progress(struct api_listener *l, struct str lines)
{
    while (lines.n) {
        struct str line = str_cut(lines, '\n', &lines);
        buf_add_f(&l->lines, "event: progress\ndata: %.*s\n\n", STR_ARG(line));
    }
}

/* Has it been told everything there will ever be? */
static bool is_over(const struct api_listener *l)
{
    struct queue_job job;
    struct arena a = { 0 };
    struct err e = { 0 };
    bool over = queue_find(l->api->is.queue, l->job, &a, &job, &e) || job_state_is_end(job.state);

    err_done(&e);
    arena_done(&a);
    return over;
}

static bool fill(struct api_listener *l)
{
    struct queue_page page = { .job = l->job, .since = l->told, .max = AT_ONCE };
    struct buf progress = { 0 };
    struct err e = { 0 };

    buf_reset(&l->lines);
    l->sent = 0;
    int code = queue_events_read(l->api->is.queue, &page, add_event, l, &e);
    if (!code && !l->lines.n && crew_progress(l->api->is.crew, l->job, &l->version, &progress))
        add_progress(l, buf_str(&progress));
    buf_done(&progress);
    err_done(&e);
    return l->lines.n > 0;
}

static ssize_t read_lines(void *ctx, char *out, size_t max)
{
    struct api_listener *l = ctx;

    if (l->sent == l->lines.n && !fill(l))
        return is_over(l) ? SERVER_STREAM_END : SERVER_STREAM_NONE;
    size_t n = l->lines.n - l->sent < max ? l->lines.n - l->sent : max;
    memcpy(out, l->lines.p + l->sent, n);
    l->sent += n;
    return (ssize_t)n;
}

static void gone(void *ctx)
{
    struct api_listener *l = ctx;

    if (l->next)
        l->next->prev = l->prev;
    if (l->prev)
        l->prev->next = l->next;
    else
        l->api->listeners = l->next;
    buf_done(&l->lines);
    free(l);
}

/* The job as it is, up to the event whose number it tells. */
static void add_snapshot(const struct api_call *c, struct api_listener *l,
                         const struct queue_job *job)
{
    struct buf text = { 0 };
    struct json *j = json_open(&text, false);

    api_add_one_job(c, j, job);
    json_close(j);
    buf_add_f(&l->lines, "event: snapshot\ndata: %s\n\n", buf_z(&text));
    buf_done(&text);
}

/* A browser that connects again says so in a header; who says nothing wants what is to come. */
static bool read_since(const struct api_call *c, int64_t *out)
{
    struct str last = server_header(c->call, "Last-Event-ID");
    struct err e = { 0 };
    uint64_t since = 0;

    if (!(last.p && str_to_u64(last, INT64_MAX, &since)) &&
        !api_query_number(c, "since", UINT64_MAX, INT64_MAX, &since))
        return false;
    *out = (int64_t)since;
    if (since == UINT64_MAX && queue_last_seq(c->api->is.queue, c->id, out, &e))
        *out = 0;
    err_done(&e);
    return true;
}

void api_listen(const struct api_call *c)
{
    struct queue_job job;
    struct arena a = { 0 };
    int64_t since = 0;

    if (api_find_job(c, &a, &job) && read_since(c, &since)) {
        struct api_listener *l = mem_new(1, sizeof(*l));
        *l = (struct api_listener){ .api = c->api, .call = c->call, .job = c->id, .told = since };
        add_snapshot(c, l, &job);
        l->next = c->api->listeners;
        if (l->next)
            l->next->prev = l;
        c->api->listeners = l;
        server_on_gone(c->call, gone, l);
        server_stream(c->call, "text/event-stream",
                      &(struct server_stream){ .read = read_lines, .ctx = l });
    }
    arena_done(&a);
}

void api_news(struct api *a, int64_t job)
{
    struct api_listener *next;

    for (struct api_listener *l = a->listeners; l; l = next) {
        next = l->next;
        if (l->job == job)
            server_stream_wake(l->call);
    }
}
