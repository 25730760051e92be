/* Walked backwards and turned round at the end. It ends, since what ended a wait stands in an
 * earlier line of the trace than the end of the wait. */
#include "dray/ui/critical_path.h"

#include <stdlib.h>

#include "dray/py/requirement.h"
#include "dray/util/buf.h"
#include "dray/util/mem.h"
#include "dray/util/sorted.h"

enum { PAGES_LOOKED_AT = 256 };

static void path_add(struct critical_path *p, struct critical_step step)
{
    p->steps = mem_grow(p->steps, p->n, &p->cap, sizeof(*p->steps));
    p->steps[p->n++] = step;
}

static void path_turn(struct critical_path *p)
{
    for (size_t i = 0; i < p->n / 2; i++) {
        struct critical_step step = p->steps[i];
        p->steps[i] = p->steps[p->n - 1 - i];
        p->steps[p->n - 1 - i] = step;
    }
}

/* The last part of a URL's path, a page's project: "https://example.org/simple/flask/". */
static struct str url_last_part(struct str url)
{
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    return str_sub(url, (size_t)(str_rfind(url, '/') + 1), url.n);
}

/* "Flask[async]>=3" is of project "flask"; "" when the requirement begins with no name. */
static struct str label_project(struct arena *a, struct str label)
{
    size_t n = 0;

    while (n < label.n && (str_isalpha(label.p[n]) || str_isdigit(label.p[n]) ||
                           strchr("-_.", label.p[n]) != NULL))
        n++;
    return project_name_normalize(a, str_sub(label, 0, n));
}

static int compare_lines(const void *a, const void *b)
{
    const struct trace_page *x = a, *y = b;

    return x->line < y->line ? -1 : x->line > y->line;
}

/* The page that ended a look-up: the last one of the project, since it waits for those of all
 * indexes. */
static size_t page_of(const struct trace_file *t, const struct trace_row *row,
                      const struct trace_span *lookup)
{
    const struct trace_page key = { .line = lookup->line };
    size_t before = sorted_before(t->pages, t->n_pages, sizeof(key), &key, compare_lines);
    size_t found = TRACE_NONE;
    struct arena a = { 0 };
    struct str project = label_project(&a, row->label);

    for (size_t i = before; i-- > 0 && before - i <= PAGES_LOOKED_AT && found == TRACE_NONE;) {
        if (t->pages[i].to_us < lookup->from_us)
            break;
        if (project.n && str_eq(url_last_part(t->pages[i].url), project))
            found = i;
    }
    arena_done(&a);
    return found;
}

/* Longest in its last state among those that ended last: of a run that was cut, what hung. */
static size_t last_row(const struct trace_file *t)
{
    size_t last = 0;

    for (size_t i = 1; i < t->n; i++) {
        const struct trace_row *row = &t->rows[i], *best = &t->rows[last];
        bool later = row->ended_us > best->ended_us;
        bool same = row->ended_us == best->ended_us && row->n && best->n;
        if (later || (same && row->spans[row->n - 1].from_us < best->spans[best->n - 1].from_us))
            last = i;
    }
    return last;
}

/* What was before the first state of a row, or before a page was asked for: reading requirements,
 * asking the interpreter. */
static void path_add_start(struct critical_path *p, uint64_t until_us)
{
    path_add(p, (struct critical_step){
                    .row = TRACE_NONE, .page = TRACE_NONE, .from_us = 0, .to_us = until_us });
}

static void path_add_page(struct critical_path *p, const struct trace_file *t, size_t page)
{
    const struct trace_page *l = &t->pages[page];

    path_add(p, (struct critical_step){ .row = TRACE_NONE,
                                        .page = page,
                                        .state = FETCH_LOOKUP,
                                        .from_us = l->from_us,
                                        .to_us = l->to_us });
    path_add_start(p, l->from_us);
}

static void path_walk(struct critical_path *p, const struct trace_file *t,
                      const struct releases *releases)
{
    size_t row = last_row(t), next = t->rows[row].n;

    while (next > 0) {
        const struct trace_row *w = &t->rows[row];
        const struct trace_span *s = &w->spans[next - 1];
        struct critical_step step = { row, TRACE_NONE, s->state, s->from_us, s->to_us, 0 };
        struct release by;
        if (s->state == FETCH_LOOKUP)
            step.page = page_of(t, w, s);
        bool released = releases_find(releases, row, next - 1, &by);
        if (released) {
            step.waited_us = s->to_us - s->from_us;
            step.from_us = by.at_us;
        }
        path_add(p, step);
        if (released && by.row == TRACE_NONE) {
            path_add_page(p, t, by.page);
            return;
        }
        row = released ? by.row : row;
        next = released ? by.span + 1 : next - 1;
    }
    path_add_start(p, t->rows[row].began_us);
}

void critical_path_init(struct critical_path *p, const struct trace_file *t,
                        const struct releases *releases)
{
    *p = (struct critical_path){ .n = 0 };
    if (!t->n)
        return;
    path_walk(p, t, releases);
    path_turn(p);
}

void critical_path_done(struct critical_path *p)
{
    free(p->steps);
    *p = (struct critical_path){ .n = 0 };
}
