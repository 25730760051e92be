/* pending.h: what was learned and is not in the index yet; the last word on each object and record.
 * Owns copies of all that it is given. `struct pending p = { 0 }` is an empty one. For the files of
 * this layer alone. */
#pragma once

#include "dray/store/object_file.h"
#include "dray/store/store.h"
#include "dray/util/map.h"

enum pending_op {
    PENDING_USE,   /* it was used */
    PENDING_ADOPT, /* an object that the index may not know; unverified */
    PENDING_TOUCH, /* a record's validators and times */
    PENDING_PUT,   /* it is so: a record, or an object that was hashed under this boot */
    PENDING_DROP   /* it is gone */
};

struct pending_object {
    struct digest sha256;
    enum pending_op op;
    struct object_stat stat; /* of ADOPT and PUT */
    int64_t used_s;
    char *label; /* of PUT; or NULL */
};

struct pending_record {
    uint8_t key[1 + 32]; /* the kind and the SHA-256 of the key */
    enum pending_op op;
    int64_t used_s;
    struct store_record record; /* of PUT and TOUCH */
    char *text;                 /* where its strings are */
    size_t bytes;
};

struct pending {
    struct map objects, records;
    size_t bytes; /* of the records' strings */
};

/* Forgets everything and is empty again. */
void pending_done(struct pending *p);
/* Forgets the first ones, in the order in which they were noted. */
void pending_drop_first(struct pending *p, size_t objects, size_t records);
bool pending_is_empty(const struct pending *p);
/* NULL when nothing is known. */
struct pending_object *pending_object(const struct pending *p, const struct digest *sha256);
struct pending_record *pending_record(const struct pending *p, const uint8_t key[static 33]);

/* A use or an adoption leaves what is known already, but for its time; the others replace. `stat`
 * is NULL unless `op` is ADOPT or PUT. */
struct pending_object *pending_note_object(struct pending *p, enum pending_op op,
                                           const struct digest *sha256,
                                           const struct object_stat *stat, int64_t used_s);
/* `r` is NULL unless `op` is PUT or TOUCH. A touch renews what is put, and is nothing to what is
 * dropped; a validator that it does not have stays (RFC 9111 section 3.2). */
void pending_note_record(struct pending *p, enum pending_op op, const uint8_t key[static 33],
                         const struct store_record *r, int64_t used_s);
/* `r` as a touch makes it. Strings are borrowed from both. */
void pending_renew(struct store_record *r, const struct store_record *touch);
