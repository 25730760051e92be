/* trace_text.h: traces for the tests of what reads them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/ui/trace_file.h"

/* In pieces of so many bytes. Returns the error's code. */
static inline int trace_text_read(struct str text, size_t piece, struct trace_file *out,
                                  struct err *e)
{
    struct trace_reader *r = trace_reader_create(out);
    int code = 0;

    for (size_t at = 0; !code && at < text.n; at += piece) {
        struct str part = str_sub(text, at, at + piece);
        code = trace_reader_feed(r, part.p, part.n, e);
    }
    if (!code)
        code = trace_reader_finish(r, e);
    trace_reader_destroy(r);
    assert_int_equal(code, e->code);
    return code;
}

/* One event in short, as a line of JSON; times are milliseconds:
 *   T add ORDER LABEL         T ORDER STATE [ORIGIN]      T file ORDER NAME SIZE
 *   T page TOOK URL [CODE]    T retry ORDER               T end CODE */
static inline void trace_text_add(struct buf *out, struct str event)
{
    struct str w[5] = { STR_NONE };
    uint64_t ms = 0, took = 0;

    for (size_t i = 0; i < 5 && event.p; i++)
        w[i] = str_cut(event, ' ', &event);
    assert_true(str_to_u64(w[0], UINT32_MAX, &ms));
    buf_add_f(out, "{\"t\":%u.%03u000,", (unsigned)(ms / 1000), (unsigned)(ms % 1000));
    if (str_is(w[1], "add")) {
        buf_add_f(out, "\"event\":\"added\",\"order\":%.*s,\"requirement\":\"%.*s\"}\n",
                  STR_ARG(w[2]), STR_ARG(w[3]));
    } else if (str_is(w[1], "file")) {
        buf_add_f(out, "\"event\":\"warning\",\"order\":%.*s,\"file\":\"%.*s\",\"size\":%.*s}\n",
                  STR_ARG(w[2]), STR_ARG(w[3]), STR_ARG(w[4]));
    } else if (str_is(w[1], "page")) {
        assert_true(str_to_u64(w[2], UINT32_MAX, &took));
        buf_add_f(out,
                  "\"took\":%u.%03u,\"event\":\"page\",\"text\":\"%.*s\",\"n\":7,"
                  "\"code\":\"%.*s\"}\n",
                  (unsigned)(took / 1000), (unsigned)(took % 1000), STR_ARG(w[3]),
                  STR_ARG(w[4].p ? w[4] : STR("ok")));
    } else if (str_is(w[1], "retry")) {
        buf_add_f(out, "\"event\":\"retry\",\"order\":%.*s,\"n\":5}\n", STR_ARG(w[2]));
    } else if (str_is(w[1], "end")) {
        buf_add_f(out, "\"event\":\"end\",\"code\":\"%.*s\"}\n", STR_ARG(w[2]));
    } else {
        buf_add_f(out, "\"event\":\"state\",\"order\":%.*s,\"to\":\"%.*s\"", STR_ARG(w[1]),
                  STR_ARG(w[2]));
        if (w[3].p)
            buf_add_f(out, ",\"origin\":\"%.*s\"", STR_ARG(w[3]));
        buf_add_z(out, "}\n");
    }
}
