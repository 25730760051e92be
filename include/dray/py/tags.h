/* tags.h: compatibility tags, `cp312-cp312-manylinux_2_17_x86_64` (PEP 425, 600, 656, 730, 738, and
 * PEP 703's "t" ABIs), as an ordered set: what one Python on one platform can install, best first.
 * Pure. The order is that of packaging.tags. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/py/filename.h"
#include "dray/util/arena.h"
#include "dray/util/str.h"

struct tag {
    struct str python, abi, platform; /* lower case */
};

struct tag_set; /* in an arena */

enum { TAG_NONE = -1 };

/* Copies `tags` (best first; doubles after the first are dropped) into `a`. */
struct tag_set *tag_set_create(struct arena *a, const struct tag *tags, size_t n);
size_t tag_set_count(const struct tag_set *s);
/* The i-th best. */
const struct tag *tag_set_at(const struct tag_set *s, size_t i);
/* The smallest index among all tags of the wheel's compressed sets, or TAG_NONE: not installable.
 */
int tag_set_rank(const struct tag_set *s, const struct wheel_name *w);
