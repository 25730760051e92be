/* http_manners.h: what the answers and failures of a host mean for its further requests: how many
 * at once, and when. Private to net/http. */
#pragma once

#include "dray/net/http_exchange.h"

/* The final answer of an attempt has come, whole or (`cut`) in part. While it has its seat. */
void manners_answer(struct http_exchange *x, bool cut);
/* There was none: none of `code`'s attempts is left. While it has its seat. */
void manners_failure(struct http_exchange *x, CURLcode code);
