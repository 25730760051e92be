/* What is asked for is written, and what came is read, here and not by libcurl, whose
 * CURLOPT_RANGE takes a 416 for success or failure by its own mind. */
#include "dray/net/http_range.h"

#include <assert.h>
#include <inttypes.h>

/* Decimal digits; INT64_MAX is not reached, so that one more can be counted. */
static bool take_number(struct str text, int64_t *out)
{
    uint64_t number;

    if (!str_to_u64(text, INT64_MAX - 1, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

/* "0-99" or "*". */
static bool take_span(struct str text, struct http_content_range *r)
{
    struct str last;

    if (str_is(text, "*"))
        return true;
    struct str first = str_cut(text, '-', &last);
    return take_number(first, &r->first) && take_number(last, &r->last) && r->first <= r->last;
}

void http_range_write(const struct http_range *r, struct buf *out)
{
    assert(r->kind != HTTP_WHOLE && (r->n > 0 || r->kind == HTTP_REST));
    if (r->kind == HTTP_REST) {
        buf_add_f(out, "bytes=%" PRIu64 "-", r->first);
        return;
    }
    if (r->kind == HTTP_SUFFIX) {
        buf_add_f(out, "bytes=-%" PRIu64, r->n);
        return;
    }
    assert(r->first <= UINT64_MAX - r->n);
    buf_add_f(out, "bytes=%" PRIu64 "-%" PRIu64, r->first, r->first + (r->n - 1));
}

struct http_content_range http_content_range_parse(struct str value)
{
    static const struct http_content_range none = { .first = -1, .last = -1, .total = -1 };
    struct http_content_range r = none;
    struct str rest, total;

    /* Names of units have no case (section 14.1); exactly one blank behind it (section 14.4). */
    if (!str_eq_nocase(str_cut(value, ' ', &rest), STR("bytes")))
        return none;
    struct str span = str_cut(rest, '/', &total);
    if (!take_span(span, &r) || (!str_is(total, "*") && !take_number(total, &r.total)))
        return none;
    if (r.first < 0 && r.total < 0) /* "*" for both says nothing */
        return none;
    if (r.total >= 0 && r.last >= r.total)
        return none;
    r.given = true;
    return r;
}
