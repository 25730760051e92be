/* What was fed is kept in pieces, none touching another. A step starts anew at the end of the file
 * and goes inwards: end record, zip64 records, directory, local header and data, each by asking for
 * a run of bytes; where a run is not there, the step ends and says which. So there is no state but
 * the bytes, and one list of what is needed for what. Asking costs a round trip: each question
 * reaches further than it must, to where the next one would probably have to go. */
#define ZLIB_CONST /* zlib does not write to its input */

#include "dray/py/zip.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "dray/py/requirement.h"
#include "dray/py/zip_directory.h"
#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* Measured over 129 wheels, from 5 KB to 60 MB. The tail that holds directory and METADATA grows
 * about with the root of the wheel's size; so sized, four of five wheels take one read. RECORD,
 * which grows with the number of entries, stands between METADATA and the directory as a rule: a
 * reader that has to go back for the directory takes as much more as covers that too. */
enum {
    TAIL_LEAST = 14 * 1024,
    TAIL_MOST = 128 * 1024,
    TAIL_PER_ROOT = 48,
    GAP_BYTES = 8 * 1024, /* of METADATA, licences and the like */
    GAP_PER_ENTRY = 56,   /* of RECORD, compressed */
    EXTRA_GUESS = 128     /* bytes of a local extra field beyond the one of the directory */
};

/* Beside 0 and the errors. */
enum { LACKS = 1 };

struct piece {
    uint64_t first;
    struct buf bytes;
};

struct zip {
    uint64_t file_bytes;
    struct arena arena;
    struct str project;   /* normalised */
    struct piece *pieces; /* in order, with gaps between them */
    size_t n, cap;
    char *text; /* METADATA; NULL until found */
    size_t text_bytes;
};

struct zip *zip_create(uint64_t file_bytes, struct str filename)
{
    struct zip *z = mem_new(1, sizeof(*z));
    struct str rest;

    z->file_bytes = file_bytes;
    if (str_ends(filename, STR(".whl")))
        filename.n -= 4;
    z->project = project_name_normalize(&z->arena, str_cut(filename, '-', &rest));
    return z;
}

static void pieces_done(struct zip *z)
{
    for (size_t i = 0; i < z->n; i++)
        buf_done(&z->pieces[i].bytes);
    free(z->pieces);
    z->pieces = NULL;
    z->n = z->cap = 0;
}

void zip_destroy(struct zip *z)
{
    if (!z)
        return;
    pieces_done(z);
    arena_done(&z->arena);
    free(z->text);
    free(z);
}

static uint64_t piece_end(const struct piece *p)
{
    return p->first + p->bytes.n;
}

/* The part of the bytes that goes beyond the piece; they begin in it or right behind it. */
static void piece_extend(struct piece *p, uint64_t first, const char *bytes, size_t n)
{
    uint64_t known = piece_end(p) - first;

    if (known < n)
        buf_add(&p->bytes, bytes + known, n - (size_t)known);
}

/* A new empty piece at `i`. */
static void piece_insert(struct zip *z, size_t i, uint64_t first)
{
    z->pieces = mem_grow(z->pieces, z->n, &z->cap, sizeof(*z->pieces));
    memmove(&z->pieces[i + 1], &z->pieces[i], (z->n - i) * sizeof(*z->pieces));
    z->pieces[i] = (struct piece){ .first = first };
    z->n++;
}

/* Takes in the pieces that the `i`th has come to touch. */
static void piece_join(struct zip *z, size_t i)
{
    size_t next = i + 1;

    for (; next < z->n && z->pieces[next].first <= piece_end(&z->pieces[i]); next++) {
        struct piece *p = &z->pieces[next];
        piece_extend(&z->pieces[i], p->first, p->bytes.p, p->bytes.n);
        buf_done(&p->bytes);
    }
    memmove(&z->pieces[i + 1], &z->pieces[next], (z->n - next) * sizeof(*z->pieces));
    z->n -= next - i - 1;
}

void zip_feed(struct zip *z, uint64_t first, const void *bytes, size_t n)
{
    size_t i = 0;

    assert(first <= z->file_bytes && n <= z->file_bytes - first);
    if (n == 0 || z->text)
        return;
    while (i < z->n && piece_end(&z->pieces[i]) < first)
        i++;
    if (i == z->n || z->pieces[i].first > first)
        piece_insert(z, i, first);
    piece_extend(&z->pieces[i], first, bytes, n);
    piece_join(z, i);
}

/* Of those that hold or precede byte `at`, the last; NULL when all are behind it. */
static const struct piece *piece_at(const struct zip *z, uint64_t at)
{
    const struct piece *found = NULL;

    for (size_t i = 0; i < z->n && z->pieces[i].first <= at; i++)
        found = &z->pieces[i];
    return found;
}

/* The bytes of `need`, or LACKS and what to ask for: `wish`, which holds it, less what is there. */
static int take(const struct zip *z, struct zip_span need, struct zip_span wish, struct str *out,
                struct zip_span *lacks)
{
    const struct piece *p = piece_at(z, need.first);

    if (p && piece_end(p) >= need.first + need.n) {
        *out = str_sub(buf_str(&p->bytes), (size_t)(need.first - p->first),
                       (size_t)(need.first - p->first + need.n));
        return 0;
    }
    uint64_t first = wish.first, end = wish.first + wish.n;
    p = piece_at(z, first);
    if (p && piece_end(p) > first)
        first = piece_end(p);
    p = piece_at(z, end - 1);
    if (p && piece_end(p) >= end)
        end = p->first;
    *lacks = (struct zip_span){ first, end - first };
    return LACKS;
}

/* From `before` bytes ahead of `end` to it, or from the beginning of the file. */
static struct zip_span span_before(uint64_t end, uint64_t before)
{
    return before < end ? (struct zip_span){ end - before, before } : (struct zip_span){ 0, end };
}

static struct zip_span first_wish(const struct zip *z)
{
    uint64_t n = TAIL_LEAST;

    while (n < TAIL_MOST && (n / TAIL_PER_ROOT) * (n / TAIL_PER_ROOT) < z->file_bytes)
        n += 512;
    return span_before(z->file_bytes, n);
}

/* The end record, and all behind it, which is its comment. */
static int take_end(const struct zip *z, struct zip_end *out, struct zip_span *lacks, struct err *e)
{
    struct zip_span all = span_before(z->file_bytes, ZIP_END_BYTES + ZIP_COMMENT_MAX);
    struct str tail;

    if (z->file_bytes < ZIP_END_BYTES)
        return err_set(e, ERR_INPUT, "a file of %llu bytes is no zip archive",
                       (unsigned long long)z->file_bytes);
    struct zip_span last = span_before(z->file_bytes, ZIP_END_BYTES);
    int code = take(z, last, first_wish(z), &tail, lacks);
    if (code)
        return code;
    const struct piece *p = piece_at(z, last.first);
    struct zip_span known = { p->first > all.first ? p->first : all.first, 0 };
    known.n = z->file_bytes - known.first;
    take(z, known, known, &tail, lacks);
    ptrdiff_t at = zip_end_find(tail);
    if (at >= 0)
        return zip_end_read(str_sub(tail, (size_t)at, tail.n), known.first + (uint64_t)at, out, e);
    if (known.first == all.first)
        return err_set(e, ERR_INPUT, "no zip end record is at its end");
    return take(z, all, span_before(z->file_bytes, all.n + ZIP_LOCATOR_BYTES + ZIP_END64_BYTES),
                &tail, lacks);
}

/* The directory as `end` has it, its zip64 records, and what METADATA probably needs before. */
static struct zip_span directory_wish(const struct zip_end *end, uint64_t before)
{
    bool fits =
        end->directory_bytes <= end->at && end->directory_bytes <= LIMIT_ZIP_DIRECTORY_BYTES;
    uint64_t n = fits ? end->directory_bytes : 0;

    if (end->entries <= n / ZIP_ENTRY_BYTES)
        n += GAP_BYTES + GAP_PER_ENTRY * end->entries;
    return span_before(end->at, n > before ? n : before);
}

/* With zip64, what `end` says is replaced by what the larger records do. */
static int take_end64(const struct zip *z, struct zip_end *end, struct zip_span *lacks,
                      struct err *e)
{
    const uint64_t both = ZIP_END64_BYTES + ZIP_LOCATOR_BYTES;
    struct str records;

    if (end->at < ZIP_LOCATOR_BYTES)
        return 0;
    struct zip_span need = span_before(end->at, ZIP_LOCATOR_BYTES);
    int code = take(z, need, directory_wish(end, both), &records, lacks);
    if (code || !zip_is_locator(records))
        return code;
    if (end->at < both)
        return err_set(e, ERR_INPUT, "no zip64 end record is before its locator");
    need = span_before(end->at, both);
    code = take(z, need, directory_wish(end, both), &records, lacks);
    return code ? code : zip_end64_read(records, need.first, end, e);
}

static int take_directory(const struct zip *z, const struct zip_end *end, struct str *out,
                          struct zip_span *lacks, struct err *e)
{
    int code = zip_end_check(end, e);

    *out = STR("");
    if (code || end->directory_bytes == 0)
        return code;
    return take(z, span_before(end->at, end->directory_bytes), directory_wish(end, 0), out, lacks);
}

/* The packed bytes behind the local header. How long that is, its extra field tells: until it is
 * there its length is guessed. */
static int take_packed(const struct zip *z, const struct zip_entry *entry, struct str *out,
                       struct zip_span *lacks, struct err *e)
{
    uint64_t least = ZIP_LOCAL_BYTES + entry->name.n + entry->packed_bytes;
    struct zip_span wish = { entry->at, least + entry->extra.n + EXTRA_GUESS };
    struct str local;

    if (wish.n > entry->limit - entry->at)
        wish.n = entry->limit - entry->at;
    int code = take(z, (struct zip_span){ entry->at, ZIP_LOCAL_BYTES }, wish, &local, lacks);
    if (code)
        return code;
    size_t header = zip_local_bytes(local);
    struct zip_span exact = { entry->at, header + entry->packed_bytes };
    if (exact.n > entry->limit - entry->at)
        return err_set(e, ERR_INPUT, "METADATA at byte %llu reaches into the next entry",
                       (unsigned long long)entry->at);
    code = take(z, exact, exact, &local, lacks);
    if (code)
        return code;
    *out = str_sub(local, header, local.n);
    return zip_local_check(str_sub(local, 0, header), entry, e);
}

/* Exactly `n` bytes into `out`, which has room for one more: that one tells too many from enough,
 * and a bomb is never unpacked. */
static bool inflate_all(struct str packed, Bytef *out, size_t n)
{
    z_stream s = { .next_in = (const Bytef *)packed.p,
                   .avail_in = (uInt)packed.n,
                   .avail_out = (uInt)n + 1 };

    s.next_out = out;
    if (inflateInit2(&s, -MAX_WBITS) != Z_OK)
        abort(); /* no memory, or another zlib than the one of its header */
    int code = inflate(&s, Z_FINISH);
    size_t room = s.avail_out;
    inflateEnd(&s);
    return code == Z_STREAM_END && room == 1;
}

static int unpack(struct zip *z, const struct zip_entry *entry, struct str packed, struct err *e)
{
    size_t n = (size_t)entry->bytes; /* at most LIMIT_METADATA_BYTES, entry_judge saw to it */
    char *text = mem_new(n + 1, 1);

    bool ok = true;
    if (entry->method == 0)
        memcpy(text, packed.p, n);
    else
        ok = inflate_all(packed, (Bytef *)text, n);
    text[n] = '\0';
    if (!ok || crc32(0, (const Bytef *)text, (uInt)n) != entry->crc) {
        free(text);
        return err_set(e, ERR_INPUT, "METADATA is damaged: %s",
                       ok ? "its CRC is another"
                          : "it does not inflate to the size it should have");
    }
    pieces_done(z);
    z->text = text;
    z->text_bytes = n;
    return 0;
}

static int find(struct zip *z, struct zip_span *lacks, struct err *e)
{
    struct arena scratch = { 0 };
    struct zip_end end = { 0 };
    struct zip_entry entry = { 0 };
    struct str directory = STR_NONE, packed = STR_NONE;

    int code = take_end(z, &end, lacks, e);
    if (!code)
        code = take_end64(z, &end, lacks, e);
    if (!code)
        code = take_directory(z, &end, &directory, lacks, e);
    if (!code)
        code = zip_directory_find(&scratch, directory, &end, z->project, &entry, e);
    if (!code)
        code = take_packed(z, &entry, &packed, lacks, e);
    if (!code)
        code = unpack(z, &entry, packed, e);
    arena_done(&scratch);
    return code;
}

enum zip_step zip_step(struct zip *z, struct zip_span *lacks, struct err *e)
{
    struct zip_span asked = { 0 };
    int code = z->text ? 0 : find(z, &asked, e);

    if (code == LACKS)
        *lacks = asked;
    return code == 0 ? ZIP_FOUND : code == LACKS ? ZIP_LACKS : ZIP_FAILED;
}

struct str zip_metadata(const struct zip *z)
{
    assert(z->text);
    return (struct str){ z->text, z->text_bytes };
}
