/* http_part.h: whose turn it is, of several that share seats: who has the fewest for its weight.
 * Among those of whom a seat more or less makes none better off they go in turn, by weight (stride
 * scheduling: each has a virtual time, which a seat moves on the less the more it weighs). Seats
 * count and not how many have been given: transfers of a minute and of a moment would otherwise be
 * the same, and who has the long ones would get all seats in the end. Pure. Private to net/http. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What one has. Embedded in it as its first member. */
struct http_part {
    unsigned weight;
    unsigned n;      /* seats now */
    uint64_t passed; /* virtual time */
    struct http_part *next;
};

struct http_parts {
    struct http_part *first;
    uint64_t clock; /* the virtual time of the last that had its turn */
};

/* `weight`: 0 counts as 1, more than LIMIT_SHARE_WEIGHT as that. */
void http_parts_add(struct http_parts *all, struct http_part *p, unsigned weight);
void http_parts_remove(struct http_parts *all, struct http_part *p);
/* Of those who want a seat; NULL: nobody does. Linear. */
struct http_part *http_parts_choose(const struct http_parts *all,
                                    bool (*wants)(const struct http_part *p));
/* A seat for `p`. It gives it up by `n--`. */
void http_parts_give(struct http_parts *all, struct http_part *p);
