/* solve.h: which version of every project, so that all that is asked for holds together (PubGrub:
 * conflict-driven, learns why something can't be). Pure, without any I/O: where a fact is missing
 * it says which, is told, and steps again. What it answers depends on the facts alone, not on the
 * order in which they came.
 *
 * Choices are pip's: the newest version that all who ask for a project allow; pre-releases and
 * yanked files by pip's rules (PEP 440, PEP 592); projects in the order of pip's preference. Where
 * pip finds a choice without going back on one, it is the same here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/py/requirement.h"
#include "dray/util/err.h"

/* One version of a project, with the file that would be taken for it. */
struct solve_candidate {
    const struct version *version;
    struct str url; /* of a requirement "name @ url"; STR_NONE: listed on an index */
    bool yanked;
};

/* A version that can't be taken for this target, for explanations. */
struct solve_refused {
    const struct version *version;
    struct str why; /* "needs Python >=3.13" */
};

/* All candidates of a project. Borrowed, as all that a solver is told, until it is destroyed. */
struct solve_listing {
    const struct solve_candidate *candidates; /* best first */
    size_t n;
    const struct solve_refused *refused; /* newest first */
    size_t n_refused;
    struct str missing; /* STR_NONE, or why there is no such project at all: one sentence */
};

/* What the metadata of a candidate says. */
struct solve_metadata {
    const struct requirement *dependencies;
    size_t n;
    const struct specifier_set *requires_python; /* NULL: any */
    const struct str *extras; /* that it provides, normalised; NULL: whichever are asked for */
    size_t n_extras;
    struct str unusable; /* STR_NONE, or why it can't be taken: one sentence */
};

struct solve_rules {
    const struct marker_env *env;
    const struct version *python; /* what Requires-Python is compared with */
    bool pre;                     /* pre-releases as well as any other */
    bool lowest;                  /* the lowest version in place of the highest */
    bool lowest_direct;           /* that only for what is asked for by name */
};

struct solver;

/* `rules` is copied, what it points to is borrowed. */
struct solver *solver_create(const struct solve_rules *rules);
/* NULL is allowed. */
void solver_destroy(struct solver *s);

/* What is asked for; its marker is taken to hold. `label`: as a person wrote it. Before the first
 * step. */
void solver_require(struct solver *s, const struct requirement *r, struct str label);
/* Holds of a project only if something else asks for it. */
void solver_constrain(struct solver *s, const struct requirement *r, struct str label);

enum { SOLVE_LISTING = -1 };

/* A fact that is missing. */
struct solve_lack {
    struct str project; /* normalised */
    int candidate;      /* whose metadata; SOLVE_LISTING: the candidates of the project */
    struct str url;     /* STR_NONE, or a dependency asks for it, and it is not among the candidates
                         * that were told: then there is no way on */
};

enum solve_state {
    SOLVE_PAUSED, /* enough for one turn of a loop: step again */
    SOLVE_LACKS,  /* solver_lacks() says what */
    SOLVE_FOUND,  /* solver_pins() */
    SOLVE_NOTHING /* there is no solution: explain.h says why */
};

enum solve_state solver_step(struct solver *s);
/* Decisions and conflicts so far: what a cap is compared with, since some sets have no quick
 * answer.
 */
size_t solver_rounds(const struct solver *s);
/* All of them, so that they can be had side by side. Valid until the next step. */
const struct solve_lack *solver_lacks(const struct solver *s, size_t *n);
/* May come at any time between two steps, also of what was not asked for; each once. */
void solver_tell_listing(struct solver *s, struct str project, const struct solve_listing *l);
void solver_tell_metadata(struct solver *s, struct str project, size_t candidate,
                          const struct solve_metadata *m);

/* One project of the solution. */
struct solve_pin {
    struct str project;
    size_t candidate;
    const struct str *extras; /* normalised */
    size_t n_extras;
    struct str *via; /* projects of the solution that need it; none: a person does, alone */
    size_t n_via;
    const struct requirement *wants; /* who asked first, with this */
};

/* In the order in which they were first asked for: what a person asked for, then what that needs.
 * Valid until solver_destroy(). */
const struct solve_pin *solver_pins(struct solver *s, size_t *n);

/* The candidate that would meet this requirement and all others that were guessed about before, or
 * this one alone where they can't meet; for those who fetch ahead. SOLVE_LISTING: none, or the
 * listing is not known. */
int solver_guess(struct solver *s, const struct requirement *r);
/* After SOLVE_LACKS: the metadata that will be asked for next if nothing comes in between, of each
 * project that is needed and not decided, and where versions were tried in vain that of the next
 * ones, more of them each time; for those who fetch ahead. Valid until the next step. */
const struct solve_lack *solver_likely(struct solver *s, size_t *n);
