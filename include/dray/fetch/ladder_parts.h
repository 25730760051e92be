/* ladder_parts.h: what the files of fetch/ladder share. Private to them. */
#pragma once

#include "dray/fetch/build.h"
#include "dray/fetch/flight.h"
#include "dray/fetch/ladder.h"
#include "dray/fetch/sdist_file.h"
#include "dray/fetch/sidecar.h"
#include "dray/fetch/tail.h"
#include "dray/fetch/whole.h"

struct ladder {
    const struct fetch_world *world;
    struct body_pool *pool;
    struct ladder_wish wish;
    ladder_done_fn done;
    void *ctx;
    struct existing *existing; /* at most one of these six is under way; none in a line */
    struct sidecar *sidecar;
    struct tail *tail; /* stays while the whole file is fetched, to hear of the verdict */
    struct whole *whole;
    struct sdist_file *sdist;
    struct build *build;
    struct flight text_flight;       /* another job asks for the metadata, or this one */
    struct flight body_flight;       /* or fetches the whole file */
    struct buf path;                 /* of the archive, where it has one */
    enum metadata_rung archive_rung; /* which brought it */
    bool sdist_is_checked;           /* against the promise, while it is read */
    struct body *body;               /* of the whole file, until it is kept */
    struct loop_task begin;
    struct buf text;
    struct existing_answer found;
    struct digest sha256;
    uint64_t start_us;
    const struct cache_note *note;      /* of the answer that told it, or NULL */
    const struct cache_note *file_note; /* of the one that brought the whole file */
    struct ladder_answer answer;
};

/* -- ladder.c -- */

bool ladder_is_wheel(const struct ladder *l);
/* Is l->text metadata, and of the right project? Leaves the reason in `e` when not. */
int ladder_judge(struct ladder *l, struct err *e);
/* l->text is the answer, or `e` says why there is none. */
void ladder_end(struct ladder *l, enum metadata_rung rung, struct err *e);
/* l->body becomes an object, if there is a store to take it, which is no reason to fail when it
 * does not; else it goes to the receiver. */
void ladder_keep_body(struct ladder *l);

/* -- ladder_sdist.c -- */

/* A wheel, or an archive of the kind that source distributions are since PEP 625. */
bool ladder_can_read(const struct ladder *l);
int ladder_refuse_sdist(const struct ladder *l, struct err *e);
/* It is at l->path, or in l->body; `rung` brought it. */
void ladder_read_sdist(struct ladder *l, enum metadata_rung rung);
