#include "dray/net/http_pace.h"

enum {
    GOOD_FOR_ONE_MORE = 8,
    /* One of a few that failed says little of how many are too many: never below half of this by
     * one lowering. */
    TELLING = 8,
};

void http_pace_init(struct http_pace *p, unsigned most)
{
    *p = (struct http_pace){ .limit = most, .most = most };
}

bool http_pace_trouble(struct http_pace *p, unsigned round, unsigned n)
{
    unsigned before = p->limit;
    unsigned telling = n > TELLING ? n : TELLING; /* where the limit was out of reach anyway */

    if (round != p->round)
        return false;
    p->round++;
    p->good = 0;
    p->limit = (telling < before ? telling : before) / 2;
    if (p->limit == 0)
        p->limit = 1;
    return p->limit < before;
}

bool http_pace_good(struct http_pace *p, unsigned round)
{
    if (round != p->round || p->limit == p->most || ++p->good < GOOD_FOR_ONE_MORE)
        return false;
    p->good = 0;
    p->limit++;
    return true;
}
