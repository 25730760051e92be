/* The head of an answer, as libcurl hands it over: line by line. */
#include <stdlib.h>

#include "dray/net/http_answer.h"
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
    check(a->content_type.n <= a->bytes && a->location.n <= a->bytes);
    check(str_eq(str_trim(buf_str(&a->location)), buf_str(&a->location)));
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
        rest = str_sub(rest, n, rest.n);
    }
    http_answer_done(&a);
    err_done(&e);
    return 0;
}
