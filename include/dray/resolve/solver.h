/* solver.h: a solver from inside. Private to resolve/: solve.c has the loop, trail.c what was
 * decided and derived so far, learn.c what follows from a conflict, choose.c what is decided next,
 * expand.c how facts become incompatibilities. */
#pragma once

#include "dray/resolve/fates.h"
#include "dray/resolve/solve.h"
#include "dray/util/map.h"

struct package;

/* Of what will become of a package. */
struct term {
    struct package *package;
    struct fates fates;
};

/* Why it can't be. */
enum reason {
    REASON_ASKED, /* a person asks for `needs` */
    REASON_CONSTRAINED,
    REASON_NEEDS,    /* the first term's package needs the second's, by `needs` */
    REASON_SAME,     /* "foo[x]" has the version of "foo" */
    REASON_PYTHON,   /* it needs another Python; `metadata` */
    REASON_UNUSABLE, /* `metadata` says why */
    REASON_UNASKED,  /* a pre-release, or yanked: only for who asks for it */
    REASON_LEARNED   /* follows from `left` and `right` */
};

/* All terms together can't hold; one term a package. Never changed once it was added. */
struct incompatibility {
    enum reason reason;
    struct term *terms;
    size_t n;
    const struct requirement *needs;
    struct str label;
    const struct solve_metadata *metadata;
    const struct incompatibility *left, *right;
};

/* One who asks for a package, while it is decided. */
struct demand {
    struct package *by; /* NULL: a person */
    size_t fate;        /* of `by` */
    const struct requirement *wants;
    struct fates fates;                       /* versions that will do */
    bool is_constraint, pre, pinned, bounded; /* pre-releases, one version, none above */
};

struct demands {
    struct demand *items;
    size_t n, cap;
};

struct project {
    struct str name;
    bool known;
    struct solve_listing listing;
    struct fates versions; /* all but absent */
    struct fates finals;   /* neither pre-release nor of a URL */
    struct fates yanked, urls;
    const struct solve_metadata **metadata; /* of each candidate; NULL: not known */
    struct map sets;                        /* text of specifiers or URL -> struct fates */
    struct package *packages;               /* first the project itself, then with one extra each */
    struct demands known_demands;           /* all that were ever seen of it */
    struct fates guessed;                   /* what meets all that solver_guess() was asked */
    size_t tried;
};

struct package {
    struct project *project;
    struct str extra, name; /* STR_NONE: the project itself; "foo[extra]" */
    struct package *next;   /* of the project */
    struct incompatibility **about;
    size_t n_about, cap_about;
    size_t *steps; /* of the trail that are about it */
    size_t n_steps, cap_steps;
    struct demands demands; /* at present */
    struct fates all;
    struct fates expanded; /* whose dependencies have become incompatibilities */
    struct fates linked;   /* of an extra: that are tied to the project's */
    unsigned order;        /* of a person's requirements; UINT_MAX */
    unsigned conflicts, yielded;
    bool decided, changed;
};

/* One step of what was decided or derived. */
struct step {
    struct package *package;
    struct fates now;                    /* what is possible from here on */
    struct fates own;                    /* what this step alone leaves */
    size_t level;                        /* decisions so far, this one included */
    const struct incompatibility *cause; /* NULL: a decision */
};

/* A decision that is to be made again, where it still can be. */
struct replay {
    struct package *package;
    size_t fate;
};

struct wish {
    const struct requirement *wants;
    struct str label;
    bool is_constraint;
};

struct solver {
    struct solve_rules rules;
    struct arena arena;
    struct map projects;
    struct wish *wishes;
    size_t n_wishes, cap_wishes;
    struct package **packages;
    size_t n_packages, cap_packages;
    struct step *trail;
    size_t n_trail, cap_trail, level, rounds;
    struct demand_of *asked; /* the active demands in order, to be taken back */
    size_t n_asked, cap_asked;
    struct package **queue; /* changed, not yet propagated */
    size_t n_queue, cap_queue;
    struct replay *replays;
    size_t n_replays, cap_replays, at_replay;
    struct solve_lack *lacks;
    size_t n_lacks, cap_lacks;
    struct solve_lack *likely;
    size_t n_likely, cap_likely;
    bool begun;
    const struct incompatibility *failure;
    struct solve_pin *pins;
    size_t n_pins;
};

/* An active demand of `of`, asked at `level`. */
struct demand_of {
    struct package *of;
    size_t level;
};

/* -- expand.c -- */

struct project *solver_project(struct solver *s, struct str name);
/* The project itself (`extra` STR_NONE), or with an extra. Its listing is known. */
struct package *solver_package(struct solver *s, struct project *p, struct str extra);
/* Ties the packages with extras to the version that is decided for the project itself. */
void solver_link(struct solver *s, struct project *p);
/* The candidates of `p` that a requirement allows. */
struct fates project_set(struct solver *s, struct project *p, const struct requirement *r);
/* Notes what is missing to know what `r` means; false if something is. */
bool solver_can_ask(struct solver *s, const struct requirement *r);
/* What a person asks for becomes incompatibilities; false: facts are missing. */
bool solver_begin(struct solver *s);
/* The dependencies of a candidate, too. */
bool solver_expand(struct solver *s, struct package *p, size_t fate);
/* Its dependencies are asked for from now on. */
void solver_ask(struct solver *s, struct package *p, size_t fate);
void solver_add(struct solver *s, struct incompatibility *i);
struct incompatibility *solver_incompatibility(struct solver *s, enum reason reason,
                                               size_t n_terms);
/* Does `r` ask for anything here? Of a package with an extra: for the sake of that extra. */
bool package_needs(const struct solver *s, const struct package *p, const struct solve_metadata *m,
                   const struct requirement *r);

/* -- pins.c -- */

/* Is each pin admitted by what is in the solution, too, and not only by what was decided beside it
 * and nobody needs? If not, says so as an incompatibility. */
bool solver_is_supported(struct solver *s);

/* -- trail.c -- */

/* What may still become of it. */
struct fates package_now(const struct package *p, const struct solver *s);
bool package_is_required(const struct package *p, const struct solver *s);
void solver_decide(struct solver *s, struct package *p, size_t fate);
void solver_derive(struct solver *s, const struct term *t, const struct incompatibility *cause);
void solver_back_to(struct solver *s, size_t level);
void solver_changed(struct solver *s, struct package *p);

/* -- learn.c -- */

/* All that follows; false: there is no solution. */
bool solver_propagate(struct solver *s);

/* -- choose.c -- */

/* The candidates of `p` that may be taken at all, by who asks for it now. */
struct fates project_admitted(struct solver *s, const struct project *p, const struct demands *d);
struct package *solver_next_package(struct solver *s);
/* What is possible and admitted; the caller's to change. */
struct fates solver_choice(struct solver *s, struct package *p);
/* The best of it; FATE_ABSENT when there is none. */
size_t solver_pick(const struct solver *s, const struct package *p, struct fates choice);
/* Both at once. */
size_t solver_best_fate(struct solver *s, struct package *p);
/* One more term; of a package that has one already both must hold. */
void solver_put_term(struct solver *s, struct incompatibility *no, struct package *p,
                     struct fates set);
/* Nothing that is possible is admitted: says so, as an incompatibility. */
void solver_refuse_unasked(struct solver *s, struct package *p);
