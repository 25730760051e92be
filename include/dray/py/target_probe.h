/* target_probe.h: asking an interpreter what it is: the script that it runs and the reading of its
 * answer. Pure: who starts the interpreter is job/interpreter. */
#pragma once

#include "dray/py/target.h"

/* For `python3 -I -c`, Python 3.7 or newer, any implementation; needs the standard library only.
 * Prints one JSON object, ASCII, with a member for each field of struct target_facts. */
extern const char target_probe_script[];

/* Reads that object; everything is copied into `a`. ERR_INPUT names the member that is missing or
 * wrong, ERR_LIMIT when the answer is longer than LIMIT_CHILD_OUTPUT_BYTES. */
int target_facts_parse(struct arena *a, struct str json, struct target_facts *out, struct err *e);
