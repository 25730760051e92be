/* clock.h: times for deadlines and traces. */
#pragma once

#include <stdint.h>

/* Microseconds since an arbitrary start; never goes back. */
uint64_t clock_us(void);
