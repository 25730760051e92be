/* The hub of events: who hears what, in which order, and what things are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/event.h"
#include "dray/util/buf.h"

struct ear {
    const char *name;
    struct buf *heard; /* shared: "NAME KIND TEXT" a line */
    uint64_t last_us;
};

static void hear(void *ctx, const struct event *ev)
{
    struct ear *ear = ctx;

    assert_true(ev->at_us >= ear->last_us);
    ear->last_us = ev->at_us;
    buf_add_f(ear->heard, "%s %s %.*s\n", ear->name, event_name(ev->kind), STR_ARG(ev->text));
}

static void test_all_hear_in_order(void **state)
{
    struct buf heard = { 0 };
    struct ear one = { "one", &heard, 0 }, two = { "two", &heard, 0 };
    struct events events = { 0 };
    const struct fetch_view view = { .order = 7 };

    (void)state;
    events_warn(&events, NULL, "nobody listens");
    events_listen(&events, hear, &one);
    events_listen(&events, hear, &two);
    events_emit(&events, &(struct event){ .kind = EVENT_START });
    events_warn(&events, &view, "%d %s", 3, "words");
    assert_string_equal(buf_z(&heard), "one start \ntwo start \n"
                                       "one warning 3 words\ntwo warning 3 words\n");
    buf_done(&heard);
}

/* Traces and tests know states and events by these names: no two may share one. */
static void test_names_differ(void **state)
{
    (void)state;
    for (int i = 0; i < FETCH_STATE_COUNT; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(fetch_state_name((enum fetch_state)i),
                                    fetch_state_name((enum fetch_state)k));
    for (int i = 0; i < EVENT_COUNT; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(event_name((enum event_kind)i), event_name((enum event_kind)k));
    assert_string_equal(fetch_state_name(FETCH_LOOKUP), "lookup");
    assert_string_equal(fetch_state_told(FETCH_BODY), "downloading");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_hear_in_order),
        cmocka_unit_test(test_names_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
