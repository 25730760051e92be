#include "dray/fetch/recall.h"

#include "dray/net/url.h"
#include "dray/util/clock.h"

/* `url`: of the server that said it; STR_NONE: the file itself did. */
static void key_of(const struct digest *sha256, struct str url, struct buf *out)
{
    char hex[DIGEST_HEX_SIZE];
    struct err e = { 0 };
    struct url u;

    buf_add_f(out, "sha256:%s", digest_hex(sha256, hex));
    if (url.p && !url_parse(url, &u, &e)) {
        buf_add_f(out, "\n%s://%s:%u", u.scheme, u.host, u.port);
        url_done(&u);
    }
    err_done(&e);
}

void recall_name(const struct recall_of *of, struct buf *out)
{
    buf_add_z(out, "metadata ");
    if (of->sha256)
        key_of(of->sha256, of->url, out);
    else
        buf_add_str(out, url_cut_fragment(of->url, &(struct str){ 0 }));
}

static bool find_by_digest(const struct cache *c, const struct recall_of *of, struct arena *a,
                           struct store_record *out)
{
    const struct str said_by[] = { STR_NONE, of->url };
    struct buf key = { 0 };
    bool found = false;

    for (size_t i = 0; i < 2 && !found; i++) {
        buf_reset(&key);
        key_of(of->sha256, said_by[i], &key);
        found = store_get(c->store, STORE_METADATA, buf_str(&key), a, out);
    }
    buf_done(&key);
    return found;
}

bool recall_find(const struct cache *c, const struct recall_of *of, struct buf *out)
{
    struct arena a = { 0 };
    struct store_record r;
    bool found = false;

    if (c->store && of->sha256)
        found = find_by_digest(c, of, &a, &r);
    else if (c->store) /* what is stale is read again: that costs no more than to validate it */
        found = cache_look(c, STORE_METADATA, of->url, &a, &r) == CACHE_FRESH;
    if (found)
        buf_add_str(out, r.content);
    arena_done(&a);
    return found;
}

void recall_keep(const struct cache *c, const struct recall_of *of, const struct cache_note *note,
                 struct str text)
{
    int64_t now = clock_unix_s();
    struct buf key = { 0 };

    if (!c->store || (!of->sha256 && !note))
        return;
    if (!of->sha256) {
        cache_keep(c, STORE_METADATA, of->url, note, STR_NONE, text);
        return;
    }
    key_of(of->sha256, of->is_whole ? STR_NONE : of->url, &key);
    store_put(c->store, STORE_METADATA, buf_str(&key),
              &(struct store_record){ .label = of->label,
                                      .received_s = now,
                                      .fresh_until_s = INT64_MAX,
                                      .immutable = true,
                                      .content = text });
    buf_done(&key);
}

void recall_forget(const struct cache *c, const struct recall_of *of)
{
    static const struct cache_note nothing = { 0 };
    struct buf key = { 0 };

    if (!c->store)
        return;
    if (of->sha256) {
        key_of(of->sha256, of->url, &key);
        store_forget(c->store, STORE_METADATA, buf_str(&key));
    }
    cache_keep(c, STORE_METADATA, of->url, &nothing, STR_NONE, STR_NONE);
    buf_done(&key);
}
