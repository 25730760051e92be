/* Only the fields that deciding about an answer takes. libcurl has checked the framing; here
 * nothing is believed beyond its form. */
#include "dray/net/http_answer.h"

#include <curl/curl.h>
#include <limits.h>
#include <time.h>

#include "dray/net/http_range.h"
#include "dray/util/limits.h"

enum second { LAST, FIRST, JOIN };

static const struct {
    struct str name;
    enum second second;
} fields[HTTP_FIELD_COUNT] = {
#define HTTP_FIELD_ROW(field, name, second) { { (name), sizeof(name) - 1 }, (second) },
    HTTP_FIELDS(HTTP_FIELD_ROW)
#undef HTTP_FIELD_ROW
};

static void start_over(struct http_answer *a)
{
    a->status = 0;
    a->head_complete = a->encoded = a->chunked = false;
    a->content_length = a->retry_after_ms = -1;
    a->unfolding = NULL;
    for (size_t i = 0; i < HTTP_FIELD_COUNT; i++)
        buf_reset(&a->fields[i]);
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

/* RFC 9110 section 5.5: what could end a line when it is sent back (as a validator is) counts as a
 * blank: CR, LF and NUL. */
static struct str trim(struct str value)
{
    while (value.n > 0 && (str_isspace(value.p[0]) || value.p[0] == '\0'))
        value = str_sub(value, 1, value.n);
    while (value.n > 0 && (str_isspace(value.p[value.n - 1]) || value.p[value.n - 1] == '\0'))
        value.n--;
    return value;
}

static void add_value(struct buf *to, struct str value)
{
    size_t start = to->n;

    buf_add_str(to, value);
    for (size_t i = start; i < to->n; i++)
        if (to->p[i] == '\r' || to->p[i] == '\n' || to->p[i] == '\0')
            to->p[i] = ' ';
}

static void keep_text(struct http_answer *a, struct str name, struct str value)
{
    size_t i = 0;

    while (i < HTTP_FIELD_COUNT && !str_eq_nocase(name, fields[i].name))
        i++;
    if (i == HTTP_FIELD_COUNT)
        return;
    struct buf *to = &a->fields[i];
    if (to->n > 0 && fields[i].second == FIRST)
        return;
    if (fields[i].second == LAST)
        buf_reset(to);
    if (to->n > 0 && value.n > 0)
        buf_add_z(to, ", ");
    add_value(to, value);
    a->unfolding = to;
}

static void take_field(struct http_answer *a, struct str line)
{
    struct str value;
    struct str name = str_cut(line, ':', &value);
    uint64_t number;

    value = trim(value);
    a->unfolding = NULL;
    if (str_eq_nocase(name, STR("Content-Length")))
        a->content_length = str_to_u64(value, INT64_MAX, &number) ? (int64_t)number : -1;
    else if (str_eq_nocase(name, STR("Transfer-Encoding")))
        a->chunked = true;
    else if (str_eq_nocase(name, STR("Content-Encoding"))) /* a list: one of them is enough */
        a->encoded |= value.n > 0 && !str_eq_nocase(value, STR("identity"));
    else if (str_eq_nocase(name, STR("Retry-After")))
        a->retry_after_ms = retry_after(value);
    else
        keep_text(a, name, value);
}

/* RFC 9112 section 5.2, a line that begins with a blank goes on with the field before it: else
 * what it forbids would be overlooked. */
static void take_folded(struct http_answer *a, struct str line)
{
    struct str more = trim(line);

    if (!a->unfolding || more.n == 0)
        return;
    if (a->unfolding->n > 0)
        buf_add_c(a->unfolding, ' ');
    add_value(a->unfolding, more);
}

static void end_head(struct http_answer *a)
{
    a->head_complete = a->status >= 200;
    /* RFC 9112 section 6.3: no body follows. A 304 tells how long the one would be that the client
     * has. */
    if (a->status == 204 || a->status == 304)
        a->content_length = -1;
}

void http_answer_reset(struct http_answer *a)
{
    start_over(a);
    a->bytes = 0;
}

void http_answer_done(struct http_answer *a)
{
    for (size_t i = 0; i < HTTP_FIELD_COUNT; i++)
        buf_done(&a->fields[i]);
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
    else if (line.n == 0 || line.p[0] == '\r' || line.p[0] == '\n')
        end_head(a);
    else if (str_isspace(line.p[0]))
        take_folded(a, line);
    else
        take_field(a, line);
    return 0;
}

void http_answer_fill(const struct http_answer *a, struct http_head *out)
{
    out->status = a->status;
    out->content_type = http_answer_field(a, HTTP_FIELD_CONTENT_TYPE);
    out->content_range = http_content_range_parse(http_answer_field(a, HTTP_FIELD_CONTENT_RANGE));
    out->etag = http_answer_field(a, HTTP_FIELD_ETAG);
    out->last_modified = http_answer_field(a, HTTP_FIELD_LAST_MODIFIED);
    out->cache_control = http_answer_field(a, HTTP_FIELD_CACHE_CONTROL);
    out->date = http_answer_field(a, HTTP_FIELD_DATE);
    out->age = http_answer_field(a, HTTP_FIELD_AGE);
    out->expires = http_answer_field(a, HTTP_FIELD_EXPIRES);
    out->vary = http_answer_field(a, HTTP_FIELD_VARY);
}

struct str http_answer_field(const struct http_answer *a, enum http_field field)
{
    return a->fields[field].n > 0 ? buf_str(&a->fields[field]) : STR_NONE;
}
