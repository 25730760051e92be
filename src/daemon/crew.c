/* A job that is handed back or cut off begins anew another time, and finds in the store and in its
 * destination what it had got. What the queue can't take, its disk being full, is tried again until
 * it can: a job that ended stays a member until that is known on the disk. */
#include "dray/daemon/crew.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dray/daemon/recorder.h"
#include "dray/job/job.h"
#include "dray/ui/event_json.h"
#include "dray/util/mem.h"

enum { AGAIN_MS = 1000 };

enum ending { ENDS_BY_ITSELF, ENDS_CANCELLED, ENDS_HANDED_BACK };

struct member {
    struct crew *crew;
    int64_t id;
    unsigned attempt;
    enum ending ending;
    struct settings settings;
    struct events events;
    struct recorder recorder;
    struct job *job;       /* NULL: there was nothing to run */
    bool is_over, is_told; /* it ended; the queue has the event that says so */
    enum job_state state;  /* in which it ended, with the reason */
    struct err why;
    uint64_t version; /* of its progress */
    uint64_t told;    /* that `progress` is of */
    struct buf progress;
    struct member *prev, *next;
};

/* One that waits. */
struct waiting {
    int64_t id;
    enum job_priority priority;
};

struct crew {
    struct crew_options is;
    struct loop *loop;
    struct loop_task begin;
    struct engine_user user; /* while any runs */
    struct member *members;
    struct waiting *waiting; /* in the order in which they came */
    size_t n_waiting, cap_waiting;
    size_t running;
    struct loop_timer *again; /* what the queue could not take */
    bool is_draining, is_stuck, is_handing_back;
    struct crew_totals totals;
};

__attribute__((format(printf, 2, 3))) static void say(struct crew *c, const char *format, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    c->is.say(c->is.ctx, buf_z(&text));
    buf_done(&text);
}

static void complain(struct crew *c, struct err *e)
{
    if (e->code)
        say(c, "warning: %s", err_text(e));
    err_done(e);
}

/* What it would refuse a second time as well. */
static bool is_final(int code)
{
    return code == ERR_NOT_FOUND || code == ERR_CONFLICT || code == ERR_INPUT || code == ERR_LIMIT;
}

/* Whether the queue need not be asked again, by what it said, which is done. That it can't be
 * written is said once, and when it is over. */
static bool was_taken(struct crew *c, struct err *e)
{
    bool taken = !e->code;

    if (is_final(e->code)) {
        complain(c, e);
        return true;
    }
    if (taken && c->is_stuck)
        say(c, "the queue can be written again");
    else if (!taken && !c->is_stuck)
        say(c, "warning: %s; jobs wait until it can be written", err_text(e));
    if (!taken)
        loop_timer_start(c->again, AGAIN_MS);
    c->is_stuck = !taken;
    err_done(e);
    return taken;
}

static struct member *find(const struct crew *c, int64_t id)
{
    struct member *m = c->members;

    while (m && m->id != id)
        m = m->next;
    return m;
}

static void member_destroy(struct member *m)
{
    struct crew *c = m->crew;

    if (m->next)
        m->next->prev = m->prev;
    if (m->prev)
        m->prev->next = m->next;
    else
        c->members = m->next;
    if (--c->running == 0)
        engine_leave(c->is.engine, &c->user);
    job_destroy(m->job);
    recorder_done(&m->recorder);
    settings_done(&m->settings);
    buf_done(&m->progress);
    err_done(&m->why);
    free(m);
}

static enum job_state state_of(const struct member *m, const struct err *e)
{
    if (m->ending == ENDS_HANDED_BACK)
        return JOB_QUEUED;
    if (m->ending == ENDS_CANCELLED)
        return JOB_CANCELLED;
    return e->code ? JOB_FAILED : JOB_DONE;
}

static void count(struct crew *c, enum job_state state, const struct job_result *r)
{
    c->totals.done += state == JOB_DONE;
    c->totals.failed += state == JOB_FAILED;
    c->totals.cancelled += state == JOB_CANCELLED;
    c->totals.fetched += r->fetched;
    c->totals.reused += r->reused;
    c->totals.kept += r->kept + r->repeated;
    c->totals.files_failed += r->failed;
    c->totals.fetched_bytes += r->fetched_bytes;
}

/* In one commit with the events that told of it. */
static int conclude(struct member *m, const struct job_result *r, struct err *e)
{
    bool told = m->why.code && m->state != JOB_QUEUED;
    struct queue_outcome o = { .code = told ? m->why.code : 0,
                               .error_text = told ? str_of(err_text(&m->why)) : STR_NONE };

    if (r) {
        o.files = r->n;
        o.failed = r->n - r->fetched - r->reused - r->kept - r->repeated;
        o.bytes = r->fetched_bytes;
    }
    complain(m->crew, &m->recorder.err); /* of before */
    if (!m->is_told)
        recorder_state(&m->recorder, m->state, m->attempt, r, &m->why);
    m->is_told = !m->recorder.err.code || is_final(m->recorder.err.code);
    if (m->is_told)
        complain(m->crew, &m->recorder.err);
    else
        err_move(e, &m->recorder.err);
    if (m->is_told)
        queue_step(m->crew->is.queue, m->id, m->state, &o, e);
    return e->code ? err_wrap(e, "job %" PRId64, m->id) : 0;
}

static void let_go(struct member *m)
{
    struct crew *c = m->crew;
    int64_t id = m->id;

    member_destroy(m);
    c->is.news(c->is.ctx, id);
    loop_post(c->loop, &c->begin);
}

/* Of one that is over, if the queue takes it. At the end nothing is waited for: the next daemon
 * does again what this one could not write down. */
static void settle(struct member *m)
{
    struct crew *c = m->crew;
    struct err e = { 0 };

    conclude(m, m->job ? job_result(m->job) : NULL, &e);
    if (was_taken(c, &e) || c->is_handing_back)
        let_go(m);
}

static void end(struct member *m, enum job_state state, struct err *why)
{
    say(m->crew, "job %" PRId64 " %s%s%s", m->id, job_state_name(state), why->code ? ": " : "",
        err_text(why));
    m->is_over = true;
    m->state = state;
    err_move(&m->why, why);
    settle(m);
}

static void job_ended(void *ctx, struct err *e)
{
    struct member *m = ctx;
    enum job_state state = state_of(m, e);

    count(m->crew, state, job_result(m->job));
    end(m, state, e);
}

static const unsigned weights[] = { [JOB_LOW] = 1, [JOB_NORMAL] = 4, [JOB_HIGH] = 16 };

static void member_start(struct member *m, enum job_priority priority)
{
    m->job = job_create(&(struct job_options){ .engine = m->crew->is.engine,
                                               .settings = &m->settings,
                                               .events = &m->events,
                                               .weight = weights[priority],
                                               .door = m->crew->is.door });
    job_start(m->job, job_ended, m);
}

static struct member *member_create(struct crew *c, const struct queue_job *job)
{
    struct member *m = mem_new(1, sizeof(*m));

    m->crew = c;
    m->id = job->id;
    m->attempt = job->attempt;
    settings_init(&m->settings);
    recorder_init(&m->recorder, c->is.queue, m->id, &m->events);
    m->next = c->members;
    if (m->next)
        m->next->prev = m;
    c->members = m;
    if (c->running++ == 0)
        engine_enter(c->is.engine, &c->user);
    return m;
}

/* False: the queue can't take it, and the job goes on waiting. */
static bool begin(struct crew *c, const struct queue_job *job)
{
    struct err e = { 0 }, why = { 0 };

    int code = queue_step(c->is.queue, job->id, JOB_RUNNING, NULL, &e);
    if (code)
        err_wrap(&e, "job %" PRId64 " can't be begun", job->id);
    if (!was_taken(c, &e))
        return false;
    if (code)
        return true;
    struct member *m = member_create(c, job);
    recorder_state(&m->recorder, JOB_RUNNING, m->attempt, NULL, NULL);
    c->is.news(c->is.ctx, job->id);
    if (c->is.prepare(c->is.ctx, job, &m->settings, &why)) {
        c->totals.failed++;
        end(m, JOB_FAILED, &why);
    } else {
        say(c, "job %" PRId64 " running", job->id);
        member_start(m, job->priority);
    }
    err_done(&why);
    return true;
}

static size_t next_waiting(const struct crew *c)
{
    size_t next = 0;

    for (size_t i = 1; i < c->n_waiting; i++)
        if (c->waiting[i].priority > c->waiting[next].priority)
            next = i;
    return next;
}

static void forget_waiting(struct crew *c, size_t at)
{
    c->n_waiting--;
    memmove(&c->waiting[at], &c->waiting[at + 1], (c->n_waiting - at) * sizeof(*c->waiting));
}

/* One a turn: what else happens is not held up. */
static void begin_next(void *ctx)
{
    struct crew *c = ctx;
    struct queue_job job;
    struct arena a = { 0 };
    struct err e = { 0 };

    if (c->is_draining || c->running >= c->is.max_running || !c->n_waiting)
        return;
    size_t at = next_waiting(c);
    int code = queue_find(c->is.queue, c->waiting[at].id, &a, &job, &e);
    bool gone_on = code ? was_taken(c, &e) : begin(c, &job);
    if (gone_on) {
        forget_waiting(c, at);
        loop_post(c->loop, &c->begin);
    }
    arena_done(&a);
}

static void try_again(void *ctx)
{
    struct crew *c = ctx;
    struct member *next;

    for (struct member *m = c->members; m; m = next) {
        next = m->next;
        if (m->is_over)
            settle(m);
    }
    loop_post(c->loop, &c->begin);
}

static bool any_is_over(const struct crew *c)
{
    const struct member *m = c->members;

    while (m && !m->is_over)
        m = m->next;
    return m;
}

/* Commits what happened since the last time, then tells of it. While one that is over could not be
 * written, its last event waits for its end, which try_again() commits with it. */
static void tick(void *ctx)
{
    struct crew *c = ctx;
    struct err e = { 0 };
    bool dirty = queue_is_dirty(c->is.queue) && !any_is_over(c);

    if (dirty) {
        queue_flush(c->is.queue, &e);
        was_taken(c, &e);
    }
    for (struct member *m = c->members; m; m = m->next) {
        complain(c, &m->recorder.err);
        m->version += m->recorder.moved;
        if (dirty || m->recorder.moved)
            c->is.news(c->is.ctx, m->id);
        m->recorder.moved = false;
    }
}

struct crew *crew_create(const struct crew_options *o)
{
    struct crew *c = mem_new(1, sizeof(*c));

    c->is = *o;
    c->loop = o->engine->loop;
    c->begin = (struct loop_task){ .fn = begin_next, .ctx = c };
    c->again = loop_timer_create(c->loop, try_again, c);
    c->user = (struct engine_user){ .tick = tick, .ctx = c };
    return c;
}

void crew_destroy(struct crew *c)
{
    if (!c)
        return;
    loop_unpost(c->loop, &c->begin);
    struct member *next;
    for (struct member *m = c->members; m; m = next) {
        next = m->next;
        member_destroy(m);
    }
    loop_timer_destroy(c->again);
    free(c->waiting);
    free(c);
}

void crew_add(struct crew *c, int64_t id, enum job_priority priority)
{
    c->waiting = mem_grow(c->waiting, c->n_waiting, &c->cap_waiting, sizeof(*c->waiting));
    c->waiting[c->n_waiting++] = (struct waiting){ id, priority };
    loop_post(c->loop, &c->begin);
}

static bool cancel_waiting(struct crew *c, int64_t id, struct err *e)
{
    struct recorder r = { .queue = c->is.queue, .job = id };
    struct err why = { 0 };
    size_t at = 0;

    while (at < c->n_waiting && c->waiting[at].id != id)
        at++;
    if (at == c->n_waiting)
        return false;
    err_set(&why, ERR_INTERRUPTED, "cancelled before it began");
    recorder_state(&r, JOB_CANCELLED, 0, NULL, &why);
    if (!queue_step(
            c->is.queue, id, JOB_CANCELLED,
            &(struct queue_outcome){ .code = why.code, .error_text = str_of(err_text(&why)) }, e))
        forget_waiting(c, at);
    recorder_done(&r);
    err_done(&why);
    return true;
}

bool crew_cancel(struct crew *c, int64_t id, struct err *e)
{
    struct member *m = find(c, id);

    if (!m)
        return cancel_waiting(c, id, e);
    if (!m->is_over) {
        m->ending = ENDS_CANCELLED;
        job_stop(m->job, 0);
    }
    return true;
}

void crew_drain(struct crew *c)
{
    c->is_draining = true;
}

void crew_hand_back(struct crew *c)
{
    struct member *next;

    c->is_handing_back = true;
    for (struct member *m = c->members; m; m = next) {
        next = m->next;
        if (m->is_over) {
            settle(m);
        } else {
            m->ending = m->ending == ENDS_CANCELLED ? ENDS_CANCELLED : ENDS_HANDED_BACK;
            job_stop(m->job, 0);
        }
    }
}

size_t crew_running(const struct crew *c)
{
    return c->running;
}

void crew_set_max(struct crew *c, unsigned max_running)
{
    c->is.max_running = max_running;
    loop_post(c->loop, &c->begin);
}

/* Put together once, however many ask. */
static void tell_progress(struct member *m)
{
    const struct job_result *r = job_result(m->job);

    buf_reset(&m->progress);
    for (size_t i = 0; i < r->n; i++)
        if (r->fetches[i]->state == FETCH_BODY)
            event_json_add(&m->progress,
                           &(struct event){ .kind = EVENT_BYTES, .fetch = r->fetches[i] });
    m->told = m->version;
}

bool crew_progress(struct crew *c, int64_t id, uint64_t *version, struct buf *out)
{
    struct member *m = find(c, id);

    if (!m || !m->job)
        return false;
    if (*version == m->version)
        return true;
    if (m->told != m->version)
        tell_progress(m);
    buf_add_str(out, buf_str(&m->progress));
    *version = m->version;
    return true;
}

const struct crew_totals *crew_totals(const struct crew *c)
{
    return &c->totals;
}
