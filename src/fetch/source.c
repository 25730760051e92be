/* A project is asked for once: all who ask wait for the same pages, whose files are parsed once
 * into distributions. */
#include "dray/fetch/source.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/fetch/flat.h"
#include "dray/net/url.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

struct project_page {
    struct project *project;
    const struct source_index *index;
    struct page *page;                /* NULL: not asked for (yet) */
    const struct page_answer *answer; /* NULL: on its way */
};

struct project {
    struct source *source;
    struct str name;
    struct project_page *pages; /* one for each index that may have it; NULL: nobody needs them at
                                   present */
    size_t n_pages;
    bool pinned;    /* it is held to these indexes */
    size_t pending; /* pages on their way, plus one while the flat places are read */
    bool ready;
    struct source_query *queries;
    struct arena arena; /* what was parsed for the answer */
    const struct distribution **items;
    size_t n, cap;
    struct source_answer answer;
};

struct source_query {
    struct project *project;
    source_done_fn done;
    void *ctx;
    struct loop_task tell;
    struct source_query *next;
};

struct source {
    const struct page_world *world;
    struct source_places places;
    struct arena arena; /* projects and their names */
    struct map projects;
    struct flat *flat; /* NULL without find_links, and before the first question */
    bool flat_ready;
    const struct err *flat_err;
};

static void project_add(struct project *p, const struct simple_file *file, struct str base)
{
    struct distribution d;

    if (!distribution_parse(&p->arena, file, p->name, base, &d))
        return;
    p->items = mem_grow(p->items, p->n, &p->cap, sizeof(*p->items));
    p->items[p->n++] = arena_copy(&p->arena, &d, 1, sizeof(d));
}

static void project_add_local(void *ctx, const struct flat_file *f)
{
    if (f->is_local)
        project_add(ctx, f->file, f->base);
}

static void project_add_listed(void *ctx, const struct flat_file *f)
{
    if (!f->is_local)
        project_add(ctx, f->file, f->base);
}

/* pip's order: local files, then --find-links pages, then the indexes. What a page lists is a
 * stranger's word, as an index is; files in a directory were put there by who names it. */
static void project_collect(struct project *p)
{
    const struct source *s = p->source;

    if (s->flat) {
        flat_find(s->flat, p->name, project_add_local, p);
        if (!p->pinned)
            flat_find(s->flat, p->name, project_add_listed, p);
    }
    for (size_t i = 0; i < p->n_pages; i++) {
        const struct page_answer *answer = p->pages[i].answer;
        for (size_t k = 0; answer && answer->listing && k < answer->listing->n; k++)
            project_add(p, &answer->listing->files[k], answer->base);
    }
}

/* Where it was looked for. */
static void add_places(const struct project *p, struct buf *out)
{
    const struct strs *find_links = p->source->places.find_links;

    for (size_t i = 0; i < p->n_pages; i++) {
        buf_add_z(out, out->n ? ", " : "");
        source_index_show(p->pages[i].index, out);
    }
    for (size_t i = 0; i < find_links->n; i++) {
        buf_add_z(out, out->n ? ", " : "");
        url_redact(find_links->items[i], out);
    }
}

static void set_page_error(struct err *e, const struct project_page *page)
{
    err_set(e, page->answer->err.code, "%s", err_text(&page->answer->err));
    if (page->index->name.n)
        err_wrap(e, "index %.*s", STR_ARG(page->index->name));
}

/* A page that failed makes the answer an error, never a smaller answer: pip skips it, and an outage
 * then silently changes what is installed. */
static void project_check(struct project *p)
{
    struct err *e = &p->answer.err;
    struct buf places = { 0 };

    if (p->source->flat_err && p->source->flat_err->code)
        err_set(e, p->source->flat_err->code, "%s", err_text(p->source->flat_err));
    for (size_t i = 0; i < p->n_pages && !e->code && p->pages[i].answer; i++) {
        const struct err *got = &p->pages[i].answer->err;
        if (got->code == ERR_OFFLINE && p->n) /* --offline says that what is here will do */
            events_warn(p->source->world->events, NULL, "%s", err_text(got));
        else if (got->code && got->code != ERR_NOT_FOUND)
            set_page_error(e, &p->pages[i]);
    }
    if (e->code || p->n)
        return;
    add_places(p, &places);
    if (places.n)
        err_set(e, ERR_NOT_FOUND, "no files of a project named \"%.*s\" were found; looked at %s%s",
                STR_ARG(p->name), buf_z(&places),
                p->pinned ? ", and nowhere else: the configuration holds it to that index" : "");
    else if (p->source->places.n_indexes)
        err_set(e, ERR_NOT_FOUND,
                "there is nowhere to look for it: each index that is configured serves certain "
                "packages only, and it is none of them");
    else
        err_set(e, ERR_NOT_FOUND,
                "there is nowhere to look for it: --no-index is given without --find-links");
    buf_done(&places);
}

static void query_tell(void *ctx)
{
    struct source_query *q = ctx;

    q->done(q->ctx, &q->project->answer);
}

static void project_finish(struct project *p)
{
    project_collect(p);
    p->answer.items = p->items;
    p->answer.n = p->n;
    project_check(p);
    p->ready = true;
    for (struct source_query *q = p->queries; q; q = q->next)
        loop_post(p->source->world->loop, &q->tell);
}

static void project_one_less(struct project *p)
{
    if (--p->pending == 0)
        project_finish(p);
}

static void project_ask(struct project *p, size_t index);

static void project_page_done(void *ctx, const struct page_answer *answer)
{
    struct project_page *page = ctx;
    struct project *p = page->project;
    size_t next = (size_t)(page - p->pages) + 1;

    page->answer = answer;
    if (p->source->places.first_index && answer->err.code == ERR_NOT_FOUND && next < p->n_pages)
        project_ask(p, next);
    else
        project_one_less(p);
}

static void project_ask(struct project *p, size_t index)
{
    struct project_page *page = &p->pages[index];
    struct str root = page->index->url;
    struct buf url = { 0 };

    while (str_ends(root, STR("/")))
        root.n--;
    buf_add_f(&url, "%.*s/%.*s/", STR_ARG(root), STR_ARG(p->name));
    page->page = page_start(p->source->world, buf_z(&url), project_page_done, page);
    page_set_index(page->page, page->index->name);
    buf_done(&url);
}

static void source_flat_done(void *ctx, struct err *e)
{
    struct source *s = ctx;

    s->flat_ready = true;
    s->flat_err = e;
    for (size_t i = 0; i < s->projects.n; i++) {
        struct project *p = s->projects.entries[i].value;
        if (p->pending)
            project_one_less(p);
    }
}

/* Those that it is held to, or all that hold nothing. */
static void project_choose(struct project *p)
{
    const struct source_places *places = &p->source->places;
    size_t best = 0;

    for (size_t i = 0; i < places->n_indexes; i++) {
        size_t fits = source_index_match(&places->indexes[i], p->name);
        best = fits > best ? fits : best;
    }
    p->pinned = best > 0;
    p->pages = mem_new(places->n_indexes, sizeof(*p->pages));
    for (size_t i = 0; i < places->n_indexes; i++) {
        const struct source_index *ix = &places->indexes[i];
        bool serves = best ? source_index_match(ix, p->name) == best : !ix->n_packages;
        if (serves)
            p->pages[p->n_pages++] = (struct project_page){ .project = p, .index = ix };
    }
}

static void project_start(struct project *p)
{
    struct source *s = p->source;

    project_choose(p);
    size_t at_once = s->places.first_index && p->n_pages ? 1 : p->n_pages;
    p->pending = at_once + !s->flat_ready;
    for (size_t i = 0; i < at_once; i++)
        project_ask(p, i);
    if (!p->pending)
        project_finish(p);
}

static void project_stop(struct project *p)
{
    for (size_t i = 0; i < p->n_pages; i++)
        page_destroy(p->pages[i].page);
    free(p->pages);
    free(p->items);
    arena_done(&p->arena);
    err_done(&p->answer.err);
    *p = (struct project){ .source = p->source, .name = p->name };
}

struct source *source_create(const struct page_world *w, const struct source_places *places)
{
    struct source *s = mem_new(1, sizeof(*s));

    s->world = w;
    s->places = *places;
    s->flat_ready = places->find_links->n == 0;
    return s;
}

void source_destroy(struct source *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->projects.n; i++)
        assert(!((struct project *)s->projects.entries[i].value)->queries);
    flat_destroy(s->flat);
    map_done(&s->projects);
    arena_done(&s->arena);
    free(s);
}

static struct project *source_project(struct source *s, struct str name)
{
    struct project *p = map_get(&s->projects, name);

    if (p)
        return p;
    p = arena_alloc(&s->arena, 1, sizeof(*p));
    p->source = s;
    p->name = arena_str(&s->arena, name);
    map_put(&s->projects, p->name, p);
    return p;
}

struct source_query *source_start(struct source *s, struct str project, source_done_fn done,
                                  void *ctx)
{
    struct source_query *q = mem_new(1, sizeof(*q));
    struct project *p = source_project(s, project);

    q->project = p;
    q->done = done;
    q->ctx = ctx;
    q->tell = (struct loop_task){ .fn = query_tell, .ctx = q };
    q->next = p->queries;
    p->queries = q;
    if (p->ready)
        loop_post(s->world->loop, &q->tell);
    else if (!p->pages)
        project_start(p);
    if (!s->flat && s->places.find_links->n)
        s->flat = flat_start(s->world, s->places.find_links, source_flat_done, s);
    return q;
}

void source_query_destroy(struct source_query *q)
{
    if (!q)
        return;
    struct project *p = q->project;
    struct source_query **at = &p->queries;
    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    loop_unpost(p->source->world->loop, &q->tell);
    free(q);
    if (!p->queries)
        project_stop(p);
}
