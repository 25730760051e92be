/* A job that places files in its destination writes them in the store when there is one: from there
 * a link puts them under their names. Without a store they are written in the destination itself.
 */
#include "dray/job/rooms.h"

#include <stdlib.h>

#include "dray/store/pip_cache.h"
#include "dray/util/tree.h"

bool rooms_cache_dir(const struct settings *s, struct buf *out)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (s->no_cache_dir)
        return false;
    if (s->cache_dir.n)
        buf_add_str(out, s->cache_dir);
    else if (xdg && xdg[0] == '/')
        buf_add_f(out, "%s/dray", xdg);
#ifdef __APPLE__
    else if (home && home[0] == '/')
        buf_add_f(out, "%s/Library/Caches/dray", home);
#else
    else if (home && home[0] == '/')
        buf_add_f(out, "%s/.cache/dray", home);
#endif
    return out->n > 0;
}

static void find_pip_cache(struct rooms *r, const struct settings *s)
{
    if (!s->no_cache_dir && pip_cache_dir(s->pip_cache_dir, &r->pip_cache_dir) &&
        !pip_cache_is_trusted(buf_z(&r->pip_cache_dir)))
        buf_reset(&r->pip_cache_dir);
}

static struct place *open_temp(const char *kind, char **dir, struct err *e)
{
    *dir = tree_make_temp(kind, e);
    return *dir ? place_open(*dir, e) : NULL;
}

struct place *rooms_door_open(const struct rooms_door *door, const char *dir, struct err *e)
{
    return door->open ? door->open(door->ctx, dir, e) : place_open(dir, e);
}

static void open_destination(struct rooms *r, const struct settings *s,
                             const struct rooms_door *door, struct err *e)
{
    if (s->command == COMMAND_INSTALL && !s->dry_run)
        r->place = open_temp("wheelhouse", &r->wheelhouse, e);
    else if (s->command == COMMAND_METADATA || s->command == COMMAND_INSTALL ||
             s->command == COMMAND_LOCK)
        r->place = NULL;
    else
        r->place = s->dry_run ? place_look(s->dest.p) : rooms_door_open(door, s->dest.p, e);
}

static bool builds_wheels(const struct settings *s)
{
    return (s->command == COMMAND_WHEEL || s->command == COMMAND_INSTALL) && !s->dry_run;
}

int rooms_open(struct rooms *r, const struct settings *s, const struct rooms_door *door,
               struct err *e)
{
    find_pip_cache(r, s);
    open_destination(r, s, door, e);
    if (!e->code && builds_wheels(s))
        r->archives = open_temp("archives", &r->archive_dir, e);
    if (r->store)
        r->temp = store_temp(r->store);
    else if (!s->dry_run && r->place)
        r->temp = r->place;
    else if (!e->code && (!s->dry_run || s->report.n || !s->no_deps))
        r->temp = r->own_temp = open_temp("download", &r->temp_dir, e);
    return e->code;
}

static void remove_temp(char *dir, struct events *events)
{
    struct err e = { 0 };

    if (dir && tree_remove(dir, &e))
        events_warn(events, NULL, "%s", err_text(&e));
    err_done(&e);
    free(dir);
}

void rooms_done(struct rooms *r, struct events *events)
{
    place_close(r->place);
    place_close(r->archives);
    place_close(r->own_temp);
    remove_temp(r->wheelhouse, events);
    remove_temp(r->archive_dir, events);
    remove_temp(r->temp_dir, events);
    buf_done(&r->pip_cache_dir);
    *r = (struct rooms){ 0 };
}
