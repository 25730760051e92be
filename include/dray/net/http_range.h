/* http_range.h: ranges of bytes as header fields have them (RFC 9110 section 14). Pure. Private to
 * net/http. */
#pragma once

#include "dray/net/http.h"
#include "dray/util/buf.h"

/* "bytes=0-99", "bytes=-100", "bytes=100-"; appended to `out`. Not for HTTP_WHOLE. */
void http_range_write(const struct http_range *r, struct buf *out);
/* Of a Content-Range. Strict: "bytes -10-99/100", "bytes 9-0/100" and "bytes 0-100/100" have all
 * been seen, and whoever writes these means nothing that can be relied on: not `given`. */
struct http_content_range http_content_range_parse(struct str value);
