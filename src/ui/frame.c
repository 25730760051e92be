/* What a line can hold follows from the width by a table; the name takes what the other columns
 * leave. */
#include "dray/ui/frame.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dray/ui/human.h"
#include "dray/ui/line.h"
#include "dray/ui/shown.h"
#include "dray/util/mem.h"

enum {
    NAME_CELLS_MAX = 64, /* a wider gap between name and bar is hard to read across */
    PERCENT_CELLS = 4,
    GAP = 2
};

/* Cells of the columns from `columns` on; 0: there is none. */
struct layout {
    unsigned columns;
    unsigned bar, size, rate, left;
};

static const struct layout layouts[] = {
    { 140, 40, 9, 11, 7 }, { 100, 24, 9, 11, 7 }, { 72, 12, 9, 11, 7 },
    { 52, 10, 9, 0, 7 },   { 34, 10, 0, 0, 0 },   { 0, 0, 0, 0, 0 },
};

static const struct layout *layout_of(unsigned columns)
{
    const struct layout *l = layouts;

    while (l->columns > columns)
        l++;
    return l;
}

static size_t column_cells(unsigned width)
{
    return width ? GAP + width : 0;
}

static uint64_t file_remaining(const struct tally_active *a)
{
    const struct fetch_view *v = a->view;

    if (a->state != FETCH_BODY)
        return 0;
    if (v->body_bytes == FETCH_BYTES_UNKNOWN)
        return UINT64_MAX; /* may be the longest of all */
    return v->body_bytes > v->got_bytes ? v->body_bytes - v->got_bytes : 0;
}

static int by_order(const void *left, const void *right)
{
    const struct tally_active *const *a = left, *const *b = right;

    return ((*a)->view->order > (*b)->view->order) - ((*a)->view->order < (*b)->view->order);
}

static int by_remaining(const void *left, const void *right)
{
    const struct tally_active *const *a = left, *const *b = right;
    uint64_t x = file_remaining(*a), y = file_remaining(*b);

    return x == y ? by_order(left, right) : x < y ? 1 : -1;
}

static void field_add(struct buf *out, unsigned width, const struct buf *text)
{
    if (width)
        buf_add_f(out, "%*s%*s", GAP, "", (int)width, buf_z(text));
}

static void bar_add(struct buf *out, unsigned width, const struct fetch_view *v, bool colour)
{
    bool utf8 = shown_is_utf8(), known = v->body_bytes != FETCH_BYTES_UNKNOWN && v->body_bytes;
    const char *full = utf8 ? "\u2501" : "#", *rest = utf8 ? "\u2500" : "-";
    double part = known ? (double)v->got_bytes / (double)v->body_bytes : 0;
    unsigned filled = part >= 1 ? width : (unsigned)(part * width);

    buf_add_z(out, colour ? "\x1b[36m" : "");
    for (unsigned i = 0; i < filled; i++)
        buf_add_z(out, full);
    buf_add_z(out, colour ? "\x1b[0m" : "");
    for (unsigned i = filled; i < width; i++)
        buf_add_z(out, rest);
}

/* While bytes arrive the bar and its percents, otherwise what is done instead. */
static void state_add(struct buf *out, const struct layout *l, const struct tally_active *a,
                      bool colour)
{
    const struct fetch_view *v = a->view;

    if (l->bar)
        buf_add_f(out, "%*s", GAP, "");
    if (a->state == FETCH_BODY)
        bar_add(out, l->bar, v, colour);
    else
        buf_add_f(out, "%-*.*s", (int)l->bar, (int)l->bar, fetch_state_told(a->state));
    if (a->state != FETCH_BODY || v->body_bytes == FETCH_BYTES_UNKNOWN || !v->body_bytes) {
        buf_add_f(out, "%*s", PERCENT_CELLS + 1, "");
        return;
    }
    uint64_t got = v->got_bytes < v->body_bytes ? v->got_bytes : v->body_bytes;
    buf_add_f(out, " %3u%%", (unsigned)((double)got * 100 / (double)v->body_bytes));
}

static void numbers_add(struct buf *out, const struct layout *l, const struct tally_active *a,
                        uint64_t now_us)
{
    const struct fetch_view *v = a->view;
    bool sized = v->body_bytes != FETCH_BYTES_UNKNOWN, moves = a->state == FETCH_BODY;
    uint64_t per_s = moves ? rate_at(&a->rate, now_us) : 0;
    struct buf text = { 0 };

    if (sized || v->got_bytes)
        human_bytes(&text, sized ? v->body_bytes : v->got_bytes);
    field_add(out, l->size, &text);
    buf_reset(&text);
    if (per_s)
        human_rate(&text, per_s);
    field_add(out, l->rate, &text);
    buf_reset(&text);
    if (per_s && sized)
        human_left(&text, (file_remaining(a) + per_s - 1) / per_s);
    field_add(out, l->left, &text);
    buf_done(&text);
}

static void line_end(struct buf *out)
{
    while (out->n && out->p[out->n - 1] == ' ')
        buf_cut(out, out->n - 1);
    buf_add_c(out, '\n');
}

static void file_add(struct buf *out, const struct tally_active *a, const struct frame_look *look)
{
    const struct layout *l = layout_of(look->columns);
    size_t cells = look->columns - 1;
    size_t taken = column_cells(l->bar) + 1 + PERCENT_CELLS + column_cells(l->size) +
                   column_cells(l->rate) + column_cells(l->left);
    size_t name = cells > taken ? cells - taken : 0;

    if (!name) { /* a window of a few columns */
        shown_add_cut(out, line_name(a->view), cells);
        line_end(out);
        return;
    }
    shown_add_cut(out, line_name(a->view), name < NAME_CELLS_MAX ? name : NAME_CELLS_MAX);
    state_add(out, l, a, look->colour);
    numbers_add(out, l, a, look->now_us);
    line_end(out);
}

/* One line of plain ASCII, cut to the window. */
static void plain_add(struct buf *out, const struct buf *text, const struct frame_look *look)
{
    buf_add_str(out, str_sub(buf_str(text), 0, look->columns - 1));
    line_end(out);
}

static void files_add(struct buf *out, const struct tally *t, const struct frame_look *look)
{
    size_t room = look->rows > 2 ? look->rows - 2 : 0;
    size_t shown = t->n_active <= room ? t->n_active : room ? room - 1 : 0;
    struct tally_active **files = mem_new(t->n_active, sizeof(struct tally_active *));

    for (size_t i = 0; i < t->n_active; i++)
        files[i] = &t->active[i];
    /* Chosen by what remains, but shown in the order of the requirements: lines that changed
     * places with every frame could not be read. */
    if (shown < t->n_active)
        qsort(files, t->n_active, sizeof(*files), by_remaining);
    qsort(files, shown, sizeof(*files), by_order);
    for (size_t i = 0; i < shown; i++)
        file_add(out, files[i], look);
    free(files);
    if (shown < t->n_active && room) {
        struct buf more = { 0 };
        buf_add_f(&more, "... and %zu more", t->n_active - shown);
        plain_add(out, &more, look);
        buf_done(&more);
    }
}

/* Adds a part of the last line if it still fits, and forgets it. */
static void part_add(struct buf *line, struct buf *part, size_t cells)
{
    size_t gap = line->n ? GAP : 0;

    if (part->n && (!line->n || line->n + gap + part->n <= cells))
        buf_add_f(line, "%*s%s", (int)gap, "", buf_z(part));
    buf_reset(part);
}

static void bytes_part(struct buf *part, const struct tally *t)
{
    if (!t->got && (!t->size || t->unsized))
        return;
    human_bytes(part, t->got);
    if (t->unsized)
        return; /* a sum that lacks some would be read as the whole */
    buf_add_z(part, " of ");
    human_bytes(part, t->size);
}

static void sum_add(struct buf *out, const struct tally *t, const struct frame_look *look)
{
    uint64_t total = tally_total(t), undecided = tally_undecided(t);
    uint64_t per_s = rate_at(&t->rate, look->now_us);
    struct buf line = { 0 }, part = { 0 };
    size_t cells = look->columns - 1;

    if (undecided)
        buf_add_f(&part, "looking up %" PRIu64 "/%" PRIu64, total - undecided, total);
    part_add(&line, &part, cells);
    if (!undecided || tally_ended(t) || t->n_active)
        buf_add_f(&part, "%zu/%" PRIu64 " file%s", tally_ended(t), total, total == 1 ? "" : "s");
    part_add(&line, &part, cells);
    bytes_part(&part, t);
    part_add(&line, &part, cells);
    if (per_s)
        human_rate(&part, per_s);
    part_add(&line, &part, cells);
    if (per_s && !t->unsized && t->size > t->got) {
        human_left(&part, (t->size - t->got + per_s - 1) / per_s);
        buf_add_z(&part, " left");
    }
    part_add(&line, &part, cells);
    plain_add(out, &line, look);
    buf_done(&line);
    buf_done(&part);
}

void frame_add(struct buf *out, const struct tally *t, const struct frame_look *look)
{
    if (look->columns < 2 || !look->rows || !tally_total(t))
        return;
    if (t->n_active)
        files_add(out, t, look);
    sum_add(out, t, look);
}
