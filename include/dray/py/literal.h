/* literal.h: the quoted strings of markers. PEP 508 has them without escapes; `packaging` reads
 * them as Python does, escapes included, and so do we. Pure. */
#pragma once

#include "dray/util/arena.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

/* The value of `quoted`, a string of one line with its quotes, of which none is inside; `column`
 * is where it begins (from 1), for the error. The value is in `a`, in UTF-8; a surrogate that
 * was written as an escape is encoded like any other character. ERR_INPUT for what Python calls
 * a syntax error, and for \N{NAME}, which nobody has ever needed. */
int literal_decode(struct arena *a, struct str quoted, size_t column, struct str *out,
                   struct err *e);
