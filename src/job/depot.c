#include "dray/job/depot.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "dray/job/rooms.h"
#include "dray/util/mem.h"

struct shared_depot {
    struct depot is; /* the first member */
    struct buf key;
    size_t users;
    struct shared_depot *next;
};

struct depots {
    struct loop *loop;
    struct shared_depot *first;
};

struct depots *depots_create(struct loop *l)
{
    struct depots *ds = mem_new(1, sizeof(*ds));

    ds->loop = l;
    return ds;
}

void depots_destroy(struct depots *ds)
{
    assert(!ds || !ds->first);
    free(ds);
}

static struct shared_depot *find(const struct depots *ds, struct str key)
{
    struct shared_depot *d = ds->first;

    while (d && !str_eq(buf_str(&d->key), key))
        d = d->next;
    return d;
}

static void destroy(struct shared_depot *d)
{
    if (d->is.flights)
        flights_destroy(d->is.flights);
    store_close(d->is.store);
    buf_done(&d->key);
    free(d);
}

static struct shared_depot *open_at(struct str root, uint64_t max_bytes, struct str key,
                                    struct err *e)
{
    struct shared_depot *d = mem_new(1, sizeof(*d));

    d->is.store = store_open(&(struct store_options){ .root = root.p, .max_bytes = max_bytes }, e);
    buf_add_str(&d->key, key);
    if (d->is.store)
        return d;
    destroy(d);
    return NULL;
}

struct depot *depot_get(struct depots *ds, const struct settings *s, struct err *e)
{
    struct buf root = { 0 }, key = { 0 };
    struct shared_depot *d = NULL;

    if (!rooms_cache_dir(s, &root))
        goto out;
    buf_add_f(&key, "%s %" PRIu64, buf_z(&root), s->cache_bytes);
    d = find(ds, buf_str(&key));
    if (!d && (d = open_at(str_of(buf_z(&root)), s->cache_bytes, buf_str(&key), e)) != NULL) {
        d->next = ds->first;
        ds->first = d;
    }
    if (d && !d->users++)
        d->is.flights = flights_create(ds->loop);
out:
    buf_done(&root);
    buf_done(&key);
    return d ? &d->is : NULL;
}

void depot_release(struct depots *ds, struct depot *d)
{
    struct shared_depot *shared = (struct shared_depot *)d, **at = &ds->first;

    if (!shared || --shared->users)
        return;
    while (*at != shared)
        at = &(*at)->next;
    *at = shared->next;
    destroy(shared);
}

void depots_flush(const struct depots *ds)
{
    for (const struct shared_depot *d = ds->first; d; d = d->next)
        store_flush(d->is.store);
}
