/* http_answer.h: the head of one answer, line by line as libcurl hands it over. Pure. Private to
 * net/http. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/net/http.h"
#include "dray/util/buf.h"
#include "dray/util/err.h"

/* field that is kept as text, its name, what a second one of the name does: the LAST or the FIRST
 * counts, or they are one list and are JOINed (RFC 9110 section 5.3). A list of Content-Range is
 * well-formed for nobody, which is what two of them deserve. */
#define HTTP_FIELDS(X)                                                                             \
    X(CONTENT_TYPE, "Content-Type", LAST)                                                          \
    X(LOCATION, "Location", LAST)                                                                  \
    X(WWW_AUTHENTICATE, "WWW-Authenticate", JOIN)                                                  \
    X(CONTENT_RANGE, "Content-Range", JOIN)                                                        \
    X(ETAG, "ETag", FIRST)                                                                         \
    X(LAST_MODIFIED, "Last-Modified", FIRST)                                                       \
    X(CACHE_CONTROL, "Cache-Control", JOIN)                                                        \
    X(DATE, "Date", FIRST)                                                                         \
    X(AGE, "Age", FIRST)         /* RFC 9111 section 5.1 */                                        \
    X(EXPIRES, "Expires", FIRST) /* RFC 9111 section 4.2.1 */                                      \
    X(VARY, "Vary", JOIN)

enum http_field {
#define HTTP_FIELD_ENUM(field, name, second) HTTP_FIELD_##field,
    HTTP_FIELDS(HTTP_FIELD_ENUM)
#undef HTTP_FIELD_ENUM
        HTTP_FIELD_COUNT
};

/* `struct http_answer a = { 0 }` is one of which nothing has come yet. */
struct http_answer {
    int status;         /* of the last status line; 0: none yet */
    bool head_complete; /* of a final answer: not 1xx */
    bool encoded;       /* has a Content-Encoding other than identity */
    bool chunked; /* has a Transfer-Encoding: Content-Length says nothing (RFC 9112 section 6.3) */
    int64_t content_length; /* of the body that follows; -1: not given, or none follows */
    int64_t retry_after_ms; /* -1: not given */
    size_t bytes;           /* of all lines, trailers and interim answers too */
    struct buf fields[HTTP_FIELD_COUNT]; /* empty: not given */
    struct buf *unfolding;               /* of `fields`: what a folded line goes on; or NULL */
};

/* Forgets all, keeps memory. */
void http_answer_reset(struct http_answer *a);
void http_answer_done(struct http_answer *a);
/* One line with its end. ERR_LIMIT above LIMIT_HEADER_BYTES; what can't be understood is passed
 * over. */
int http_answer_line(struct http_answer *a, struct str line, struct err *e);
/* Without CR, LF and NUL. STR_NONE when it is absent or empty; borrowed until the next line. */
struct str http_answer_field(const struct http_answer *a, enum http_field field);
/* The status and the fields; what is known of the exchange alone is left alone. Borrows. */
void http_answer_fill(const struct http_answer *a, struct http_head *out);
