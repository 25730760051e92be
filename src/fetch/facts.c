/* Two maps, of listings by project and of metadata by URL. An entry waits for one answer, and all
 * who want it wait for the entry. */
#include "dray/fetch/facts.h"

#include <stdlib.h>

#include "dray/fetch/host.h"
#include "dray/fetch/recall.h"
#include "dray/py/metadata.h"
#include "dray/util/clock.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

struct listing {
    struct facts *facts;
    struct source_query *query;
    const struct source_answer *answer; /* NULL: on its way */
    struct fact_wait *waits;
};

struct file {
    struct facts *facts;
    struct ladder *ladder; /* NULL: it has ended */
    struct str url, label;
    struct promise promise;
    bool known;
    struct file_facts said;
    struct fact_wait *waits;
};

struct facts {
    struct fetch_world world;
    struct arena arena;
    struct body_pool pool;
    struct map listings, files;
    struct map allowed; /* struct allowed, by project */
};

struct allowed {
    const struct digest *hashes;
    size_t n;
};

struct facts *facts_create(const struct fetch_world *w)
{
    struct facts *f = mem_new(1, sizeof(*f));

    f->world = *w;
    return f;
}

void facts_cancel(struct facts *f)
{
    for (size_t i = 0; i < f->listings.n; i++) {
        struct listing *l = f->listings.entries[i].value;
        source_query_destroy(l->query);
        *l = (struct listing){ .facts = f };
    }
    for (size_t i = 0; i < f->files.n; i++) {
        struct file *file = f->files.entries[i].value;
        ladder_destroy(file->ladder);
        body_destroy(file->said.body);
        file->ladder = NULL;
        file->said.body = NULL;
    }
}

void facts_destroy(struct facts *f)
{
    if (!f)
        return;
    facts_cancel(f);
    for (size_t i = 0; i < f->files.n; i++)
        err_done(&((struct file *)f->files.entries[i].value)->said.err);
    map_done(&f->listings);
    map_done(&f->files);
    map_done(&f->allowed);
    body_pool_done(&f->pool);
    arena_done(&f->arena);
    free(f);
}

static void wait_for(struct fact_wait **waits, struct fact_wait *w)
{
    if (!w)
        return;
    while (*waits)
        waits = &(*waits)->next;
    w->next = NULL;
    w->at = waits;
    *waits = w;
}

void fact_wait_forget(struct fact_wait *w)
{
    if (!w->at)
        return;
    *w->at = w->next;
    if (w->next)
        w->next->at = w->at;
    w->at = NULL;
}

/* In the order in which they came; one may wait for something else at once. */
static void wake(struct fact_wait **waits)
{
    while (*waits) {
        struct fact_wait *w = *waits;
        fact_wait_forget(w);
        w->fn(w->ctx);
    }
}

/* -- listings -- */

static void listing_came(void *ctx, const struct source_answer *answer)
{
    struct listing *l = ctx;

    l->answer = answer;
    wake(&l->waits);
}

const struct source_answer *facts_listing(struct facts *f, struct str project, struct fact_wait *w)
{
    struct listing *l = map_get(&f->listings, project);

    if (!l) {
        l = arena_alloc(&f->arena, 1, sizeof(*l));
        l->facts = f;
        map_put(&f->listings, arena_str(&f->arena, project), l);
        l->query = source_start(f->world.source, project, listing_came, l);
    }
    if (!l->answer)
        wait_for(&l->waits, w);
    return l->answer;
}

/* -- metadata -- */

void facts_allow(struct facts *f, struct str project, const struct digest *hashes, size_t n)
{
    if (!n || map_get(&f->allowed, project))
        return;
    struct allowed *one = arena_alloc(&f->arena, 1, sizeof(*one));
    *one = (struct allowed){ hashes, n };
    map_put(&f->allowed, arena_str(&f->arena, project), one);
}

static struct promise promise_of(const struct facts *f, const struct distribution *d,
                                 struct str project)
{
    const struct allowed *allowed = map_get(&f->allowed, project);

    return (struct promise){ .allowed = allowed ? allowed->hashes : NULL,
                             .n_allowed = allowed ? allowed->n : 0,
                             .listed = d->file->digests,
                             .n_listed = d->file->n_digests,
                             .bytes = d->file->size };
}

/* Another file will do: the metadata makes no sense, or can't be told without a build. Not so where
 * a file is another one than was promised, as in pip. */
static bool is_unusable(const struct err *e)
{
    return e->code == ERR_INPUT || e->code == ERR_CONFLICT || e->code == ERR_LIMIT ||
           e->code == ERR_UNSUPPORTED;
}

static int parse_needs(struct file *file, const struct metadata *m, struct err *e)
{
    struct arena *a = &file->facts->arena;
    struct requirement *needs = arena_alloc(a, m->n_requires_dist, sizeof(*needs));
    struct err none = { 0 };

    for (size_t i = 0; i < m->n_requires_dist; i++)
        if (requirement_parse(a, m->requires_dist[i], &needs[i], e))
            return err_wrap(e, "Requires-Dist: %.*s", STR_ARG(m->requires_dist[i]));
    file->said.needs.dependencies = needs;
    file->said.needs.n = m->n_requires_dist;
    /* As pip: one that makes no sense excludes nothing. */
    if (m->requires_python.p &&
        !specifier_set_parse(a, m->requires_python, &file->said.python, &none))
        file->said.needs.requires_python = &file->said.python;
    err_done(&none);
    return 0;
}

static void parse_extras(struct file *file, const struct metadata *m)
{
    struct arena *a = &file->facts->arena;
    struct str *extras = arena_alloc(a, m->n_provides_extra, sizeof(*extras));

    for (size_t i = 0; i < m->n_provides_extra; i++)
        extras[i] = project_name_normalize(a, m->provides_extra[i]);
    file->said.needs.extras = extras;
    file->said.needs.n_extras = m->n_provides_extra;
}

/* `version`: STR_NONE: it has been checked whose it is. */
static int parse(struct file *file, struct str text, struct str project, struct str version,
                 struct err *e)
{
    struct arena a = { 0 };
    struct metadata m;
    int code = metadata_parse(&a, text, &m, e);

    if (!code)
        code = metadata_check(&m, project, version, e);
    if (!code)
        code = parse_needs(file, &m, e);
    if (!code)
        parse_extras(file, &m);
    file->said.text = arena_str(&file->facts->arena, text);
    arena_done(&a);
    return code;
}

static void metadata_came(void *ctx, struct ladder_answer *answer)
{
    struct file *file = ctx;
    struct err e = { 0 };

    file->said.rung = answer->rung;
    file->said.requests = answer->requests;
    file->said.bytes = answer->bytes;
    file->said.body = answer->body;
    if (answer->body)
        memcpy(file->said.digests, answer->digests, sizeof(file->said.digests));
    if (!err_move(&e, &answer->err))
        parse(file, answer->metadata, STR_NONE, STR_NONE, &e);
    if (is_unusable(&e)) {
        const char *hint = e.code == ERR_UNSUPPORTED ? "; --no-deps takes it as it is" : "";
        file->said.needs.unusable = arena_f(&file->facts->arena, "%s%s", err_text(&e), hint);
        events_warn(file->facts->world.events, NULL, "%.*s is passed over: %.*s",
                    STR_ARG(file->label), STR_ARG(file->said.needs.unusable));
        err_done(&e);
    }
    err_move(&file->said.err, &e);
    file->known = true;
    ladder_destroy(file->ladder);
    file->ladder = NULL;
    wake(&file->waits);
}

static void climb(struct file *file, const struct distribution *d, struct str project,
                  bool is_recalled)
{
    const struct simple_file *f = d->file;
    struct ladder_wish wish = { .label = file->label,
                                .url = file->url,
                                .filename = f->filename,
                                .project = arena_str(&file->facts->arena, project),
                                .version = d->version.text,
                                .promise = &file->promise,
                                .is_recalled = is_recalled,
                                .has_sidecar = f->has_metadata,
                                .sidecar_digest =
                                    f->has_metadata_digest ? &f->metadata_digest : NULL };

    file->ladder =
        ladder_start(&file->facts->world, &file->facts->pool, &wish, metadata_came, file);
}

static bool is_kept(const struct file *file, struct buf *out)
{
    struct recall_of of = { .sha256 = promise_sha256(&file->promise),
                            .url = file->url,
                            .label = file->label };

    return !str_starts(file->url, STR("file:")) && recall_find(&file->facts->world.cache, &of, out);
}

/* What the store has is known at once: a turn of the loop for each would take longer. */
static void begin(struct file *file, const struct distribution *d, struct str project)
{
    struct buf text = { 0 };
    struct err e = { 0 };
    uint64_t start_us = clock_us();

    bool kept = is_kept(file, &text);
    file->known = kept && !parse(file, buf_str(&text), project, d->version.text, &e);
    if (!file->known) {
        climb(file, d, project, !kept); /* what makes no sense it judges as any other */
    } else {
        file->said.rung = METADATA_STORE;
        events_emit(file->facts->world.events,
                    &(struct event){ .kind = EVENT_METADATA,
                                     .text = str_of(metadata_rung_name(METADATA_STORE)),
                                     .took_us = clock_us() - start_us });
    }
    buf_done(&text);
    err_done(&e);
}

static struct file *find_file(struct facts *f, const struct distribution *d, struct str project)
{
    struct str url = STR_NONE;
    struct err e = { 0 };

    int code = distribution_url(d, &f->arena, &url, &e);
    if (!code && f->world.no_local_files && str_starts(url, STR("file:")))
        code = reader_refuse(url, &e);
    struct str key = code ? d->file->url : url;
    struct file *file = map_get(&f->files, key);
    if (!file) {
        file = arena_alloc(&f->arena, 1, sizeof(*file));
        file->facts = f;
        file->url = url;
        file->label = arena_str(&f->arena, d->file->filename);
        map_put(&f->files, arena_str(&f->arena, key), file);
        if (code) {
            file->known = true;
            file->said.needs.unusable = arena_str(&f->arena, str_of(err_text(&e)));
        } else {
            file->promise = promise_of(f, d, project);
            begin(file, d, project);
        }
    }
    err_done(&e);
    return file;
}

struct file_facts *facts_metadata(struct facts *f, const struct distribution *d, struct str project,
                                  struct fact_wait *w)
{
    struct file *file = find_file(f, d, project);

    if (file->known)
        return &file->said;
    wait_for(&file->waits, w);
    return NULL;
}

bool facts_is_cheap(const struct facts *f, const struct distribution *d)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct str url;
    bool cheap = d->file->has_metadata;

    if (!cheap && d->is_wheel && !distribution_url(d, &a, &url, &e))
        cheap = str_starts(url, STR("file:")) ||
                host_can(hosts_find(f->world.hosts, url), HOST_SPAN) != HOST_CANNOT;
    err_done(&e);
    arena_done(&a);
    return cheap;
}

struct facts_count facts_count(const struct facts *f)
{
    struct facts_count n = { .listings = f->listings.n, .metadata = f->files.n };

    for (size_t i = 0; i < f->files.n; i++) {
        const struct file *file = f->files.entries[i].value;
        n.unused += !file->said.used;
        n.requests += file->said.requests;
        n.bytes += file->said.bytes;
    }
    return n;
}
