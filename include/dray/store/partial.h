/* partial.h: unfinished files that are kept until somebody asks for the rest. Each lies beside a
 * note of what its bytes are the beginning of; whoever takes one away first takes the note, so that
 * of several processes one gets it. What a killed process had guarded is kept by the next
 * store_open(), which also forgets what nobody asked for in two weeks, and the oldest above a
 * quarter of the store's cap.
 *
 *     <root>/partial/<key>-<token>.part, .note    kept
 *     <root>/partial/<session>/<the same>         guarded: in progress
 *
 * <key> is of what the file is, <token> of this very one. Synchronous. */
#pragma once

#include "dray/store/store.h"

#define PARTIAL_BYTES_UNKNOWN UINT64_MAX

/* Of the answer that the bytes came with. */
struct partial_note {
    struct digest url;    /* SHA-256 of its URL, which may hold credentials */
    struct str validator; /* for If-Range (RFC 9110 section 13.1.5); STR_NONE: none */
    uint64_t total_bytes; /* of the whole file, or PARTIAL_BYTES_UNKNOWN */
};

/* The longest that is kept under `key` (any bytes), if there is one: from now on it belongs to this
 * process, as a guarded file of store_temp() that is read and written from its start. `out` lives
 * in `a`. NULL: there is none. */
struct place_file *partial_take(struct store *s, struct str key, struct arena *a,
                                struct partial_note *out);
/* From now on `f`, of store_temp(), outlives this process: for what is large, since it costs two
 * names. May be said again when another note has become true. Does nothing when it can't. */
void partial_guard(struct store *s, struct place_file *f, struct str key,
                   const struct partial_note *note);
/* Keeps `f`, of store_temp(), for later. Only place_file_destroy() is allowed afterwards. */
void partial_keep(struct store *s, struct place_file *f, struct str key,
                  const struct partial_note *note);

/* What is kept, in all. */
void partial_count(const struct store *s, uint64_t *files, uint64_t *bytes);
/* Removes those last written before `before_s`, then the oldest until at most `max_bytes` are left.
 * How much went is added. */
void partial_prune(struct store *s, int64_t before_s, uint64_t max_bytes, uint64_t *files,
                   uint64_t *bytes);
/* For store/session: moves what was guarded in the directory of a process that is gone. */
void partial_rescue(int session_fd, int partial_fd);
