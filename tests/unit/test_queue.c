/* What the queue keeps and tells: jobs, their steps, what was told of them, and what goes. */
#include "queue_world.h"

#include "dray/util/clock.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

static void fails(int got, int code, const char *part, struct err *e)
{
    if (got != code || !strstr(err_text(e), part))
        fail_msg("\"%s\" is %s, not with \"%s\"", err_text(e), err_name(got), part);
    err_done(e);
}

static void test_put(void **state)
{
    struct temp_dir d;
    struct arena a = { 0 };
    struct buf text = { 0 };
    struct err e = { 0 };
    struct queue_put put = { 0 };
    struct queue_job job = { 0 };

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(temp_dir_at(&d, "new/state"));
    struct queue_new new = { .uid = UINT32_MAX,
                             .name = STR("wheel'house"),
                             .text = STR("command:\0 x'"),
                             .is_json = true,
                             .priority = JOB_HIGH };
    int64_t before = clock_unix_ms();
    assert_int_equal(queue_put(q, &new, &put, &e), 0);
    assert_true(put.id == 1 && !put.existed);
    queue_close(q); /* and all of it is there the next time */
    q = queue_world_open(temp_dir_at(&d, "new/state"));
    assert_int_equal(queue_find(q, 1, &a, &job, &e), 0);
    assert_true(job.id == 1 && job.uid == UINT32_MAX && job.is_json && job.priority == JOB_HIGH);
    assert_true(str_is(job.name, "wheel'house") && !job.key.p && !job.error_name.p);
    assert_true(job.state == JOB_QUEUED && job.attempt == 1);
    assert_true(job.submitted_ms >= before && job.submitted_ms <= clock_unix_ms());
    assert_true(job.started_ms == 0 && job.ended_ms == 0 && job.files == 0 && job.bytes == 0);
    assert_int_equal(queue_text(q, 1, &text, &e), 0);
    assert_true(str_eq(buf_str(&text), new.text));
    fails(queue_find(q, 2, &a, &job, &e), ERR_NOT_FOUND, "no job 2", &e);
    fails(queue_text(q, 2, &text, &e), ERR_NOT_FOUND, "no job 2", &e);
    assert_true(job.id == 1);
    queue_close(q);
    queue_close(NULL);
    arena_done(&a);
    buf_done(&text);
    temp_dir_close(&d);
}

/* Sent twice it is one job; each user's keys are his own. */
static void test_key(void **state)
{
    static const struct {
        uint32_t uid;
        const char *key, *text;
        bool is_json;
        int64_t id;
        bool existed, is_same;
    } puts[] = {
        { 1, "k", "text", false, 1, false, false }, { 1, "k", "text", false, 1, true, true },
        { 1, "k", "texT", false, 1, true, false },  { 1, "k", "text", true, 1, true, false },
        { 1, "k", "text ", false, 1, true, false }, { 2, "k", "text", false, 2, false, false },
        { 1, "K", "text", false, 3, false, false }, { 1, "", "text", false, 4, false, false },
        { 1, "", "text", false, 5, false, false },  { 1, NULL, "text", false, 6, false, false },
        { 2, "k", "other", false, 2, true, false }, { 1, "K", "text", false, 3, true, true },
    };
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    for (size_t i = 0; i < sizeof(puts) / sizeof(*puts); i++) {
        struct queue_new new = { .uid = puts[i].uid,
                                 .key = str_of(puts[i].key),
                                 .text = str_of(puts[i].text),
                                 .is_json = puts[i].is_json };
        struct queue_put put = { 0 };
        assert_int_equal(queue_put(q, &new, &put, &e), 0);
        if (put.id != puts[i].id || put.existed != puts[i].existed ||
            put.is_same != puts[i].is_same)
            fail_msg("put %zu is job %lld", i, (long long)put.id);
        if (i == 6) { /* by the file, and not by what is in memory */
            queue_close(q);
            q = queue_world_open(d.path);
        }
    }
    queue_close(q);
    temp_dir_close(&d);
}

static void test_put_limits(void **state)
{
    static const struct {
        size_t key, name, text;
        const char *part;
    } refused[] = {
        { LIMIT_JOB_KEY_BYTES + 1, 0, 0, "idempotency key has 257" },
        { 0, LIMIT_JOB_NAME_BYTES + 1, 0, "name of the job has 201" },
        { 0, 0, LIMIT_JOB_BYTES + 1, "job has 67108865" },
    };
    struct temp_dir d;
    struct err e = { 0 };
    struct queue_put put = { .id = 4711 };
    char *bytes = mem_new(1, LIMIT_JOB_BYTES + 1);

    (void)state;
    memset(bytes, 'x', LIMIT_JOB_BYTES + 1);
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct queue_new new = { .key = { bytes, refused[i].key },
                                 .name = { bytes, refused[i].name },
                                 .text = { bytes, refused[i].text } };
        fails(queue_put(q, &new, &put, &e), ERR_LIMIT, refused[i].part, &e);
        assert_int_equal(put.id, 4711);
    }
    struct queue_new most = { .key = { bytes, LIMIT_JOB_KEY_BYTES },
                              .name = { bytes, LIMIT_JOB_NAME_BYTES },
                              .text = { bytes, LIMIT_JOB_BYTES } };
    assert_int_equal(queue_put(q, &most, &put, &e), 0);
    assert_int_equal(queue_put(q, &most, &put, &e), 0);
    assert_true(put.id == 1 && put.existed && put.is_same);
    queue_close(q);
    free(bytes);
    /* As if that many had come. */
    queue_world_sql(d.path, "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n"
                            " WHERE i < 10000) INSERT INTO job SELECT i, 1, NULL, '', 0, 1, 0, 0,"
                            " 0, 0, 1, NULL, NULL, 0, 0, 0 FROM n");
    q = queue_world_open(d.path);
    fails(queue_put(q, &(struct queue_new){ .text = STR("x") }, &put, &e), ERR_LIMIT,
          "10000 jobs are waiting", &e);
    queue_world_step(q, 7, JOB_CANCELLED);
    assert_int_equal(queue_world_put(q, "x", JOB_LOW), 10001);
    queue_close(q);
    temp_dir_close(&d);
}

/* Of all pairs of states just those. */
static void test_steps(void **state)
{
    static const char *const lawful[JOB_STATE_COUNT][JOB_STATE_COUNT] = {
        [JOB_QUEUED][JOB_RUNNING] = "", [JOB_QUEUED][JOB_CANCELLED] = "",
        [JOB_RUNNING][JOB_QUEUED] = "", [JOB_RUNNING][JOB_DONE] = "",
        [JOB_RUNNING][JOB_FAILED] = "", [JOB_RUNNING][JOB_CANCELLED] = "",
    };
    struct temp_dir d;
    struct arena a = { 0 };
    struct err e = { 0 };
    struct queue_job job;

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    for (int from = 0; from < JOB_STATE_COUNT; from++) {
        for (int to = 0; to < JOB_STATE_COUNT; to++) {
            int64_t id = queue_world_put(q, "x", JOB_NORMAL);
            if (from != JOB_QUEUED)
                queue_world_step(q, id, JOB_RUNNING);
            if (from > JOB_RUNNING)
                queue_world_step(q, id, (enum job_state)from);
            int code = queue_step(q, id, (enum job_state)to, NULL, &e);
            assert_int_equal(code, lawful[from][to] ? 0 : ERR_CONFLICT);
            if (code)
                fails(code, ERR_CONFLICT, job_state_name((enum job_state)from), &e);
            assert_int_equal(queue_find(q, id, &a, &job, &e), 0);
            assert_int_equal(job.state, code ? from : to);
        }
    }
    fails(queue_step(q, 4711, JOB_RUNNING, NULL, &e), ERR_NOT_FOUND, "no job 4711", &e);
    queue_close(q);
    arena_done(&a);
    temp_dir_close(&d);
}

static void test_outcome(void **state)
{
    struct temp_dir d;
    struct arena a = { 0 };
    struct err e = { 0 };
    struct queue_job job;

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    int64_t before = clock_unix_ms(), id = queue_world_put(q, "x", JOB_NORMAL);
    queue_world_step(q, id, JOB_RUNNING);
    queue_world_step(q, id, JOB_QUEUED);
    assert_int_equal(queue_find(q, id, &a, &job, &e), 0);
    assert_true(job.attempt == 2 && job.started_ms == 0);
    queue_world_step(q, id, JOB_RUNNING);
    struct queue_outcome o = { .code = ERR_HASH,
                               .error_text = STR("sha256 is 'wrong'"),
                               .files = 7,
                               .failed = 2,
                               .bytes = 1ull << 40 };
    assert_int_equal(queue_step(q, id, JOB_FAILED, &o, &e), 0);
    assert_int_equal(queue_find(q, id, &a, &job, &e), 0);
    assert_true(job.files == 7 && job.failed == 2 && job.bytes == 1ull << 40);
    assert_true(str_is(job.error_name, "hash") && str_is(job.error_text, "sha256 is 'wrong'"));
    assert_true(job.started_ms >= before && job.ended_ms >= job.started_ms && job.attempt == 2);
    queue_close(q);
    arena_done(&a);
    temp_dir_close(&d);
}

struct ids {
    int64_t items[1024];
    size_t n;
};

static void collect(void *ctx, const struct queue_job *job)
{
    struct ids *ids = ctx;

    ids->items[ids->n++] = job->id;
}

static void list_is(struct queue *q, struct queue_filter f, const char *want)
{
    struct ids ids = { 0 };
    struct buf got = { 0 };
    struct err e = { 0 };

    assert_int_equal(queue_list(q, &f, collect, &ids, &e), 0);
    for (size_t i = 0; i < ids.n; i++)
        buf_add_f(&got, "%s%lld", i ? " " : "", (long long)ids.items[i]);
    assert_string_equal(buf_z(&got), want);
    buf_done(&got);
}

static void test_list(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    size_t n[JOB_STATE_COUNT];

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    list_is(q, (struct queue_filter){ .max = 10 }, "");
    for (int i = 1; i <= 8; i++)
        queue_world_put(q, "x", JOB_NORMAL);
    for (int i = 3; i <= 6; i++)
        queue_world_step(q, i, JOB_RUNNING);
    queue_world_step(q, 4, JOB_DONE);
    queue_world_step(q, 5, JOB_FAILED);
    list_is(q, (struct queue_filter){ .max = 100 }, "8 7 6 5 4 3 2 1");
    list_is(q, (struct queue_filter){ .max = 3 }, "8 7 6");
    list_is(q, (struct queue_filter){ .max = 3, .before = 6 }, "5 4 3");
    list_is(q, (struct queue_filter){ .max = 3, .before = 1 }, "");
    list_is(q, (struct queue_filter){ .max = 9, .states = 1u << JOB_RUNNING }, "6 3");
    list_is(q, (struct queue_filter){ .max = 2, .states = 1u << JOB_QUEUED, .before = 8 }, "7 2");
    list_is(q, (struct queue_filter){ .max = 9, .states = 1u << JOB_DONE | 1u << JOB_FAILED },
            "5 4");
    list_is(q, (struct queue_filter){ .max = 9, .states = 1u << JOB_CANCELLED }, "");
    assert_int_equal(queue_count(q, n, &e), 0);
    assert_true(n[JOB_QUEUED] == 4 && n[JOB_RUNNING] == 2 && n[JOB_DONE] == 1);
    assert_true(n[JOB_FAILED] == 1 && n[JOB_CANCELLED] == 0);
    queue_close(q);
    queue_world_sql(d.path, "WITH RECURSIVE n(i) AS (SELECT 9 UNION ALL SELECT i + 1 FROM n"
                            " WHERE i < 1010) INSERT INTO job SELECT i, 1, NULL, '', 0, 1, 0, 0,"
                            " 0, 0, 1, NULL, NULL, 0, 0, 0 FROM n");
    q = queue_world_open(d.path);
    struct ids ids = { 0 };
    assert_int_equal(queue_list(q, &(struct queue_filter){ .max = SIZE_MAX }, collect, &ids, &e),
                     0);
    assert_int_equal(ids.n, LIMIT_QUEUE_PAGE);
    queue_close(q);
    temp_dir_close(&d);
}

/* How many come, from `since` on. */
static size_t read_events(struct queue *q, int64_t id, int64_t since, size_t max,
                          struct queue_world_seen *seen)
{
    struct queue_page p = { .job = id, .since = since, .max = max };
    size_t before = seen->n;

    seen->next = since + 1;
    assert_int_equal(queue_events_read(q, &p, queue_world_see, seen, &(struct err){ 0 }), 0);
    return seen->n - before;
}

/* An event is read once it is committed, and not before. */
static void test_events(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct queue_world_seen seen = { .max = SIZE_MAX };

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    int64_t a = queue_world_put(q, "x", JOB_LOW), b = queue_world_put(q, "x", JOB_LOW);
    assert_true(queue_world_event(q, a, "{}") == 1 && queue_world_event(q, b, "{}") == 1);
    assert_true(queue_world_event(q, a, "{}") == 2 && queue_world_last(q, a) == 0);
    assert_int_equal(read_events(q, a, 0, 10, &seen), 0);
    assert_true(queue_is_dirty(q));
    queue_world_flush(q);
    assert_true(queue_world_last(q, a) == 2 && queue_world_last(q, b) == 1);
    assert_int_equal(read_events(q, a, 0, 10, &seen), 2);
    assert_int_equal(queue_world_event(q, a, "{}"), 3);
    queue_close(q); /* without a flush */
    q = queue_world_open(d.path);
    assert_int_equal(queue_world_last(q, a), 2);
    assert_int_equal(queue_world_event(q, a, "{}"), 3); /* the same number: nobody has seen it */
    queue_world_step(q, a, JOB_CANCELLED);              /* with what was told before */
    assert_false(queue_is_dirty(q));
    assert_int_equal(queue_world_last(q, a), 3);
    fails(queue_event(q, a, STR("{}"), NULL, &e), ERR_CONFLICT, "cancelled", &e);
    fails(queue_event(q, 99, STR("{}"), NULL, &e), ERR_NOT_FOUND, "no job 99", &e);
    fails(queue_file(q, 99, &(struct queue_file){ .number = 1 }, &e), ERR_NOT_FOUND, "job 99", &e);
    assert_int_equal(read_events(q, 99, 0, 10, &seen), 0);
    assert_int_equal(queue_world_last(q, 99), 0);
    queue_close(q);
    temp_dir_close(&d);
}

static void test_event_pages(void **state)
{
    enum { EVENTS = 10000 };
    struct temp_dir d;
    struct queue_world_seen seen = { .max = SIZE_MAX, .prefix = "event " };
    char text[64];
    size_t n, pages = 0;

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    int64_t id = queue_world_put(q, "x", JOB_LOW), other = queue_world_put(q, "x", JOB_LOW);
    for (int i = 1; i <= EVENTS; i++) {
        snprintf(text, sizeof(text), "event %d", i);
        assert_int_equal(queue_world_event(q, id, text), i);
        assert_int_equal(queue_world_event(q, other, "{}"), i);
    }
    queue_world_flush(q);
    while ((n = read_events(q, id, (int64_t)seen.n, SIZE_MAX, &seen)) != 0) {
        assert_int_equal(n, LIMIT_QUEUE_PAGE);
        pages++;
    }
    assert_true(pages == EVENTS / LIMIT_QUEUE_PAGE && seen.n == EVENTS);
    seen = (struct queue_world_seen){ .max = 3, .prefix = "event " }; /* as many as one wants */
    assert_int_equal(read_events(q, id, 9000, 100, &seen), 3);
    seen = (struct queue_world_seen){ .max = SIZE_MAX, .prefix = "event " };
    assert_int_equal(read_events(q, id, 9995, 100, &seen), 5);
    assert_int_equal(read_events(q, id, 5, 7, &seen), 7);
    queue_close(q);
    temp_dir_close(&d);
}

static void test_event_limits(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    char *bytes = mem_new(1, LIMIT_EVENT_BYTES + 1);

    (void)state;
    memset(bytes, 'x', LIMIT_EVENT_BYTES + 1);
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    int64_t id = queue_world_put(q, "x", JOB_LOW);
    struct str most = { bytes, LIMIT_EVENT_BYTES }, more = { bytes, LIMIT_EVENT_BYTES + 1 };
    fails(queue_event(q, id, more, NULL, &e), ERR_LIMIT, "1048577 bytes", &e);
    struct queue_file big = { .number = 1, .label = most, .error = STR("x") };
    fails(queue_file(q, id, &big, &e), ERR_LIMIT, "1048577 bytes", &e);
    fails(queue_file(q, id, &(struct queue_file){ .number = 0 }, &e), ERR_LIMIT, "not 0", &e);
    fails(queue_file(q, id, &(struct queue_file){ .number = LIMIT_JOB_FILES + 1 }, &e), ERR_LIMIT,
          "1000001", &e);
    for (int i = 1; i <= 6; i++) /* more than may wait: it is written by itself */
        assert_int_equal(queue_event(q, id, most, NULL, &e), 0);
    assert_true(queue_world_last(q, id) > 0 && queue_is_dirty(q));
    queue_world_flush(q);
    assert_int_equal(queue_world_last(q, id), 6);
    queue_close(q);
    queue_world_sql(d.path, "INSERT INTO event VALUES (1, 4000000, '')");
    q = queue_world_open(d.path);
    fails(queue_event(q, id, STR("{}"), NULL, &e), ERR_LIMIT, "4000000 events", &e);
    queue_close(q);
    free(bytes);
    temp_dir_close(&d);
}

static bool write_file_row(void *ctx, const struct queue_file *f)
{
    struct buf *out = ctx;

    buf_add_f(out, "%lld %.*s %.*s %.*s %.*s %.*s %.*s %.*s %.*s %llu\n", (long long)f->number,
              STR_ARG(f->label), STR_ARG(f->project), STR_ARG(f->version), STR_ARG(f->filename),
              STR_ARG(f->path), STR_ARG(f->sha256), STR_ARG(f->state), STR_ARG(f->error),
              (unsigned long long)f->bytes);
    return out->n < 200;
}

/* The last word on each, in their order. */
static void test_files(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct buf got = { 0 };

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    int64_t id = queue_world_put(q, "x", JOB_LOW), other = queue_world_put(q, "x", JOB_LOW);
    struct queue_file one = { .number = 1, .label = STR("flask>=3"), .state = STR("LOOKUP") };
    struct queue_file two = {
        .number = 2, .label = STR("numpy"), .state = STR("FAILED"), .error = STR("no network")
    };
    struct queue_page all = { .job = id, .max = 10 }, rest = { .job = id, .since = 1, .max = 10 };
    assert_int_equal(queue_file(q, id, &two, &e) || queue_file(q, id, &one, &e), 0);
    assert_int_equal(queue_file(q, other, &two, &e), 0);
    assert_int_equal(queue_files_read(q, &all, write_file_row, &got, &e), 0);
    assert_int_equal(got.n, 0);
    one = (struct queue_file){ .number = 1,
                               .label = STR("flask>=3"),
                               .project = STR("flask"),
                               .version = STR("3.1"),
                               .filename = STR("flask.whl"),
                               .path = STR("/d/flask.whl"),
                               .sha256 = STR("abc"),
                               .state = STR("DONE"),
                               .bytes = 12345678901 };
    assert_int_equal(queue_file(q, id, &one, &e), 0); /* in the same batch */
    queue_world_flush(q);
    assert_int_equal(queue_files_read(q, &all, write_file_row, &got, &e), 0);
    assert_string_equal(buf_z(&got),
                        "1 flask>=3 flask 3.1 flask.whl /d/flask.whl abc DONE  12345678901\n"
                        "2 numpy      FAILED no network 0\n");
    two.state = STR("DONE");
    two.error = STR_NONE;
    assert_int_equal(queue_file(q, id, &two, &e), 0); /* and in a later one */
    queue_world_flush(q);
    buf_reset(&got);
    assert_int_equal(queue_files_read(q, &rest, write_file_row, &got, &e), 0);
    assert_string_equal(buf_z(&got), "2 numpy      DONE  0\n");
    queue_close(q);
    buf_done(&got);
    temp_dir_close(&d);
}

static void test_recover(void **state)
{
    enum { JOBS = 500 };
    struct temp_dir d;
    struct arena a = { 0 };
    struct ids ids = { 0 };
    struct err e = { 0 };
    struct queue_job job;
    size_t n[JOB_STATE_COUNT];

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    for (int i = 1; i <= JOBS; i++) {
        queue_world_put(q, "x", (enum job_priority)(i % 3));
        if (i % 2)
            queue_world_step(q, i, JOB_RUNNING);
        if (i % 10 == 1)
            queue_world_step(q, i, JOB_DONE);
    }
    queue_close(q);
    uint64_t began = clock_us();
    q = queue_world_open(d.path);
    assert_int_equal(queue_recover(q, collect, &ids, &e), 0);
    assert_true(clock_us() - began < 1000000); /* it takes some thousandths of that */
    assert_int_equal(ids.n, JOBS - JOBS / 10);
    for (size_t i = 1; i < ids.n; i++) {
        int64_t one = ids.items[i - 1], next = ids.items[i];
        assert_true(one % 3 > next % 3 || (one % 3 == next % 3 && one < next));
    }
    assert_int_equal(queue_find(q, 3, &a, &job, &e), 0);
    assert_true(job.state == JOB_QUEUED && job.attempt == 2 && job.started_ms == 0);
    assert_int_equal(queue_find(q, 2, &a, &job, &e), 0);
    assert_true(job.state == JOB_QUEUED && job.attempt == 1);
    assert_int_equal(queue_find(q, 11, &a, &job, &e), 0);
    assert_true(job.state == JOB_DONE && job.attempt == 1);
    assert_int_equal(queue_count(q, n, &e), 0);
    assert_true(n[JOB_RUNNING] == 0 && n[JOB_DONE] == JOBS / 10);
    queue_close(q);
    arena_done(&a);
    temp_dir_close(&d);
}

static int prune_all(struct queue *q, size_t keep, int64_t since_ms)
{
    struct err e = { 0 };
    bool more = true;
    int calls = 0;

    for (; more && calls < 1000; calls++)
        assert_int_equal(queue_prune(q, keep, since_ms, &more, &e), 0);
    return calls;
}

/* The last ones stay, and so do the young ones, and all that have not ended. */
static void test_prune(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct queue_world_seen seen = { .max = SIZE_MAX };

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    for (int i = 1; i <= 8; i++) {
        queue_world_put(q, "x", JOB_NORMAL);
        queue_world_event(q, i, "{}");
        assert_int_equal(queue_file(q, i, &(struct queue_file){ .number = 1 }, &e), 0);
        if (i > 2)
            queue_world_step(q, i, JOB_CANCELLED);
    }
    queue_world_step(q, 1, JOB_RUNNING);
    queue_close(q);
    queue_world_sql(d.path, "UPDATE job SET ended = 1000 * (20 - id) WHERE state >= 2");
    q = queue_world_open(d.path); /* 8 ended first */
    prune_all(q, 6, INT64_MAX);
    prune_all(q, 0, 11999);
    list_is(q, (struct queue_filter){ .max = 9 }, "8 7 6 5 4 3 2 1");
    prune_all(q, 5, INT64_MAX);
    list_is(q, (struct queue_filter){ .max = 9 }, "7 6 5 4 3 2 1");
    prune_all(q, 3, 14000);
    list_is(q, (struct queue_filter){ .max = 9 }, "5 4 3 2 1");
    prune_all(q, 1, 15500);
    list_is(q, (struct queue_filter){ .max = 9 }, "4 3 2 1");
    assert_int_equal(read_events(q, 5, 0, 9, &seen), 0);
    assert_int_equal(read_events(q, 4, 0, 9, &seen), 1);
    prune_all(q, 0, INT64_MAX);
    list_is(q, (struct queue_filter){ .max = 9 }, "2 1");
    assert_int_equal(queue_world_put(q, "x", JOB_LOW), 9); /* and no id comes again */
    queue_world_step(q, 9, JOB_CANCELLED);
    prune_all(q, 0, INT64_MAX);
    queue_close(q);
    assert_int_equal(queue_world_sql(d.path, "SELECT count(*) FROM event"), 2);
    assert_int_equal(queue_world_sql(d.path, "SELECT count(*) FROM file"), 1); /* 1 has begun */
    assert_int_equal(queue_world_sql(d.path, "SELECT count(*) FROM text"), 2);
    assert_int_equal(queue_world_sql(d.path, "SELECT count(*) FROM gone"), 0);
    q = queue_world_open(d.path);
    assert_int_equal(queue_world_put(q, "x", JOB_LOW), 10);
    queue_close(q);
    temp_dir_close(&d);
}

/* Much of it goes in many calls, and at no time is there half of a job. */
static void test_prune_much(void **state)
{
    enum { JOBS = 120, EVENTS = 5000 };
    struct temp_dir d;
    struct err e = { 0 };
    struct ids ids = { 0 };
    struct queue_world_seen seen = { .max = SIZE_MAX };
    bool more = false;

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    for (int i = 1; i <= JOBS; i++) {
        queue_world_put(q, "x", JOB_NORMAL);
        for (int k = 0; i == 1 && k < EVENTS; k++)
            queue_world_event(q, i, "{}");
        queue_world_step(q, i, JOB_CANCELLED);
    }
    assert_int_equal(queue_prune(q, 0, INT64_MAX, &more, &e), 0);
    assert_true(more);
    assert_int_equal(queue_list(q, &(struct queue_filter){ .max = 999 }, collect, &ids, &e), 0);
    assert_true(ids.n > 0 && ids.n < JOBS);
    for (size_t i = 0; i < ids.n; i++) {
        struct buf text = { 0 };
        assert_int_equal(queue_text(q, ids.items[i], &text, &e), 0);
        assert_true(str_is(buf_str(&text), "x"));
        buf_done(&text);
    }
    queue_close(q); /* cut off here: the next one goes on */
    q = queue_world_open(d.path);
    assert_true(prune_all(q, 0, INT64_MAX) > 4);
    list_is(q, (struct queue_filter){ .max = 9 }, "");
    assert_int_equal(read_events(q, 1, 0, 9, &seen), 0);
    queue_close(q);
    assert_int_equal(queue_world_sql(d.path, "SELECT count(*) FROM event"), 0);
    assert_int_equal(queue_world_sql(d.path, "SELECT count(*) FROM text"), 0);
    temp_dir_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put),          cmocka_unit_test(test_key),
        cmocka_unit_test(test_put_limits),   cmocka_unit_test(test_steps),
        cmocka_unit_test(test_outcome),      cmocka_unit_test(test_list),
        cmocka_unit_test(test_events),       cmocka_unit_test(test_event_pages),
        cmocka_unit_test(test_event_limits), cmocka_unit_test(test_files),
        cmocka_unit_test(test_recover),      cmocka_unit_test(test_prune),
        cmocka_unit_test(test_prune_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
