/* host.h: what servers were seen to do, for the run, and in the store for a day. Where it is not
 * known yet, one request finds out while the others wait for its verdict: a server that
 * misbehaves costs one wasted request, not forty. */
#pragma once

#include <stdbool.h>

#include "dray/fetch/cache.h"
#include "dray/net/loop.h"

enum host_skill {
    HOST_SUFFIX, /* answers "bytes=-n" with the last n bytes */
    HOST_SPAN,   /* answers "bytes=first-last" with those bytes */
    HOST_SKILL_COUNT
};
enum host_answer { HOST_UNKNOWN, HOST_CAN, HOST_CANNOT };

struct hosts;
struct host; /* scheme, name and port */

struct hosts *hosts_create(struct loop *l, const struct cache *c);
void hosts_destroy(struct hosts *hs);
/* Of an http or https URL; lives as long as `hs`. */
struct host *hosts_find(struct hosts *hs, struct str url);

enum host_answer host_can(const struct host *h, enum host_skill skill);
/* What was seen. It is kept in the store. */
void host_learn(struct host *h, enum host_skill skill, enum host_answer answer);

/* A place in the line of those that want to use a skill. Zeroed but for `go` and `ctx`. */
struct host_wait {
    loop_fn go; /* its turn has come: ask host_can() again, or find out yourself */
    void *ctx;
    struct loop_task task;
    struct host *host; /* NULL: in no line */
    enum host_skill skill;
    bool probing;
    struct host_wait *next;
};
/* true: go on at once, since the skill is known, or this one is to find out. false: `go` will be
 * called. */
bool host_enter(struct host *h, enum host_skill skill, struct host_wait *w);
/* At any time: whoever was to find out has done so, or has not. */
void host_leave(struct host_wait *w);

/* Metadata files that the index advertised: there and right, or not. After a few that were not,
 * and none that was, the host is not asked for more of them in this run. */
void host_note_sidecar(struct host *h, bool good);
bool host_has_sidecars(const struct host *h);
