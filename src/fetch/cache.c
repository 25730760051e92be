/* The key of a record is the URL with its credentials and the version of dray: with the kind these
 * tell everything of our requests that an answer could vary by (Accept, Accept-Encoding,
 * User-Agent, Authorization), so Vary needs no matching. Credentials from elsewhere (netrc,
 * keyring, prompt) are known only after a 401, if at all; the store is of the one person whose they
 * are (RFC 9111 section 3.5 is about shared caches). */
#include "dray/fetch/cache.h"

#include "dray/net/url.h"
#include "dray/util/clock.h"
#include "dray_config.h"

static void add_key(struct buf *out, struct str url)
{
    buf_add_z(out, DRAY_VERSION "\n");
    buf_add_str(out, url_cut_fragment(url, &(struct str){ 0 }));
}

enum cache_state cache_look(const struct cache *c, enum store_kind kind, struct str url,
                            struct arena *a, struct store_record *out)
{
    struct buf key = { 0 };

    if (!c->store)
        return CACHE_MISS;
    add_key(&key, url);
    bool found = store_get(c->store, kind, buf_str(&key), a, out);
    buf_done(&key);
    if (!found)
        return CACHE_MISS;
    struct freshness f = { .received_s = out->received_s,
                           .fresh_until_s = out->fresh_until_s,
                           .no_stale = out->no_stale,
                           .immutable = out->immutable };
    if (c->offline || freshness_is_fresh(&f, clock_unix_s()))
        return CACHE_FRESH;
    return CACHE_STALE;
}

static void note_validator(struct buf *out, struct str given, struct str known)
{
    buf_reset(out);
    buf_add_str(out, given.p ? given : known);
}

void cache_note_head(struct cache_note *n, const struct http_head *head)
{
    int64_t now = clock_unix_s();

    n->keep = freshness_of(head, n->requested_s, now, &n->freshness);
    note_validator(&n->etag, head->etag, STR_NONE);
    note_validator(&n->last_modified, head->last_modified, STR_NONE);
}

void cache_note_not_modified(struct cache_note *n, const struct http_head *head,
                             const struct store_record *record)
{
    n->keep = true;
    n->freshness = (struct freshness){ .received_s = record->received_s,
                                       .fresh_until_s = record->fresh_until_s,
                                       .no_stale = record->no_stale,
                                       .immutable = record->immutable };
    freshness_renew(head, n->requested_s, clock_unix_s(), &n->freshness);
    note_validator(&n->etag, head->etag, record->etag);
    note_validator(&n->last_modified, head->last_modified, record->last_modified);
}

void cache_note_reset(struct cache_note *n)
{
    n->keep = false;
    n->requested_s = clock_unix_s();
    buf_reset(&n->etag);
    buf_reset(&n->last_modified);
}

void cache_note_done(struct cache_note *n)
{
    buf_done(&n->etag);
    buf_done(&n->last_modified);
}

static struct str or_none(const struct buf *b)
{
    return b->n ? buf_str(b) : STR_NONE;
}

static struct store_record record_of(const struct cache_note *n)
{
    return (struct store_record){ .etag = or_none(&n->etag),
                                  .last_modified = or_none(&n->last_modified),
                                  .received_s = n->freshness.received_s,
                                  .fresh_until_s = n->freshness.fresh_until_s,
                                  .no_stale = n->freshness.no_stale,
                                  .immutable = n->freshness.immutable };
}

void cache_keep(const struct cache *c, enum store_kind kind, struct str url,
                const struct cache_note *n, struct str base, struct str content)
{
    struct buf key = { 0 }, label = { 0 };

    if (!c->store)
        return;
    add_key(&key, url);
    if (n->keep) {
        struct store_record r = record_of(n);
        url_redact(url, &label);
        r.label = buf_str(&label);
        r.base = base;
        r.content = content;
        store_put(c->store, kind, buf_str(&key), &r);
    } else {
        store_forget(c->store, kind, buf_str(&key));
    }
    buf_done(&key);
    buf_done(&label);
}

void cache_renew(const struct cache *c, enum store_kind kind, struct str url,
                 const struct cache_note *n)
{
    struct store_record r = record_of(n);
    struct buf key = { 0 };

    if (!c->store)
        return;
    add_key(&key, url);
    store_touch(c->store, kind, buf_str(&key), &r);
    buf_done(&key);
}

bool cache_is_strong(struct str etag)
{
    return etag.n >= 2 && etag.p[0] == '"';
}
