/* problem.h: what an answer says that is an error (RFC 9457). Pure. */
#pragma once

#include "dray/util/buf.h"

#define PROBLEM_TYPE "application/problem+json"

/* {"type":"about:blank","title":...,"status":...,"detail":...}, appended to `out`. The detail is a
 * sentence: what happened, to what, and what to do about it. */
void problem_write(struct buf *out, unsigned status, struct str detail);
/* The reason phrase of a status (RFC 9110); "Error" for one that is not known. */
const char *problem_title(unsigned status);
