/* A trace from anywhere: in one piece and in many it is the same error or the same trace, its rows
 * touch time without gaps, the shares of an analysis add up, and all outputs can be made. */
#include <stdlib.h>

#include "dray/ui/analysis_json.h"
#include "dray/ui/analysis_text.h"
#include "dray/ui/timeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_check(bool holds)
{
    if (!holds)
        abort();
}

static int read_trace(struct str text, size_t piece, struct trace_file *out)
{
    struct trace_reader *r = trace_reader_create(out);
    struct err e = { 0 };
    int code = 0;

    for (size_t at = 0; !code && at < text.n; at += piece) {
        struct buf part = { 0 }; /* on the heap, so that reading beyond it is noticed */
        buf_add_str(&part, str_sub(text, at, at + piece));
        code = trace_reader_feed(r, part.p, part.n, &e);
        buf_done(&part);
    }
    if (!code)
        code = trace_reader_finish(r, &e);
    fuzz_check(code == e.code);
    trace_reader_destroy(r);
    err_done(&e);
    return code;
}

static void check_rows(const struct trace_file *t, const struct trace_file *other)
{
    fuzz_check(t->n == other->n && t->n_pages == other->n_pages && t->cut == other->cut);
    for (size_t i = 0; i < t->n; i++) {
        const struct trace_row *row = &t->rows[i];
        uint64_t at_us = row->began_us;
        fuzz_check(row->n == other->rows[i].n && str_eq(row->label, other->rows[i].label));
        for (size_t k = 0; k < row->n; at_us = row->spans[k++].to_us)
            fuzz_check(row->spans[k].from_us == at_us && row->spans[k].to_us >= at_us &&
                       row->spans[k].state < t->states.n);
        fuzz_check(row->ended_us == at_us && at_us <= t->total_us);
    }
}

static void check_analysis(const struct analysis *a)
{
    struct buf out = { 0 };
    uint64_t shares_us = a->idle.share_us, at_us = 0;

    for (size_t i = 0; i < a->trace->states.n; i++)
        shares_us += a->states[i].share_us;
    fuzz_check(shares_us == a->trace->total_us);
    for (size_t i = 0; i < a->path.n; at_us = a->path.steps[i++].to_us)
        fuzz_check(a->path.steps[i].from_us == at_us && a->path.steps[i].to_us >= at_us);
    analysis_text_add(&out, a);
    analysis_json_add(&out, a);
    timeline_add(&out, a);
    fuzz_check(out.n > 0);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct trace_file whole = { .n = 0 }, pieces = { .n = 0 };
    struct analysis a;

    int code = read_trace(text, size + 1, &whole);
    fuzz_check(read_trace(text, size % 13 + 1, &pieces) == code);
    if (!code) {
        check_rows(&whole, &pieces);
        analysis_init(&a, &whole);
        check_analysis(&a);
        analysis_done(&a);
    }
    trace_file_done(&whole);
    trace_file_done(&pieces);
    return 0;
}
