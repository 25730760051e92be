/* http_manners.h: what the answers and failures of a host mean for its further requests: how many
 * at once, and when. Private to net/http. */
#pragma once

#include "dray/net/http_exchange.h"

/* The final answer of an attempt has come, whole or (`cut`) in part. While it has its seat. */
void manners_answer(struct http_exchange *x, bool cut);
/* An attempt has ended, whatever is to become of it, `code` is how; or it has stalled. While it has
 * its seat. Whether another attempt over HTTP/1.1 is worth it: HTTP/2 broke and was given up. */
bool manners_attempt(struct http_exchange *x, CURLcode code);
void manners_stall(struct http_exchange *x);
/* There was no answer: none of `code`'s attempts is left. While it has its seat. */
void manners_failure(struct http_exchange *x, CURLcode code);
