/* One row at a time. What can't be read is taken for missing: the store then asks the network
 * again. The lengths of what is read are not trusted to be ours either: another process may have
 * written what it liked, though nobody else may. */
#include "dray/store/index.h"
#include "dray/store/object_file.h"

#include <stdio.h>

enum { FLAG_NO_STALE = 1, FLAG_IMMUTABLE = 2 /* also in INDEX_STALE */ };

/* SQLite keeps an absent string as NULL and an empty one as that. */
static void bind_text(sqlite3_stmt *st, int at, struct str s)
{
    sqlite3_bind_text64(st, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_blob(sqlite3_stmt *st, int at, struct str s)
{
    sqlite3_bind_blob64(st, at, s.p, s.n, SQLITE_STATIC);
}

static void bind_sha256(sqlite3_stmt *st, const struct digest *sha256)
{
    sqlite3_bind_blob(st, 1, sha256->bytes, OBJECT_SHA256_BYTES, SQLITE_STATIC);
}

static void bind_key(sqlite3_stmt *st, const uint8_t key[static 33])
{
    sqlite3_bind_int(st, 1, key[0]);
    sqlite3_bind_blob(st, 2, key + 1, 32, SQLITE_STATIC);
}

static struct str column(sqlite3_stmt *st, int at)
{
    if (sqlite3_column_type(st, at) == SQLITE_NULL)
        return STR_NONE;
    const void *p = sqlite3_column_blob(st, at); /* NULL of an empty one */
    return (struct str){ p ? p : "", (size_t)sqlite3_column_bytes(st, at) };
}

bool index_object(struct store_index *ix, const struct digest *sha256, struct index_object *out)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_OBJECT_GET);

    if (!st)
        return false;
    bind_sha256(st, sha256);
    bool found = index_step(ix, st);
    if (found) {
        out->stat.bytes = (uint64_t)sqlite3_column_int64(st, 0);
        out->stat.written_ns = sqlite3_column_int64(st, 3);
        out->used_s = sqlite3_column_int64(st, 1);
        snprintf(out->boot, sizeof(out->boot), "%.*s", STR_ARG(column(st, 2)));
    }
    sqlite3_reset(st);
    return found;
}

void index_put_object(struct store_index *ix, const struct pending_object *o, const char *boot)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_OBJECT_PUT);

    if (!st)
        return;
    bind_sha256(st, &o->sha256);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)o->stat.bytes);
    sqlite3_bind_int64(st, 3, o->used_s);
    sqlite3_bind_text(st, 4, boot, -1, SQLITE_STATIC);
    sqlite3_bind_int64(st, 5, o->stat.written_ns);
    bind_text(st, 6, str_of(o->label));
    index_run(ix, st);
}

void index_adopt_object(struct store_index *ix, const struct pending_object *o)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_OBJECT_ADOPT);

    if (!st)
        return;
    bind_sha256(st, &o->sha256);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)o->stat.bytes);
    sqlite3_bind_int64(st, 3, o->used_s);
    sqlite3_bind_int64(st, 4, o->stat.written_ns);
    index_run(ix, st);
}

void index_use_object(struct store_index *ix, const struct digest *sha256, int64_t used_s)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_OBJECT_USE);

    if (!st)
        return;
    bind_sha256(st, sha256);
    sqlite3_bind_int64(st, 2, used_s);
    index_run(ix, st);
}

void index_drop_object(struct store_index *ix, const struct digest *sha256)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_OBJECT_DROP);

    if (!st)
        return;
    bind_sha256(st, sha256);
    index_run(ix, st);
}

void index_each_object(struct store_index *ix, index_object_fn fn, void *ctx)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_OBJECT_EACH);

    while (index_step(ix, st)) {
        struct digest sha256 = { .alg = DIGEST_SHA256 };
        struct str bytes = column(st, 0);
        if (bytes.n != OBJECT_SHA256_BYTES)
            continue;
        memcpy(sha256.bytes, bytes.p, bytes.n);
        fn(ctx, &sha256);
    }
    sqlite3_reset(st);
}

static int flags_of(const struct store_record *r)
{
    return (r->no_stale ? FLAG_NO_STALE : 0) | (r->immutable ? FLAG_IMMUTABLE : 0);
}

static void read_record(sqlite3_stmt *st, struct arena *a, struct store_record *out)
{
    int flags = sqlite3_column_int(st, 3);

    *out = (struct store_record){ .received_s = sqlite3_column_int64(st, 1),
                                  .fresh_until_s = sqlite3_column_int64(st, 2),
                                  .no_stale = flags & FLAG_NO_STALE,
                                  .immutable = flags & FLAG_IMMUTABLE };
    out->label = arena_str(a, column(st, 4));
    out->etag = arena_str(a, column(st, 5));
    out->last_modified = arena_str(a, column(st, 6));
    out->base = arena_str(a, column(st, 7));
    out->content = arena_str(a, column(st, 8));
}

bool index_record(struct store_index *ix, const uint8_t key[static 33], struct arena *a,
                  struct store_record *out, int64_t *used_s)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_RECORD_GET);

    if (!st)
        return false;
    bind_key(st, key);
    bool found = index_step(ix, st);
    if (found) {
        *used_s = sqlite3_column_int64(st, 0);
        read_record(st, a, out);
    }
    sqlite3_reset(st);
    return found;
}

static void put_content(struct store_index *ix, int64_t id, struct str content)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_CONTENT_PUT);

    if (!st)
        return;
    sqlite3_bind_int64(st, 1, id);
    bind_blob(st, 2, content);
    index_run(ix, st);
    sqlite3_clear_bindings(st);
}

void index_put_record(struct store_index *ix, const uint8_t key[static 33],
                      const struct store_record *r, int64_t used_s)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_RECORD_PUT);
    size_t bytes = r->label.n + r->base.n + r->content.n;

    if (!st)
        return;
    bind_key(st, key);
    sqlite3_bind_int64(st, 3, (sqlite3_int64)bytes);
    sqlite3_bind_int64(st, 4, used_s);
    sqlite3_bind_int64(st, 5, r->received_s);
    sqlite3_bind_int64(st, 6, r->fresh_until_s);
    sqlite3_bind_int(st, 7, flags_of(r));
    bind_text(st, 8, r->label);
    bind_text(st, 9, r->etag);
    bind_text(st, 10, r->last_modified);
    bind_text(st, 11, r->base);
    bool found = index_step(ix, st);
    int64_t id = found ? sqlite3_column_int64(st, 0) : 0;
    index_run(ix, found ? st : NULL);
    sqlite3_reset(st);
    if (found)
        put_content(ix, id, r->content);
}

void index_touch_record(struct store_index *ix, const uint8_t key[static 33],
                        const struct store_record *r, int64_t used_s)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_RECORD_TOUCH);

    if (!st)
        return;
    bind_key(st, key);
    sqlite3_bind_int64(st, 3, r->received_s);
    sqlite3_bind_int64(st, 4, r->fresh_until_s);
    sqlite3_bind_int(st, 5, flags_of(r));
    bind_text(st, 6, r->etag);
    bind_text(st, 7, r->last_modified);
    sqlite3_bind_int64(st, 8, used_s);
    index_run(ix, st);
}

void index_use_record(struct store_index *ix, const uint8_t key[static 33], int64_t used_s)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_RECORD_USE);

    if (!st)
        return;
    bind_key(st, key);
    sqlite3_bind_int64(st, 3, used_s);
    index_run(ix, st);
}

void index_drop_record(struct store_index *ix, const uint8_t key[static 33])
{
    sqlite3_stmt *st = index_statement(ix, INDEX_RECORD_DROP);

    if (!st)
        return;
    bind_key(st, key);
    index_run(ix, st);
}
