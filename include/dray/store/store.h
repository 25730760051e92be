/* store.h: what is kept between runs: files by their sha256, and records of what was learned about
 * URLs. Shared by all processes of a user; safe under kill -9 and several processes at once. Owns
 * everything under its root; never touches the network.
 *
 *     <root>/objects/ab/abcdef...    verified files, mode 0444, named by their sha256
 *     <root>/partial/<session>/      files in progress of one process, which holds a lock on
 *                                    <session>/lock; when it is gone, the next store_open() clears
 *     <root>/partial/                bodies that were cut: partial.h
 *     <root>/index.sqlite            records, sizes, last use; beside it its log
 *     <root>/CACHEDIR.TAG            says that it is a store; a directory without it that holds
 *                                    other things is refused
 *     <root>/lock                    held while the index is opened or moved aside
 *
 * An object is trusted as long as its time of writing and its size are those at which its bytes
 * were last hashed, and under the same boot. Nothing is synced: after another boot it counts as
 * STORE_UNVERIFIED, and the caller hashes it before it uses it. Changes to the index are collected
 * and written by store_flush(), many in one transaction; what a killed process had not written yet
 * is found again by the next store_open() that clears its session. Synchronous; no call waits for
 * another process but store_close(), and store_open() while another one creates the index. A
 * damaged index is moved aside (index.sqlite.damaged) and begun anew from the objects. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/store/place.h"
#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/digest.h"
#include "dray/util/err.h"

struct store;

struct store_options {
    const char *root;   /* created, mode 0700, where it is missing */
    uint64_t max_bytes; /* the cap; 0: 10 GiB, or a tenth of its file system if that is less */
    bool read_only;     /* must exist (ERR_NOT_FOUND); nothing is changed, not even last use */
};

/* ERR_IO, ERR_SPACE: it can't be used, and why; ERR_UNSUPPORTED: a newer dray made it. */
struct store *store_open(const struct store_options *o, struct err *e);
/* Flushes (waiting a little for other processes) and brings it below its cap. Every place_file of
 * store_temp() must have been destroyed. NULL is allowed. */
void store_close(struct store *s);
const char *store_root(const struct store *s);
/* Where files that will become objects are written. NULL when read_only. */
struct place *store_temp(struct store *s);
/* Writes what was collected, as much as fits into a turn of the loop, in one transaction; when
 * another process is writing it does nothing and says so: false. Either way, call again while the
 * store is dirty. Fails silently when the disk is full: the store then
 * forgets, and nobody else is hurt. Above the cap it evicts some of the least recently used, and
 * stays dirty until nine tenths of the cap are left. */
bool store_flush(struct store *s);
/* Something waits for store_flush(). */
bool store_is_dirty(const struct store *s);

/* -- objects -- */

/* What is put in; borrowed. The sha256 is that of its bytes: the caller has just computed it. */
struct store_put {
    const struct digest *sha256;
    uint64_t bytes;
    struct str label; /* for people: a file name */
};
/* Makes a finished temporary file of store_temp() an object; whoever had the same one before is
 * left alone. Only place_file_destroy() of `f` is allowed afterwards. */
int store_commit(struct store *s, struct place_file *f, const struct store_put *put, struct err *e);

enum store_trust { STORE_TRUSTED, STORE_UNVERIFIED };
struct store_object {
    int fd; /* for reading; the caller's to close */
    uint64_t bytes;
    enum store_trust trust;
};
/* Notes its use. false when there is none (also: vanished, another size than recorded; committing
 * it again mends that). A file that the index does not know is STORE_UNVERIFIED. */
bool store_find(struct store *s, const struct digest *sha256, struct store_object *out);
/* The caller has hashed it and found it right: trusted under this boot. */
void store_vouch(struct store *s, const struct digest *sha256);
/* It is not what its name says: it goes. */
void store_discard(struct store *s, const struct digest *sha256);
/* Its path, for links and messages. */
void store_object_path(const struct store *s, const struct digest *sha256, struct buf *out);

/* -- records: small things under a key -- */

/* kind, what `cache list` calls it */
#define STORE_KINDS(X)                                                                             \
    X(LISTING, "listing")   /* a page of an index, packed */                                       \
    X(METADATA, "metadata") /* a wheel's METADATA, by the wheel's sha256 or its URL */             \
    X(FILE, "file")         /* which object a URL had: the 32 bytes of its sha256 */               \
    X(HOST, "host")         /* what a server can do */                                             \
    X(BUILD, "build")       /* which wheel was built from a source distribution */                 \
    X(SET, "set")           /* which projects a set of requirements needed */

enum store_kind {
#define STORE_KIND_ENUM(kind, name) STORE_##kind,
    STORE_KINDS(STORE_KIND_ENUM)
#undef STORE_KIND_ENUM
        STORE_KIND_COUNT
};

/* Seconds since 1970. Strings are borrowed by store_put(), and live in the arena given to
 * store_get(). */
struct store_record {
    struct str label;               /* for people: a redacted URL, a file name */
    struct str etag, last_modified; /* validators; STR_NONE when absent */
    struct str base; /* of a listing: where its relative URLs start; without userinfo */
    int64_t received_s, fresh_until_s;
    bool no_stale, immutable;
    struct str content;
};

/* `key`: any bytes; the store keeps only its SHA-256, so that it may hold credentials. false when
 * there is none. Notes its use. Sees what was put and not flushed yet; of what others write maybe
 * nothing until the next store_flush(). */
bool store_get(struct store *s, enum store_kind kind, struct str key, struct arena *a,
               struct store_record *out);
/* Replaces. Above LIMIT_STORE_RECORD_BYTES nothing is kept. Flushes when much is waiting. */
void store_put(struct store *s, enum store_kind kind, struct str key, const struct store_record *r);
/* Only its validators, times and flags are new: the content stays, and so does a validator that `r`
 * does not have (RFC 9111 section 3.2). Nothing happens when there is none. */
void store_touch(struct store *s, enum store_kind kind, struct str key,
                 const struct store_record *r);
void store_forget(struct store *s, enum store_kind kind, struct str key);

const char *store_kind_name(enum store_kind kind);
