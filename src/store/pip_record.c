/* One record of pip's HTTP cache: "cc=4," and a msgpack map, as cachecontrol's Serializer writes
 * and reads it:
 *
 *     { "response": { "body", "headers": { str: str }, "status", "version", "reason", ... },
 *       "vary": { str: str or nil } }
 *
 * What pip itself could not read, or trips over, is a miss: it decodes the whole before it looks at
 * any of it, so one wrong byte anywhere spoils the record. What it never writes (extension types,
 * a header twice, keys that are no text) is a miss too. */
#include "dray/store/pip_cache.h"
#include "dray/store/pip_text.h"

enum { MSGPACK_DEPTH = 32, STATUS_MIN = 100, STATUS_MAX = 999 };

enum item_kind {
    ITEM_NONE, /* 0xc1, which is never used, and extension types */
    ITEM_NIL,
    ITEM_BOOL,
    ITEM_FLOAT,
    ITEM_UINT,
    ITEM_INT,
    ITEM_STR,
    ITEM_BIN,
    ITEM_ARRAY,
    ITEM_MAP
};

struct item {
    enum item_kind kind;
    uint64_t n;    /* the number, the bytes of a text, the items of an array, the pairs of a map */
    bool negative; /* of ITEM_INT */
    struct str bytes; /* of ITEM_STR and ITEM_BIN; borrows from the record */
};

struct reader {
    struct str rest; /* not read yet */
    unsigned depth;
};

/* First bytes 0xc0 to 0xdf, and how many bytes of a number follow. */
static const struct {
    unsigned char kind, bytes;
} heads[] = {
    { ITEM_NIL, 0 },   { ITEM_NONE, 0 },  { ITEM_BOOL, 0 }, { ITEM_BOOL, 0 },  { ITEM_BIN, 1 },
    { ITEM_BIN, 2 },   { ITEM_BIN, 4 },   { ITEM_NONE, 0 }, { ITEM_NONE, 0 },  { ITEM_NONE, 0 },
    { ITEM_FLOAT, 4 }, { ITEM_FLOAT, 8 }, { ITEM_UINT, 1 }, { ITEM_UINT, 2 },  { ITEM_UINT, 4 },
    { ITEM_UINT, 8 },  { ITEM_INT, 1 },   { ITEM_INT, 2 },  { ITEM_INT, 4 },   { ITEM_INT, 8 },
    { ITEM_NONE, 0 },  { ITEM_NONE, 0 },  { ITEM_NONE, 0 }, { ITEM_NONE, 0 },  { ITEM_NONE, 0 },
    { ITEM_STR, 1 },   { ITEM_STR, 2 },   { ITEM_STR, 4 },  { ITEM_ARRAY, 2 }, { ITEM_ARRAY, 4 },
    { ITEM_MAP, 2 },   { ITEM_MAP, 4 },
};

static bool read_bytes(struct reader *r, uint64_t n, struct str *out)
{
    if (n > r->rest.n)
        return false;
    *out = str_sub(r->rest, 0, (size_t)n);
    r->rest = str_sub(r->rest, (size_t)n, r->rest.n);
    return true;
}

/* The kinds that have their number in the first byte. */
static struct item small_item(unsigned head)
{
    if (head < 0x80)
        return (struct item){ .kind = ITEM_UINT, .n = head };
    if (head < 0x90)
        return (struct item){ .kind = ITEM_MAP, .n = head & 0x0f };
    if (head < 0xa0)
        return (struct item){ .kind = ITEM_ARRAY, .n = head & 0x0f };
    if (head < 0xc0)
        return (struct item){ .kind = ITEM_STR, .n = head & 0x1f };
    return (struct item){ .kind = ITEM_INT, .negative = true };
}

static bool is_text(struct str s)
{
    uint32_t code;

    for (size_t n; s.n; s = str_sub(s, n, s.n)) {
        n = pip_text_next(s, &code);
        if (n == 0)
            return false;
    }
    return true;
}

/* One item, without what is in it when it is an array or a map. */
static bool read_item(struct reader *r, struct item *out)
{
    struct str head, number;

    if (!read_bytes(r, 1, &head))
        return false;
    unsigned first = (unsigned char)head.p[0];
    *out = small_item(first);
    if (first >= 0xc0 && first < 0xe0) {
        *out = (struct item){ .kind = heads[first - 0xc0].kind };
        if (!read_bytes(r, heads[first - 0xc0].bytes, &number))
            return false;
        for (size_t i = 0; i < number.n; i++)
            out->n = out->n << 8 | (unsigned char)number.p[i];
        out->negative = out->kind == ITEM_INT && ((unsigned char)number.p[0] & 0x80);
    }
    if (out->kind == ITEM_STR || out->kind == ITEM_BIN)
        return read_bytes(r, out->n, &out->bytes) && (out->kind == ITEM_BIN || is_text(out->bytes));
    return out->kind != ITEM_NONE;
}

/* msgpack's strict_map_key: any other kind of key and it reads nothing at all. */
static bool read_key(struct reader *r, struct item *out)
{
    return read_item(r, out) && (out->kind == ITEM_STR || out->kind == ITEM_BIN);
}

static bool skip_value(struct reader *r)
{
    struct item it, key;

    if (!read_item(r, &it))
        return false;
    if (it.kind != ITEM_ARRAY && it.kind != ITEM_MAP)
        return true;
    bool ok = r->depth++ < MSGPACK_DEPTH;
    for (uint64_t i = 0; i < it.n && ok; i++)
        ok = (it.kind == ITEM_ARRAY || read_key(r, &key)) && skip_value(r);
    r->depth--;
    return ok;
}

/* What was found so far. */
struct record {
    struct pip_answer *answer; /* its strings borrow from the record */
    bool response, vary, body, headers, status;
};

typedef bool (*pair_fn)(struct record *rec, struct reader *r, const struct item *key);

static bool read_map(struct record *rec, struct reader *r, pair_fn fn)
{
    struct item map, key;
    bool ok = read_item(r, &map) && map.kind == ITEM_MAP;

    for (uint64_t i = 0; ok && i < map.n; i++)
        ok = read_key(r, &key) && fn(rec, r, &key);
    return ok;
}

static bool key_is(const struct item *key, const char *name)
{
    return key->kind == ITEM_STR && str_is(key->bytes, name);
}

/* True once. */
static bool is_first(bool *seen)
{
    bool first = !*seen;

    *seen = true;
    return first;
}

/* Where a header goes; NULL when it is none of those that are kept. */
static struct str *slot_of(struct pip_answer *a, struct str name)
{
    const struct {
        const char *name;
        struct str *slot;
    } kept[] = {
        { "date", &a->date },
        { "cache-control", &a->cache_control },
        { "expires", &a->expires },
        { "etag", &a->etag },
        { "last-modified", &a->last_modified },
        { "content-encoding", &a->content_encoding },
        { "content-length", &a->content_length },
    };

    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        if (str_eq_nocase(name, str_of(kept[i].name)))
            return kept[i].slot;
    return NULL;
}

static bool read_header(struct record *rec, struct reader *r, const struct item *key)
{
    struct item value;

    if (key->kind != ITEM_STR || !read_item(r, &value) || value.kind != ITEM_STR)
        return false;
    struct str *slot = slot_of(rec->answer, key->bytes);
    if (slot && slot->p)
        return false;
    if (slot)
        *slot = value.bytes;
    /* RFC 9110 section 8.6: several lengths; urllib3 refuses them unless they are equal. */
    return slot != &rec->answer->content_length || str_find(value.bytes, ',') < 0;
}

static bool read_status(struct record *rec, struct reader *r)
{
    struct item it;

    if (!read_item(r, &it) || (it.kind != ITEM_UINT && it.kind != ITEM_INT) || it.negative ||
        it.n < STATUS_MIN || it.n > STATUS_MAX)
        return false;
    rec->answer->status = (int)it.n;
    return is_first(&rec->status);
}

static bool read_field(struct record *rec, struct reader *r, const struct item *key)
{
    static const char *const unread[] = { "version", "reason", "decode_content",
                                          "strict" /* until cachecontrol 0.13 */ };

    if (key_is(key, "headers"))
        return is_first(&rec->headers) && read_map(rec, r, read_header);
    if (key_is(key, "status"))
        return read_status(rec, r);
    if (key_is(key, "body"))
        return is_first(&rec->body) && skip_value(r);
    for (size_t i = 0; i < sizeof(unread) / sizeof(*unread); i++)
        if (key_is(key, unread[i]))
            return skip_value(r);
    return false; /* each key is an argument of urllib3's HTTPResponse: others make pip fail */
}

/* The request header that decided, and what pip sent; nil when it did not send it. "*" decides by
 * what nobody can know (RFC 9111 section 4.1). */
static bool read_vary(struct record *rec, struct reader *r, const struct item *key)
{
    struct item value;

    if (key->kind != ITEM_STR || str_is(key->bytes, "*") || !read_item(r, &value) ||
        (value.kind != ITEM_STR && value.kind != ITEM_NIL))
        return false;
    bool plain = str_eq_nocase(key->bytes, STR("accept-encoding")) &&
                 str_eq_nocase(value.bytes, STR("identity"));
    rec->answer->varies |= value.kind == ITEM_STR && !plain;
    return true;
}

static bool read_top(struct record *rec, struct reader *r, const struct item *key)
{
    if (key_is(key, "response"))
        return is_first(&rec->response) && read_map(rec, r, read_field);
    if (key_is(key, "vary"))
        return is_first(&rec->vary) && read_map(rec, r, read_vary);
    return skip_value(r);
}

bool pip_cache_parse(struct arena *a, struct str record, struct pip_answer *out)
{
    struct pip_answer got = { .body_path = out->body_path, .body_bytes = out->body_bytes };
    struct record rec = { .answer = &got };
    struct reader r = { .rest = str_sub(record, STR("cc=4,").n, record.n) };

    if (!str_starts(record, STR("cc=4,")) || !read_map(&rec, &r, read_top) || r.rest.n ||
        !rec.headers || !rec.status || !rec.body)
        return false;
    struct str *const kept[] = { &got.date,          &got.cache_control, &got.expires,
                                 &got.etag,          &got.last_modified, &got.content_encoding,
                                 &got.content_length };
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        *kept[i] = arena_str(a, *kept[i]);
    *out = got;
    return true;
}
