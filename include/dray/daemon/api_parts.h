/* api_parts.h: what the files of daemon/api share. Private to them. */
#pragma once

#include "dray/daemon/api.h"
#include "dray/util/arena.h"
#include "dray/util/json.h"

struct api_listener; /* of events */
struct api_asking;   /* for metadata */

struct api {
    struct api_options is;
    struct api_listener *listeners;
    struct api_asking *askings;
    size_t n_askings;
    bool is_draining;
    uint64_t start_us;
};

/* One request: `id` is that of the path, if it has one. */
struct api_call {
    struct api *api;
    struct server_call *call;
    int64_t id;
};

/* The status for an error of ours. */
unsigned api_status(int code);
/* Answers with it. */
void api_refuse(const struct api_call *c, const struct err *e);
/* Answers with the document in `j`, which is ended, out of `body`. */
void api_answer_json(const struct api_call *c, unsigned status, struct json *j, struct buf *body);
/* The job, if there is one and who asks may know of it; else answers. Its strings live in `a`. */
bool api_find_job(const struct api_call *c, struct arena *a, struct queue_job *out);
/* Who asks, as a user of the queue: who came by TCP is none of this machine. */
uint32_t api_uid(const struct api_call *c);
/* May who asks see the jobs of all users? */
bool api_sees_all(const struct api_call *c);
/* A number in the query; `otherwise` when it is not there. False: it is none, which is answered. */
bool api_query_number(const struct api_call *c, const char *name, uint64_t otherwise, uint64_t max,
                      uint64_t *out);
/* A job as an object; of one that stands alone also the number of its last event. */
void api_add_job(struct json *j, const struct queue_job *job);
void api_add_one_job(const struct api_call *c, struct json *j, const struct queue_job *job);
/* "2026-01-31T12:00:00.123Z" (RFC 3339), or null. */
void api_add_time(struct json *j, const char *key, int64_t ms);

void api_list_jobs(const struct api_call *c);
void api_put_job(const struct api_call *c);
void api_get_job(const struct api_call *c);
void api_cancel_job(const struct api_call *c);
void api_list_files(const struct api_call *c);
void api_listen(const struct api_call *c);
void api_get_metadata(const struct api_call *c);
void api_get_health(const struct api_call *c);
void api_get_metrics(const struct api_call *c);
