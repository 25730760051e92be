/* The picture: valid XML whatever the trace says (libxml2 reads it), as many rows and bars as there
 * should be, and in their places. */
#include "trace_text.h"

#include <libxml/parser.h>
#include <stdlib.h>

#include "dray/ui/svg_text.h"
#include "dray/ui/timeline.h"

static void check_text(struct case_line *c, void *ctx)
{
    struct buf got = { 0 };
    uint64_t max = 0;

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    case_check(c, str_to_u64(c->fields[1], 1000, &max));
    svg_text_add(&got, c->fields[0], max);
    case_equal(c, buf_str(&got), c->fields[2]);
    buf_done(&got);
}

static void test_text(void **state)
{
    (void)state;
    assert_true(case_each("timeline/text.case", 15, check_text, NULL));
}

/* -- The document -- */

struct counts {
    size_t rows, bars, thin, scripts, links;
    double first_x, last_end; /* of bars in rows */
};

static double attribute(xmlNode *node, const char *name)
{
    xmlChar *text = xmlGetProp(node, (const xmlChar *)name);
    double value = 0;

    assert_non_null(text);
    assert_int_equal(sscanf((const char *)text, "%lf", &value), 1);
    xmlFree(text);
    return value;
}

static bool has_class(xmlNode *node, const char *name)
{
    xmlChar *text = xmlGetProp(node, (const xmlChar *)"class");
    bool has = text && str_is(str_of((const char *)text), name);

    xmlFree(text);
    return has;
}

static void count_bar(xmlNode *bar, struct counts *out)
{
    double x = attribute(bar, "x"), width = attribute(bar, "width");

    if (!out->bars || x < out->first_x)
        out->first_x = x;
    if (x + width > out->last_end)
        out->last_end = x + width;
    assert_true(width > 0 && attribute(bar, "height") > 0);
    out->bars++;
    out->thin += attribute(bar, "height") < 6;
}

static void count_nodes(xmlNode *node, bool in_row, struct counts *out)
{
    for (; node; node = node->next) {
        struct str name = str_of(node->type == XML_ELEMENT_NODE ? (const char *)node->name : "");
        bool row = str_is(name, "g") && has_class(node, "row");
        out->rows += row;
        out->scripts += str_is(name, "script");
        out->links += str_is(name, "a") || str_is(name, "image") || str_is(name, "use");
        if (in_row && str_is(name, "rect"))
            count_bar(node, out);
        count_nodes(node->children, in_row || row, out);
    }
}

/* Draws what the events say. */
static void draw(struct str events, struct buf *svg)
{
    struct trace_file t = { .n = 0 };
    struct analysis a;
    struct err e = { 0 };

    if (trace_text_read(events, events.n + 1, &t, &e))
        fail_msg("%s", err_text(&e));
    analysis_init(&a, &t);
    timeline_add(svg, &a);
    analysis_done(&a);
    trace_file_done(&t);
}

static struct counts count(const struct buf *svg)
{
    struct counts out = { .rows = 0 };
    xmlDoc *doc = xmlReadMemory(svg->p, (int)svg->n, "timeline.svg", NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_HUGE);

    if (!doc)
        fail_msg("no XML:\n%.3000s", buf_z(svg));
    count_nodes(xmlDocGetRootElement(doc), false, &out);
    xmlFreeDoc(doc);
    assert_int_equal(out.scripts + out.links, 0);
    return out;
}

static void add_events(struct buf *out, const char *const *events)
{
    for (; *events; events++)
        trace_text_add(out, str_of(*events));
}

static void test_places(void **state)
{
    static const char *const events[] = { "0 add 0 a",    "0 add 1 b<&",   "100 0 queue",
                                          "150 1 wait",   "200 0 body",    "400 0 done",
                                          "500 1 failed", "1000 end hash", NULL };
    struct buf text = { 0 }, svg = { 0 };

    (void)state;
    add_events(&text, events);
    draw(buf_str(&text), &svg);
    struct counts n = count(&svg);
    assert_int_equal(n.rows, 2);
    assert_int_equal(n.bars, 5);
    assert_int_equal(n.thin, 2);
    /* From where time begins, 262, half of 868 pixels. */
    assert_true(n.first_x > 261.9 && n.first_x < 262.1);
    assert_true(n.last_end > 695.9 && n.last_end < 696.1);
    assert_non_null(strstr(buf_z(&svg), "b&lt;&amp;"));
    assert_non_null(strstr(buf_z(&svg), "2 requirements in 1.0 s, 1 failed"));
    assert_non_null(strstr(buf_z(&svg), "body: 200.000 ms, from 0.200 s"));
    assert_non_null(strstr(buf_z(&svg), "class=\"f\""));
    buf_done(&text);
    buf_done(&svg);
}

/* Labels that would be markup, an unknown state of such a name, a run without time. */
static void test_hostile(void **state)
{
    struct buf text = { 0 }, svg = { 0 };

    (void)state;
    buf_add_z(&text, "{\"t\":0,\"event\":\"added\",\"order\":0,\"requirement\":"
                     "\"</text><script>]]>&#x0;\\u0000\\ud800\\uffff\\u202e\"}\n"
                     "{\"t\":0,\"event\":\"state\",\"order\":0,\"to\":\"</style><x\\\"\"}\n"
                     "{\"t\":1,\"event\":\"state\",\"order\":0,\"to\":\"failed\","
                     "\"text\":\"</title>&\",\"file\":\"<\"}\n");
    draw(buf_str(&text), &svg);
    struct counts n = count(&svg);
    assert_int_equal(n.rows, 1);
    assert_int_equal(n.bars, 1);
    buf_reset(&text);
    buf_reset(&svg);
    buf_add_z(&text, "{\"t\":0,\"event\":\"added\",\"order\":0}\n");
    draw(buf_str(&text), &svg);
    assert_int_equal(count(&svg).rows, 1);
    buf_reset(&text);
    buf_reset(&svg);
    buf_add_z(&text, "{\"t\":999999999,\"event\":\"end\"}\n");
    draw(buf_str(&text), &svg);
    assert_int_equal(count(&svg).rows, 0);
    buf_done(&text);
    buf_done(&svg);
}

/* Of more rows than are drawn the slowest, in their order, and the picture says so. */
static void test_many(void **state)
{
    struct buf text = { 0 }, svg = { 0 };
    unsigned all = TIMELINE_ROWS_MAX + 500;

    (void)state;
    for (unsigned i = 0; i < all; i++) {
        struct buf event = { 0 };
        buf_add_f(&event, "0 add %u n%u", i, i);
        trace_text_add(&text, buf_str(&event));
        buf_done(&event);
    }
    for (unsigned i = 0; i < all; i++) { /* the first are the quickest */
        struct buf event = { 0 };
        buf_add_f(&event, "%u %u done", i + 1, i);
        trace_text_add(&text, buf_str(&event));
        buf_done(&event);
    }
    draw(buf_str(&text), &svg);
    assert_int_equal(count(&svg).rows, TIMELINE_ROWS_MAX);
    assert_non_null(strstr(buf_z(&svg), "drawn: the 2000 slowest"));
    assert_null(strstr(buf_z(&svg), ">n499<"));
    const char *first = strstr(buf_z(&svg), ">n500<"), *last = strstr(buf_z(&svg), ">n2499<");
    assert_true(first && last && first < last);
    buf_done(&text);
    buf_done(&svg);
}

/* A machine that changes its state all the time: what can't be told apart is not drawn. */
static void test_narrow_bars(void **state)
{
    struct buf text = { 0 }, svg = { 0 };

    (void)state;
    for (unsigned i = 0; i < 50000; i++) {
        struct buf event = { 0 };
        buf_add_f(&event, "%u 0 %s", i, i % 2 ? "body" : "wait");
        trace_text_add(&text, buf_str(&event));
        buf_done(&event);
    }
    draw(buf_str(&text), &svg);
    struct counts n = count(&svg);
    assert_true(n.bars > 500 && n.bars < 3000);
    buf_done(&text);
    buf_done(&svg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),        cmocka_unit_test(test_places),
        cmocka_unit_test(test_hostile),     cmocka_unit_test(test_many),
        cmocka_unit_test(test_narrow_bars),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    xmlCleanupParser();
    return failed;
}
