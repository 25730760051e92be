/* http_request.h: what libcurl is told of one attempt of an exchange. Private to net/http. */
#pragma once

#include "dray/net/http_transfer.h"

/* How long to connect may take: 10 s, less when the options' time-out is less. */
unsigned http_connect_ms(const struct http_options *o);

/* Sets all options of `t->easy` but the callbacks, for its owner's URL and `t->address`; and
 * `streams`. `afresh`: not on a kept connection. */
void http_request_set(struct http_transfer *t, bool afresh);
