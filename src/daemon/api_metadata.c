/* A job that nobody keeps: it runs on the same engine, and what it reads stays in the store. */
#include <stdlib.h>

#include "dray/daemon/api_parts.h"
#include "dray/job/job.h"
#include "dray/py/metadata.h"
#include "dray/ui/metadata_text.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct api_asking {
    struct api *api;
    struct server_call *call;
    struct settings settings;
    struct events events;
    struct job *job;
    struct api_asking *prev, *next;
};

static void asking_destroy(struct api_asking *k)
{
    if (k->next)
        k->next->prev = k->prev;
    if (k->prev)
        k->prev->next = k->next;
    else
        k->api->askings = k->next;
    k->api->n_askings--;
    job_destroy(k->job);
    settings_done(&k->settings);
    free(k);
}

/* What is wrong with the one requirement says more than that it failed. */
static const struct err *error_of(const struct job_result *r, const struct err *e)
{
    bool told = r->n == 1 && r->fetches[0]->state == FETCH_FAILED;

    return told ? &r->fetches[0]->err : e;
}

static void asking_ended(void *ctx, struct err *e)
{
    struct api_asking *k = ctx;
    const struct job_result *r = job_result(k->job);
    struct api_call c = { .api = k->api, .call = k->call };

    if (e->code)
        api_refuse(&c, error_of(r, e));
    else if (r->n == 1 && r->fetches[0]->metadata.p)
        server_answer(k->call, 200, "text/plain; charset=utf-8", r->fetches[0]->metadata);
    else
        server_problem(k->call, 404, "that file has no metadata");
}

static void asking_gone(void *ctx)
{
    asking_destroy(ctx);
}

void api_get_metadata(const struct api_call *c)
{
    const struct server_peer *peer = server_peer(c->call);
    struct str url = server_query(c->call, "url");
    struct err e = { 0 };

    if (!url.n) {
        server_problem(c->call, 400, "url: expected the URL of a wheel or source distribution");
        return;
    }
    if (c->api->n_askings == LIMIT_DAEMON_METADATA || c->api->is_draining) {
        server_set(c->call, "Retry-After", "1");
        server_problem(c->call, 503, "too much metadata is being read; ask again in a second");
        return;
    }
    struct api_asking *k = mem_new(1, sizeof(*k));
    *k = (struct api_asking){ .api = c->api, .call = c->call, .next = c->api->askings };
    if (k->next)
        k->next->prev = k;
    c->api->askings = k;
    c->api->n_askings++;
    settings_init(&k->settings);
    if (c->api->is.metadata(c->api->is.ctx, url, peer->is_local && api_sees_all(c), &k->settings,
                            &e)) {
        api_refuse(c, &e);
        err_done(&e);
        asking_destroy(k);
        return;
    }
    k->job = job_create(&(struct job_options){
        .engine = c->api->is.engine, .settings = &k->settings, .events = &k->events });
    server_on_gone(c->call, asking_gone, k);
    job_start(k->job, asking_ended, k);
}
