/* A header, then all files as records of one size, then all digests, then all text. A record points
 * into the text, and its digests come in the order of the files, so that reading is one walk over
 * three arrays. A string that was there shortly before is stored once: what the files of a release
 * demand of Python, why they are yanked. The file name is nearly always the end of the URL. The
 * strings stay whole, since a listing that is read borrows them: to store the common start of two
 * upload times once would save a tenth and cost a copy of each.
 *
 *   header   magic 8, checksum 8, version 4, files 4, digests 4, bytes of digests 4, of text 4,
 *            <base> 8
 *   file     url 8, filename 8, requires_python 8, yanked_reason 8, upload_time 8, size 8,
 *            number of digests 1, flags 1, zero 2
 *   digest   number of the algorithm 1, the digest; that of the metadata follows those of the file
 *   string   where in the text 4, bytes 4; ABSENT and 0 for STR_NONE */
#include "dray/py/simple_pack.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum {
    PACK_VERSION = 1, /* to be raised with any change of what is here or of what it means */
    MAGIC_BYTES = 8,
    SUM_BYTES = 8,
    HEADER_BYTES = MAGIC_BYTES + SUM_BYTES + 5 * 4 + 8,
    FILE_BYTES = 5 * 8 + 8 + 4,
    DIGEST_BYTES_MIN = 1 + 16, /* MD5 */
    SEEN = 1024                /* a power of two */
};

enum { FLAG_BROKEN_DIGEST = 1, FLAG_METADATA = 2, FLAG_METADATA_DIGEST = 4, FLAG_ALL = 7 };

static const char magic[MAGIC_BYTES] = { 'd', 'r', 'a', 'y', 'l', 'i', 's', 't' };

#define ABSENT UINT32_MAX

/* The numbers are those of stored files: they stay whatever becomes of the enum. */
static const uint8_t algs[DIGEST_COUNT] = {
    [DIGEST_SHA512] = 1, [DIGEST_SHA384] = 2, [DIGEST_SHA256] = 3,
    [DIGEST_SHA224] = 4, [DIGEST_SHA1] = 5,   [DIGEST_MD5] = 6,
};

static uint64_t get_bytes(const unsigned char *p, unsigned n)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < n; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static uint32_t get_u32(const unsigned char *p)
{
    return (uint32_t)get_bytes(p, 4);
}

static uint64_t get_u64(const unsigned char *p)
{
    return get_bytes(p, 8);
}

static void set_bytes(char *p, uint64_t value, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = (char)(unsigned char)(value >> (8 * i));
}

static void put_u32(struct buf *out, uint32_t value)
{
    char bytes[4];

    set_bytes(bytes, value, sizeof(bytes));
    buf_add(out, bytes, sizeof(bytes));
}

static void put_u64(struct buf *out, uint64_t value)
{
    char bytes[8];

    set_bytes(bytes, value, sizeof(bytes));
    buf_add(out, bytes, sizeof(bytes));
}

/* -- The checksum -- */

/* Odd, so that for one word each lane is a bijection: a change of any one word is always seen. */
#define SUM_FACTOR 0x9e3779b97f4a7c15u

static uint64_t sum_step(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * SUM_FACTOR;
    return lane ^ (lane >> 29);
}

/* Against a disk that forgets, not against people: who can write the store can write anything.
 * Four lanes, since one would wait for each product. */
static uint64_t pack_sum(const unsigned char *p, size_t n)
{
    uint64_t lanes[4] = { n, 1, 2, 3 };

    for (; n >= 32; p += 32, n -= 32)
        for (unsigned i = 0; i < 4; i++)
            lanes[i] = sum_step(lanes[i], get_u64(p + 8 * i));
    for (; n; p++, n--)
        lanes[0] = sum_step(lanes[0], *p);
    for (unsigned i = 1; i < 4; i++)
        lanes[0] = sum_step(lanes[0], lanes[i]);
    return lanes[0];
}

void simple_pack_seal(char *p, size_t n)
{
    enum { BEFORE = MAGIC_BYTES + SUM_BYTES };

    if (n >= BEFORE)
        set_bytes(p + MAGIC_BYTES, pack_sum((unsigned char *)p + BEFORE, n - BEFORE), SUM_BYTES);
}

/* -- Packing -- */

struct string_ref {
    uint32_t at, n;
};

struct packer {
    struct buf files, digests, text;
    uint32_t n_digests;
    struct string_ref *seen; /* SEEN places by hash; a string that is not there is stored again */
};

static struct string_ref text_add(struct packer *p, struct str s)
{
    struct string_ref ref = { (uint32_t)p->text.n, (uint32_t)s.n };

    /* A page has at most LIMIT_LISTING_BYTES, and no charset makes sixty bytes of one. */
    assert(p->text.n + s.n < ABSENT);
    buf_add_str(&p->text, s);
    return ref;
}

/* A table that forgets instead of a map: a hostile page can make all its strings collide. */
static struct string_ref text_share(struct packer *p, struct str s)
{
    uint64_t hash = s.n;

    if (!s.p)
        return (struct string_ref){ ABSENT, 0 };
    for (size_t i = 0; i < s.n; i++)
        hash = (hash ^ (unsigned char)s.p[i]) * SUM_FACTOR;
    struct string_ref *known = &p->seen[(hash >> 40) & (SEEN - 1)];
    size_t start = known->at, end = start + known->n;
    if (end > p->text.n || !str_eq(str_sub(buf_str(&p->text), start, end), s))
        *known = text_add(p, s);
    return *known;
}

static void put_ref(struct buf *out, struct string_ref ref)
{
    put_u32(out, ref.at);
    put_u32(out, ref.n);
}

static void put_url(struct packer *p, const struct simple_file *f)
{
    struct string_ref url = text_add(p, f->url), name = { ABSENT, 0 };

    if (f->filename.p && str_ends(f->url, f->filename))
        name = (struct string_ref){ url.at + (uint32_t)(f->url.n - f->filename.n),
                                    (uint32_t)f->filename.n };
    else
        name = text_share(p, f->filename);
    if (!f->url.p)
        url = (struct string_ref){ ABSENT, 0 };
    put_ref(&p->files, url);
    put_ref(&p->files, name);
}

static void put_digest(struct packer *p, const struct digest *d)
{
    buf_add_c(&p->digests, (char)algs[d->alg]);
    buf_add(&p->digests, d->bytes, digest_size(d->alg));
    p->n_digests++;
}

static void put_file(struct packer *p, const struct simple_file *f)
{
    unsigned flags = (f->has_broken_digest ? FLAG_BROKEN_DIGEST : 0u) |
                     (f->has_metadata ? FLAG_METADATA : 0u) |
                     (f->has_metadata_digest ? FLAG_METADATA_DIGEST : 0u);

    assert(f->yanked == (f->yanked_reason.p != NULL) && f->n_digests <= DIGEST_COUNT);
    put_url(p, f);
    put_ref(&p->files, text_share(p, f->requires_python));
    put_ref(&p->files, text_share(p, f->yanked_reason));
    put_ref(&p->files, text_share(p, f->upload_time));
    put_u64(&p->files, f->size);
    put_u32(&p->files, (uint32_t)f->n_digests | flags << 8);
    for (size_t i = 0; i < f->n_digests; i++)
        put_digest(p, &f->digests[i]);
    if (f->has_metadata_digest)
        put_digest(p, &f->metadata_digest);
}

void simple_pack(const struct simple_listing *l, struct buf *out)
{
    struct packer p = { .seen = mem_new(SEEN, sizeof(*p.seen)) };
    size_t start = out->n;

    struct string_ref base = text_share(&p, l->base);
    for (size_t i = 0; i < l->n; i++)
        put_file(&p, &l->files[i]);
    buf_add(out, magic, sizeof(magic));
    put_u64(out, 0);
    put_u32(out, PACK_VERSION);
    put_u32(out, (uint32_t)l->n);
    put_u32(out, p.n_digests);
    put_u32(out, (uint32_t)p.digests.n);
    put_u32(out, (uint32_t)p.text.n);
    put_ref(out, base);
    buf_add_str(out, buf_str(&p.files));
    buf_add_str(out, buf_str(&p.digests));
    buf_add_str(out, buf_str(&p.text));
    simple_pack_seal(out->p + start, out->n - start);
    buf_done(&p.files);
    buf_done(&p.digests);
    buf_done(&p.text);
    free(p.seen);
}

/* -- Unpacking -- */

/* What there is to read from; `fault` is set by the first thing that can't be. */
struct unpacker {
    uint32_t n_files, n_digests;
    const unsigned char *file, *digest, *digest_end;
    struct str text;
    struct digest *room; /* for all digests that are still to come */
    size_t digests_left;
    const char *fault;
    bool too_long;
    enum digest_alg alg_of[256];
};

static void unpacker_fault(struct unpacker *u, const char *what)
{
    if (!u->fault)
        u->fault = what;
}

static struct str get_str(struct unpacker *u, const unsigned char *p)
{
    uint32_t at = get_u32(p), n = get_u32(p + 4);

    if (at == ABSENT && n == 0)
        return STR_NONE;
    if (at > u->text.n || n > u->text.n - at) {
        unpacker_fault(u, "a string");
        return STR_NONE;
    }
    u->too_long = u->too_long || n > LIMIT_LISTING_FIELD_BYTES;
    return (struct str){ u->text.p + at, n };
}

static bool get_digest(struct unpacker *u, struct digest *out)
{
    enum digest_alg alg = DIGEST_COUNT;

    if (u->digests_left && u->digest < u->digest_end)
        alg = u->alg_of[*u->digest];
    if (alg == DIGEST_COUNT || (size_t)(u->digest_end - u->digest) <= digest_size(alg)) {
        unpacker_fault(u, "a digest");
        return false;
    }
    out->alg = alg;
    memcpy(out->bytes, u->digest + 1, digest_size(alg));
    u->digest += 1 + digest_size(alg);
    u->digests_left--;
    return true;
}

static void get_digests(struct unpacker *u, struct simple_file *f, size_t n)
{
    unsigned seen = 0;

    if (n > DIGEST_COUNT || n > u->digests_left) {
        unpacker_fault(u, "a number of digests");
        return;
    }
    f->digests = n ? u->room : NULL;
    f->n_digests = n;
    u->room += n;
    for (size_t i = 0; i < n && get_digest(u, &f->digests[i]); i++) {
        unsigned alg = 1u << f->digests[i].alg;
        if (seen & alg)
            unpacker_fault(u, "a second digest of one kind");
        seen |= alg;
    }
}

static void get_file(struct unpacker *u, struct simple_file *f)
{
    const unsigned char *p = u->file;
    uint32_t counts = get_u32(p + 48);
    unsigned flags = counts >> 8;

    u->file += FILE_BYTES;
    f->url = get_str(u, p);
    f->filename = get_str(u, p + 8);
    f->requires_python = get_str(u, p + 16);
    f->yanked_reason = get_str(u, p + 24);
    f->upload_time = get_str(u, p + 32);
    f->size = get_u64(p + 40);
    f->yanked = f->yanked_reason.p != NULL;
    f->has_broken_digest = flags & FLAG_BROKEN_DIGEST;
    f->has_metadata = flags & FLAG_METADATA;
    f->has_metadata_digest = flags & FLAG_METADATA_DIGEST;
    if ((flags & ~(unsigned)FLAG_ALL) || (f->has_metadata_digest && !f->has_metadata))
        unpacker_fault(u, "a flag");
    get_digests(u, f, counts & 0xff);
    if (f->has_metadata_digest)
        get_digest(u, &f->metadata_digest);
}

/* Sizes first: nothing is made room for that does not lie in `bytes`. */
static int unpacker_init(struct unpacker *u, struct str bytes, struct err *e)
{
    const unsigned char *p = (const unsigned char *)bytes.p;

    if (bytes.n < HEADER_BYTES || memcmp(p, magic, sizeof(magic)) != 0)
        return err_set(e, ERR_INPUT, "this is no packed listing");
    if (get_u32(p + 16) != PACK_VERSION)
        return err_set(e, ERR_INPUT, "the packed listing is of version %u, dray knows %d",
                       get_u32(p + 16), PACK_VERSION);
    u->n_files = get_u32(p + 20);
    u->n_digests = get_u32(p + 24);
    uint32_t digest_bytes = get_u32(p + 28), text_bytes = get_u32(p + 32);
    uint64_t rest = (uint64_t)u->n_files * FILE_BYTES + digest_bytes + text_bytes;
    if (rest != bytes.n - HEADER_BYTES || (uint64_t)u->n_digests * DIGEST_BYTES_MIN > digest_bytes)
        return err_set(e, ERR_INPUT, "the packed listing has %zu bytes, its header says otherwise",
                       bytes.n);
    if (pack_sum(p + MAGIC_BYTES + SUM_BYTES, bytes.n - MAGIC_BYTES - SUM_BYTES) !=
        get_u64(p + MAGIC_BYTES))
        return err_set(e, ERR_INPUT, "the packed listing is damaged: its checksum is wrong");
    if (u->n_files > LIMIT_LISTING_FILES)
        return err_set(e, ERR_LIMIT, "the packed listing has more than %d files",
                       LIMIT_LISTING_FILES);
    u->file = p + HEADER_BYTES;
    u->digest = u->file + (size_t)u->n_files * FILE_BYTES;
    u->digest_end = u->digest + digest_bytes;
    u->text = str_sub(bytes, bytes.n - text_bytes, bytes.n);
    return 0;
}

static void unpacker_algs(struct unpacker *u)
{
    for (size_t i = 0; i < sizeof(u->alg_of) / sizeof(u->alg_of[0]); i++)
        u->alg_of[i] = DIGEST_COUNT;
    for (unsigned alg = 0; alg < DIGEST_COUNT; alg++)
        u->alg_of[algs[alg]] = (enum digest_alg)alg;
}

int simple_unpack(struct str bytes, struct simple_listing *out, struct err *e)
{
    struct unpacker u = { .fault = NULL };
    int code = unpacker_init(&u, bytes, e);

    if (code)
        return code;
    unpacker_algs(&u);
    u.room = arena_alloc(&out->arena, u.n_digests, sizeof(*u.room));
    u.digests_left = u.n_digests;
    out->base = get_str(&u, (const unsigned char *)bytes.p + HEADER_BYTES - 8);
    out->files = u.n_files ? mem_new(u.n_files, sizeof(*out->files)) : NULL;
    out->cap = u.n_files;
    while (out->n < u.n_files && !u.fault)
        get_file(&u, &out->files[out->n++]);
    if (u.digest != u.digest_end || u.digests_left)
        unpacker_fault(&u, "a count of digests");
    if (u.fault)
        return err_set(e, ERR_INPUT, "the packed listing is damaged: %s is wrong, in file %zu",
                       u.fault, out->n);
    if (u.too_long)
        return err_set(e, ERR_LIMIT, "the packed listing has a string of more than %d bytes",
                       LIMIT_LISTING_FIELD_BYTES);
    return 0;
}
