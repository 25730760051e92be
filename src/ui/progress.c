/* Events fill a tally and a buffer of lines. Off a terminal the lines go out at once; on one
 * they wait for the next tick and go out together with the frame, in one write, or each would
 * cost a redraw. Lines of finished files come in the order of the requirements: `next` is the
 * first that has not been told. */
#include "dray/ui/progress.h"

#include <stdlib.h>

#include "dray/ui/event_json.h"
#include "dray/ui/frame.h"
#include "dray/ui/line.h"
#include "dray/ui/screen.h"
#include "dray/ui/tally.h"
#include "dray/util/mem.h"

struct progress {
    struct progress_options o;
    struct screen screen;
    bool has_bars;
    bool is_paused;
    struct tally tally;
    size_t next;     /* rows before it are told */
    struct buf said; /* lines that wait for the next write */
    struct buf frame;
};

static void json_tell(struct progress *p, const struct event *ev)
{
    struct buf line = { 0 };

    event_json_add(&line, ev);
    fwrite(line.p, 1, line.n, p->o.json_out);
    fflush(p->o.json_out);
    buf_done(&line);
}

static void json_tell_bytes(struct progress *p, struct tally_active *a, uint64_t at_us)
{
    if (!a || !a->unsaid)
        return;
    json_tell(p, &(struct event){
                     .kind = EVENT_BYTES, .at_us = at_us, .fetch = a->view, .n = a->unsaid });
    a->unsaid = 0;
}

/* The bytes of a file are summed up until the next tick or until something else happens to it. */
static void json_take(struct progress *p, const struct event *ev)
{
    if (ev->kind == EVENT_BYTES) {
        tally_take(&p->tally, ev);
        return;
    }
    if (ev->kind == EVENT_TICK || ev->kind == EVENT_END)
        for (size_t i = 0; i < p->tally.n_active; i++)
            json_tell_bytes(p, &p->tally.active[i], ev->at_us);
    else
        json_tell_bytes(p, tally_active_of(&p->tally, ev->fetch), ev->at_us);
    tally_take(&p->tally, ev);
    if (ev->kind != EVENT_TICK)
        json_tell(p, ev);
}

static void row_tell(struct progress *p, const struct tally_row *row)
{
    if (row->state != FETCH_DONE || p->o.quiet || (row->view->repeated && !p->o.verbose))
        return;
    if (p->o.passing)
        line_passed(&p->said, row->view, p->o.colour);
    else
        line_ended(&p->said, row->view, p->o.colour);
    if (p->o.verbose)
        line_origin(&p->said, row->view);
}

/* At the end nothing is waited for any more: an interrupted run leaves gaps. */
static void rows_tell(struct progress *p, bool at_end)
{
    while (p->next < p->tally.n) {
        const struct tally_row *row = &p->tally.rows[p->next];
        bool ended = row->view && (row->state == FETCH_DONE || row->state == FETCH_FAILED);
        if (!ended && !at_end)
            return;
        if (ended)
            row_tell(p, row);
        p->next++;
    }
}

static void lines_take(struct progress *p, const struct event *ev)
{
    bool loud = !p->o.quiet;

    if (ev->kind == EVENT_STATE && loud && p->o.verbose > 1)
        line_state(&p->said, ev);
    else if (ev->kind == EVENT_RETRY && loud)
        line_retry(&p->said, ev, p->o.colour);
    else if (ev->kind == EVENT_RESUMED && loud && p->o.verbose)
        line_resumed(&p->said, ev);
    else if (ev->kind == EVENT_PAGE && loud && p->o.verbose)
        line_page(&p->said, ev);
    else if (ev->kind == EVENT_SKIPPED && loud)
        line_skipped(&p->said, ev);
    else if (ev->kind == EVENT_NOTE && loud && p->o.verbose >= ev->n)
        line_note(&p->said, ev);
    else if (ev->kind == EVENT_WARNING && p->o.quiet < 2)
        line_warning(&p->said, ev, p->o.colour);
    if (ev->kind == EVENT_STATE || ev->kind == EVENT_END)
        rows_tell(p, ev->kind == EVENT_END);
}

static void frame_make(struct progress *p, uint64_t now_us)
{
    struct frame_look look = { .colour = p->o.colour, .now_us = now_us };

    if (p->o.size)
        p->o.size(p->o.size_ctx, &look.columns, &look.rows);
    else
        screen_size(p->o.out, &look.columns, &look.rows);
    frame_add(&p->frame, &p->tally, &look);
}

static void progress_draw(struct progress *p)
{
    screen_draw(&p->screen, buf_str(&p->said), buf_str(&p->frame));
    buf_reset(&p->said);
    buf_reset(&p->frame);
}

static void progress_take(void *ctx, const struct event *ev)
{
    struct progress *p = ctx;

    if (p->o.mode == PROGRESS_JSON) {
        json_take(p, ev);
        return;
    }
    tally_take(&p->tally, ev);
    lines_take(p, ev);
    if (p->is_paused)
        return;
    if (!p->has_bars) {
        progress_draw(p);
    } else if (ev->kind == EVENT_TICK) {
        frame_make(p, ev->at_us);
        progress_draw(p);
    } else if (ev->kind == EVENT_END) {
        progress_draw(p);
        p->has_bars = false; /* what is said from now on goes out at once */
    }
}

struct progress *progress_create(const struct progress_options *o, struct events *events)
{
    struct progress *p = mem_new(1, sizeof(*p));

    p->o = *o;
    p->screen.out = o->out;
    p->has_bars =
        o->mode == PROGRESS_ON || (o->mode == PROGRESS_AUTO && o->is_terminal && !o->quiet);
    events_listen(events, progress_take, p);
    return p;
}

void progress_pause(struct progress *p, bool paused)
{
    if (paused == p->is_paused || p->o.mode == PROGRESS_JSON)
        return;
    p->is_paused = paused;
    if (paused || !p->has_bars) /* bars come back with the next tick */
        progress_draw(p);
}

void progress_destroy(struct progress *p)
{
    if (!p)
        return;
    if (p->o.mode != PROGRESS_JSON) {
        rows_tell(p, true);
        progress_draw(p); /* a run that broke off had no END */
    }
    tally_done(&p->tally);
    buf_done(&p->said);
    buf_done(&p->frame);
    free(p);
}
