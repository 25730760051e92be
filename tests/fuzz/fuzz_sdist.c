/* Three bytes that say how the rest is cut into pieces and packed, then the rest: as a file, and as
 * the archive within one. Whole and in pieces, stored and deflated, the answer must be the same. */
#include <stdlib.h>

#include <zlib.h>

#include "dray/py/sdist.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK_BYTES = 512, SUM_AT = 148, MAGIC_AT = 257 };

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* In turns of `even` and `odd` bytes. What was found goes to *found. */
static bool read_all(struct str file, size_t even, size_t odd, struct buf *found, struct err *e)
{
    struct sdist_reader *r = sdist_reader_create();
    struct str text = STR_NONE;
    size_t at = 0, n = even;
    int code = 0;

    while (!code && at < file.n) {
        struct str piece = str_sub(file, at, at + n);
        char *exact = malloc(piece.n); /* so that a byte too many is noticed */
        memcpy(exact, piece.p, piece.n);
        code = sdist_reader_feed(r, exact, piece.n, e);
        require(code == e->code && (code == 0 || code == ERR_INPUT || code == ERR_LIMIT));
        free(exact);
        at += n;
        n = n == even ? odd : even;
    }
    if (!code) {
        text = sdist_reader_finish(r, e);
        require(e->code == (text.p ? 0 : ERR_INPUT));
        require(text.n <= LIMIT_METADATA_BYTES);
        buf_add_str(found, text);
    }
    sdist_reader_destroy(r);
    return text.p;
}

static void compare(struct str a, struct str b, const uint8_t *how)
{
    struct buf whole = { 0 }, pieces = { 0 };
    struct err whole_e = { 0 }, pieces_e = { 0 };

    bool is_found = read_all(a, a.n, a.n, &whole, &whole_e);
    require(is_found == read_all(b, how[0] + 1u, how[1] * 7u + 1u, &pieces, &pieces_e));
    require(str_eq(buf_str(&whole), buf_str(&pieces)));
    require(whole_e.code == pieces_e.code);
    require(str_is(str_of(err_text(&whole_e)), err_text(&pieces_e)));
    buf_done(&whole);
    buf_done(&pieces);
    err_done(&whole_e);
    err_done(&pieces_e);
}

/* One gzip member, with the smallest state that zlib has; level 0 stores. */
static void pack(struct buf *out, struct str content, int level)
{
    unsigned char packed[1024];
    z_stream s = { .next_in = (Bytef *)(uintptr_t)content.p, .avail_in = (uInt)content.n };

    require(deflateInit2(&s, level, Z_DEFLATED, 16 + 9, 1, Z_DEFAULT_STRATEGY) == Z_OK);
    do {
        s.next_out = packed;
        s.avail_out = sizeof(packed);
        require(deflate(&s, Z_FINISH) != Z_STREAM_ERROR);
        buf_add(out, packed, sizeof(packed) - s.avail_out);
    } while (!s.avail_out);
    deflateEnd(&s);
}

/* Headers whose sums are right: else hardly a changed one would be read. */
static void mend_sums(struct buf *tar)
{
    for (size_t at = 0; at + BLOCK_BYTES <= tar->n; at += BLOCK_BYTES) {
        char *h = tar->p + at;
        unsigned sum = 0;
        if (memcmp(h + MAGIC_AT, "ustar", 5) != 0)
            continue;
        memset(h + SUM_AT, ' ', 8);
        for (size_t i = 0; i < BLOCK_BYTES; i++)
            sum += (unsigned char)h[i];
        for (size_t i = 6; i-- > 0; sum >>= 3)
            h[SUM_AT + i] = (char)('0' + (sum & 7));
        h[SUM_AT + 6] = '\0';
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf tar = { 0 }, whole = { 0 }, pieces = { 0 };

    if (size < 3)
        return 0;
    struct str rest = { (const char *)data + 3, size - 3 };
    compare(rest, rest, data);
    buf_add_str(&tar, rest);
    if (data[2] & 1)
        mend_sums(&tar);
    size_t half = (size_t)(data[2] >> 1) * 61; /* the members of gzip end anywhere */
    pack(&whole, buf_str(&tar), 0);
    pack(&pieces, str_sub(buf_str(&tar), 0, half), 1);
    if (half < tar.n)
        pack(&pieces, str_sub(buf_str(&tar), half, tar.n), 6);
    compare(buf_str(&whole), buf_str(&pieces), data);
    buf_done(&tar);
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
