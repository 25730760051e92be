/* http_error.h: results of libcurl and statuses of HTTP as errors of ours. Private to net/http. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "dray/util/err.h"

/* What is known of a transfer that failed. */
struct http_failure {
    CURLcode code;
    const char *detail; /* libcurl's own words, or "" */
    const char *host;
    unsigned port;
    const char *url;                   /* redacted */
    const char *proxy;                 /* redacted: host and port are those of a proxy; or NULL */
    const char *ca_file, *client_cert; /* as http_options has them */
    long os_error;                     /* errno of a connection that was refused; 0: unknown */
    uint64_t body_bytes;               /* that had come */
    int64_t body_length;               /* that were announced, or -1 */
    bool connected;
};

/* Writes the sentence, sets *again; returns the code. */
int http_error_transfer(const struct http_failure *f, bool *again, struct err *e);
/* The final answer's status is neither one that was asked for nor a redirect. */
int http_error_status(int status, const char *url, bool *again, struct err *e);
/* "Not Found", or NULL. */
const char *http_error_reason(int status);
/* Such an answer may be another one the next time. */
bool http_error_is_again(int status);
/* An attempt at this address failed, another may do. */
bool http_error_is_of_address(CURLcode code, bool connected);
/* A kept connection that the server had given up already looks like this: no byte of an answer
 * came. */
bool http_error_is_of_reuse(CURLcode code);
