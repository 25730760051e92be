/* analysis_json.h: an analysis as one JSON object (analysis_text.h says the same to a person).
 * Pure. Times are whole microseconds, in keys that end in "_us"; they begin with the run. What is
 * not known is null. Keys:
 *
 *   total_us, cut, code         of the run; cut: the trace ends before the run did
 *   requirements                {total, done, failed, unfinished, retries}
 *   bytes                       {bodies, listings, metadata}: that came
 *   states                      [{state, waits_for, share_us, per_mille, wall_us, alone_us,
 *                               summed_us, path_us, requirements}]; the shares and those of `idle`
 *                               add up to total_us and to 1000
 *   idle                        {share_us, per_mille}: no requirement was under way
 *   origins                     [{origin, files, bytes}]
 *   metadata                    [{rung, requirements}]
 *   slowest                     [{order, requirement, file, took_us, state, state_us, retries,
 * code}] listings                    [{url, took_us, bytes, code, origin}]: the slowest
 *   critical_path               [{order, requirement, state, from_us, to_us, waited_us, page}] */
#pragma once

#include "dray/ui/analysis.h"
#include "dray/util/buf.h"

/* Appends the object, indented by two, and a newline. */
void analysis_json_add(struct buf *out, const struct analysis *a);
