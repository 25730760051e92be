/* A libuv loop and three small things on it. Tasks run in the "check" phase, right behind the
 * sockets, so what a socket's callback posted runs in the same turn without another system call; an
 * idle handle keeps the loop from sleeping while any task is queued. A timer of 0 ms is a task as
 * well: libuv would run it again within the same phase, and a chain of such timers would keep it
 * from its sockets. */
#include "dray/net/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "dray/net/turns.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

enum { CLOSING_MS = 1000, TURN_US = 4000, BUSY_US = 3000 };

struct loop_signal {
    uv_signal_t uv;
    loop_signal_fn fn;
    void *ctx;
    struct loop_signal *next;
};

struct loop {
    uv_loop_t uv;
    uv_idle_t awake;
    uv_check_t check;
    uv_prepare_t prepare;      /* right before it waits */
    uint64_t turn_ns, idle_ns; /* when this turn began; how long it had waited by then, in all */
    struct turns turns;
    struct loop_task queued; /* ring; the next turn's */
    struct loop_task batch;  /* ring; of this turn, not run yet */
    struct loop_signal *signals;
    uint64_t turn_us; /* when the tasks of this turn were begun */
    unsigned held;    /* loop_hold() */
    bool stopped;
};

struct loop_timer {
    uv_timer_t uv;
    struct loop *loop;
    struct loop_task soon; /* for 0 ms */
    loop_fn fn;
    void *ctx;
};

static void ring_init(struct loop_task *ring)
{
    ring->prev = ring->next = ring;
}

static bool ring_is_empty(const struct loop_task *ring)
{
    return ring->next == ring;
}

static void ring_add(struct loop_task *ring, struct loop_task *t)
{
    t->prev = ring->prev;
    t->next = ring;
    ring->prev->next = t;
    ring->prev = t;
}

static void ring_remove(struct loop_task *t)
{
    assert(t->prev && t->next);
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

static void stay_awake(uv_idle_t *idle)
{
    (void)idle;
}

/* Moves the queue aside first: what a task posts belongs to the next turn, so that sockets get
 * theirs between. */
static void run_tasks(uv_check_t *check)
{
    struct loop *l = check->data;

    l->turn_us = clock_us();
    while (!ring_is_empty(&l->queued)) {
        struct loop_task *t = l->queued.next;
        ring_remove(t);
        ring_add(&l->batch, t);
    }
    while (!ring_is_empty(&l->batch)) {
        struct loop_task *t = l->batch.next;
        ring_remove(t);
        t->queued = false;
        t->fn(t->ctx);
    }
    if (ring_is_empty(&l->queued))
        uv_idle_stop(&l->awake);
}

/* libuv tells how long it has waited for events, and there is no other way to know: it calls the
 * sockets' callbacks itself, before "check" handles. */
static void turn_begin(struct loop *l)
{
    l->turn_ns = uv_hrtime();
    l->idle_ns = uv_metrics_idle_time(&l->uv);
}

static uint64_t worked_us(const struct loop *l)
{
    uint64_t took = uv_hrtime() - l->turn_ns;
    /* It takes the loop for a lock, and changes nothing. */
    uint64_t waited = uv_metrics_idle_time((uv_loop_t *)(uintptr_t)&l->uv) - l->idle_ns;

    return took > waited ? (took - waited) / 1000 : 0;
}

static void turn_end(struct loop *l)
{
    turns_add(&l->turns, worked_us(l));
}

static void on_prepare(uv_prepare_t *prepare)
{
    turn_end(prepare->data);
    turn_begin(prepare->data);
}

bool loop_is_late(const struct loop *l)
{
    return clock_us() - l->turn_us > TURN_US;
}

bool loop_is_busy(const struct loop *l)
{
    return worked_us(l) > BUSY_US;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle); /* the uv handle is the first member of each of our structs */
}

static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *t = uv->data;

    t->fn(t->ctx);
}

static void on_signal(uv_signal_t *uv, int signal)
{
    struct loop_signal *s = uv->data;

    s->fn(s->ctx, signal);
}

static void on_closing_takes_too_long(void *ctx)
{
    loop_stop(ctx);
}

struct loop *loop_open(struct err *e)
{
    struct loop *l = mem_new(1, sizeof *l);

    int rc = uv_loop_init(&l->uv);
    if (rc < 0) {
        free(l);
        err_set(e, ERR_IO, "the event loop can't be opened: %s", uv_strerror(rc));
        return NULL;
    }
    rc = uv_loop_configure(&l->uv, UV_METRICS_IDLE_TIME);
    assert(rc == 0);
    ring_init(&l->queued);
    ring_init(&l->batch);
    uv_prepare_init(&l->uv, &l->prepare);
    l->prepare.data = l;
    uv_prepare_start(&l->prepare, on_prepare);
    uv_unref((uv_handle_t *)&l->prepare);
    uv_idle_init(&l->uv, &l->awake);
    uv_check_init(&l->uv, &l->check);
    l->check.data = l;
    uv_check_start(&l->check, run_tasks);
    uv_unref((uv_handle_t *)&l->check);
    signal(SIGPIPE, SIG_IGN); /* CURLOPT_NOSIGNAL(3): the application has to */
    return l;
}

void loop_hold(struct loop *l)
{
    l->held++;
}

void loop_release(struct loop *l)
{
    assert(l->held > 0);
    l->held--;
}

void loop_close(struct loop *l)
{
    if (!l)
        return;
    assert(ring_is_empty(&l->queued) && ring_is_empty(&l->batch));
    while (l->signals) {
        struct loop_signal *s = l->signals;
        l->signals = s->next;
        uv_close((uv_handle_t *)&s->uv, free_handle);
    }
    /* Closing handles need a turn, and children that were just killed need to be reaped. Nothing
     * else may be left; should it be, this must not become a program that never ends. */
    struct loop_timer *limit = loop_timer_create(l, on_closing_takes_too_long, l);
    loop_timer_unref(limit);
    if (l->held == 0)
        loop_timer_start(limit, CLOSING_MS);
    loop_run(l);
    loop_timer_destroy(limit);
    uv_close((uv_handle_t *)&l->awake, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_run(&l->uv, UV_RUN_NOWAIT);
    int rc = uv_loop_close(&l->uv);
    assert(rc == 0); /* somebody left a handle open */
    if (rc == 0)
        free(l); /* otherwise libuv still points into it */
}

bool loop_run(struct loop *l)
{
    turn_begin(l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    turn_end(l);
    bool stopped = l->stopped;
    l->stopped = false;
    return stopped;
}

struct loop_turns loop_turns(const struct loop *l)
{
    return (struct loop_turns){ .count = l->turns.count,
                                .p50_us = turns_permille(&l->turns, 500),
                                .p99_us = turns_permille(&l->turns, 990),
                                .max_us = l->turns.max_us };
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
    uv_stop(&l->uv);
}

struct uv_loop_s *loop_uv(struct loop *l)
{
    return &l->uv;
}

void loop_post(struct loop *l, struct loop_task *t)
{
    if (t->queued)
        return;
    t->queued = true;
    ring_add(&l->queued, t);
    uv_idle_start(&l->awake, stay_awake);
}

void loop_unpost(struct loop *l, struct loop_task *t)
{
    if (!t->queued)
        return;
    t->queued = false;
    ring_remove(t);
    /* A batch that is running stops the idle handle itself when nothing was posted meanwhile. */
    if (ring_is_empty(&l->queued) && ring_is_empty(&l->batch))
        uv_idle_stop(&l->awake);
}

struct loop_timer *loop_timer_create(struct loop *l, loop_fn fn, void *ctx)
{
    struct loop_timer *t = mem_new(1, sizeof *t);

    uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    t->loop = l;
    t->soon = (struct loop_task){ .fn = fn, .ctx = ctx };
    t->fn = fn;
    t->ctx = ctx;
    return t;
}

void loop_timer_start(struct loop_timer *t, uint64_t delay_ms)
{
    loop_timer_stop(t);
    if (delay_ms == 0) {
        loop_post(t->loop, &t->soon);
        return;
    }
    uv_update_time(
        &t->loop->uv); /* the cached time is old behind long work: the timer would fire early */
    uv_timer_start(&t->uv, on_timer, delay_ms, 0);
}

void loop_timer_stop(struct loop_timer *t)
{
    loop_unpost(t->loop, &t->soon);
    uv_timer_stop(&t->uv);
}

void loop_timer_unref(struct loop_timer *t)
{
    uv_unref((uv_handle_t *)&t->uv);
}

void loop_timer_destroy(struct loop_timer *t)
{
    if (!t)
        return;
    loop_timer_stop(t);
    uv_close((uv_handle_t *)&t->uv, free_handle);
}

int loop_on_signal(struct loop *l, int signal, loop_signal_fn fn, void *ctx, struct err *e)
{
    struct loop_signal *s = mem_new(1, sizeof *s);

    uv_signal_init(&l->uv, &s->uv);
    s->uv.data = s;
    s->fn = fn;
    s->ctx = ctx;
    int rc = uv_signal_start(&s->uv, on_signal, signal);
    if (rc < 0) {
        uv_close((uv_handle_t *)&s->uv, free_handle);
        return err_set(e, ERR_IO, "signal %d can't be watched: %s", signal, uv_strerror(rc));
    }
    /* A watched signal is no reason to stay: loop_run() must notice that nothing else is left. */
    uv_unref((uv_handle_t *)&s->uv);
    s->next = l->signals;
    l->signals = s;
    return 0;
}
