/* http_silence.h: when a host is given up. Each request has its retries; but a thousand requests to
 * a host that is gone, one time-out after another, would take hours. Pure. Private to net/http. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: nothing has failed. Times are of util/clock. */
struct http_silence {
    unsigned rounds;   /* attempts in a row that brought no byte, each begun after the last's end */
    uint64_t since_us; /* when the first of them ended */
    uint64_t last_us;  /* when the last one ended */
};

/* Something came from the host. */
void http_silence_heard(struct http_silence *s);
/* An attempt that began at `began_us` brought nothing. A burst of them counts once. */
void http_silence_failed(struct http_silence *s, uint64_t began_us, uint64_t now_us);
/* That many rounds, over at least 20 s, have failed; time in which nobody tried does not count. For
 * a minute: then one is tried again. */
bool http_silence_is_final(const struct http_silence *s, unsigned rounds, uint64_t now_us);
