/* A hash table of owners, chained through themselves; each has the line of those that wait for it.
 * A name is the SHA-256 of its key, so that none has to be kept. Whoever leaves wakes all its line
 * at once: the first that finds nothing in the store is the next owner, and the others wait for
 * that. */
#include "dray/fetch/flight.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/util/mem.h"

enum { SLOTS_AT_FIRST = 64 }; /* a power of two */

struct flights {
    struct loop *loop;
    struct flight **slots;
    size_t n, n_slots;
};

struct flights *flights_create(struct loop *l)
{
    struct flights *fs = mem_new(1, sizeof(*fs));

    fs->loop = l;
    fs->n_slots = SLOTS_AT_FIRST;
    fs->slots = mem_new(fs->n_slots, sizeof(struct flight *));
    return fs;
}

void flights_destroy(struct flights *fs)
{
    if (!fs)
        return;
    assert(fs->n == 0);
    free(fs->slots);
    free(fs);
}

static void list_push(struct flight **at, struct flight *f)
{
    f->next = *at;
    f->at = at;
    if (f->next)
        f->next->at = &f->next;
    *at = f;
}

static void list_remove(struct flight *f)
{
    *f->at = f->next;
    if (f->next)
        f->next->at = f->at;
    f->next = NULL;
    f->at = NULL;
}

static struct flight **slot_of(const struct flights *fs, const struct digest *name)
{
    size_t hash;

    memcpy(&hash, name->bytes, sizeof(hash));
    return &fs->slots[hash & (fs->n_slots - 1)];
}

static struct flight *find_owner(const struct flights *fs, const struct digest *name)
{
    struct flight *f = *slot_of(fs, name);

    while (f && !digest_eq(&f->name, name))
        f = f->next;
    return f;
}

static void widen(struct flights *fs)
{
    struct flight **old = fs->slots;
    size_t n_old = fs->n_slots;

    fs->n_slots *= 2;
    fs->slots = mem_new(fs->n_slots, sizeof(struct flight *));
    for (size_t i = 0; i < n_old; i++) {
        while (old[i]) {
            struct flight *f = old[i];
            list_remove(f);
            list_push(slot_of(fs, &f->name), f);
        }
    }
    free(old);
}

static void own(struct flight *f)
{
    struct flights *fs = f->flights;

    if (fs->n++ == fs->n_slots)
        widen(fs);
    f->is_owner = true;
    list_push(slot_of(fs, &f->name), f);
}

static void flight_go(void *ctx)
{
    struct flight *f = ctx;

    f->flights = NULL;
    f->waited = true;
    f->go(f->ctx);
}

bool flight_enter(struct flights *fs, struct flight *f, struct str key)
{
    if (!fs)
        return true;
    struct digest name = digest_sha256(key);
    if (f->is_owner && digest_eq(&f->name, &name))
        return true;
    flight_leave(f);
    f->flights = fs;
    f->name = name;
    f->task = (struct loop_task){ .fn = flight_go, .ctx = f };
    struct flight *owner = find_owner(fs, &name);
    if (owner)
        list_push(&owner->waiting, f);
    else
        own(f);
    return !owner;
}

bool flight_enter_once(struct flights *fs, struct flight *f, struct str key)
{
    bool first = flight_enter(fs, f, key);

    if (!first && f->waited)
        flight_leave(f);
    return first || f->waited;
}

bool flight_enter_body(struct flights *fs, struct flight *f, const struct promise *p,
                       struct str url)
{
    struct buf key = { 0 };

    if (!fs)
        return true;
    promise_name(p, url, &key);
    bool first = promise_has_digest(p) ? flight_enter(fs, f, buf_str(&key))
                                       : flight_enter_once(fs, f, buf_str(&key));
    buf_done(&key);
    return first;
}

/* In the order in which they came. */
static void wake_line(struct flight *owner)
{
    struct flight *first = NULL;

    while (owner->waiting) {
        struct flight *f = owner->waiting;
        list_remove(f);
        list_push(&first, f);
    }
    while (first) {
        struct flight *f = first;
        list_remove(f);
        loop_post(f->flights->loop, &f->task);
    }
}

void flight_leave(struct flight *f)
{
    struct flights *fs = f->flights;

    if (!fs)
        return;
    loop_unpost(fs->loop, &f->task);
    if (f->at)
        list_remove(f);
    fs->n -= f->is_owner;
    f->is_owner = false;
    f->flights = NULL;
    wake_line(f);
}
