/* parts.h: what an open store is made of. For the files of this layer alone. */
#pragma once

#include "dray/store/index.h"
#include "dray/store/pending.h"
#include "dray/store/session.h"
#include "dray/store/store.h"

/* A use is noted again after this long: a record that is read all day is written once an hour. */
enum { STORE_USE_S = 3600 };

/* What partial.h keeps, as it was when it was last looked at. */
struct partials {
    struct partial_name *items;
    size_t n, cap;
    uint64_t listed_us; /* 0: to be looked at again */
};

struct store {
    char *root;
    int objects; /* the open directory <root>/objects */
    uint64_t max_bytes;
    bool read_only;
    char boot[SESSION_BOOT_SIZE]; /* "": unknown, so trust does not outlive the process */
    struct session *session;      /* NULL when read_only */
    struct partials partials;
    struct store_index *index; /* NULL while it can't be used */
    struct pending pending;
    unsigned kinds; /* a set, bit (1u << kind), of which the index had records when it was asked */
    bool kinds_known; /* since the last flush: others may have added some */
    bool evicting;    /* it was above its cap, and not all that has to go is gone */
    bool incomplete;  /* the index may miss what is in objects/: somebody has to look */
};

/* How much is done at once: what fits into a turn of the loop; all that waits; and all that has to
 * be evicted, too. */
enum store_extent { STORE_TURN, STORE_WRITTEN, STORE_TRIMMED };
/* store_flush() of so much that waits at most `wait_ms` for other processes. */
bool store_write(struct store *s, int wait_ms, enum store_extent extent);
/* Whether there is an index that is sound as far as one knows; a damaged one is replaced. */
bool store_mend(struct store *s, int wait_ms);
/* An index for reading, or NULL. */
struct store_index *store_index(struct store *s);
/* Notes to be written: files that the index does not know, and rows without a file. */
void store_adopt(struct store *s);
/* What is known of an object without looking at its file. */
struct store_known {
    struct object_stat stat;
    int64_t used_s;
    enum store_trust trust; /* if the file is still as `stat` has it */
};
bool store_know(struct store *s, const struct digest *sha256, struct store_known *out);

/* Within a transaction: removes these, files too; how much is added to the counts. */
void evict_victims(struct store *s, const struct index_victims *victims, uint64_t *objects,
                   uint64_t *bytes);
/* Within a transaction: at most `max` of the least recently used, when above the cap, until it is
 * at nine tenths of it. */
void evict_excess(struct store *s, size_t max);
