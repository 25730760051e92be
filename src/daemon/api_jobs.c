/* Jobs as JSON. */
#include <inttypes.h>
#include <unistd.h>

#include "dray/daemon/api_parts.h"
#include "dray/util/limits.h"

enum { PAGE = 100 };

static void add_text(struct json *j, const char *key, struct str s)
{
    json_key(j, key);
    json_str(j, s);
}

static void add_number(struct json *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_int(j, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void add_error(struct json *j, struct str code, struct str text)
{
    json_key(j, "error");
    if (!code.p) {
        json_null(j);
        return;
    }
    json_map(j);
    add_text(j, "code", code);
    add_text(j, "text", text);
    json_map_end(j);
}

static const char *const priorities[] = {
    [JOB_LOW] = "low", [JOB_NORMAL] = "normal", [JOB_HIGH] = "high"
};

static void add_job(struct json *j, const struct queue_job *job)
{
    add_number(j, "id", (uint64_t)job->id);
    add_text(j, "name", job->name);
    add_text(j, "state", str_of(job_state_name(job->state)));
    add_text(j, "priority", str_of(priorities[job->priority]));
    add_number(j, "uid", job->uid);
    api_add_time(j, "submitted", job->submitted_ms);
    api_add_time(j, "started", job->started_ms);
    api_add_time(j, "ended", job->ended_ms);
    add_number(j, "attempt", job->attempt);
    add_number(j, "files", job->files);
    add_number(j, "failed", job->failed);
    add_number(j, "bytes", job->bytes);
    add_error(j, job->error_name, job->error_text);
}

void api_add_job(struct json *j, const struct queue_job *job)
{
    json_map(j);
    add_job(j, job);
    json_map_end(j);
}

void api_add_one_job(const struct api_call *c, struct json *j, const struct queue_job *job)
{
    struct err e = { 0 };
    int64_t last = 0;

    json_map(j);
    add_job(j, job);
    queue_last_seq(c->api->is.queue, job->id, &last, &e);
    add_number(j, "last_event", (uint64_t)last);
    json_map_end(j);
    err_done(&e);
}

static void answer_job(const struct api_call *c, unsigned status, const struct queue_job *job)
{
    struct buf body = { 0 };
    struct json *j = json_open(&body, false);

    api_add_one_job(c, j, job);
    api_answer_json(c, status, j, &body);
}

void api_get_job(const struct api_call *c)
{
    struct queue_job job;
    struct arena a = { 0 };

    if (api_find_job(c, &a, &job))
        answer_job(c, 200, &job);
    arena_done(&a);
}

/* -- the list -- */

struct listing {
    const struct api_call *call;
    struct json *json;
    size_t n, max;
    int64_t last; /* id or number */
};

static void list_job(void *ctx, const struct queue_job *job)
{
    struct listing *l = ctx;

    l->n++;
    l->last = job->id;
    if (api_sees_all(l->call) || job->uid == api_uid(l->call))
        api_add_job(l->json, job);
}

/* `key`: [ ... ], then "next": where another page begins, on which there may be nothing. */
static void answer_list(const struct listing *l, struct buf *body, int code, struct err *e)
{
    json_list_end(l->json);
    json_key(l->json, "next");
    if (l->n == l->max)
        json_int(l->json, l->last);
    else
        json_null(l->json);
    json_map_end(l->json);
    if (!code) {
        api_answer_json(l->call, 200, l->json, body);
        return;
    }
    json_close(l->json);
    buf_done(body);
    api_refuse(l->call, e);
    err_done(e);
}

static void begin_list(struct listing *l, const char *key, struct buf *body)
{
    l->json = json_open(body, false);
    json_map(l->json);
    json_key(l->json, key);
    json_list(l->json);
}

static enum job_state state_of(struct str name)
{
    unsigned s = 0;

    while (s < JOB_STATE_COUNT && !str_is(name, job_state_name((enum job_state)s)))
        s++;
    return (enum job_state)s;
}

/* "queued,running"; false: there is no such state, which is answered. */
static bool read_states(const struct api_call *c, unsigned *out)
{
    struct str rest = server_query(c->call, "state");

    while (rest.p) {
        struct str name = str_cut(rest, ',', &rest);
        enum job_state state = state_of(name);
        if (state == JOB_STATE_COUNT) {
            server_problem(c->call, 400,
                           "state: expected queued, running, done, failed or cancelled, or several "
                           "with commas");
            return false;
        }
        *out |= 1u << state;
    }
    return true;
}

void api_list_jobs(const struct api_call *c)
{
    struct queue_filter filter = { 0 };
    struct listing l = { .call = c };
    struct buf body = { 0 };
    struct err e = { 0 };
    uint64_t before, max;

    if (!api_query_number(c, "before", 0, INT64_MAX, &before) ||
        !api_query_number(c, "limit", PAGE, LIMIT_QUEUE_PAGE, &max) ||
        !read_states(c, &filter.states))
        return;
    filter.before = (int64_t)before;
    filter.max = l.max = max ? (size_t)max : 1;
    begin_list(&l, "jobs", &body);
    answer_list(&l, &body, queue_list(c->api->is.queue, &filter, list_job, &l, &e), &e);
}

/* -- a new one -- */

/* draft-ietf-httpapi-idempotency-key-header; of printable ASCII, so that it can be told. */
static bool check_key(const struct api_call *c, struct str key)
{
    bool good = !key.p || (key.n > 0 && key.n <= LIMIT_JOB_KEY_BYTES);

    for (size_t i = 0; key.p && good && i < key.n; i++)
        good = key.p[i] >= ' ' && key.p[i] <= '~';
    if (!good)
        server_problem(c->call, 400, "Idempotency-Key: expected 1 to %d characters of ASCII",
                       LIMIT_JOB_KEY_BYTES);
    return good;
}

static void answer_put(const struct api_call *c, const struct queue_put *put)
{
    struct buf location = { 0 };
    struct queue_job job;
    struct arena a = { 0 };
    struct err e = { 0 };

    buf_add_f(&location, "/v1/jobs/%" PRId64, put->id);
    server_set(c->call, "Location", buf_z(&location));
    if (queue_find(c->api->is.queue, put->id, &a, &job, &e))
        api_refuse(c, &e);
    else
        answer_job(c, put->existed ? 200 : 201, &job);
    buf_done(&location);
    err_done(&e);
    arena_done(&a);
}

static void put_job(const struct api_call *c, const struct queue_new *job)
{
    struct queue_put put;
    struct err e = { 0 };

    if (queue_put(c->api->is.queue, job, &put, &e)) {
        api_refuse(c, &e);
        err_done(&e);
        return;
    }
    if (!put.existed)
        crew_add(c->api->is.crew, put.id, job->priority);
    if (put.existed && !put.is_same)
        server_problem(c->call, 409,
                       "job %" PRId64 " was submitted with this Idempotency-Key, and was another "
                       "one; take a new key",
                       put.id);
    else
        answer_put(c, &put);
}

void api_put_job(const struct api_call *c)
{
    struct str type = server_header(c->call, "Content-Type"), json = STR("application/json");
    struct queue_new job = { .priority = JOB_NORMAL,
                             .uid = api_uid(c),
                             .key = server_header(c->call, "Idempotency-Key"),
                             .text = server_body(c->call),
                             .is_json = str_eq_nocase(str_sub(type, 0, json.n), json) };
    struct arena a = { 0 };
    struct err e = { 0 };

    if (c->api->is_draining) {
        server_set(c->call, "Retry-After", "5");
        server_problem(c->call, 503, "the daemon is about to end; submit it again when it is back");
    } else if (check_key(c, job.key)) {
        if (c->api->is.check(c->api->is.ctx, &a, &job, &e))
            server_problem(c->call, api_status(e.code == ERR_LIMIT ? ERR_INPUT : e.code), "%s",
                           err_text(&e)); /* too long today is too long tomorrow */
        else
            put_job(c, &job);
    }
    err_done(&e);
    arena_done(&a);
}

/* One that has ended stays as it is: who asks twice gets the same answer. */
void api_cancel_job(const struct api_call *c)
{
    struct queue_job job;
    struct arena a = { 0 };
    struct err e = { 0 };

    if (!api_find_job(c, &a, &job))
        goto out;
    crew_cancel(c->api->is.crew, c->id, &e);
    if (e.code || queue_find(c->api->is.queue, c->id, &a, &job, &e))
        api_refuse(c, &e);
    else
        answer_job(c, job.state == JOB_RUNNING ? 202 : 200, &job);
    api_news(c->api, c->id);
out:
    err_done(&e);
    arena_done(&a);
}

/* -- files -- */

static bool list_file(void *ctx, const struct queue_file *f)
{
    struct listing *l = ctx;

    json_map(l->json);
    add_number(l->json, "number", (uint64_t)f->number);
    add_text(l->json, "requirement", f->label);
    add_text(l->json, "state", f->state);
    add_text(l->json, "project", f->project);
    add_text(l->json, "version", f->version);
    add_text(l->json, "file", f->filename);
    add_text(l->json, "path", f->path);
    add_text(l->json, "sha256", f->sha256);
    add_number(l->json, "bytes", f->bytes);
    add_text(l->json, "error", f->error);
    json_map_end(l->json);
    l->n++;
    l->last = f->number;
    return true;
}

void api_list_files(const struct api_call *c)
{
    struct queue_page page = { .job = c->id };
    struct listing l = { .call = c };
    struct buf body = { 0 };
    struct queue_job job;
    struct arena a = { 0 };
    struct err e = { 0 };
    uint64_t since, max;

    if (api_find_job(c, &a, &job) && api_query_number(c, "since", 0, LIMIT_JOB_FILES, &since) &&
        api_query_number(c, "limit", LIMIT_QUEUE_PAGE, LIMIT_QUEUE_PAGE, &max)) {
        page.since = (int64_t)since;
        page.max = l.max = max ? (size_t)max : 1;
        begin_list(&l, "files", &body);
        answer_list(&l, &body, queue_files_read(c->api->is.queue, &page, list_file, &l, &e), &e);
    }
    arena_done(&a);
}
