/* tests/data/trace (event_script.h), and what happens when the file can't be written. */
#include "event_script.h"

#include <unistd.h>

#include "dray/ui/trace.h"

struct traced {
    char dir[64];
    struct buf path, text;
    struct trace *trace;
    struct script script;
};

static struct str traced_read(struct traced *t)
{
    struct err e = { 0 };

    buf_reset(&t->text);
    if (file_read(buf_z(&t->path), 1u << 20, &t->text, &e))
        fail_msg("%s", err_text(&e));
    return buf_str(&t->text);
}

static struct str traced_written(struct script *s)
{
    struct traced *t = s->ctx;

    return t->trace ? STR_NONE : traced_read(t);
}

static void traced_other(struct script *s, struct case_line *c)
{
    struct traced *t = s->ctx;
    struct err e = { 0 };

    if (!str_is(c->fields[0], "close"))
        fail_msg("%s:%u: no such word", c->file, c->number);
    assert_int_equal(trace_close(t->trace, &e), 0);
    t->trace = NULL;
}

static void traced_begin(struct traced *t)
{
    struct err e = { 0 };

    snprintf(t->dir, sizeof(t->dir), "%s", "/tmp/dray-trace-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    buf_add_f(&t->path, "%s/trace.jsonl", t->dir);
    t->trace = trace_open(buf_z(&t->path), &t->script.events, &e);
    assert_non_null(t->trace);
}

static void traced_end(struct traced *t)
{
    unlink(buf_z(&t->path));
    rmdir(t->dir);
    buf_done(&t->path);
    buf_done(&t->text);
}

static void test_events(void **state)
{
    struct traced t = { .script = { .other = traced_other, .written = traced_written } };

    (void)state;
    t.script.ctx = &t;
    traced_begin(&t);
    script_play(&t.script, "trace/events.case");
    traced_end(&t);
}

static size_t lines_in(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

/* In the file at most a second after the next event or tick, so that a run that hangs can be
 * looked at. */
static void test_flushed_each_second(void **state)
{
    struct traced t = { 0 };
    struct err e = { 0 };

    (void)state;
    traced_begin(&t);
    script_emit(&t.script, &(struct event){ .kind = EVENT_START, .at_us = 0 });
    script_emit(&t.script, &(struct event){ .kind = EVENT_WARNING, .at_us = 500000 });
    assert_int_equal(lines_in(traced_read(&t)), 0);
    script_emit(&t.script, &(struct event){ .kind = EVENT_TICK, .at_us = 1100000 });
    assert_int_equal(lines_in(traced_read(&t)), 2);
    script_emit(&t.script, &(struct event){ .kind = EVENT_WARNING, .at_us = 2000000 });
    script_emit(&t.script, &(struct event){ .kind = EVENT_END, .at_us = 2200000 });
    assert_int_equal(lines_in(traced_read(&t)), 4);
    script_emit(&t.script, &(struct event){ .kind = EVENT_WARNING, .at_us = 2300000 });
    assert_int_equal(lines_in(traced_read(&t)), 4);
    assert_int_equal(trace_close(t.trace, &e), 0);
    assert_int_equal(lines_in(traced_read(&t)), 5);
    traced_end(&t);
}

static void test_cannot_open(void **state)
{
    struct events events = { 0 };
    struct err e = { 0 };

    (void)state;
    assert_null(trace_open("/nonexistent/trace.jsonl", &events, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(events.n, 0);
    err_done(&e);
    assert_int_equal(trace_close(NULL, &e), 0);
}

/* Told once, at the end; the run goes on. */
static void test_disk_full(void **state)
{
    struct script s = { 0 };
    struct err e = { 0 };
    struct trace *t = trace_open("/dev/full", &s.events, &e);

    (void)state;
    if (!t) {
        err_done(&e);
        skip();
    }
    for (unsigned i = 0; i < 5; i++)
        script_emit(&s, &(struct event){ .kind = EVENT_WARNING, .at_us = i * 1000000u });
    assert_int_equal(trace_close(t, &e), ERR_SPACE);
    assert_non_null(strstr(err_text(&e), "/dev/full"));
    err_done(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_flushed_each_second),
        cmocka_unit_test(test_cannot_open),
        cmocka_unit_test(test_disk_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
