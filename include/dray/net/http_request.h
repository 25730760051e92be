/* http_request.h: what libcurl is told of one attempt of an exchange. Private to net/http. */
#pragma once

#include "dray/net/http_transfer.h"

/* Sets all options of `t->easy` but the callbacks, for its owner's URL and addresses[at]; and
 * `streams`. `afresh`: not on a kept connection. */
void http_request_set(struct http_transfer *t, bool afresh);
