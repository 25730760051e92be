/* trace_row.h: what the events of one requirement become in a struct trace_file. For trace_file.c
 * only. */
#pragma once

#include "dray/ui/trace_file.h"
#include "dray/ui/trace_line.h"

/* Where `name` stands in `names` of `t`, added when it is new. ERR_LIMIT at LIMIT_TRACE_NAMES. */
int trace_name_find(struct trace_file *t, struct strs *names, struct str name, size_t *out,
                    struct err *e);
/* One more state that was left, or page. ERR_LIMIT at LIMIT_TRACE_RECORDS. */
int trace_record_count(struct trace_file *t, struct err *e);
/* An event with an "order", of the line with this number. Until trace_rows_finish() rows stand at
 * their order. */
int trace_row_take(struct trace_file *t, enum event_kind kind, const struct trace_line *l,
                   uint32_t number, struct err *e);
/* Leaves out the orders that no event named, and closes what is open. */
void trace_rows_finish(struct trace_file *t);
