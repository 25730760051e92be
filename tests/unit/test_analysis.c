/* What is said of made-up runs (tests/data/analysis), and what holds of any. */
#include "trace_text.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dray/ui/analysis_json.h"
#include "dray/ui/analysis_text.h"

/* "33.333", "33" */
static void add_ms(struct buf *out, uint64_t us)
{
    buf_add_f(out, "%" PRIu64, us / 1000);
    if (us % 1000)
        buf_add_f(out, ".%03u", (unsigned)(us % 1000));
}

static void add_fact(struct buf *out, const char *before, uint64_t us)
{
    buf_add_z(out, before);
    add_ms(out, us);
}

static void dump_shares(struct buf *out, const struct analysis *a)
{
    for (size_t i = 0; i < a->trace->states.n; i++) {
        const struct analysis_time *time = &a->states[i];
        if (!time->machines)
            continue;
        buf_add_str(out, a->trace->states.items[i]);
        add_fact(out, " ", time->share_us);
        buf_add_f(out, " %u", time->per_mille);
        add_fact(out, " some ", time->wall_us);
        add_fact(out, " alone ", time->alone_us);
        add_fact(out, " summed ", time->summed_us);
        buf_add_z(out, "; ");
    }
    add_fact(out, "idle ", a->idle.share_us);
    buf_add_f(out, " %u", a->idle.per_mille);
}

static void dump_step(struct buf *out, const struct analysis *a, const struct critical_step *s)
{
    const struct trace_file *t = a->trace;

    if (s->row != TRACE_NONE)
        buf_add_f(out, "%.*s %.*s", STR_ARG(t->states.items[s->state]),
                  STR_ARG(t->rows[s->row].label));
    else if (s->page != TRACE_NONE)
        buf_add_f(out, "page %.*s", STR_ARG(t->pages[s->page].url));
    else
        buf_add_z(out, "start");
    add_fact(out, " ", s->from_us);
    add_fact(out, "-", s->to_us);
    if (s->waited_us) {
        add_fact(out, " (waited ", s->waited_us);
        buf_add_c(out, ')');
    }
    if (s->row != TRACE_NONE && s->page != TRACE_NONE)
        buf_add_f(out, " [%.*s]", STR_ARG(t->pages[s->page].url));
}

static void dump_path(struct buf *out, const struct analysis *a)
{
    for (size_t i = 0; i < a->path.n; i++) {
        buf_add_z(out, i ? "; " : "");
        dump_step(out, a, &a->path.steps[i]);
    }
}

static void dump_slowest(struct buf *out, const struct analysis *a)
{
    for (size_t i = 0; i < a->n_slowest; i++) {
        const struct analysis_row *slow = &a->slowest[i];
        buf_add_f(out, "%s%.*s", i ? "; " : "", STR_ARG(a->trace->rows[slow->row].label));
        add_fact(out, " ", slow->took_us);
        buf_add_f(out, " %.*s", STR_ARG(a->trace->states.items[slow->state]));
        add_fact(out, " ", slow->state_us);
    }
}

static void dump_counts(struct buf *out, const struct analysis *a)
{
    buf_add_f(out, "done %zu failed %zu unfinished %zu retries %lu", a->done, a->failed,
              a->unfinished, a->retries);
    for (size_t i = 0; i < a->trace->origins.n; i++)
        if (a->origins[i].files)
            buf_add_f(out, "; %.*s %zu %" PRIu64, STR_ARG(a->trace->origins.items[i]),
                      a->origins[i].files, a->origins[i].bytes);
    buf_add_f(out, "; pages %zu failed %zu:", a->trace->n_pages, a->failed_pages);
    for (size_t i = 0; i < a->n_pages; i++) {
        const struct trace_page *page = &a->trace->pages[a->pages[i]];
        buf_add_f(out, "%s %.*s", i ? ";" : "", STR_ARG(page->url));
        add_fact(out, " ", page->to_us - page->from_us);
    }
}

static const struct {
    const char *kind;
    void (*dump)(struct buf *out, const struct analysis *a);
} kinds[] = {
    { "shares", dump_shares },
    { "path", dump_path },
    { "slowest", dump_slowest },
    { "counts", dump_counts },
};

/* What holds of every run. */
static void check_sums(const struct analysis *a)
{
    uint64_t total_us = a->trace->total_us, shares_us = a->idle.share_us, at_us = 0;
    unsigned per_mille = a->idle.per_mille;

    for (size_t i = 0; i < a->trace->states.n; i++) {
        const struct analysis_time *time = &a->states[i];
        shares_us += time->share_us;
        per_mille += time->per_mille;
        assert_true(time->wall_us <= total_us && time->alone_us <= time->wall_us);
        assert_true(time->wall_us <= time->summed_us && time->share_us <= time->wall_us + 1);
        assert_true(time->alone_us <= time->share_us + 1);
    }
    assert_true(shares_us == total_us);
    assert_int_equal(per_mille, total_us ? 1000 : 0);
    for (size_t i = 0; i < a->path.n; i++) {
        assert_true(a->path.steps[i].from_us == at_us && a->path.steps[i].to_us >= at_us);
        at_us = a->path.steps[i].to_us;
    }
    for (size_t i = 0; i < a->trace->n; i++)
        assert_true(a->trace->rows[i].ended_us <= at_us);
}

/* A person and a program are told something whatever happened. */
static void check_outputs(const struct analysis *a)
{
    struct buf text = { 0 }, json = { 0 };

    analysis_text_add(&text, a);
    analysis_json_add(&json, a);
    assert_true(text.n > 20 && text.p[text.n - 1] == '\n');
    assert_true(json.n > 20 && json.p[json.n - 1] == '\n' && json.p[json.n - 2] == '}');
    buf_done(&text);
    buf_done(&json);
}

static void check_run(struct case_line *c, void *ctx)
{
    struct trace_file t = { .n = 0 };
    struct analysis a;
    struct buf text = { 0 }, got = { 0 };
    struct err e = { 0 };
    size_t kind = 0;

    (void)ctx;
    if (!case_has(c, 3, CASE_FIELDS_MAX))
        return;
    for (size_t i = 2; i < c->n; i++)
        trace_text_add(&text, c->fields[i]);
    while (!str_is(c->fields[0], kinds[kind].kind))
        assert_true(++kind < sizeof(kinds) / sizeof(kinds[0]));
    if (trace_text_read(buf_str(&text), text.n, &t, &e))
        fail_msg("%s:%u: %s", c->file, c->number, err_text(&e));
    analysis_init(&a, &t);
    check_sums(&a);
    check_outputs(&a);
    kinds[kind].dump(&got, &a);
    case_equal(c, buf_str(&got), c->fields[1]);
    analysis_done(&a);
    trace_file_done(&t);
    buf_done(&got);
    buf_done(&text);
}

static void test_runs(void **state)
{
    (void)state;
    assert_true(case_each("analysis/runs.case", 30, check_run, NULL));
}

static unsigned next_number(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

static void make_up_event(struct buf *text, unsigned *seed, unsigned ms)
{
    static const char *const states[] = { "lookup", "metadata", "decide", "probe", "queue",
                                          "header", "body",     "hash",   "place", "wait",
                                          "done",   "failed",   "brew" };
    struct buf event = { 0 };
    unsigned order = next_number(seed, 20);

    switch (next_number(seed, 12)) {
    case 0:
        buf_add_f(&event, "%u page %u https://example.org/simple/p%u/", ms,
                  next_number(seed, ms + 3), order);
        break;
    case 1:
        buf_add_f(&event, "%u add %u p%u", ms, order, order);
        break;
    case 2:
        buf_add_f(&event, "%u file %u f%u.whl 10", ms, order, order / 2);
        break;
    default:
        buf_add_f(&event, "%u %u %s", ms, order,
                  states[next_number(seed, sizeof(states) / sizeof(states[0]))]);
    }
    trace_text_add(text, buf_str(&event));
    buf_done(&event);
}

/* Events in no sensible order: the sums hold all the same. */
static void test_made_up(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (unsigned run = 0; run < 300; run++) {
        struct trace_file t = { .n = 0 };
        struct analysis a;
        struct buf text = { 0 };
        struct err e = { 0 };
        unsigned ms = 0;
        for (unsigned i = 0; i < 5 + run; i++) {
            ms += next_number(&seed, 3) ? next_number(&seed, 20) : 0;
            make_up_event(&text, &seed, ms);
        }
        assert_int_equal(trace_text_read(buf_str(&text), text.n, &t, &e), 0);
        analysis_init(&a, &t);
        check_sums(&a);
        check_outputs(&a);
        analysis_done(&a);
        trace_file_done(&t);
        buf_done(&text);
    }
}

static void test_apportion(void **state)
{
    static const struct {
        double weights[4];
        uint64_t total, want[4];
    } rows[] = {
        { { 1, 1, 1, 0 }, 100, { 34, 33, 33, 0 } },
        { { 1, 1, 1, 1 }, 2, { 1, 1, 0, 0 } },
        { { 0, 0, 0, 0 }, 5, { 0, 0, 0, 0 } },
        { { 0.4, 0.4, 0.2, 0 }, 1000, { 400, 400, 200, 0 } },
        { { 999999, 1, 0, 0 }, 1000, { 1000, 0, 0, 0 } },
        { { 5, 0, 0, 0 }, 0, { 0, 0, 0, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t got[4];
        analysis_apportion(rows[i].weights, 4, rows[i].total, got);
        assert_memory_equal(got, rows[i].want, sizeof(got));
    }
    analysis_apportion(NULL, 0, 7, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_made_up),
        cmocka_unit_test(test_apportion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
