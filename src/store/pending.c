/* Two maps whose entries are replaced in place. The strings of a record are one piece of memory,
 * copied whole when a touch changes one of them. */
#include "dray/store/pending.h"

#include <stdlib.h>

#include "dray/store/object_file.h"
#include "dray/util/mem.h"

static void free_first(struct pending *p, size_t objects, size_t records)
{
    for (size_t i = 0; i < objects; i++) {
        struct pending_object *o = p->objects.entries[i].value;
        free(o->label);
        free(o);
    }
    for (size_t i = 0; i < records; i++) {
        struct pending_record *r = p->records.entries[i].value;
        p->bytes -= r->bytes;
        free(r->text);
        free(r);
    }
}

void pending_drop_first(struct pending *p, size_t objects, size_t records)
{
    free_first(p, objects, records);
    map_drop_first(&p->objects, objects);
    map_drop_first(&p->records, records);
}

void pending_done(struct pending *p)
{
    if (!p)
        return;
    free_first(p, p->objects.n, p->records.n);
    map_done(&p->objects);
    map_done(&p->records);
    *p = (struct pending){ 0 };
}

bool pending_is_empty(const struct pending *p)
{
    return p->objects.n == 0 && p->records.n == 0;
}

static struct str object_key(const struct digest *sha256)
{
    return (struct str){ (const char *)sha256->bytes, OBJECT_SHA256_BYTES };
}

static struct str record_key(const uint8_t key[static 33])
{
    return (struct str){ (const char *)key, 33 };
}

struct pending_object *pending_object(const struct pending *p, const struct digest *sha256)
{
    return map_get(&p->objects, object_key(sha256));
}

struct pending_record *pending_record(const struct pending *p, const uint8_t key[static 33])
{
    return map_get(&p->records, record_key(key));
}

struct pending_object *pending_note_object(struct pending *p, enum pending_op op,
                                           const struct digest *sha256,
                                           const struct object_stat *stat, int64_t used_s)
{
    struct pending_object *o = pending_object(p, sha256);
    bool known = o != NULL;

    if (!known) {
        o = mem_new(1, sizeof(*o));
        o->sha256 = *sha256;
        map_put(&p->objects, object_key(&o->sha256), o);
    }
    if (used_s > o->used_s)
        o->used_s = used_s;
    if (known && (op == PENDING_USE || (op == PENDING_ADOPT && o->op == PENDING_PUT)))
        return o;
    o->op = op;
    if (stat)
        o->stat = *stat;
    return o;
}

static struct str keep_str(char **at, struct str s)
{
    if (!s.p)
        return STR_NONE;
    struct str kept = { *at, s.n };
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    **at = '\0';
    (*at)++;
    return kept;
}

/* Its own copy of `r`, whose strings may be those that it has now. */
static void keep_record(struct pending *p, struct pending_record *into,
                        const struct store_record *r)
{
    char *before = into->text;

    p->bytes -= into->bytes;
    into->bytes =
        r->label.n + r->etag.n + r->last_modified.n + r->base.n + r->content.n + 5; /* NULs */
    p->bytes += into->bytes;
    into->text = mem_new(into->bytes, 1);
    char *at = into->text;
    struct store_record kept = *r;
    kept.label = keep_str(&at, r->label);
    kept.etag = keep_str(&at, r->etag);
    kept.last_modified = keep_str(&at, r->last_modified);
    kept.base = keep_str(&at, r->base);
    kept.content = keep_str(&at, r->content);
    into->record = kept;
    free(before);
}

void pending_renew(struct store_record *r, const struct store_record *touch)
{
    if (touch->etag.p)
        r->etag = touch->etag;
    if (touch->last_modified.p)
        r->last_modified = touch->last_modified;
    r->received_s = touch->received_s;
    r->fresh_until_s = touch->fresh_until_s;
    r->no_stale = touch->no_stale;
    r->immutable = touch->immutable;
}

static void touch_record(struct pending *p, struct pending_record *into,
                         const struct store_record *touch)
{
    struct store_record r = into->record;

    if (into->op == PENDING_DROP)
        return;
    if (into->op == PENDING_USE)
        into->op = PENDING_TOUCH;
    pending_renew(&r, touch);
    keep_record(p, into, &r);
}

void pending_note_record(struct pending *p, enum pending_op op, const uint8_t key[static 33],
                         const struct store_record *r, int64_t used_s)
{
    static const struct store_record nothing = { 0 };
    struct pending_record *into = pending_record(p, key);

    if (!into) {
        into = mem_new(1, sizeof(*into));
        memcpy(into->key, key, sizeof(into->key));
        into->op = PENDING_USE;
        map_put(&p->records, record_key(into->key), into);
    }
    if (used_s > into->used_s)
        into->used_s = used_s;
    if (op == PENDING_TOUCH) {
        touch_record(p, into, r);
    } else if (op != PENDING_USE) {
        into->op = op;
        keep_record(p, into, op == PENDING_PUT ? r : &nothing);
    }
}
