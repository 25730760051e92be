#include "dray/job/sets.h"

#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

static bool needs_index(const struct gathered *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (!g->wishes[i].url.p && !g->wishes[i].fault.code)
            return true;
    return false;
}

/* What is skipped for each target is told once; what only some skip, not at all. */
static void tell_skipped(const struct sets *s, struct events *events)
{
    struct map told = { 0 };

    for (size_t i = 0; s->n && i < s->items[0].gathered.ignored.n; i++) {
        struct str label = s->items[0].gathered.ignored.items[i];
        size_t skip = 1;
        for (size_t k = 1; k < s->n; k++) {
            const struct strs *others = &s->items[k].gathered.ignored;
            bool found = false;
            for (size_t m = 0; m < others->n && !found; m++)
                found = str_eq(others->items[m], label);
            skip += found;
        }
        if (skip < s->n || (s->n > 1 && map_get(&told, label)))
            continue;
        map_put(&told, label, events);
        events_emit(events, &(struct event){ .kind = EVENT_SKIPPED, .text = label });
    }
    map_done(&told);
}

int sets_gather(struct sets *s, const struct settings *settings, const struct inputs *in,
                const struct targets *targets, struct events *events, struct err *e)
{
    struct gather_input input = { .settings = settings };
    bool asks = false;

    input.wants = inputs_wants(in, &input.n_wants);
    input.constraints = inputs_constraints(in, &input.n_constraints);
    s->settings = settings;
    s->items = mem_new(targets->n, sizeof(*s->items));
    s->n = targets->n;
    for (size_t i = 0; i < s->n; i++) {
        s->items[i].target = targets->items[i];
        input.env = &targets->items[i]->env;
        gather(&input, &s->items[i].gathered);
        asks |= needs_index(&s->items[i].gathered);
    }
    tell_skipped(s, events);
    return asks ? settings_check_index(settings, e) : 0;
}

/* "3.12:win_amd64" as a directory, for file systems that know no ":". */
static void add_directory(const struct sets *s, const struct set *set, struct buf *out)
{
    buf_add_f(out, "%.*s/", STR_ARG(s->settings->dest));
    for (size_t i = 0; i < set->target->label.n; i++) {
        char c = set->target->label.p[i];
        buf_add_c(out, c == ':' || c == '/' || c == ' ' ? '-' : c);
    }
}

int sets_open(struct sets *s, const struct rooms_door *door, struct err *e)
{
    struct buf dir = { 0 };

    if (s->settings->layout != LAYOUT_TARGET)
        return 0;
    for (size_t i = 0; i < s->n && !e->code; i++) {
        buf_reset(&dir);
        add_directory(s, &s->items[i], &dir);
        s->items[i].place =
            s->settings->dry_run ? place_look(buf_z(&dir)) : rooms_door_open(door, buf_z(&dir), e);
    }
    buf_done(&dir);
    return e->code;
}

static struct resolution_formats formats_of(void *ctx, struct str project)
{
    const struct sets *s = ctx;
    struct settings_formats formats = settings_formats_of(s->settings, project);

    return (struct resolution_formats){ formats.wheel, formats.sdist };
}

/* What `dray metadata` is asked about it is asked about alone. */
static bool resolves(const struct settings *s)
{
    return !s->no_deps && s->command != COMMAND_METADATA;
}

static void resolve(struct sets *s, struct set *set, struct fetcher *f)
{
    enum settings_resolution how = s->settings->resolution;

    set->to_resolve = (struct resolution_input){ .target = set->target,
                                                 .wishes = set->gathered.wishes,
                                                 .n_wishes = set->gathered.n,
                                                 .constraints = set->gathered.constraints,
                                                 .n_constraints = set->gathered.n_constraints,
                                                 .pre = s->settings->pre,
                                                 .prefer_binary = s->settings->prefer_binary,
                                                 .need_hash = set->gathered.need_hash,
                                                 .lowest = how == RESOLUTION_LOWEST,
                                                 .lowest_direct = how == RESOLUTION_LOWEST_DIRECT,
                                                 .before_us = settings_before_us(s->settings),
                                                 .formats = formats_of,
                                                 .ctx = s };
    fetcher_resolve(f, s->facts, &set->to_resolve);
}

struct fetcher *sets_fetcher(struct sets *s, const struct fetch_world *w, fetcher_done_fn done,
                             void *ctx)
{
    struct fetcher *f = fetcher_create(w, done, ctx);

    if (resolves(s->settings))
        s->facts = facts_create(w);
    for (size_t i = 0; i < s->n; i++) {
        struct set *set = &s->items[i];
        fetcher_next_set(f, set->target, set->place, s->n > 1 ? set->target->label : STR_NONE);
        for (size_t k = 0; k < set->gathered.n; k++)
            fetcher_add(f, &set->gathered.wishes[k]);
        if (s->facts)
            resolve(s, set, f);
    }
    return f;
}

void sets_close(struct sets *s)
{
    if (s->facts)
        facts_cancel(s->facts);
    for (size_t i = 0; i < s->n; i++) {
        place_close(s->items[i].place);
        s->items[i].place = NULL;
    }
}

void sets_done(struct sets *s)
{
    sets_close(s);
    for (size_t i = 0; i < s->n; i++)
        gathered_done(&s->items[i].gathered);
    facts_destroy(s->facts);
    free(s->items);
    *s = (struct sets){ 0 };
}
