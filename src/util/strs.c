#include "dray/util/strs.h"

#include <stdlib.h>

#include "dray/util/mem.h"

void strs_add(struct strs *l, struct str s)
{
    l->items = mem_grow(l->items, l->n, &l->cap, sizeof(*l->items));
    l->items[l->n++] = s;
}

void strs_done(struct strs *l)
{
    if (!l)
        return;
    free(l->items);
    *l = (struct strs){ 0 };
}
