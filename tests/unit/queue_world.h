/* queue_world.h: a queue in a directory of the test's own, and a look behind its back while it is
 * closed. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "dray/daemon/queue.h"
#include "temp_dir.h"

static inline struct queue *queue_world_open(const char *directory)
{
    struct err e = { 0 };
    struct queue *q = queue_open(directory, &e);

    if (!q)
        fail_msg("%s", err_text(&e));
    return q;
}

static inline int64_t queue_world_put(struct queue *q, const char *text, enum job_priority priority)
{
    struct queue_new job = {
        .uid = 1000, .name = STR("n"), .text = str_of(text), .priority = priority
    };
    struct queue_put put = { 0 };
    struct err e = { 0 };

    if (queue_put(q, &job, &put, &e))
        fail_msg("%s", err_text(&e));
    assert_false(put.existed);
    return put.id;
}

static inline void queue_world_step(struct queue *q, int64_t id, enum job_state to)
{
    struct err e = { 0 };

    if (queue_step(q, id, to, NULL, &e))
        fail_msg("%s", err_text(&e));
}

static inline int64_t queue_world_event(struct queue *q, int64_t id, const char *text)
{
    struct err e = { 0 };
    int64_t seq = 0;

    if (queue_event(q, id, str_of(text), &seq, &e))
        fail_msg("%s", err_text(&e));
    return seq;
}

static inline void queue_world_flush(struct queue *q)
{
    struct err e = { 0 };

    if (queue_flush(q, &e))
        fail_msg("%s", err_text(&e));
    assert_false(queue_is_dirty(q));
}

static inline int64_t queue_world_last(struct queue *q, int64_t id)
{
    int64_t seq = -1;

    assert_int_equal(queue_last_seq(q, id, &seq, &(struct err){ 0 }), 0);
    return seq;
}

/* Events that have to come one after the other. */
struct queue_world_seen {
    int64_t next;
    size_t n, max;
    const char *prefix; /* of each text, before its seq; NULL: any text */
};

static inline bool queue_world_see(void *ctx, int64_t seq, struct str text)
{
    struct queue_world_seen *seen = ctx;
    char want[64];

    assert_int_equal(seq, seen->next++);
    snprintf(want, sizeof(want), "%s%lld", seen->prefix ? seen->prefix : "", (long long)seq);
    assert_true(!seen->prefix || str_is(text, want));
    return ++seen->n < seen->max;
}

/* Runs SQL on the closed queue; the first column of the last row, or -1. */
static inline int64_t queue_world_sql(const char *directory, const char *sql)
{
    struct buf path = { 0 };
    sqlite3 *db = NULL;
    int64_t got = -1;
    int rc = SQLITE_OK;

    buf_add_f(&path, "%s/queue.sqlite", directory);
    assert_int_equal(sqlite3_open(buf_z(&path), &db), SQLITE_OK);
    for (const char *rest = sql; *rest;) {
        sqlite3_stmt *st = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, rest, -1, &st, &rest), SQLITE_OK);
        while ((rc = sqlite3_step(st)) == SQLITE_ROW)
            got = sqlite3_column_int64(st, 0);
        assert_int_equal(rc, SQLITE_DONE);
        sqlite3_finalize(st);
    }
    sqlite3_close(db);
    buf_done(&path);
    return got;
}
