/* flight.h: what is on its way into the store, by name, so that whoever else wants it waits for
 * that instead of asking for it, too. For the jobs of one process that share a store; within one
 * run see source.h, facts.h and fetch_probe.c. Knows names alone: when one that had something on
 * its way has ended, those that waited look whether the store has it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/fetch/promise.h"
#include "dray/net/loop.h"

struct flights; /* of one store */

struct flights *flights_create(struct loop *l);
/* Everybody must have left. NULL is allowed. */
void flights_destroy(struct flights *fs);

/* One who wants something. Zeroed but for `go` and `ctx`; the storage is the caller's until
 * flight_leave(). */
struct flight {
    loop_fn go; /* whoever had it on its way has ended: look again, and enter again if need be */
    void *ctx;
    bool waited; /* `go` was called, once or more often */
    bool is_owner;
    struct flights *flights; /* NULL: it has left, or never entered */
    struct digest name;
    struct flight *next, **at; /* in the list of owners, or of those that wait for one */
    struct flight *waiting;    /* of an owner: the last first */
    struct loop_task task;
};

/* true: nobody else has it on its way, so fetch it, and call flight_leave() when it is in the store
 * or can't be had; whoever does so already goes on. false: `go` will be called, once, from the
 * loop. `key` may hold credentials, and is not kept. `fs` NULL: there is nobody else: true. */
bool flight_enter(struct flights *fs, struct flight *f, struct str key);
/* The same for what may be of no use to others when it has come: who has waited once waits no more,
 * so that it is not fetched by one after the other. */
bool flight_enter_once(struct flights *fs, struct flight *f, struct str key);
/* The body of a file, which `p` is promised of: who finds it in the store later for certain, if it
 * can be had, waits as often as need be; else once. */
bool flight_enter_body(struct flights *fs, struct flight *f, const struct promise *p,
                       struct str url);
/* At any time; those that wait for it look again. What never entered, or has left: does nothing. */
void flight_leave(struct flight *f);
