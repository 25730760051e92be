/* event.h: the one stream of facts about a run. The machines and the runner emit, in the order in
 * which things happen; progress, trace, report and tests listen. Nobody else tells anybody what is
 * going on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/util/digest.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

/* The state machine of one requirement (of one target); in order of life. The lawful successors and
 * what entering does are in fetch/fetch.c; README.md draws it from the same table. state, name in
 * traces and reports, what a person is told */
#define FETCH_STATES(X)                                                                            \
    X(LOOKUP, "lookup", "looking up")           /* its index pages are on their way */             \
    X(METADATA, "metadata", "reading metadata") /* a candidate's metadata is on its way */         \
    X(DECIDE, "decide", "deciding")             /* which file it is to be */                       \
    X(PROBE, "probe", "checking")               /* is the file here already */                     \
    X(QUEUE, "queue", "queued")                 /* waits for its turn on a connection */           \
    X(HEADER, "header", "connecting")           /* request sent, waits for the response's head */  \
    X(BODY, "body", "downloading")              /* bytes arrive: hashed and written */             \
    X(HASH, "hash", "verifying")                /* length and digests against the promise */       \
    X(PLACE, "place", "placing")                /* into the destination, atomically */             \
    X(BUILD, "build", "building")               /* a source distribution becomes a wheel */        \
    X(WAIT, "wait", "waiting")                  /* between two attempts */                         \
    X(DONE, "done", "done")                                                                        \
    X(FAILED, "failed", "failed")

enum fetch_state {
#define FETCH_STATE_ENUM(state, name, told) FETCH_##state,
    FETCH_STATES(FETCH_STATE_ENUM)
#undef FETCH_STATE_ENUM
        FETCH_STATE_COUNT
};

#define FETCH_BYTES_UNKNOWN UINT64_MAX

/* Where a finished file came from; name in traces and reports, what a person is told */
#define FETCH_ORIGINS(X)                                                                           \
    X(FROM_NETWORK, "network", "fetched")                                                          \
    X(FROM_FILE, "file", "copied")   /* a local path or file: URL */                               \
    X(KEPT, "kept", "there already") /* in the destination */                                      \
    X(FROM_STORE, "store", "from the store")                                                       \
    X(FROM_PIP, "pip", "from pip's cache") /* its HTTP cache, or a wheel that it had built */      \
    X(SHARED, "shared", "shared")          /* another target's copy in this run */

enum fetch_origin {
#define FETCH_ORIGIN_ENUM(origin, name, told) FETCH_##origin,
    FETCH_ORIGINS(FETCH_ORIGIN_ENUM)
#undef FETCH_ORIGIN_ENUM
        FETCH_ORIGIN_COUNT
};

/* How a wheel's metadata was had, cheapest first: the rungs of the ladder. */
#define METADATA_RUNGS(X)                                                                          \
    X(NONE, "none")       /* it was not asked for */                                               \
    X(STORE, "store")     /* read in an earlier run */                                             \
    X(FILE, "file")       /* the whole file is on this machine */                                  \
    X(SIDECAR, "sidecar") /* the index serves it beside the file (PEP 658) */                      \
    X(TAIL, "tail")       /* from the end of the wheel, by ranges */                               \
    X(WHOLE, "whole")     /* the whole file had to be fetched */                                   \
    X(PIP, "pip")         /* of a source distribution: the machine's pip was asked */

enum metadata_rung {
#define METADATA_RUNG_ENUM(rung, name) METADATA_##rung,
    METADATA_RUNGS(METADATA_RUNG_ENUM)
#undef METADATA_RUNG_ENUM
        METADATA_RUNG_COUNT
};

/* One file of a version; for locks. */
struct fetch_file {
    struct str filename, upload_time, requires_python; /* the last two may be STR_NONE */
    struct str url;                                    /* without credentials */
    const struct digest *digests;                      /* promised */
    size_t n_digests;
    uint64_t bytes; /* or FETCH_BYTES_UNKNOWN */
    bool is_wheel;
    bool is_chosen; /* that of the machine */
};

/* What others may see of one machine. Everything is borrowed and valid until the run ends; strings
 * are STR_NONE until they are known (file, url, version: from METADATA on; metadata: from DECIDE
 * on, if it was asked for; path: from DONE on). */
struct fetch_view {
    size_t order;     /* 0, 1, ...: the order of the requirements; messages and reports follow it */
    struct str label; /* the requirement as a person wrote it: "flask>=3", "./x.whl" */
    struct str project; /* normalised name */
    struct str target;  /* that it is for, where there are several; else STR_NONE */
    struct str version;
    struct str filename;
    struct str url;           /* redacted; of the file, "file:///..." for local ones */
    struct str path;          /* where it was placed or kept */
    struct str yanked_reason; /* STR_NONE unless the file is yanked */
    bool is_direct;           /* given as URL or path, not looked up on an index */
    bool is_dependency;       /* nobody asked for it by name: something else needs it */
    bool repeated;            /* of DONE: another machine had put that very file there */
    bool replaced;            /* a file of that name with other bytes was there and was replaced */
    enum fetch_state state;
    bool built;               /* `filename` was built here, from what was fetched */
    enum fetch_origin origin; /* from METADATA on; final from DONE on */
    unsigned attempt;         /* 1, 2, ...: of the request for the body */
    uint64_t body_bytes;      /* promised size, or FETCH_BYTES_UNKNOWN */
    uint64_t got_bytes;       /* of its body, so far */
    uint64_t resumed_bytes;   /* of these, what an earlier run had got */
    const struct digest
        *digests; /* promised by the index or the user, then verified; n_digests may be 0 */
    size_t n_digests;
    struct digest sha256; /* of the file, from DONE on */
    struct str metadata;  /* METADATA as it stands in the wheel */
    enum metadata_rung rung;
    unsigned metadata_requests;     /* it took */
    uint64_t metadata_bytes;        /* of their bodies */
    const struct fetch_file *files; /* of that version, when a lock is made; from METADATA on */
    size_t n_files;
    const struct str *extras; /* of it that are asked for, normalised */
    size_t n_extras;
    const struct str *via; /* projects of the set that need it */
    size_t n_via;
    struct err err; /* set in FAILED */
};

/* kind, name in traces */
#define EVENT_KINDS(X)                                                                             \
    X(START, "start")     /* the run begins; n: requirements so far known, 0 when not yet */       \
    X(ADDED, "added")     /* fetch: a requirement has become a machine; in order, before others */ \
    X(STATE, "state")     /* fetch went from `from` to `to` */                                     \
    X(BYTES, "bytes")     /* fetch: n more bytes of its body; not in traces */                     \
    X(RETRY, "retry")     /* fetch: an attempt failed (text says why), the next one in n ms */     \
    X(RESUMED, "resumed") /* fetch: its body goes on at byte n */                                  \
    X(PAGE, "page")       /* an index page: text: its URL; n: bytes that came; took_us; code: 0 or \
                           * error; origin: store when no request was needed */                    \
    X(METADATA, "metadata") /* fetch has its metadata: text: the rung; n: bytes; took_us */        \
    X(SKIPPED, "skipped")   /* text: a requirement whose marker is false for the target */         \
    X(WARNING, "warning")   /* text: one sentence; fetch when it is about one, else NULL */        \
    X(NOTE, "note")         /* text: a sentence on how a server is treated; n: for how many -v */  \
    X(TICK, "tick")         /* time passes: at most 10 a second; not in traces */                  \
    X(END, "end")           /* the run is over; code: 0 or the error of the run */

enum event_kind {
#define EVENT_ENUM(kind, name) EVENT_##kind,
    EVENT_KINDS(EVENT_ENUM)
#undef EVENT_ENUM
        EVENT_COUNT
};

struct event {
    enum event_kind kind;
    uint64_t at_us;                 /* since the run began */
    const struct fetch_view *fetch; /* or NULL */
    enum fetch_state from, to;
    struct str text;
    struct str index; /* of a page: the name of its index, or STR_NONE */
    uint64_t n;
    uint64_t took_us;
    enum fetch_origin origin;
    int code;
};

/* Called from the loop or from inside libcurl: records and draws, never starts or cancels anything.
 */
typedef void (*event_fn)(void *ctx, const struct event *ev);

enum { EVENT_LISTENERS_MAX = 8 };

/* `struct events e = { 0 }`, then events_listen() before the run; at_us counts from the first
 * emitted event. */
struct events {
    struct {
        event_fn fn;
        void *ctx;
    } listeners[EVENT_LISTENERS_MAX];
    size_t n;
    uint64_t start_us;
};

void events_listen(struct events *e, event_fn fn, void *ctx);
/* Fills in at_us and passes `ev` to all listeners in the order in which they came. */
void events_emit(struct events *e, struct event *ev);
/* A WARNING; `fetch` may be NULL. */
__attribute__((format(printf, 3, 4))) void
events_warn(struct events *e, const struct fetch_view *fetch, const char *format, ...);
const char *event_name(enum event_kind kind);
const char *fetch_state_name(enum fetch_state s);
/* "downloading" */
const char *fetch_state_told(enum fetch_state s);
const char *fetch_origin_name(enum fetch_origin o);
/* "from the store" */
const char *fetch_origin_told(enum fetch_origin o);
const char *metadata_rung_name(enum metadata_rung r);
