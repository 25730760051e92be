/* http_dialect.h: whether a host is spoken to by HTTP/2. Some break it, always or under load, and
 * serve HTTP/1.1 well (cargo #6513: retrying repeats the same broken pattern). Pure. Private to
 * net/http. */
#pragma once

#include <stdbool.h>

enum http2_standing {
    HTTP2_UNTRIED,
    HTTP2_ABSENT, /* it was offered, and the answer came by HTTP/1.1 */
    HTTP2_SPOKEN,
    HTTP2_GIVEN_UP /* for the run */
};

struct http_dialect {
    enum http2_standing standing;
    unsigned broken; /* so many times; a transfer belongs to that in which it began */
};

/* An answer came to a transfer that might have gone by HTTP/2. */
void http_dialect_heard(struct http_dialect *d, bool by_http2);
/* A transfer that began when `broken` was `since` failed by HTTP/2. Whether that is given up now:
 * all that failed on one connection count once. */
bool http_dialect_broke(struct http_dialect *d, unsigned since);
