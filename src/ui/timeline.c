/* Labels at the left, bars in the middle, how long it took at the right; above them a legend of the
 * states that occur, and the seconds. What is at work is a full bar, what waits a thin one, and the
 * chain that ended last is a dark line below the bars that leads from row to row. */
#include "dray/ui/timeline.h"

#include <stdlib.h>

#include "dray/ui/human.h"
#include "dray/ui/svg_text.h"
#include "dray/util/mem.h"

enum {
    LEFT = 262, /* where time begins */
    PLOT = 868, /* pixels of the whole run */
    WIDTH = 1200,
    LABEL_CHARACTERS = 38,
    TITLE_CHARACTERS = 300,
    LEGEND_TOP = 52,
    LEGEND_LINE = 20,
    MANY_ROWS = 120 /* from here on rows are smaller */
};

/* Pixels that a bar has at least; what would lie within a drawn one is left out. */
#define BAR_MIN 0.6

/* Okabe and Ito's colours, which the colour-blind can tell apart, and for what is left Paul Tol's;
 * neighbours in a life also differ in lightness. */
static const struct look {
    const char *fill;
    bool thin;
} looks[FETCH_STATE_COUNT] = {
    [FETCH_LOOKUP] = { "#56b4e9", false }, [FETCH_METADATA] = { "#0072b2", false },
    [FETCH_DECIDE] = { "#332288", false }, [FETCH_PROBE] = { "#f0e442", false },
    [FETCH_QUEUE] = { "#bdbdbd", true },   [FETCH_HEADER] = { "#e69f00", false },
    [FETCH_BODY] = { "#009e73", false },   [FETCH_HASH] = { "#cc79a7", false },
    [FETCH_PLACE] = { "#882255", false },  [FETCH_BUILD] = { "#999933", false },
    [FETCH_WAIT] = { "#d55e00", true },    [FETCH_DONE] = { "#ffffff", true },
    [FETCH_FAILED] = { "#ffffff", true },
};

/* Of states that this version does not know. */
static const char *const other_fills[] = { "#661100", "#44aa99", "#888888", "#aa4499", "#117733" };

struct picture {
    struct buf *out;
    const struct analysis *a;
    const struct trace_file *trace;
    size_t *rows; /* into the trace's: those that are drawn, in order */
    size_t n;
    size_t *place; /* of each row of the trace in `rows`, or TRACE_NONE */
    double us_per_px;
    unsigned pitch, bar, font; /* pixels of a row */
    unsigned top;              /* of the first row */
};

static struct look look_of(uint32_t state)
{
    size_t other = state - (uint32_t)FETCH_STATE_COUNT;

    if (state < FETCH_STATE_COUNT && looks[state].fill)
        return looks[state];
    return (struct look){ other_fills[other % (sizeof(other_fills) / sizeof(other_fills[0]))],
                          false };
}

static double x_of(const struct picture *p, uint64_t us)
{
    return LEFT + (double)us / p->us_per_px;
}

static unsigned y_of(const struct picture *p, size_t place)
{
    return p->top + (unsigned)place * p->pitch;
}

/* -- Which rows -- */

struct duration {
    uint64_t us;
    size_t row;
};

static int compare_durations(const void *a, const void *b)
{
    const struct duration *x = a, *y = b;

    if (x->us != y->us)
        return x->us > y->us ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int compare_rows(const void *a, const void *b)
{
    const size_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void choose_rows(struct picture *p)
{
    const struct trace_file *t = p->trace;
    struct duration *all = mem_new(t->n + 1, sizeof(*all));

    for (size_t i = 0; i < t->n; i++)
        all[i] = (struct duration){ t->rows[i].ended_us - t->rows[i].began_us, i };
    qsort(all, t->n, sizeof(*all), compare_durations);
    p->n = t->n < TIMELINE_ROWS_MAX ? t->n : TIMELINE_ROWS_MAX;
    p->rows = mem_new(p->n + 1, sizeof(*p->rows));
    p->place = mem_new(t->n + 1, sizeof(*p->place));
    for (size_t i = 0; i < p->n; i++)
        p->rows[i] = all[i].row;
    qsort(p->rows, p->n, sizeof(*p->rows), compare_rows);
    for (size_t i = 0; i < t->n; i++)
        p->place[i] = TRACE_NONE;
    for (size_t i = 0; i < p->n; i++)
        p->place[p->rows[i]] = i;
    free(all);
}

/* -- Head: title, legend, seconds -- */

static void add_title(struct picture *p)
{
    const struct analysis *a = p->a;
    struct buf text = { 0 };

    human_count(&text, p->trace->n, "requirement");
    buf_add_z(&text, " in ");
    human_took(&text, p->trace->total_us);
    if (a->failed)
        buf_add_f(&text, ", %zu failed", a->failed);
    if (a->unfinished)
        buf_add_f(&text, ", %zu not ended", a->unfinished);
    if (p->n < p->trace->n)
        buf_add_f(&text, "; drawn: the %zu slowest", p->n);
    if (p->trace->cut)
        buf_add_z(&text, "; the trace is cut");
    buf_add_z(p->out, "<title>");
    svg_text_add(p->out, buf_str(&text), TITLE_CHARACTERS);
    buf_add_z(p->out, "</title>\n<text class=\"h\" x=\"16\" y=\"28\">");
    svg_text_add(p->out, buf_str(&text), TITLE_CHARACTERS);
    buf_add_z(p->out, "</text>\n");
    buf_done(&text);
}

/* "listings", and the state's own name when that says more. */
static void legend_text(const struct picture *p, uint32_t state, struct buf *out)
{
    struct str what = analysis_waits_for(p->trace, state), name = p->trace->states.items[state];

    buf_add_str(out, what);
    if (!str_eq(what, name))
        buf_add_f(out, " (%.*s)", STR_ARG(name));
}

/* An entry of the legend at *x, *y, which move on. */
static void add_legend_entry(struct picture *p, const char *shape, struct str text, unsigned *x,
                             unsigned *y)
{
    unsigned width = 34 + 7 * (unsigned)(text.n < 40 ? text.n : 40);

    if (*x + width > WIDTH - 10 && *x > 16) {
        *x = 16;
        *y += LEGEND_LINE;
    }
    buf_add_f(p->out, "<g transform=\"translate(%u %u)\">%s<text class=\"t\" x=\"22\" y=\"10\">",
              *x, *y, shape);
    svg_text_add(p->out, text, 40);
    buf_add_z(p->out, "</text></g>\n");
    *x += width;
}

static void add_legend(struct picture *p)
{
    unsigned x = 16, y = LEGEND_TOP;
    struct buf shape = { 0 }, text = { 0 };

    for (uint32_t i = 0; i < p->trace->states.n; i++) {
        bool thin = look_of(i).thin;
        if (!p->a->states[i].machines)
            continue;
        buf_reset(&shape);
        buf_reset(&text);
        buf_add_f(&shape, "<rect class=\"s%u\" y=\"%d\" width=\"16\" height=\"%d\"/>", i,
                  thin ? 4 : 0, thin ? 4 : 12);
        legend_text(p, i, &text);
        add_legend_entry(p, buf_z(&shape), buf_str(&text), &x, &y);
    }
    add_legend_entry(p, "<path class=\"c\" d=\"M0 6H16\"/>", STR("the chain that ended last"), &x,
                     &y);
    if (p->a->failed)
        add_legend_entry(p, "<path class=\"f\" d=\"M4 2l8 8m0 -8l-8 8\"/>", STR("failed"), &x, &y);
    if (p->a->unfinished)
        add_legend_entry(p, "<path class=\"u\" d=\"M4 1l8 5l-8 5z\"/>", STR("not ended"), &x, &y);
    p->top = y + LEGEND_LINE + 30;
    buf_done(&shape);
    buf_done(&text);
}

/* 1, 2 or 5 times a power of ten: at most ten of them in the whole. */
static uint64_t tick_us(uint64_t total_us)
{
    uint64_t step = 1;

    for (unsigned i = 0; total_us / step > 10; i++)
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    return step;
}

/* 0.25, without the digits that no tick needs. */
static void add_seconds(struct buf *out, uint64_t us, uint64_t step)
{
    unsigned digits = 6;

    while (digits > 0 && step % 10 == 0) {
        step /= 10;
        digits--;
    }
    buf_add_f(out, "%.*f s", (int)digits, (double)us / 1e6);
}

static void add_axis(struct picture *p)
{
    uint64_t step = tick_us(p->trace->total_us);
    unsigned bottom = y_of(p, p->n);

    for (uint64_t us = 0; us <= p->trace->total_us; us += step) {
        double x = x_of(p, us);
        buf_add_f(p->out, "<path class=\"g\" d=\"M%.1f %uV%u\"/>", x, p->top - 4, bottom + 4);
        for (unsigned i = 0; i < 2; i++) {
            buf_add_f(p->out, "<text class=\"t m\" x=\"%.1f\" y=\"%u\">", x,
                      i ? bottom + 18 : p->top - 10);
            add_seconds(p->out, us, step);
            buf_add_z(p->out, "</text>");
        }
        buf_add_c(p->out, '\n');
    }
}

/* -- Rows -- */

static void add_bar(struct picture *p, const struct trace_span *s, unsigned y, double *drawn)
{
    double x = x_of(p, s->from_us), end = x_of(p, s->to_us);
    struct look look = look_of(s->state);
    unsigned height = look.thin ? p->bar / 3 : p->bar;

    if (end - x < BAR_MIN && x < *drawn)
        return;
    if (end - x < BAR_MIN)
        end = x + BAR_MIN;
    *drawn = end;
    buf_add_f(p->out,
              "<rect class=\"s%u\" x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%u\"><title>",
              s->state, x, y + (p->bar - height) / 2, end - x, height);
    svg_text_add(p->out, p->trace->states.items[s->state], TITLE_CHARACTERS);
    buf_add_f(p->out, ": %.3f ms, from %.3f s</title></rect>",
              (double)(s->to_us - s->from_us) / 1e3, (double)s->from_us / 1e6);
}

/* How it ended, and how long it took. */
static void add_row_end(struct picture *p, const struct trace_row *row, unsigned y)
{
    double x = x_of(p, row->ended_us) + 5;
    double middle = y + p->bar / 2.0;
    struct buf took = { 0 };

    if (row->state == FETCH_FAILED)
        buf_add_f(p->out, "<path class=\"f\" d=\"M%.1f %.1fl6 6m0 -6l-6 6\"/>", x, middle - 3);
    else if (!row->ended)
        buf_add_f(p->out, "<path class=\"u\" d=\"M%.1f %.1fl7 4l-7 4z\"/>", x, middle - 4);
    human_took(&took, row->ended_us - row->began_us);
    if (row->state == FETCH_FAILED || !row->ended)
        x += 11;
    buf_add_f(p->out, "<text class=\"l d\" x=\"%.1f\" y=\"%u\">%s</text>", x, y + p->bar - 2,
              buf_z(&took));
    buf_done(&took);
}

static void add_row_title(struct picture *p, const struct trace_row *row)
{
    buf_add_z(p->out, "<title>");
    svg_text_add(p->out, row->label, TITLE_CHARACTERS);
    if (row->file.p) {
        buf_add_z(p->out, ": ");
        svg_text_add(p->out, row->file, TITLE_CHARACTERS);
    }
    if (row->why.p) {
        buf_add_z(p->out, ": ");
        svg_text_add(p->out, row->why, TITLE_CHARACTERS);
    }
    buf_add_z(p->out, "</title>");
}

static void add_row(struct picture *p, size_t place)
{
    const struct trace_row *row = &p->trace->rows[p->rows[place]];
    unsigned y = y_of(p, place);
    double drawn = 0;

    buf_add_z(p->out, "<g class=\"row\">");
    add_row_title(p, row);
    buf_add_f(p->out, "<text class=\"l e\" x=\"%d\" y=\"%u\" clip-path=\"url(#labels)\">", LEFT - 8,
              y + p->bar - 2);
    svg_text_add(p->out, row->label.p ? row->label : row->file, LABEL_CHARACTERS);
    buf_add_z(p->out, "</text>");
    for (size_t i = 0; i < row->n; i++)
        if (row->spans[i].to_us > row->spans[i].from_us)
            add_bar(p, &row->spans[i], y, &drawn);
    add_row_end(p, row, y);
    buf_add_z(p->out, "</g>\n");
}

/* Each step is a line below its row's bar; between rows the line goes up or down. */
static void add_path(struct picture *p)
{
    char command = 'M';

    buf_add_z(p->out, "<path class=\"c\" d=\"");
    for (size_t i = 0; i < p->a->path.n; i++) {
        const struct critical_step *s = &p->a->path.steps[i];
        size_t place = s->row == TRACE_NONE ? TRACE_NONE : p->place[s->row];
        if (place == TRACE_NONE)
            continue;
        unsigned y = y_of(p, place) + p->bar + 1;
        buf_add_f(p->out, "%c%.1f %uH%.1f", command, x_of(p, s->from_us), y, x_of(p, s->to_us));
        command = 'L';
    }
    buf_add_z(p->out, "\"/>\n");
}

/* -- The whole -- */

static void add_style(struct picture *p)
{
    buf_add_f(p->out,
              "<style>\n"
              "text{font-family:\"DejaVu Sans\",Verdana,Arial,sans-serif;fill:#222}\n"
              ".h{font-size:16px;font-weight:bold}.t{font-size:11px}.m{text-anchor:middle}\n"
              ".l{font-size:%upx}.e{text-anchor:end}.d{fill:#666}\n"
              ".g{stroke:#ddd;stroke-width:1}.c{stroke:#111;stroke-width:1.6;fill:none;"
              "stroke-linejoin:round}\n"
              ".f{stroke:#d55e00;stroke-width:2;fill:none}.u{fill:#111}\n",
              p->font);
    for (uint32_t i = 0; i < p->trace->states.n; i++)
        buf_add_f(p->out, ".s%u{fill:%s}", i, look_of(i).fill);
    buf_add_z(p->out, "\n</style>\n");
}

/* The size is known once the legend is set. */
static void add_document(struct picture *p, struct str content)
{
    unsigned height = y_of(p, p->n) + 32;

    buf_add_f(p->out,
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" "
              "height=\"%u\" viewBox=\"0 0 %d %u\">\n",
              WIDTH, height, WIDTH, height);
    add_style(p);
    buf_add_f(p->out,
              "<clipPath id=\"labels\"><rect width=\"%d\" height=\"%u\"/></clipPath>\n"
              "<rect width=\"%d\" height=\"%u\" fill=\"#fff\"/>\n",
              LEFT, height, WIDTH, height);
    buf_add_str(p->out, content);
    buf_add_z(p->out, "</svg>\n");
}

void timeline_add(struct buf *out, const struct analysis *a)
{
    struct buf content = { 0 };
    struct picture p = { .out = &content, .a = a, .trace = a->trace };
    uint64_t total_us = a->trace->total_us;

    choose_rows(&p);
    p.us_per_px = (double)(total_us ? total_us : 1) / PLOT;
    p.pitch = p.n > MANY_ROWS ? 13 : 20;
    p.bar = p.n > MANY_ROWS ? 9 : 13;
    p.font = p.n > MANY_ROWS ? 9 : 11;
    add_title(&p);
    add_legend(&p);
    add_axis(&p);
    for (size_t i = 0; i < p.n; i++)
        add_row(&p, i);
    add_path(&p);
    p.out = out;
    add_document(&p, buf_str(&content));
    buf_done(&content);
    free(p.rows);
    free(p.place);
}
