/* One function a paragraph; what would be empty is left out. */
#include "dray/ui/analysis_text.h"

#include <stdlib.h>

#include "dray/ui/human.h"
#include "dray/ui/shown.h"
#include "dray/util/mem.h"

enum { NAME_CELLS = 34, STEPS_SHOWN = 20 };

/* "1.234", for columns that are compared. */
static void add_seconds(struct buf *out, int width, uint64_t us)
{
    buf_add_f(out, "%*.3f", width, (double)us / 1e6);
}

/* "  1.2 s", with blanks before it. */
static void add_took(struct buf *out, size_t width, uint64_t us)
{
    struct buf text = { 0 };

    human_took(&text, us);
    buf_add_f(out, "%*s", (int)width, buf_z(&text));
    buf_done(&text);
}

static void add_bytes(struct buf *out, size_t width, uint64_t n)
{
    struct buf text = { 0 };

    human_bytes(&text, n);
    buf_add_f(out, "%*s", (int)width, buf_z(&text));
    buf_done(&text);
}

static struct str row_label(const struct trace_row *row)
{
    return row->label.p ? row->label : row->file.p ? row->file : STR("?");
}

/* "38 requirements in 3.8 s: 36 done, 1 failed. The run ended with \"hash\"." */
static void add_head(struct buf *out, const struct analysis *a)
{
    const struct trace_file *t = a->trace;

    human_count(out, t->n, "requirement");
    buf_add_z(out, " in ");
    human_took(out, t->total_us);
    buf_add_f(out, ": %zu done", a->done);
    if (a->failed)
        buf_add_f(out, ", %zu failed", a->failed);
    if (a->unfinished)
        buf_add_f(out, ", %zu not ended", a->unfinished);
    if (t->code.p && !str_is(t->code, "ok")) {
        buf_add_z(out, ". The run ended with \"");
        shown_add(out, t->code);
        buf_add_c(out, '"');
    }
    buf_add_z(out, ".\n");
    if (t->cut)
        buf_add_z(out, "The trace is cut: the run was going on when it ends.\n");
}

static void add_time_line(struct buf *out, struct str what, struct str state,
                          const struct analysis_time *time)
{
    buf_add_z(out, "  ");
    shown_add_cut(out, what, 19);
    shown_add_cut(out, state, 10);
    add_seconds(out, 11, time->share_us);
    buf_add_f(out, "%6u.%u %%", time->per_mille / 10, time->per_mille % 10);
    add_seconds(out, 12, time->wall_us);
    add_seconds(out, 12, time->alone_us);
    add_seconds(out, 12, time->summed_us);
    buf_add_c(out, '\n');
}

static void add_shares(struct buf *out, const struct analysis *a)
{
    const struct trace_file *t = a->trace;

    buf_add_f(out,
              "\nWhat the run waited for, in seconds. Each instant is shared out among the "
              "requirements at\nwork in it; beside that how long some were there, none elsewhere, "
              "and all of them summed up.\n\n  %-19s%-10s%11s%10s%12s%12s%12s\n",
              "waited for", "state", "waited", "share", "some", "alone", "summed");
    for (uint32_t i = 0; i < t->states.n; i++)
        if (a->states[i].machines)
            add_time_line(out, analysis_waits_for(t, i), t->states.items[i], &a->states[i]);
    if (a->idle.share_us)
        add_time_line(out, STR("start and end"), STR("-"), &a->idle);
}

static void add_origins(struct buf *out, const struct analysis *a)
{
    const struct trace_file *t = a->trace;

    if (a->done)
        buf_add_z(out, "\nWhere the files came from\n\n");
    for (size_t i = 0; i < t->origins.n; i++) {
        if (!a->origins[i].files)
            continue;
        buf_add_z(out, "  ");
        if (i < FETCH_ORIGIN_COUNT)
            buf_add_f(out, "%-19s", fetch_origin_told((enum fetch_origin)i));
        else
            shown_add_cut(out, t->origins.items[i], 19);
        buf_add_f(out, "%10zu %s", a->origins[i].files,
                  a->origins[i].files == 1 ? "file " : "files");
        add_bytes(out, 13, a->origins[i].bytes);
        buf_add_c(out, '\n');
    }
}

/* "Of the network came 41.5 MB of bodies, 120 kB in 38 listings; 3 attempts were repeated." */
static void add_traffic(struct buf *out, const struct analysis *a)
{
    buf_add_z(out, "\nBodies: ");
    human_bytes(out, a->got_bytes);
    buf_add_z(out, "; listings: ");
    human_bytes(out, a->page_bytes);
    buf_add_z(out, " in ");
    human_count(out, a->trace->n_pages, "page");
    if (a->failed_pages)
        buf_add_f(out, ", %zu of them failed", a->failed_pages);
    if (a->metadata_bytes) {
        buf_add_z(out, "; metadata: ");
        human_bytes(out, a->metadata_bytes);
    }
    if (a->retries) {
        buf_add_z(out, "; ");
        human_count(out, a->retries, "attempt");
        buf_add_z(out, " failed and came again");
    }
    buf_add_z(out, ".\n");
}

/* "Metadata by: sidecar 12, tail 3." */
static void add_rungs(struct buf *out, const struct analysis *a)
{
    const char *before = "Metadata had from: ";

    for (size_t i = 0; i < a->trace->rungs.n; i++) {
        if (!a->rungs[i])
            continue;
        buf_add_z(out, before);
        shown_add(out, a->trace->rungs.items[i]);
        buf_add_f(out, " %zu", a->rungs[i]);
        before = ", ";
    }
    if (str_is(str_of(before), ", "))
        buf_add_z(out, ".\n");
}

static void add_slowest_row(struct buf *out, const struct analysis *a,
                            const struct analysis_row *slow)
{
    const struct trace_row *row = &a->trace->rows[slow->row];
    struct buf most = { 0 };

    buf_add_c(out, ' ');
    add_took(out, 12, slow->took_us);
    buf_add_z(out, "  ");
    shown_add_cut(out, row_label(row), NAME_CELLS);
    buf_add_z(out, "  ");
    human_took(&most, slow->state_us);
    buf_add_z(&most, " of it ");
    shown_add(&most, a->trace->states.items[slow->state]);
    if (row->retries)
        buf_add_f(&most, ", attempts: %u", row->retries + 1);
    if (!row->ended)
        buf_add_z(&most, ", not ended");
    else if (row->state == FETCH_FAILED)
        buf_add_z(&most, ", failed");
    buf_add_str(out, buf_str(&most));
    buf_add_c(out, '\n');
    buf_done(&most);
}

static void add_slowest(struct buf *out, const struct analysis *a)
{
    if (a->n_slowest)
        buf_add_z(out, "\nThe slowest requirements\n\n");
    for (size_t i = 0; i < a->n_slowest; i++)
        add_slowest_row(out, a, &a->slowest[i]);
}

static void add_pages(struct buf *out, const struct analysis *a)
{
    if (a->n_pages)
        buf_add_z(out, "\nThe slowest listings\n\n");
    for (size_t i = 0; i < a->n_pages; i++) {
        const struct trace_page *page = &a->trace->pages[a->pages[i]];
        buf_add_c(out, ' ');
        add_took(out, 12, page->to_us - page->from_us);
        add_bytes(out, 13, page->bytes);
        buf_add_z(out, "  ");
        shown_add(out, page->url.p ? page->url : STR("?"));
        if (page->code.p && !str_is(page->code, "ok")) {
            buf_add_z(out, "  (");
            shown_add(out, page->code);
            buf_add_c(out, ')');
        }
        buf_add_c(out, '\n');
    }
}

/* -- The critical path -- */

static int compare_times(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return *x > *y ? -1 : *x < *y;
}

static uint64_t step_us(const struct critical_step *s)
{
    return s->to_us - s->from_us;
}

/* How long a step must be to be told by itself: so that at most STEPS_SHOWN are, and none that is
 * under a thousandth of the run. */
static uint64_t shortest_told(const struct critical_path *p, uint64_t total_us)
{
    uint64_t *times = mem_new(p->n ? p->n : 1, sizeof(*times));
    uint64_t shortest = total_us / 1000 + 1;

    for (size_t i = 0; i < p->n; i++)
        times[i] = step_us(&p->steps[i]);
    if (p->n)
        qsort(times, p->n, sizeof(*times), compare_times);
    if (p->n > STEPS_SHOWN && times[STEPS_SHOWN] + 1 > shortest)
        shortest = times[STEPS_SHOWN] + 1;
    free(times);
    return shortest;
}

static void add_step(struct buf *out, const struct analysis *a, const struct critical_step *s)
{
    const struct trace_file *t = a->trace;
    bool has_page = s->page != TRACE_NONE && t->pages[s->page].url.p;

    add_seconds(out, 12, s->from_us);
    add_seconds(out, 11, step_us(s));
    buf_add_z(out, "  ");
    if (s->row == TRACE_NONE && !has_page) {
        buf_add_z(out, "before the first request\n");
        return;
    }
    shown_add_cut(out, t->states.items[s->state], 10);
    if (s->row != TRACE_NONE)
        shown_add(out, row_label(&t->rows[s->row]));
    if (has_page) {
        buf_add_z(out, s->row == TRACE_NONE ? "" : "  ");
        shown_add(out, t->pages[s->page].url);
    }
    if (s->waited_us) {
        buf_add_z(out, "  (waited ");
        human_took(out, s->waited_us);
        buf_add_z(out, " for the one above)");
    }
    buf_add_c(out, '\n');
}

static void add_folded(struct buf *out, const struct analysis *a, size_t steps, uint64_t us)
{
    if (us < a->trace->total_us / 1000 + 1)
        return;
    add_seconds(out, 23, us);
    buf_add_z(out, "  in ");
    human_count(out, steps, "short step");
    buf_add_c(out, '\n');
}

static void add_path_total(struct buf *out, const struct analysis *a)
{
    const char *before = "\n  In all: ";

    for (size_t i = 0; i < a->trace->states.n; i++) {
        if (a->states[i].path_us < a->trace->total_us / 1000 + 1)
            continue;
        buf_add_z(out, before);
        shown_add(out, a->trace->states.items[i]);
        buf_add_c(out, ' ');
        add_seconds(out, 0, a->states[i].path_us);
        before = ", ";
    }
    buf_add_z(out, str_is(str_of(before), ", ") ? ".\n" : "");
}

static void add_path(struct buf *out, const struct analysis *a)
{
    uint64_t shortest = shortest_told(&a->path, a->trace->total_us), folded_us = 0;
    size_t folded = 0;

    if (!a->path.n)
        return;
    buf_add_f(
        out,
        "\nThe chain that ended last, in seconds: the run gets shorter when one of these steps "
        "does.\n\n%12s%11s\n",
        "from", "for");
    for (size_t i = 0; i < a->path.n; i++) {
        const struct critical_step *s = &a->path.steps[i];
        if (step_us(s) < shortest) {
            folded_us += step_us(s);
            folded++;
            continue;
        }
        add_folded(out, a, folded, folded_us);
        folded = folded_us = 0;
        add_step(out, a, s);
    }
    add_folded(out, a, folded, folded_us);
    add_path_total(out, a);
}

void analysis_text_add(struct buf *out, const struct analysis *a)
{
    add_head(out, a);
    add_shares(out, a);
    add_origins(out, a);
    add_traffic(out, a);
    add_rungs(out, a);
    add_slowest(out, a);
    add_pages(out, a);
    add_path(out, a);
}
