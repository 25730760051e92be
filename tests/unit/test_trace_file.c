/* Traces, by the table of tests/data/trace_file: each in one piece, byte by byte and in pieces of
 * seven. Caps that need much text stand here. */
#include "trace_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static void dump_row(struct buf *out, const struct trace_file *t, const struct trace_row *row)
{
    buf_add_f(out, "@%zu", row->order);
    if (row->label.p)
        buf_add_f(out, " %.*s", STR_ARG(row->label));
    if (row->file.p)
        buf_add_f(out, " (%.*s)", STR_ARG(row->file));
    for (size_t i = 0; i < row->n; i++)
        buf_add_f(out, " %.*s:%" PRIu64 "-%" PRIu64, STR_ARG(t->states.items[row->spans[i].state]),
                  row->spans[i].from_us, row->spans[i].to_us);
    buf_add_f(out, " = %.*s%s", STR_ARG(t->states.items[row->state]), row->ended ? "" : " open");
    if (row->origin != TRACE_NONE)
        buf_add_f(out, " %.*s", STR_ARG(t->origins.items[row->origin]));
    if (row->got_bytes)
        buf_add_f(out, " got %" PRIu64, row->got_bytes);
    if (row->size)
        buf_add_f(out, " size %" PRIu64, row->size);
    if (row->retries)
        buf_add_f(out, " retries %u", row->retries);
    if (row->rung != TRACE_NONE)
        buf_add_f(out, " metadata %.*s %" PRIu64, STR_ARG(t->rungs.items[row->rung]),
                  row->metadata_bytes);
    if (row->code.p)
        buf_add_f(out, " %.*s: %.*s", STR_ARG(row->code), STR_ARG(row->why));
    buf_add_z(out, "; ");
}

static void dump_trace(struct buf *out, const struct trace_file *t)
{
    for (size_t i = 0; i < t->n; i++)
        dump_row(out, t, &t->rows[i]);
    for (size_t i = 0; i < t->n_pages; i++) {
        const struct trace_page *p = &t->pages[i];
        buf_add_f(out, "page %.*s %" PRIu64 "-%" PRIu64 " %" PRIu64, STR_ARG(p->url), p->from_us,
                  p->to_us, p->bytes);
        buf_add_f(out, p->code.p ? " %.*s; " : "%.*s; ", STR_ARG(p->code));
    }
    buf_add_f(out, "total %" PRIu64, t->total_us);
    if (t->cut)
        buf_add_z(out, " cut");
    else
        buf_add_f(out, " %.*s", STR_ARG(t->code));
}

/* Rows touch time without gaps, whatever came. */
static void check_spans(const struct trace_file *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct trace_row *row = &t->rows[i];
        uint64_t at_us = row->began_us;
        for (size_t k = 0; k < row->n; k++) {
            assert_true(row->spans[k].from_us == at_us && row->spans[k].to_us >= at_us);
            assert_true((row->spans[k].line == 0) == (k + 1 == row->n && !row->ended));
            at_us = row->spans[k].to_us;
        }
        assert_true(row->ended_us == at_us && at_us <= t->total_us);
        assert_true(i == 0 || row->order > t->rows[i - 1].order);
    }
}

static void check_lines(struct case_line *c, void *ctx)
{
    static const size_t pieces[] = { SIZE_MAX / 2, 1, 7 };
    struct buf text = { 0 };

    (void)ctx;
    if (!case_has(c, 2, CASE_FIELDS_MAX))
        return;
    for (size_t i = 1; i < c->n; i++)
        buf_add_f(&text, "%s%.*s", i > 1 ? "\n" : "", STR_ARG(c->fields[i]));
    for (size_t i = 0; i < 3; i++) {
        struct trace_file t = { .n = 0 };
        struct buf got = { 0 };
        struct err e = { 0 };
        if (trace_text_read(buf_str(&text), pieces[i], &t, &e)) {
            buf_add_f(&got, "error %s: %s", err_name(e.code), err_text(&e));
            buf_cut(&got, got.n < c->fields[0].n ? got.n : c->fields[0].n);
        } else {
            check_spans(&t);
            dump_trace(&got, &t);
        }
        case_equal(c, buf_str(&got), c->fields[0]);
        trace_file_done(&t);
        buf_done(&got);
        err_done(&e);
    }
    buf_done(&text);
}

static void test_lines(void **state)
{
    (void)state;
    assert_true(case_each("trace_file/lines.case", 45, check_lines, NULL));
}

static void assert_limit(const struct buf *text, const char *part)
{
    struct trace_file t = { .n = 0 };
    struct err e = { 0 };

    assert_int_equal(trace_text_read(buf_str(text), 60000, &t, &e), ERR_LIMIT);
    if (!strstr(err_text(&e), part))
        fail_msg("\"%s\" does not say \"%s\"", err_text(&e), part);
    trace_file_done(&t);
    err_done(&e);
}

static void test_line_cap(void **state)
{
    struct trace_file t = { .n = 0 };
    struct buf text = { 0 };
    struct err e = { 0 };

    (void)state;
    buf_add_z(&text, "{\"t\":1,\"event\":\"start\",\"text\":\"");
    while (text.n < LIMIT_TRACE_LINE_BYTES - 2)
        buf_add_c(&text, 'x');
    buf_add_z(&text, "\"}\n");
    assert_int_equal(trace_text_read(buf_str(&text), 60000, &t, &e), 0);
    trace_file_done(&t);
    buf_cut(&text, text.n - 3);
    buf_add_z(&text, "x\"}\n");
    assert_limit(&text, "line 1 of the trace has more than");
    buf_cut(&text, text.n - 1);
    assert_limit(&text, "line 1 of the trace has more than");
    buf_done(&text);
}

static void test_other_caps(void **state)
{
    struct buf text = { 0 };

    (void)state;
    for (unsigned i = 0; i < LIMIT_TRACE_NAMES; i++)
        buf_add_f(&text, "{\"t\":%u,\"event\":\"state\",\"order\":1,\"to\":\"state %u\"}\n", i, i);
    assert_limit(&text, "names of states");
    buf_reset(&text);
    buf_add_z(&text, "{\"t\":1,\"event\":\"start\",\"x\":");
    for (unsigned i = 0; i < LIMIT_JSON_DEPTH; i++)
        buf_add_c(&text, '[');
    buf_add_c(&text, '\n');
    struct trace_file t = { .n = 0 };
    struct err e = { 0 };
    assert_int_equal(trace_text_read(buf_str(&text), 60000, &t, &e), ERR_INPUT);
    assert_non_null(strstr(err_text(&e), "nests deeper"));
    trace_file_done(&t);
    err_done(&e);
    buf_done(&text);
}

static void test_files(void **state)
{
    char path[] = "/tmp/dray-trace-file-XXXXXX";
    struct trace_file t = { .n = 0 };
    struct err e = { 0 };
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{\"t\":2,\"event\":\"end\"}\nx\n", 24), 24);
    close(fd);
    assert_int_equal(trace_file_read(path, &t, &e), ERR_INPUT);
    assert_non_null(strstr(err_text(&e), path));
    assert_non_null(strstr(err_text(&e), "line 2"));
    trace_file_done(&t);
    assert_int_equal(truncate(path, 22), 0);
    err_done(&e);
    assert_int_equal(trace_file_read(path, &t, &e), 0);
    assert_int_equal(t.total_us, 2000000);
    trace_file_done(&t);
    unlink(path);
    assert_int_equal(trace_file_read(path, &t, &e), ERR_NOT_FOUND);
    trace_file_done(&t);
    assert_int_equal(trace_file_read("/tmp", &t, &e), ERR_IO);
    trace_file_done(&t);
    err_done(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_line_cap),
        cmocka_unit_test(test_other_caps),
        cmocka_unit_test(test_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
