/* flat.h: the --find-links places, read once a run: directories, pages that are not bound to one
 * project, single files. */
#pragma once

#include "dray/fetch/page.h"
#include "dray/util/strs.h"

struct flat;

/* `places`: path or URL, each a directory, a page or a distribution file. `done` runs once, later,
 * from the loop; with the first error in the order of the places. */
typedef void (*flat_done_fn)(void *ctx, struct err *e);
struct flat *flat_start(const struct page_world *w, const struct strs *places, flat_done_fn done,
                        void *ctx);
/* At any time. NULL is allowed. */
void flat_destroy(struct flat *f);

/* One file, and where its relative URL starts. */
struct flat_file {
    const struct simple_file *file;
    struct str base;
    bool is_local; /* from a directory or given as a path: pip puts these before what pages list */
};

typedef void (*flat_visit_fn)(void *ctx, const struct flat_file *file);
/* All files that may be of `project` (normalised), in the order of the places among those whose
 * names begin alike. After `done` only. */
void flat_find(const struct flat *f, struct str project, flat_visit_fn visit, void *ctx);
