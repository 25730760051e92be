/* What settings mean for the machines. */
#include "dray/job/workshop.h"

#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/host.h"
#include "dray/fetch/source.h"
#include "dray/job/interpreter.h"
#include "dray/job/pip_env.h"
#include "dray/job/target_choice.h"

#ifdef __APPLE__ /* whose unistd.h does not have it */
extern char **environ;
#endif

/* In the order in which they are asked: that of pip, then those that have names. */
static void open_indexes(struct workshop *w)
{
    const struct settings *s = w->site.settings;
    size_t room = 1 + s->extra_index_urls.n + s->n_indexes;

    if (s->no_index)
        return;
    w->indexes = arena_alloc(&w->arena, room, sizeof(*w->indexes));
    if (s->index_url.n)
        w->indexes[w->n_indexes++].url = s->index_url;
    for (size_t i = 0; i < s->extra_index_urls.n; i++)
        w->indexes[w->n_indexes++].url = s->extra_index_urls.items[i];
    for (size_t i = 0; i < s->n_indexes; i++)
        w->indexes[w->n_indexes++] = s->indexes[i].is;
}

static void open_source(struct workshop *w)
{
    const struct settings *s = w->site.settings;

    open_indexes(w);
    w->pages = (struct page_world){ .loop = w->site.loop,
                                    .http = w->site.http,
                                    .readers = w->readers,
                                    .events = w->site.events,
                                    .cache = w->cache,
                                    .flights = w->site.flights,
                                    .retries = s->retries,
                                    .no_local_files = s->no_local_files,
                                    .trusted_hosts = w->site.trusted_hosts,
                                    .n_trusted_hosts = w->site.n_trusted_hosts };
    w->source = source_create(
        &w->pages, &(struct source_places){ .indexes = w->indexes,
                                            .n_indexes = w->n_indexes,
                                            .find_links = &s->find_links,
                                            .first_index = s->index_strategy == STRATEGY_FIRST });
}

/* pip's answer holds for the Python that it runs in, and it may fetch what a build needs. */
static bool asks_pip(const struct settings *s)
{
    return target_choice_is_own(s) && !s->offline &&
           (!s->no_deps || s->command == COMMAND_METADATA);
}

static void warn_of_builds(void *ctx)
{
    const struct workshop *w = ctx;

    if (pip_env_lets_go(w->site.settings))
        events_warn(w->site.events, NULL,
                    "pip is run for a source distribution: it asks all indexes for what a build "
                    "requires, also for packages that the configuration holds to one of them");
}

static int open_builds(struct workshop *w, struct err *e)
{
    const struct settings *s = w->site.settings;

    if (!w->rooms.archives && !asks_pip(s))
        return 0;
    if (interpreter_find(s->python.n ? s->python.p : "python3", &w->python, e))
        return e->code;
    if (s->isolated)
        pip_env_isolate((const char *const *)environ, &w->arena, &w->isolation);
    for (size_t i = 0; i < w->isolation.n; i++)
        strs_add(&w->build_env, w->isolation.items[i]);
    pip_env_of(s, &w->arena, &w->build_env);
    w->builds = builds_create(&(struct build_world){ .loop = w->site.loop,
                                                     .python = buf_z(&w->python),
                                                     .env = &w->build_env,
                                                     .begins = warn_of_builds,
                                                     .ctx = w });
    return 0;
}

int workshop_open(struct workshop *w, const struct workshop_site *site, struct err *e)
{
    w->site = *site;
    w->rooms.store = site->store;
    if (rooms_open(&w->rooms, site->settings, &site->door, e))
        return e->code;
    w->cache = (struct cache){ .store = w->rooms.store, .offline = site->settings->offline };
    w->hosts = hosts_create(site->loop, &w->cache);
    w->readers = readers_create(site->loop);
    open_source(w);
    return open_builds(w, e);
}

static enum fetch_goal goal_of(const struct settings *s)
{
    if (s->command == COMMAND_METADATA)
        return GOAL_METADATA;
    if (s->command == COMMAND_LOCK)
        return GOAL_LOCK;
    if (s->dry_run)
        return GOAL_CHOICE;
    return s->command == COMMAND_DOWNLOAD ? GOAL_FILES : GOAL_WHEELS;
}

static enum place_mode mode_of(const struct settings *s)
{
    switch (s->link_mode) {
    case LINK_AUTO:
        return PLACE_AUTO;
    case LINK_REFLINK:
        return PLACE_ONLY_REFLINK;
    case LINK_HARDLINK:
        return PLACE_ONLY_HARDLINK;
    case LINK_COPY:
        return PLACE_ONLY_COPY;
    }
    abort();
}

struct fetch_world workshop_world(const struct workshop *w, const struct target *target)
{
    const struct settings *s = w->site.settings;
    const struct buf *pip_cache = &w->rooms.pip_cache_dir;

    return (struct fetch_world){ .loop = w->site.loop,
                                 .http = w->site.http,
                                 .events = w->site.events,
                                 .source = w->source,
                                 .readers = w->readers,
                                 .cache = w->cache,
                                 .hosts = w->hosts,
                                 .flights = w->site.flights,
                                 .pip_cache_dir = pip_cache->n ? buf_z(pip_cache) : NULL,
                                 .place = w->rooms.place,
                                 .temp = w->rooms.temp,
                                 .archives = w->rooms.archives,
                                 .builds = w->builds,
                                 .asks_pip = asks_pip(s),
                                 .mode = mode_of(s),
                                 .target = target,
                                 .retries = s->retries,
                                 .no_local_files = s->no_local_files,
                                 .goal = goal_of(s),
                                 .want_metadata = s->report.n > 0 };
}

void workshop_done(struct workshop *w)
{
    builds_destroy(w->builds);
    source_destroy(w->source);
    hosts_destroy(w->hosts);
    readers_destroy(w->readers);
    rooms_done(&w->rooms, w->site.events);
    strs_done(&w->isolation);
    strs_done(&w->build_env);
    buf_done(&w->python);
    arena_done(&w->arena);
    *w = (struct workshop){ 0 };
}
