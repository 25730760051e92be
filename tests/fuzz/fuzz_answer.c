/* The head of an answer, as libcurl hands it over: line by line. */
#include <stdlib.h>

#include "dray/net/http_answer.h"
#include "dray/net/http_range.h"
#include "dray/util/limits.h"

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_fields(const struct http_answer *a)
{
    check(a->status >= 0 && a->status <= 999);
    check(!a->head_complete || a->status >= 200);
    check(a->content_length >= -1 && a->retry_after_ms >= -1);
    check(a->bytes <= LIMIT_HEADER_BYTES);
    check(a->content_length < 0 || !a->head_complete || (a->status != 204 && a->status != 304));
    for (int i = 0; i < HTTP_FIELD_COUNT; i++) {
        struct str text = http_answer_field(a, (enum http_field)i);
        check(text.n <= 2 * a->bytes); /* ", " for a ":" and the end of a line */
        check(str_eq(str_trim(text), text) && (text.p != NULL) == (text.n > 0));
        check(str_find(text, '\r') < 0 && str_find(text, '\n') < 0 && str_find(text, '\0') < 0);
    }
}

/* A Content-Range that is well-formed is within bounds, and is the text that it is written as. */
static void check_range(struct str value)
{
    struct http_content_range r = http_content_range_parse(value);
    char *end;

    check(r.first <= r.last && (r.first < 0) == (r.last < 0));
    check(r.given ? r.first >= 0 || r.total >= 0 : r.first == -1 && r.total == -1);
    check(r.total < 0 || r.last < r.total);
    if (!r.given)
        return;
    struct str total;
    struct str span = str_cut(str_sub(value, 6, value.n), '/', &total);
    check(str_is(total, "*") ? r.total == -1 : strtoll(total.p, &end, 10) == r.total);
    check(str_is(span, "*") ? r.first == -1 : strtoll(span.p, &end, 10) == r.first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size };
    struct http_answer a = { 0 };
    struct err e = { 0 };

    http_answer_reset(&a);
    while (rest.n > 0) {
        ptrdiff_t end = str_find(rest, '\n');
        size_t n = end < 0 ? rest.n : (size_t)end + 1;
        if (http_answer_line(&a, str_sub(rest, 0, n), &e) < 0)
            break;
        check_fields(&a);
        check_range(http_answer_field(&a, HTTP_FIELD_CONTENT_RANGE));
        rest = str_sub(rest, n, rest.n);
    }
    http_answer_done(&a);
    err_done(&e);
    return 0;
}
