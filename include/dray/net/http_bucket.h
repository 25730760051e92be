/* http_bucket.h: so many bytes a second (a token bucket). What has come is taken out afterwards, so
 * it may be in debt; nothing more should come until it is not. Pure. Private to net/http. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct http_bucket {
    uint64_t rate;  /* bytes a second; 0: no limit */
    int64_t level;  /* bytes */
    uint64_t at_us; /* of that level */
};

void http_bucket_init(struct http_bucket *b, uint64_t rate, uint64_t now_us);
void http_bucket_take(struct http_bucket *b, uint64_t bytes);
/* Microseconds until more may come; 0: now. */
uint64_t http_bucket_wait(struct http_bucket *b, uint64_t now_us);
