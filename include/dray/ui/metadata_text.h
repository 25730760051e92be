/* metadata_text.h: what `dray metadata` prints: of each requirement that is DONE, in their order.
 */
#pragma once

#include "dray/job/job.h"
#include "dray/util/buf.h"

/* As it stands in the wheel; when there are several, behind a line "==> FILE <==" each. */
void metadata_text_plain(struct buf *out, const struct job_result *r);
/* A list of maps: requirement, filename, url, metadata in the JSON form of PEP 566, and,
 * `with_stats`, rung, requests and bytes. */
void metadata_text_json(struct buf *out, const struct job_result *r, bool with_stats);
/* A line for each, for people: how it was read, requests, bytes; and their sums. */
void metadata_text_stats(struct buf *out, const struct job_result *r);
