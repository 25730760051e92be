#include "dray/net/http_dialect.h"

enum { BROKEN_MAX = 2 }; /* once may be a restart, or a network that went away */

void http_dialect_heard(struct http_dialect *d, bool by_http2)
{
    if (d->standing != HTTP2_GIVEN_UP && (by_http2 || d->standing == HTTP2_UNTRIED))
        d->standing = by_http2 ? HTTP2_SPOKEN : HTTP2_ABSENT;
}

bool http_dialect_broke(struct http_dialect *d, unsigned since)
{
    if (d->standing == HTTP2_GIVEN_UP || since != d->broken || ++d->broken < BROKEN_MAX)
        return false;
    d->standing = HTTP2_GIVEN_UP;
    return true;
}
