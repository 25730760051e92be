#include "dray/net/http_silence.h"

enum {
    PATIENCE_S = 20, /* five retries of one request have waited so long, at most */
    FORGIVEN_S = 60,
    SECOND_US = 1000 * 1000
};

void http_silence_heard(struct http_silence *s)
{
    *s = (struct http_silence){ 0 };
}

void http_silence_failed(struct http_silence *s, uint64_t began_us, uint64_t now_us)
{
    if (s->rounds == 0)
        s->since_us = now_us;
    else if (began_us < s->last_us)
        return;
    s->rounds++;
    s->last_us = now_us;
}

bool http_silence_is_final(const struct http_silence *s, unsigned rounds, uint64_t now_us)
{
    return s->rounds >= rounds && s->last_us - s->since_us >= (uint64_t)PATIENCE_S * SECOND_US &&
           now_us - s->last_us < (uint64_t)FORGIVEN_S * SECOND_US;
}
