/* What goes over many rows: sums, lists, and what is to go. */
#include "dray/store/index.h"
#include "dray/store/object_file.h"

#include <stdlib.h>

#include "dray/util/mem.h"

/* Of a sum that our own triggers keep; a negative one is damage, not a number of bytes. */
static uint64_t count_at(struct store_index *ix, sqlite3_stmt *st, int at)
{
    sqlite3_int64 n = sqlite3_column_int64(st, at);

    if (n < 0)
        ix->damaged = true;
    return n < 0 ? 0 : (uint64_t)n;
}

bool index_info(struct store_index *ix, struct store_info *out)
{
    struct store_info info = { 0 };
    sqlite3_stmt *st = index_statement(ix, INDEX_TOTALS);

    ix->trouble = SQLITE_OK;
    while (index_step(ix, st)) {
        int kind = sqlite3_column_int(st, 0);
        if (kind == -1) {
            info.objects = count_at(ix, st, 1);
            info.object_bytes = count_at(ix, st, 2);
        } else if (kind >= 0 && kind < STORE_KIND_COUNT) {
            info.records[kind] = count_at(ix, st, 1);
            info.record_bytes[kind] = count_at(ix, st, 2);
        }
    }
    sqlite3_reset(st);
    st = index_statement(ix, INDEX_OLDEST);
    if (index_step(ix, st))
        info.oldest_use_s = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    if (ix->damaged || ix->trouble)
        return false;
    *out = info;
    return true;
}

bool index_total_bytes(struct store_index *ix, uint64_t *out)
{
    uint64_t bytes = 0;
    sqlite3_stmt *st = index_statement(ix, INDEX_TOTALS);
    bool any = false;

    while (index_step(ix, st)) {
        bytes += count_at(ix, st, 2);
        any = true;
    }
    sqlite3_reset(st);
    if (any)
        *out = bytes;
    return any;
}

static struct str text_at(sqlite3_stmt *st, int at)
{
    const void *p = sqlite3_column_blob(st, at);

    return p ? (struct str){ p, (size_t)sqlite3_column_bytes(st, at) } : STR_NONE;
}

static bool digest_at(sqlite3_stmt *st, int at, struct digest *out)
{
    struct str bytes = text_at(st, at);

    if (bytes.n != OBJECT_SHA256_BYTES)
        return false;
    *out = (struct digest){ .alg = DIGEST_SHA256 };
    memcpy(out->bytes, bytes.p, bytes.n);
    return true;
}

bool index_list(struct store_index *ix, const char *boot, store_item_fn fn, void *ctx)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_LIST);

    ix->trouble = SQLITE_OK;
    while (index_step(ix, st)) {
        struct store_item item = { .kind = sqlite3_column_int(st, 0),
                                   .label = text_at(st, 2),
                                   .bytes = count_at(ix, st, 3),
                                   .used_s = sqlite3_column_int64(st, 4),
                                   .fresh_until_s = sqlite3_column_int64(st, 5) };
        item.verified = *boot && str_is(text_at(st, 6), boot);
        if (item.kind >= STORE_KIND_COUNT || (item.kind < 0 && !digest_at(st, 1, &item.sha256)))
            continue;
        fn(ctx, &item);
    }
    sqlite3_reset(st);
    return !ix->damaged && !ix->trouble;
}

static bool read_victim(struct store_index *ix, sqlite3_stmt *st, struct index_victim *out)
{
    struct index_victim v = { .id = sqlite3_column_int64(st, 2), .bytes = count_at(ix, st, 3) };

    v.is_object = sqlite3_column_type(st, 1) != SQLITE_NULL;
    if (v.is_object && !digest_at(st, 1, &v.sha256))
        return false;
    *out = v;
    return true;
}

static void add_victim(struct index_victims *to, const struct index_victim *v)
{
    to->items = mem_grow(to->items, to->n, &to->cap, sizeof(*to->items));
    to->items[to->n++] = *v;
}

void index_set_back(struct store_index *ix, int64_t now_s)
{
    static const enum index_statement all[] = { INDEX_OBJECT_AHEAD, INDEX_RECORD_AHEAD };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        sqlite3_stmt *st = index_statement(ix, all[i]);
        if (st)
            sqlite3_bind_int64(st, 1, now_s);
        index_run(ix, st);
    }
}

void index_least_used(struct store_index *ix, int64_t before_s, uint64_t excess, size_t max,
                      struct index_victims *out)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_BY_USE);
    uint64_t found = 0;
    struct index_victim v;

    while (out->n < max && index_step(ix, st)) {
        if (found >= excess && sqlite3_column_int64(st, 0) >= before_s)
            break;
        if (!read_victim(ix, st, &v))
            continue;
        add_victim(out, &v);
        found += v.bytes;
    }
    sqlite3_reset(st);
}

void index_stale(struct store_index *ix, int64_t since_s, struct index_victims *out)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_STALE);
    struct index_victim v;

    sqlite3_bind_int64(st, 1, since_s);
    while (index_step(ix, st))
        if (read_victim(ix, st, &v))
            add_victim(out, &v);
    sqlite3_reset(st);
}

void index_drop_victim(struct store_index *ix, const struct index_victim *v)
{
    sqlite3_stmt *st = index_statement(ix, INDEX_RECORD_DROP_ID);

    if (v->is_object) {
        index_drop_object(ix, &v->sha256);
    } else if (st) {
        sqlite3_bind_int64(st, 1, v->id);
        index_run(ix, st);
    }
}
