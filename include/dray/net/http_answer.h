/* http_answer.h: the head of one answer, line by line as libcurl hands it over. Pure. Private to
 * net/http. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/util/buf.h"
#include "dray/util/err.h"

/* `struct http_answer a = { 0 }` is one of which nothing has come yet. */
struct http_answer {
    int status;         /* of the last status line; 0: none yet */
    bool head_complete; /* of a final answer: not 1xx */
    bool encoded;       /* has a Content-Encoding other than identity */
    bool chunked; /* has a Transfer-Encoding: Content-Length says nothing (RFC 9112 section 6.3) */
    int64_t content_length;            /* -1: not given */
    int64_t retry_after_ms;            /* -1: not given */
    size_t bytes;                      /* of all lines, trailers and interim answers too */
    struct buf content_type, location; /* empty: not given */
};

/* Forgets all, keeps memory. */
void http_answer_reset(struct http_answer *a);
void http_answer_done(struct http_answer *a);
/* One line with its end. ERR_LIMIT above LIMIT_HEADER_BYTES; what can't be understood is passed
 * over. */
int http_answer_line(struct http_answer *a, struct str line, struct err *e);
