/* One table of paths; a path that is known with another method says which it has (RFC 9110, 405).
 * What may be got may be asked for by HEAD, for which the server leaves out the body; but for
 * events, which have no end. */
#include "dray/daemon/api.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dray/daemon/api_parts.h"
#include "dray/daemon/terms.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

struct route {
    const char *method, *path; /* "*" is the number of a job */
    void (*answer)(const struct api_call *c);
};

static const struct route routes[] = {
    { "GET", "/v1/jobs", api_list_jobs },          { "POST", "/v1/jobs", api_put_job },
    { "GET", "/v1/jobs/*", api_get_job },          { "DELETE", "/v1/jobs/*", api_cancel_job },
    { "GET", "/v1/jobs/*/files", api_list_files }, { "GET", "/v1/jobs/*/events", api_listen },
    { "GET", "/v1/metadata", api_get_metadata },   { "GET", "/healthz", api_get_health },
    { "GET", "/metrics", api_get_metrics },
};
enum { ROUTES = sizeof(routes) / sizeof(*routes) };

static bool read_id(struct str text, int64_t *out)
{
    uint64_t id;

    if (!str_to_u64(text, INT64_MAX, &id))
        return false;
    *out = (int64_t)id;
    return true;
}

static bool matches(const char *pattern, struct str path, int64_t *id)
{
    struct str want = str_of(pattern);

    while (want.p && path.p) {
        struct str part = str_cut(path, '/', &path), named = str_cut(want, '/', &want);
        if (str_is(named, "*") ? !read_id(part, id) : !str_eq(named, part))
            return false;
    }
    return !want.p && !path.p;
}

static bool has_head(const struct route *r)
{
    return strcmp(r->method, "GET") == 0 && r->answer != api_listen;
}

static bool takes(const struct route *r, struct str method)
{
    return str_is(method, r->method) || (str_is(method, "HEAD") && has_head(r));
}

static void allow(struct buf *methods, const struct route *r)
{
    buf_add_f(methods, "%s%s%s", methods->n ? ", " : "", r->method, has_head(r) ? ", HEAD" : "");
}

void api_handle(void *ctx, struct server_call *call)
{
    struct api_call c = { .api = ctx, .call = call };
    struct str path = server_path(call), method = server_method(call);
    struct buf methods = { 0 };

    for (size_t i = 0; i < ROUTES; i++) {
        if (!matches(routes[i].path, path, &c.id))
            continue;
        if (takes(&routes[i], method)) {
            routes[i].answer(&c);
            buf_done(&methods);
            return;
        }
        allow(&methods, &routes[i]);
    }
    if (methods.n) {
        server_set(call, "Allow", buf_z(&methods));
        server_problem(call, 405, "this path has no such method; it has %s", buf_z(&methods));
    } else {
        server_problem(call, 404,
                       "there is no such path; config/openapi.yaml lists them, all jobs are at "
                       "/v1/jobs");
    }
    buf_done(&methods);
}

unsigned api_status(int code)
{
    switch (code) {
    case ERR_USAGE:
    case ERR_INPUT:
    case ERR_UNSUPPORTED:
        return 422;
    case ERR_NOT_FOUND:
    case ERR_NO_MATCH:
        return 404;
    case ERR_CONFLICT:
        return 409;
    case ERR_LIMIT:
        return 429;
    case ERR_SPACE:
        return 507;
    case ERR_DNS:
    case ERR_CONNECT:
    case ERR_TLS:
    case ERR_NETWORK:
    case ERR_TIMEOUT:
    case ERR_STATUS:
    case ERR_REDIRECT:
        return 502;
    default:
        return 500;
    }
}

void api_refuse(const struct api_call *c, const struct err *e)
{
    server_problem(c->call, api_status(e->code), "%s", err_text(e));
}

void api_answer_json(const struct api_call *c, unsigned status, struct json *j, struct buf *body)
{
    json_close(j);
    buf_add_c(body, '\n');
    server_answer(c->call, status, "application/json", buf_str(body));
    buf_done(body);
}

uint32_t api_uid(const struct api_call *c)
{
    const struct server_peer *peer = server_peer(c->call);

    return peer->is_local ? (uint32_t)peer->uid : TERMS_UID_REMOTE;
}

/* Who has the token is trusted with all there is to see. */
bool api_sees_all(const struct api_call *c)
{
    const struct server_peer *peer = server_peer(c->call);

    return !peer->is_local || peer->uid == 0 || peer->uid == geteuid();
}

bool api_find_job(const struct api_call *c, struct arena *a, struct queue_job *out)
{
    struct err e = { 0 };
    int code = queue_find(c->api->is.queue, c->id, a, out, &e);
    bool hidden = !code && !api_sees_all(c) && out->uid != api_uid(c);

    if (code == ERR_NOT_FOUND || hidden)
        server_problem(c->call, 404, "there is no job %" PRId64, c->id);
    else if (code)
        api_refuse(c, &e);
    err_done(&e);
    return !code && !hidden;
}

bool api_query_number(const struct api_call *c, const char *name, uint64_t otherwise, uint64_t max,
                      uint64_t *out)
{
    struct str text = server_query(c->call, name);

    *out = otherwise;
    if (!text.p || str_to_u64(text, max, out))
        return true;
    server_problem(c->call, 400, "%s: expected a number from 0 to %" PRIu64, name, max);
    return false;
}

void api_add_time(struct json *j, const char *key, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[32];

    json_key(j, key);
    if (ms <= 0 || !gmtime_r(&seconds, &tm) ||
        !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm)) {
        json_null(j);
        return;
    }
    struct buf whole = { 0 };
    buf_add_f(&whole, "%s.%03dZ", text, (int)(ms % 1000));
    json_str(j, buf_str(&whole));
    buf_done(&whole);
}

void api_drain(struct api *a)
{
    a->is_draining = true;
}

struct api *api_create(const struct api_options *o)
{
    struct api *a = mem_new(1, sizeof(*a));

    a->is = *o;
    a->start_us = clock_us();
    return a;
}

void api_destroy(struct api *a)
{
    if (!a)
        return;
    assert(!a->listeners && !a->askings);
    free(a);
}
