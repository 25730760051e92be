/* facts.h: what a run has found out of projects and of files: each is asked for once, however many
 * targets and guesses want it, and kept until the end. */
#pragma once

#include "dray/fetch/ladder.h"
#include "dray/fetch/source.h"
#include "dray/resolve/solve.h"

/* One who waits for a fact. Zeroed but for `fn` and `ctx`; the storage is the caller's. */
struct fact_wait {
    void (*fn)(void *ctx); /* it is known; from the loop */
    void *ctx;
    struct fact_wait *next, **at; /* in the list of the fact; NULL: in none */
};
/* At any time: it will not be called. */
void fact_wait_forget(struct fact_wait *w);

/* What a distribution's metadata says, and how it was had. */
struct file_facts {
    struct err err; /* it can't be had, where another attempt might: no server, no network */
    struct solve_metadata needs;
    struct str text;  /* METADATA */
    bool told_extras; /* that it does not provide; by the first that wanted one */
    enum metadata_rung rung;
    unsigned requests;
    uint64_t bytes;
    bool used;         /* a solver asked for it; set by who asks */
    bool taken;        /* by a machine, which then counts what it took */
    struct body *body; /* the whole file was fetched, and there is no store to keep it */
    struct digest digests[DIGEST_COUNT]; /* of that */
    struct specifier_set python;
};

struct facts;

/* `w` is copied, what it points to borrowed. */
struct facts *facts_create(const struct fetch_world *w);
/* Stops what is under way and lets the listings and bodies go; what was read of metadata stays. */
void facts_cancel(struct facts *f);
/* Cancels, too. NULL is allowed. */
void facts_destroy(struct facts *f);

/* A file of that project is only right if it has one of these (pip's --hash): seen to before
 * anything of it is run. The first call for a project counts. Borrowed. */
void facts_allow(struct facts *f, struct str project, const struct digest *hashes, size_t n);

/* All files of a project (normalised): known, or NULL, and then `w` is called when it is. `w` NULL:
 * nobody waits, it is fetched ahead. */
const struct source_answer *facts_listing(struct facts *f, struct str project, struct fact_wait *w);
/* The metadata of a file of that project, likewise. */
struct file_facts *facts_metadata(struct facts *f, const struct distribution *d, struct str project,
                                  struct fact_wait *w);
/* Would it be cheap: is there a metadata file beside it, or may its server do ranges? */
bool facts_is_cheap(const struct facts *f, const struct distribution *d);

/* What it took so far. */
struct facts_count {
    size_t listings, metadata; /* that were asked for */
    size_t unused;             /* of `metadata`: only fetched ahead */
    size_t requests;           /* for metadata */
    uint64_t bytes;
};
struct facts_count facts_count(const struct facts *f);
