/* index.h: the SQLite file of a store: what is known of objects, and the records. Any process may
 * be writing it; a call that would have to wait says so instead, unless it was told how long. Owns
 * the connection; never looks at objects/. For the files of this layer alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "dray/store/index_sql.h"
#include "dray/store/pending.h"
#include "dray/store/upkeep.h"

/* Opened by index_open.c. */
struct store_index {
    sqlite3 *db;
    sqlite3_stmt *statements[INDEX_STATEMENT_COUNT]; /* NULL until it is needed */
    int trouble;  /* the first error of SQLite since index_begin(), or SQLITE_OK */
    bool damaged; /* what is in it can't be read */
    bool has_log; /* who reads is in nobody's way */
    bool is_new;  /* it was created by this index_open(), so no object is in it */
};

/* -- the file: index_open.c -- */

/* Creates it where it is missing; one that is damaged is moved aside as index.sqlite.damaged first
 * (not if `read_only`: ERR_INPUT). ERR_UNSUPPORTED when a newer dray made it; ERR_TIMEOUT when
 * another process is just moving it or keeps it locked. */
struct store_index *index_open(const char *root, bool read_only, struct err *e);
/* NULL is allowed. */
void index_close(struct store_index *ix);
/* It is damaged, or another file has its name now: to be replaced. */
bool index_is_lost(struct store_index *ix);
/* The one that has the name of one that is lost, which is moved aside if nobody has done that; that
 * stays open, for the caller to close. NULL as `lost`: none was open. Fails as index_open(); waits
 * at most `wait_ms` for another process. */
struct store_index *index_replace(struct store_index *lost, const char *root, int wait_ms,
                                  struct err *e);
/* What was moved aside goes. */
void index_remove_damaged(const char *root);

/* -- transactions: index.c -- */

/* What a log is cut down to when it is begun anew; who opens the index when nobody else has it open
 * reads all of the log, which takes 3 ms for this much. */
enum { INDEX_LOG_BYTES = 4 * 1024 * 1024 };

enum index_answer { INDEX_DONE, INDEX_BUSY, INDEX_FAILED };
/* How long each of the reads that follow may wait, for who is mending the log or has none. */
void index_wait(struct store_index *ix, int wait_ms);
/* The reads that follow see one state, and take no lock each, until index_release() or a write. */
void index_hold(struct store_index *ix);
void index_release(struct store_index *ix);
/* One transaction of writes. Waits at most `wait_ms` for another process. */
enum index_answer index_begin(struct store_index *ix, int wait_ms);
/* All of it, or when one of the writes failed nothing. */
enum index_answer index_commit(struct store_index *ix);
/* Moves the log into the file, with the fsync() that no commit does, when it has more bytes. */
void index_checkpoint(struct store_index *ix, uint64_t log_bytes);
/* Reads all of it; false when it is damaged. */
bool index_check(struct store_index *ix);
/* Gives the room of removed rows back to the file system, if nobody is in the way. */
void index_shrink(struct store_index *ix);

/* -- rows: index_row.c; writes are within a transaction -- */

struct index_object {
    struct object_stat stat;
    int64_t used_s;
    char boot[65];
};
bool index_object(struct store_index *ix, const struct digest *sha256, struct index_object *out);
void index_put_object(struct store_index *ix, const struct pending_object *o, const char *boot);
/* As unverified; what is known of it stays. */
void index_adopt_object(struct store_index *ix, const struct pending_object *o);
void index_use_object(struct store_index *ix, const struct digest *sha256, int64_t used_s);
void index_drop_object(struct store_index *ix, const struct digest *sha256);
typedef void (*index_object_fn)(void *ctx, const struct digest *sha256);
/* The index must not be written meanwhile. */
void index_each_object(struct store_index *ix, index_object_fn fn, void *ctx);

/* `key`: the kind, then the SHA-256 of the key. Strings of `out` live in `a`. */
bool index_record(struct store_index *ix, const uint8_t key[static 33], struct arena *a,
                  struct store_record *out, int64_t *used_s);
void index_put_record(struct store_index *ix, const uint8_t key[static 33],
                      const struct store_record *r, int64_t used_s);
void index_touch_record(struct store_index *ix, const uint8_t key[static 33],
                        const struct store_record *r, int64_t used_s);
void index_use_record(struct store_index *ix, const uint8_t key[static 33], int64_t used_s);
void index_drop_record(struct store_index *ix, const uint8_t key[static 33]);

/* -- all rows: index_all.c -- */

/* All but the cap. */
bool index_info(struct store_index *ix, struct store_info *out);
bool index_total_bytes(struct store_index *ix, uint64_t *out);
/* Most recently used first; `boot` is the one whose objects are verified. */
bool index_list(struct store_index *ix, const char *boot, store_item_fn fn, void *ctx);

/* What is to go: an object or a record. */
struct index_victim {
    bool is_object;
    struct digest sha256;
    int64_t id;
    uint64_t bytes;
};
struct index_victims {
    struct index_victim *items; /* free() */
    size_t n, cap;
};
/* What was used later than now, by a clock that was ahead, was used just before. */
void index_set_back(struct store_index *ix, int64_t now_s);
/* What was last used before `before_s`, and on from there until `excess` bytes are found or `max`
 * items. */
void index_least_used(struct store_index *ix, int64_t before_s, uint64_t excess, size_t max,
                      struct index_victims *out);
/* Records, but immutable ones, that were neither fresh nor used since then. */
void index_stale(struct store_index *ix, int64_t since_s, struct index_victims *out);
void index_drop_victim(struct store_index *ix, const struct index_victim *v);

/* -- for src/store/index_*.c -- */

/* What an error of SQLite is to us: ERR_INPUT for damage, ERR_TIMEOUT for another's lock. */
int index_code(struct store_index *ix, int rc);
/* The statement, ready to be bound; NULL when it can't be prepared, which is noted. */
sqlite3_stmt *index_statement(struct store_index *ix, enum index_statement which);
/* One step: whether there is a row. Errors are noted. */
bool index_step(struct store_index *ix, sqlite3_stmt *st);
/* Runs to its end and resets; NULL is allowed. */
void index_run(struct store_index *ix, sqlite3_stmt *st);
