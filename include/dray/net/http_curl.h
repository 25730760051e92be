/* http_curl.h: libcurl's multi interface on the loop: sockets, the timer, messages. Private to
 * net/http. None of these may be called from within a callback of libcurl. */
#pragma once

#include <curl/curl.h>

#include "dray/net/loop.h"

struct http_curl;

/* The transfer of the easy handle with this CURLOPT_PRIVATE ended. Runs between libcurl's own
 * calls: it may only record, and post a task. The handle stays added until http_curl_remove(). */
typedef void (*http_curl_ended_fn)(void *private, CURLcode code);

/* `connections`: how many are kept, busy and idle. */
struct http_curl *http_curl_open(struct loop *l, unsigned connections, http_curl_ended_fn ended,
                                 struct err *e);
/* Every easy handle must have been removed. Its uv handles close in the loop's next turn. */
void http_curl_close(struct http_curl *c);
/* `streams`: it may be one of several on a connection (HTTP/2). The same for both. */
void http_curl_add(struct http_curl *c, CURL *easy, bool streams);
void http_curl_remove(struct http_curl *c, CURL *easy, bool streams);
