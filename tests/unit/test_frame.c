/* What holds of every frame, whatever the run and the window: tests/data/progress has the frames
 * themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dray/ui/frame.h"

enum { FETCHES = 100, STEPS = 20000 };

struct run {
    struct fetch_view views[FETCHES];
    struct tally tally;
    uint64_t now_us, random;
    size_t added;
};

/* Knuth's MMIX; the same run on every machine. */
static uint64_t roll(struct run *r, uint64_t below)
{
    r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (r->random >> 33) % below;
}

static void emit(struct run *r, enum event_kind kind, struct fetch_view *v, uint64_t n)
{
    struct event ev = { .kind = kind, .at_us = r->now_us, .fetch = v, .n = n };

    if (kind == EVENT_STATE) {
        ev.from = v->state;
        v->state = ev.to = (enum fetch_state)n;
    }
    tally_take(&r->tally, &ev);
}

/* One step of a run whose machines do what they like: frames must bear more than lawful ones. */
static void step(struct run *r)
{
    static const struct str names[] = {
        { NULL, 0 },
        { "a.whl", 5 },
        { "numpy-2.1.0-cp312-cp312-manylinux_2_17_x86_64.whl", 49 },
        { "\x1b[2J\n\xc3\xa9", 7 },
    };
    struct fetch_view *v = &r->views[roll(r, FETCHES)];

    r->now_us += roll(r, 100000);
    if (!v->label.p) {
        v->label = STR("flask>=3");
        v->order = (size_t)(v - r->views);
        v->body_bytes = roll(r, 3) ? roll(r, 3000000000) : FETCH_BYTES_UNKNOWN;
        r->added++;
        emit(r, EVENT_ADDED, v, 0);
    } else if (roll(r, 3)) {
        v->got_bytes += roll(r, 100000000);
        emit(r, EVENT_BYTES, v, roll(r, 100000000));
    } else {
        v->filename = names[roll(r, 4)];
        v->got_bytes = roll(r, 4) ? v->got_bytes : 0;
        emit(r, EVENT_STATE, v, roll(r, FETCH_STATE_COUNT));
    }
}

/* In the C locale a cell is a byte. */
static void check_frame(struct run *r, unsigned columns, unsigned rows)
{
    struct frame_look look = { .columns = columns, .rows = rows, .now_us = r->now_us };
    struct buf frame = { 0 };
    size_t lines = 0;

    frame_add(&frame, &r->tally, &look);
    for (struct str rest = buf_str(&frame); rest.n; lines++) {
        struct str line = str_cut(rest, '\n', &rest);
        if (line.n > columns - 1)
            fail_msg("%zu cells in a window of %u: %.*s", line.n, columns, STR_ARG(line));
        for (size_t i = 0; i < line.n; i++)
            assert_in_range(line.p[i], ' ', '~');
        assert_non_null(rest.p); /* each line has its end */
    }
    if (columns > 1)
        assert_in_range(lines, 1, rows > 1 ? rows - 1 : 1);
    buf_done(&frame);
}

/* The sums that are kept step by step are those of a fresh count. */
static void check_tally(struct run *r)
{
    const struct tally *t = &r->tally;
    size_t active = 0, ended = 0, states = 0;

    for (size_t i = 0; i < FETCHES; i++) {
        enum fetch_state s = r->views[i].state;
        bool moves = s == FETCH_HEADER || s == FETCH_BODY || s == FETCH_HASH || s == FETCH_PLACE;
        active += r->views[i].label.p && moves;
        ended += r->views[i].label.p && (s == FETCH_DONE || s == FETCH_FAILED);
        if (r->views[i].label.p)
            assert_int_equal(tally_active_of(&r->tally, &r->views[i]) != NULL, moves);
    }
    for (size_t s = 0; s < FETCH_STATE_COUNT; s++)
        states += t->states[s];
    assert_int_equal(t->n_active, active);
    assert_int_equal(tally_ended(t), ended);
    assert_int_equal(states, r->added);
    assert_int_equal(tally_total(t), r->added);
    struct tally again = { 0 };
    for (size_t i = 0; i < FETCHES; i++)
        if (r->views[i].label.p)
            tally_take(&again, &(struct event){ .kind = EVENT_ADDED, .fetch = &r->views[i] });
    assert_int_equal(t->got, again.got);
    assert_int_equal(t->size, again.size);
    assert_int_equal(t->unsized, again.unsized);
    assert_int_equal(tally_undecided(t), tally_undecided(&again));
    tally_done(&again);
}

static void test_any_run_fits_any_window(void **state)
{
    struct run *r = test_calloc(1, sizeof(*r));

    (void)state;
    for (unsigned i = 0; i < STEPS; i++) {
        step(r);
        check_frame(r, (unsigned)roll(r, 220) + 1, (unsigned)roll(r, 60) + 1);
        if (i % 16 == 0)
            check_tally(r);
    }
    assert_int_equal(r->added, FETCHES);
    tally_done(&r->tally);
    test_free(r);
}

/* Steady streams are told as they are, to a tenth, at whatever moment one asks. */
static void test_rate_is_right(void **state)
{
    struct rate r = { 0 };
    uint64_t now_us = 7654321;

    (void)state;
    assert_int_equal(rate_at(&r, now_us), 0);
    for (unsigned i = 0; i < 5000; i++, now_us += 10000) {
        rate_add(&r, now_us, 50000);
        if (i > 30)
            assert_in_range(rate_at(&r, now_us), 4500000, 5500000);
    }
    for (unsigned i = 0; i < 400; i++, now_us += 10000)
        rate_add(&r, now_us, 500);
    assert_in_range(rate_at(&r, now_us), 45000, 55000);
    assert_int_equal(rate_at(&r, now_us + 4000000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_run_fits_any_window),
        cmocka_unit_test(test_rate_is_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
