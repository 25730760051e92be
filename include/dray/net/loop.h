/* loop.h: the one event loop of the process, a libuv loop with the few things that dray needs of
 * it: deferred calls, timers, signals. Owns the uv loop. Never starts a thread: no asynchronous
 * uv_fs_* or uv_queue_work anywhere in dray, and uv_getaddrinfo only in net/dns_system, for who
 * asked for that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/util/err.h"

struct uv_loop_s;
struct loop;

typedef void (*loop_fn)(void *ctx);
typedef void (*loop_signal_fn)(void *ctx, int signal);

/* Also ignores SIGPIPE for the process: libcurl with CURLOPT_NOSIGNAL does not guard against it. */
struct loop *loop_open(struct err *e);
/* Closes what loop_on_signal() opened. Every timer must have been destroyed and every task run or
 * taken back. */
void loop_close(struct loop *l);
/* Turns until loop_stop(). Returns false if it ended because nothing was left that could ever
 * happen. */
bool loop_run(struct loop *l);
/* Ends loop_run() after the present turn. */
void loop_stop(struct loop *l);
/* Work of libuv's threads is out, which can't be taken back: loop_close() waits for its end,
 * however long that takes. As many releases as holds. */
void loop_hold(struct loop *l);
void loop_release(struct loop *l);
/* How long the turns took: each from going to wait for something to the next time, less the waiting
 * itself. While one lasts nothing else is read, sent or drawn. Of thousandths: up to an eighth too
 * much. */
struct loop_turns {
    uint64_t count;
    uint64_t p50_us, p99_us, max_us;
};
struct loop_turns loop_turns(const struct loop *l);
/* For the modules of net/, and for ui/prompt, which owns handles as they do. */
struct uv_loop_s *loop_uv(struct loop *l);

/* A call in the next turn, never from inside loop_post(). The storage is the caller's, zeroed but
 * for fn and ctx, and must stay until it has run or loop_unpost() took it back. Long work on files
 * posts itself again, slice by slice. */
struct loop_task {
    loop_fn fn;
    void *ctx;
    struct loop_task *prev, *next;
    bool queued;
};

/* Does nothing when it is queued already. May be called from within a task: it then runs in the
 * next turn. */
void loop_post(struct loop *l, struct loop_task *t);
void loop_unpost(struct loop *l, struct loop_task *t);
/* For a task that goes through much: this turn has taken some milliseconds, the rest should be
 * posted for the next one. */
bool loop_is_late(const struct loop *l);
/* The same for what is called back by sockets, and counts all that this turn has done so far. */
bool loop_is_busy(const struct loop *l);

/* A timer on the heap, since libuv keeps the memory of a handle past its closing. */
struct loop_timer;
struct loop_timer *loop_timer_create(struct loop *l, loop_fn fn, void *ctx);
/* Fires once, `delay_ms` from now, unless started again or stopped before. 0 means in the next
 * turn. */
void loop_timer_start(struct loop_timer *t, uint64_t delay_ms);
void loop_timer_stop(struct loop_timer *t);
/* A timer that is not counted as something that could still happen (redraws, watchdogs). */
void loop_timer_unref(struct loop_timer *t);
/* `fn` will not run any more. NULL is allowed. */
void loop_timer_destroy(struct loop_timer *t);

/* Calls `fn` from the loop whenever the process receives `signal`. */
int loop_on_signal(struct loop *l, int signal, loop_signal_fn fn, void *ctx, struct err *e);
