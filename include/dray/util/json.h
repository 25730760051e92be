/* json.h: writing JSON (RFC 8259) into a buffer, by yajl. Text that is not UTF-8 is written with
 * U+FFFD in place of each wrong byte, so the output is always valid. Reading: yajl_tree_parse() for
 * small documents, py/simple for listings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/util/buf.h"
#include "dray/util/str.h"

struct json; /* a document that is being written */

/* `out` is borrowed and receives the text at json_close(). `pretty` indents by two. */
struct json *json_open(struct buf *out, bool pretty);
/* Ends the document; every map and list must have been ended. */
void json_close(struct json *j);
void json_map(struct json *j);
void json_map_end(struct json *j);
void json_list(struct json *j);
void json_list_end(struct json *j);
void json_key(struct json *j, const char *key);
void json_str(struct json *j, struct str s); /* STR_NONE is written as null */
void json_int(struct json *j, int64_t n);
void json_bool(struct json *j, bool b);
void json_null(struct json *j);
