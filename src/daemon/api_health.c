/* For those who look after daemons. */
#include <inttypes.h>
#include <string.h>

#include "dray/daemon/api_parts.h"
#include "dray/util/clock.h"
#include "dray_config.h"

static const char *status_of(const struct api *a)
{
    if (a->is_draining)
        return "ending";
    return queue_takes(a->is.queue) ? "ok" : "full";
}

void api_get_health(const struct api_call *c)
{
    const char *status = status_of(c->api);
    struct buf body = { 0 };
    struct json *j = json_open(&body, false);

    json_map(j);
    json_key(j, "status");
    json_str(j, str_of(status));
    json_key(j, "version");
    json_str(j, STR(DRAY_VERSION));
    json_map_end(j);
    api_answer_json(c, strcmp(status, "ok") == 0 ? 200 : 503, j, &body);
}

/* Prometheus text format 0.0.4. */
static void add_metric(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_add_f(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_counter(struct buf *out, const char *name, const char *help, uint64_t n)
{
    add_metric(out, name, "counter", help);
    buf_add_f(out, "%s %" PRIu64 "\n", name, n);
}

static void add_jobs(struct buf *out, const struct api *a)
{
    size_t counts[JOB_STATE_COUNT] = { 0 };
    struct err e = { 0 };

    queue_count(a->is.queue, counts, &e);
    err_done(&e);
    add_metric(out, "dray_jobs", "gauge", "Jobs that are kept, by state.");
    for (int s = 0; s < JOB_STATE_COUNT; s++)
        buf_add_f(out, "dray_jobs{state=\"%s\"} %zu\n", job_state_name((enum job_state)s),
                  counts[s]);
}

static void add_files(struct buf *out, const struct crew_totals *t)
{
    add_metric(out, "dray_files_total", "counter",
               "Files of jobs that ended, by where they came from.");
    buf_add_f(out,
              "dray_files_total{origin=\"fetched\"} %" PRIu64
              "\ndray_files_total{origin=\"cache\"} %" PRIu64
              "\ndray_files_total{origin=\"kept\"} %" PRIu64
              "\ndray_files_total{origin=\"failed\"} %" PRIu64 "\n",
              t->fetched, t->reused, t->kept, t->files_failed);
}

static void add_turns(struct buf *out, const struct loop_turns *t)
{
    add_counter(out, "dray_loop_turns_total", "Turns of the event loop.", t->count);
    add_metric(out, "dray_loop_turn_seconds", "summary",
               "How long the turns of the event loop took.");
    buf_add_f(out, "dray_loop_turn_seconds{quantile=\"0.5\"} %" PRIu64 ".%06" PRIu64 "\n",
              t->p50_us / 1000000, t->p50_us % 1000000);
    buf_add_f(out, "dray_loop_turn_seconds{quantile=\"0.99\"} %" PRIu64 ".%06" PRIu64 "\n",
              t->p99_us / 1000000, t->p99_us % 1000000);
}

void api_get_metrics(const struct api_call *c)
{
    const struct crew_totals *t = crew_totals(c->api->is.crew);
    struct loop_turns turns = loop_turns(c->api->is.engine->loop);
    struct buf body = { 0 };

    add_metric(&body, "dray_info", "gauge", "Which dray it is.");
    buf_add_z(&body, "dray_info{version=\"" DRAY_VERSION "\"} 1\n");
    add_metric(&body, "dray_uptime_seconds", "gauge", "Since it was started.");
    buf_add_f(&body, "dray_uptime_seconds %" PRIu64 "\n",
              (clock_us() - c->api->start_us) / 1000000);
    add_jobs(&body, c->api);
    add_counter(&body, "dray_jobs_done_total", "Jobs that ended well.", t->done);
    add_counter(&body, "dray_jobs_failed_total", "Jobs that failed.", t->failed);
    add_counter(&body, "dray_jobs_cancelled_total", "Jobs that were cancelled.", t->cancelled);
    add_files(&body, t);
    add_counter(&body, "dray_fetched_bytes_total", "Bytes of bodies that came over the network.",
                t->fetched_bytes);
    add_turns(&body, &turns);
    server_answer(c->call, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&body));
    buf_done(&body);
}
