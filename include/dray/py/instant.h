/* instant.h: points in time as indexes and people write them: RFC 3339, the upload times of PEP
 * 700. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/util/str.h"

/* "2024-03-01T12:00:00.123456Z" or with an offset, "+02:00", as microseconds since 1970 in UTC;
 * further digits do not count. False when it is none, or before 1970. */
bool instant_parse(struct str text, int64_t *out_us);
/* The end of what is meant by "until then": of a day, "2024-03-01", the first instant of the next
 * (in UTC); of an instant the next one. */
bool instant_parse_end(struct str text, int64_t *out_us);
