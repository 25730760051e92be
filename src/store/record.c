/* store.h, records. Only the SHA-256 of a key is kept, since keys may hold credentials. */
#include "dray/store/parts.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"

enum {
    KEY_BYTES = 33,
    /* What waits is in memory: above the first a flush is tried, above the second a record that is
     * put is not kept, as another process has been writing for so long. */
    PENDING_FLUSH_BYTES = 4 * LIMIT_MIB,
    PENDING_BYTES_MAX = 32 * LIMIT_MIB
};

const char *store_kind_name(enum store_kind kind)
{
    static const char *const names[] = {
#define STORE_KIND_NAME(kind, name) name,
        STORE_KINDS(STORE_KIND_NAME)
#undef STORE_KIND_NAME
    };

    return names[kind];
}

static void make_key(enum store_kind kind, struct str key, uint8_t out[static KEY_BYTES])
{
    struct digest digest = digest_sha256(key);

    out[0] = (uint8_t)kind;
    memcpy(out + 1, digest.bytes, KEY_BYTES - 1);
}

static void copy_record(struct arena *a, const struct store_record *r, struct store_record *out)
{
    *out = *r;
    out->label = arena_str(a, r->label);
    out->etag = arena_str(a, r->etag);
    out->last_modified = arena_str(a, r->last_modified);
    out->base = arena_str(a, r->base);
    out->content = arena_str(a, r->content);
}

static void renew_record(struct arena *a, const struct store_record *touch,
                         struct store_record *out)
{
    pending_renew(out, touch);
    out->etag = arena_str(a, out->etag);
    out->last_modified = arena_str(a, out->last_modified);
}

/* A cold store is asked for thousands of records that it can't have. */
static bool has_kind(struct store *s, enum store_kind kind)
{
    struct store_info info;

    if (!s->kinds_known && store_index(s) && index_info(s->index, &info)) {
        s->kinds = 0;
        for (int k = 0; k < STORE_KIND_COUNT; k++)
            s->kinds |= info.records[k] ? 1u << k : 0;
        s->kinds_known = true;
    }
    return !s->kinds_known || (s->kinds & (1u << kind));
}

bool store_get(struct store *s, enum store_kind kind, struct str key, struct arena *a,
               struct store_record *out)
{
    uint8_t k[KEY_BYTES];
    int64_t used_s = 0, now_s = clock_unix_s();

    make_key(kind, key, k);
    const struct pending_record *p = pending_record(&s->pending, k);
    if (p && p->op == PENDING_DROP)
        return false;
    if (p && p->op == PENDING_PUT) {
        copy_record(a, &p->record, out);
        return true;
    }
    if (!store_index(s))
        return false;
    index_hold(s->index);
    if (!has_kind(s, kind) || !index_record(s->index, k, a, out, &used_s))
        return false;
    if (p && p->op == PENDING_TOUCH)
        renew_record(a, &p->record, out);
    if (!p && !s->read_only && used_s <= now_s - STORE_USE_S)
        pending_note_record(&s->pending, PENDING_USE, k, NULL, now_s);
    return true;
}

void store_put(struct store *s, enum store_kind kind, struct str key, const struct store_record *r)
{
    size_t bytes = r->label.n + r->etag.n + r->last_modified.n + r->base.n + r->content.n;
    uint8_t k[KEY_BYTES];

    if (s->read_only)
        return;
    if (bytes <= LIMIT_STORE_RECORD_BYTES && s->pending.bytes + bytes > PENDING_FLUSH_BYTES)
        store_flush(s);
    make_key(kind, key, k);
    bool keep = bytes <= LIMIT_STORE_RECORD_BYTES &&
                (!s->pending.bytes || s->pending.bytes + bytes <= PENDING_BYTES_MAX);
    pending_note_record(&s->pending, keep ? PENDING_PUT : PENDING_DROP, k, keep ? r : NULL,
                        clock_unix_s());
}

void store_touch(struct store *s, enum store_kind kind, struct str key,
                 const struct store_record *r)
{
    uint8_t k[KEY_BYTES];

    if (s->read_only)
        return;
    make_key(kind, key, k);
    pending_note_record(&s->pending, PENDING_TOUCH, k, r, clock_unix_s());
}

void store_forget(struct store *s, enum store_kind kind, struct str key)
{
    uint8_t k[KEY_BYTES];

    if (s->read_only)
        return;
    make_key(kind, key, k);
    pending_note_record(&s->pending, PENDING_DROP, k, NULL, 0);
}
