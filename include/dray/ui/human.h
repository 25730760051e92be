/* human.h: sizes, rates and durations as a person reads them. Pure; appends to a buffer. */
#pragma once

#include <stdint.h>

#include "dray/util/buf.h"

/* "12 bytes", "340 kB", "1.2 MB", "1.4 GB": powers of ten, cut and rounded as pip's format_size
 * does. */
void human_bytes(struct buf *out, uint64_t n);
/* "85.2 MB/s" */
void human_rate(struct buf *out, uint64_t bytes_per_s);
/* What something took or will take: "12 ms", "0.8 s", "16.2 s", "2 min 5 s", "1 h 2 min". */
void human_took(struct buf *out, uint64_t us);
/* Time left, at most 7 characters: "0:15", "1:02:03", "12 h", "5 d". */
void human_left(struct buf *out, uint64_t seconds);
/* "1 file", "3 files": the number, the noun, and an "s" unless the number is one. */
void human_count(struct buf *out, uint64_t n, const char *noun);
