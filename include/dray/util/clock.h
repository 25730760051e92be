/* clock.h: times for deadlines and traces. */
#pragma once

#include <stdint.h>

/* Microseconds since an arbitrary start; never goes back. */
uint64_t clock_us(void);
/* Seconds since 1970, as this machine believes: for what outlives the process. */
int64_t clock_unix_s(void);
/* The same in milliseconds. */
int64_t clock_unix_ms(void);
