/* Only the fields that deciding about an answer takes. libcurl has checked the framing; here
 * nothing is believed beyond its form. */
#include "dray/net/http_answer.h"

#include <curl/curl.h>
#include <limits.h>
#include <time.h>

#include "dray/util/limits.h"

static void start_over(struct http_answer *a)
{
    a->status = 0;
    a->head_complete = a->encoded = a->chunked = false;
    a->content_length = a->retry_after_ms = -1;
    buf_reset(&a->content_type);
    buf_reset(&a->location);
}

/* "HTTP/1.1 404 Not Found", "HTTP/2 200": an interim answer may have come before. */
static void take_status(struct http_answer *a, struct str line)
{
    struct str rest;
    uint64_t status;

    start_over(a);
    str_cut(line, ' ', &rest);
    if (str_to_u64(str_sub(str_trim(rest), 0, 3), 999, &status))
        a->status = (int)status;
}

/* RFC 9110 section 10.2.3: seconds, or the time from which on. A number of any size is one. */
static int64_t retry_after(struct str value)
{
    enum { MS = 1000 };
    char date[64];
    uint64_t seconds;

    if (value.n == 0 || value.n >= sizeof date)
        return -1;
    if (str_to_u64(value, UINT64_MAX, &seconds))
        return (int64_t)(seconds < INT_MAX ? seconds : INT_MAX) * MS;
    memcpy(date, value.p, value.n);
    date[value.n] = '\0';
    if (memchr(date, '\0', value.n) ||
        !str_isalpha(date[0])) /* curl_getdate() reads much into numbers */
        return -1;
    time_t then = curl_getdate(date, NULL);
    time_t now = time(NULL);
    if (then == (time_t)-1)
        return -1;
    if (then <= now)
        return 0;
    return (int64_t)(then - now < INT_MAX ? then - now : INT_MAX) * MS;
}

static void take_field(struct http_answer *a, struct str line)
{
    struct str value;
    struct str name = str_cut(line, ':', &value);
    uint64_t number;

    value = str_trim(value);
    if (str_eq_nocase(name, STR("Content-Length"))) {
        a->content_length = str_to_u64(value, INT64_MAX, &number) ? (int64_t)number : -1;
    } else if (str_eq_nocase(name, STR("Transfer-Encoding"))) {
        a->chunked = true;
    } else if (str_eq_nocase(name, STR("Content-Encoding"))) {
        a->encoded = value.n > 0 && !str_eq_nocase(value, STR("identity"));
    } else if (str_eq_nocase(name, STR("Retry-After"))) {
        a->retry_after_ms = retry_after(value);
    } else if (str_eq_nocase(name, STR("Content-Type"))) {
        buf_reset(&a->content_type);
        buf_add_str(&a->content_type, value);
    } else if (str_eq_nocase(name, STR("Location"))) {
        buf_reset(&a->location);
        buf_add_str(&a->location, value);
    }
}

void http_answer_reset(struct http_answer *a)
{
    start_over(a);
    a->bytes = 0;
}

void http_answer_done(struct http_answer *a)
{
    buf_done(&a->content_type);
    buf_done(&a->location);
}

int http_answer_line(struct http_answer *a, struct str line, struct err *e)
{
    a->bytes += line.n;
    if (a->bytes > LIMIT_HEADER_BYTES)
        return err_set(e, ERR_LIMIT, "the answer's headers have more than %d bytes",
                       LIMIT_HEADER_BYTES);
    if (a->head_complete) /* a trailer */
        return 0;
    if (str_starts(line, STR("HTTP/")))
        take_status(a, line);
    else if (str_trim(line).n > 0)
        take_field(a, line);
    else
        a->head_complete = a->status >= 200;
    return 0;
}
