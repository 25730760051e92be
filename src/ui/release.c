/* One list for each kind of wait, in the order of the trace: what comes last before the line that
 * ended a wait has ended it. */
#include "dray/ui/release.h"

#include <stdlib.h>

#include "dray/util/mem.h"
#include "dray/util/sorted.h"

#define SET(state) (UINT64_C(1) << FETCH_##state)

/* A wait, the states whose end in another machine can end it, and do pages too? */
static const struct rule {
    enum fetch_state wait;
    uint64_t ends;
    bool pages;
} rules[] = {
    /* The slot is given back once what came is in its place. */
    { FETCH_QUEUE, SET(HEADER) | SET(BODY) | SET(HASH) | SET(PLACE), true },
    { FETCH_DECIDE, SET(LOOKUP) | SET(METADATA), false },
};

enum { RULES = sizeof(rules) / sizeof(rules[0]) };

struct list {
    struct release *items;
    size_t n, cap;
};

struct file_end {
    struct str file;
    struct release end;
};

struct releases {
    const struct trace_file *trace;
    struct list by_rule[RULES]; /* by line */
    struct file_end *files;     /* machines that ended, by the name of their file, then by line */
    size_t n_files, files_cap;
};

static void list_add(struct list *l, struct release item)
{
    l->items = mem_grow(l->items, l->n, &l->cap, sizeof(*l->items));
    l->items[l->n++] = item;
}

static int compare_lines(const void *a, const void *b)
{
    const struct release *x = a, *y = b;

    return x->line < y->line ? -1 : x->line > y->line;
}

static int compare_files(const void *a, const void *b)
{
    const struct file_end *x = a, *y = b;
    int order = str_cmp(x->file, y->file);

    return order ? order : compare_lines(&x->end, &y->end);
}

static void add_span(struct releases *r, size_t row, size_t span)
{
    const struct trace_row *w = &r->trace->rows[row];
    const struct trace_span *s = &w->spans[span];
    struct release item = { s->to_us, s->line, (uint32_t)span, row, TRACE_NONE };

    if (!s->line)
        return;
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].ends & (UINT64_C(1) << s->state))
            list_add(&r->by_rule[i], item);
    if (span + 1 < w->n || !w->ended || !w->file.p)
        return;
    r->files = mem_grow(r->files, r->n_files, &r->files_cap, sizeof(*r->files));
    r->files[r->n_files++] = (struct file_end){ w->file, item };
}

struct releases *releases_create(const struct trace_file *t)
{
    struct releases *r = mem_new(1, sizeof(*r));

    r->trace = t;
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->rows[i].n; k++)
            add_span(r, i, k);
    for (size_t i = 0; i < RULES; i++) {
        for (size_t p = 0; rules[i].pages && p < t->n_pages; p++)
            list_add(&r->by_rule[i],
                     (struct release){ t->pages[p].to_us, t->pages[p].line, 0, TRACE_NONE, p });
        if (r->by_rule[i].n)
            qsort(r->by_rule[i].items, r->by_rule[i].n, sizeof(struct release), compare_lines);
    }
    if (r->n_files)
        qsort(r->files, r->n_files, sizeof(*r->files), compare_files);
    return r;
}

void releases_destroy(struct releases *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < RULES; i++)
        free(r->by_rule[i].items);
    free(r->files);
    free(r);
}

/* How many stand before this line. */
static size_t list_before(const struct list *l, uint32_t line)
{
    const struct release key = { .line = line };

    return sorted_before(l->items, l->n, sizeof(key), &key, compare_lines);
}

static size_t files_before(const struct releases *r, struct str file, uint32_t line)
{
    const struct file_end key = { file, { .line = line } };

    return sorted_before(r->files, r->n_files, sizeof(key), &key, compare_files);
}

static bool is_within(const struct release *item, size_t row, const struct trace_span *wait)
{
    return item->row != row && item->at_us > wait->from_us;
}

/* A file that was there at once was kept; one that came while it was looked for was fetched by
 * another machine: fetch/machine.h, followers. */
static bool find_file(const struct releases *r, size_t row, const struct trace_span *wait,
                      struct release *out)
{
    struct str file = r->trace->rows[row].file;
    size_t before = file.p ? files_before(r, file, wait->line) : 0;

    if (!before || !str_eq(r->files[before - 1].file, file) ||
        !is_within(&r->files[before - 1].end, row, wait))
        return false;
    *out = r->files[before - 1].end;
    return true;
}

bool releases_find(const struct releases *r, size_t row, size_t span, struct release *out)
{
    const struct trace_span *wait = &r->trace->rows[row].spans[span];

    if (!wait->line || wait->to_us - wait->from_us < RELEASE_WAIT_US)
        return false;
    if (wait->state == FETCH_PROBE)
        return find_file(r, row, wait, out);
    for (size_t i = 0; i < RULES; i++) {
        const struct list *l = &r->by_rule[i];
        size_t before = rules[i].wait == wait->state ? list_before(l, wait->line) : 0;
        const struct release *last = before ? &l->items[before - 1] : NULL;
        if (!last || !is_within(last, row, wait) || wait->to_us - last->at_us > RELEASE_NEAR_US)
            continue;
        *out = *last;
        return true;
    }
    return false;
}
