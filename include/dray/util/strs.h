/* strs.h: a list of borrowed strings that grows. `struct strs l = { 0 }` is an empty one; owns the
 * array only. */
#pragma once

#include "dray/util/str.h"

struct strs {
    struct str *items;
    size_t n, cap;
};

void strs_add(struct strs *l, struct str s);
void strs_done(struct strs *l);
