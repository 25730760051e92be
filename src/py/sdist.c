/* Two machines, one within the other: gzip's members are inflated by zlib, and what comes out is
 * walked as a tar archive, header by header, until PKG-INFO has gone by. */
#include "dray/py/sdist.h"

#include <assert.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum { BLOCK_BYTES = 512, NAME_BYTES_MAX = 64 * 1024, OUT_BYTES = 32 * 1024 };

/* Of a header: offset and length. */
enum {
    NAME_AT = 0,
    NAME_N = 100,
    SIZE_AT = 124,
    SIZE_N = 12,
    SUM_AT = 148,
    SUM_N = 8,
    TYPE_AT = 156,
    MAGIC_AT = 257,
    PREFIX_AT = 345,
    PREFIX_N = 155
};

enum stage { STAGE_HEADER, STAGE_DATA, STAGE_PADDING, STAGE_OVER };

/* What a member's data is to us. */
enum use { USE_NONE, USE_LONG_NAME, USE_PAX, USE_PKG_INFO };

struct sdist_reader {
    z_stream z;
    bool gzip_ended; /* at the end of a member, of which there may be several */
    uint64_t inflated;
    enum stage stage;
    unsigned char header[BLOCK_BYTES];
    size_t header_bytes;
    uint64_t left; /* of the data or the padding */
    uint64_t padding;
    enum use use;
    struct buf data;      /* of a member that is of use */
    struct buf long_name; /* of the next member; n is 0: as its header has it */
    uint64_t pax_size;    /* likewise; UINT64_MAX: as its header has it */
    bool found;
};

struct sdist_reader *sdist_reader_create(void)
{
    struct sdist_reader *r = mem_new(1, sizeof(*r));

    r->pax_size = UINT64_MAX;
    if (inflateInit2(&r->z, 16 + MAX_WBITS) != Z_OK)
        abort(); /* no memory, or another zlib than the one of its header */
    return r;
}

void sdist_reader_destroy(struct sdist_reader *r)
{
    if (!r)
        return;
    inflateEnd(&r->z);
    buf_done(&r->data);
    buf_done(&r->long_name);
    free(r);
}

/* -- tar -- */

static struct str field(const struct sdist_reader *r, size_t at, size_t n)
{
    const char *p = (const char *)r->header + at;

    return (struct str){ p, strnlen(p, n) };
}

static int damaged(struct err *e)
{
    return err_set(e, ERR_INPUT, "it is no tar archive, or damaged");
}

/* Octal digits between blanks, or 256-base, which is marked by the highest bit. */
static bool number(const struct sdist_reader *r, size_t at, size_t n, uint64_t *out)
{
    const unsigned char *p = r->header + at;
    struct str text = str_trim(field(r, at, n));

    *out = 0;
    if (p[0] & 0x80) {
        for (size_t i = 0; i < n; i++) {
            if (*out >> 55)
                return false;
            *out = *out << 8 | (i ? p[i] : p[i] & 0x7fu);
        }
        return true;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '7')
            return false;
        *out = *out << 3 | (uint64_t)(text.p[i] - '0'); /* at most 12 digits */
    }
    return true;
}

static bool sum_is_right(const struct sdist_reader *r)
{
    uint64_t promised, sum = 0;

    for (size_t i = 0; i < BLOCK_BYTES; i++)
        sum += i >= SUM_AT && i < SUM_AT + SUM_N ? ' ' : r->header[i];
    return number(r, SUM_AT, SUM_N, &promised) && promised == sum;
}

static bool is_zero(const struct sdist_reader *r)
{
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        if (r->header[i])
            return false;
    return true;
}

/* "NAME-VERSION/PKG-INFO", and not that of an .egg-info below. */
static bool is_pkg_info(struct str name)
{
    struct str rest, top;

    while (str_starts(name, STR("./")))
        name = str_sub(name, 2, name.n);
    top = str_cut(name, '/', &rest);
    return top.n && rest.p && str_is(rest, "PKG-INFO");
}

/* A regular file, under its long name or that of the header; in what is older than POSIX other
 * things stand where it has the prefix. */
static bool member_is_pkg_info(struct sdist_reader *r)
{
    char type = (char)r->header[TYPE_AT];
    struct str prefix = field(r, PREFIX_AT, PREFIX_N);

    if (type != '0' && type != '\0' && type != '7')
        return false;
    if (!r->long_name.n) {
        if (prefix.n && memcmp(r->header + MAGIC_AT, "ustar", 6) == 0) {
            buf_add_str(&r->long_name, prefix);
            buf_add_c(&r->long_name, '/');
        }
        buf_add_str(&r->long_name, field(r, NAME_AT, NAME_N));
    }
    return is_pkg_info(buf_str(&r->long_name));
}

static int take_member(struct sdist_reader *r, uint64_t bytes, struct err *e)
{
    char type = (char)r->header[TYPE_AT];
    bool is_link = type >= '1' && type <= '6'; /* or directory, or device: these have no data */
    bool is_more = type == 'L' || type == 'K' || type == 'x' || type == 'g'; /* of the next */

    if (type == 'S')
        return err_set(e, ERR_INPUT, "it holds a sparse file");
    r->use = type == 'L' ? USE_LONG_NAME : type == 'x' ? USE_PAX : USE_NONE;
    if (!is_more) {
        if (r->pax_size != UINT64_MAX)
            bytes = r->pax_size;
        if (member_is_pkg_info(r))
            r->use = USE_PKG_INFO;
        buf_reset(&r->long_name);
        r->pax_size = UINT64_MAX;
    }
    int max = r->use == USE_PKG_INFO ? LIMIT_METADATA_BYTES : NAME_BYTES_MAX;
    if (r->use && bytes > (uint64_t)max)
        return err_set(e, ERR_LIMIT, "%s more than %d bytes",
                       r->use == USE_PKG_INFO ? "its PKG-INFO has" : "the name of a file in it has",
                       max);
    r->left = is_link ? 0 : bytes;
    r->padding = (BLOCK_BYTES - r->left % BLOCK_BYTES) % BLOCK_BYTES;
    r->stage = STAGE_DATA;
    buf_reset(&r->data);
    return 0;
}

static int take_header(struct sdist_reader *r, struct err *e)
{
    uint64_t bytes;

    r->header_bytes = 0;
    if (is_zero(r)) {
        r->stage = STAGE_OVER;
        return 0;
    }
    if (!sum_is_right(r) || !number(r, SIZE_AT, SIZE_N, &bytes))
        return damaged(e);
    return take_member(r, bytes, e);
}

/* A record "LENGTH KEY=VALUE\n" (POSIX.1-2001, pax), taken off *rest. */
static int take_record(struct sdist_reader *r, struct str *rest, struct err *e)
{
    struct str value, digits = str_cut(*rest, ' ', &value);
    uint64_t n;

    if (!str_to_u64(digits, rest->n, &n) || n < digits.n + 2 || rest->p[n - 1] != '\n')
        return damaged(e);
    struct str key = str_cut(str_sub(*rest, digits.n + 1, (size_t)n - 1), '=', &value);
    *rest = str_sub(*rest, (size_t)n, rest->n);
    if (!value.p)
        return damaged(e);
    if (str_starts(key, STR("GNU.sparse.")))
        return err_set(e, ERR_INPUT, "it holds a sparse file");
    if (str_is(key, "path")) {
        buf_reset(&r->long_name);
        buf_add_str(&r->long_name, value);
    } else if (str_is(key, "size") && !str_to_u64(value, INT64_MAX, &r->pax_size)) {
        return damaged(e);
    }
    return 0;
}

static int take_pax(struct sdist_reader *r, struct err *e)
{
    struct str rest = buf_str(&r->data);
    int code = 0;

    while (rest.n && !code)
        code = take_record(r, &rest, e);
    return code;
}

static int end_data(struct sdist_reader *r, struct err *e)
{
    r->stage = STAGE_PADDING;
    r->left = r->padding;
    switch (r->use) {
    case USE_NONE:
        break;
    case USE_LONG_NAME:
        buf_reset(&r->long_name);
        buf_add_z(&r->long_name, buf_z(&r->data)); /* with its NUL, or without */
        break;
    case USE_PAX:
        return take_pax(r, e);
    case USE_PKG_INFO:
        r->found = true;
        r->stage = STAGE_OVER;
        break;
    }
    return 0;
}

static size_t at_most(uint64_t left, size_t n)
{
    return left < n ? (size_t)left : n;
}

static int walk(struct sdist_reader *r, const unsigned char *p, size_t n, struct err *e)
{
    int code = 0;

    while (!code && r->stage != STAGE_OVER) {
        if (r->stage == STAGE_DATA && !r->left) {
            code = end_data(r, e);
        } else if (r->stage == STAGE_PADDING && !r->left) {
            r->stage = STAGE_HEADER;
        } else if (!n) {
            break;
        } else if (r->stage == STAGE_HEADER) {
            size_t part = at_most(BLOCK_BYTES - r->header_bytes, n);
            memcpy(r->header + r->header_bytes, p, part);
            r->header_bytes += part;
            p += part;
            n -= part;
            if (r->header_bytes == BLOCK_BYTES)
                code = take_header(r, e);
        } else {
            size_t part = at_most(r->left, n);
            if (r->use && r->stage == STAGE_DATA)
                buf_add(&r->data, p, part);
            r->left -= part;
            p += part;
            n -= part;
        }
    }
    return code;
}

/* -- gzip -- */

/* What came out before a fault counts first: the answer must not depend on how the file is cut into
 * pieces. */
static int inflate_some(struct sdist_reader *r, struct err *e)
{
    unsigned char out[OUT_BYTES];

    r->z.next_out = out;
    r->z.avail_out = sizeof(out);
    if (r->gzip_ended)
        inflateReset(&r->z);
    int code = inflate(&r->z, Z_NO_FLUSH);
    r->gzip_ended = code == Z_STREAM_END;
    size_t n = sizeof(out) - r->z.avail_out, part = at_most(LIMIT_SDIST_BYTES - r->inflated, n);
    r->inflated += part;
    if (walk(r, out, part, e))
        return e->code;
    if (r->stage == STAGE_OVER)
        return 0;
    if (part < n)
        return err_set(e, ERR_LIMIT, "it holds more than %d bytes", LIMIT_SDIST_BYTES);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return err_set(e, ERR_INPUT, "it is no gzip file, or damaged");
    return 0;
}

int sdist_reader_feed(struct sdist_reader *r, const void *bytes, size_t n, struct err *e)
{
    assert(n <= UINT_MAX);
    r->z.next_in = bytes;
    r->z.avail_in = (uInt)n;
    bool full = true;

    while (r->stage != STAGE_OVER && (r->z.avail_in || full)) {
        if (inflate_some(r, e))
            return e->code;
        full = !r->z.avail_out; /* there may be more, without another byte of input */
    }
    return 0;
}

struct str sdist_reader_finish(struct sdist_reader *r, struct err *e)
{
    if (r->found)
        return buf_str(&r->data);
    if (r->stage == STAGE_OVER)
        err_set(e, ERR_INPUT, "it has no PKG-INFO");
    else
        err_set(e, ERR_INPUT, "it ends before its PKG-INFO");
    return STR_NONE;
}

/* -- PEP 643 -- */

static bool version_is_2_2(struct str version)
{
    struct str minor, major = str_cut(str_trim(version), '.', &minor);
    uint64_t x, y;

    return str_to_u64(major, UINT64_MAX, &x) && minor.p && str_to_u64(minor, UINT64_MAX, &y) &&
           x == 2 && y >= 2; /* another major version may mean anything */
}

bool sdist_metadata_is_static(const struct metadata *m)
{
    static const char *const needs[] = { "Requires-Dist", "Requires-Python", "Provides-Extra" };
    bool is_static = version_is_2_2(m->metadata_version);

    for (size_t i = 0; i < m->n_fields; i++)
        for (size_t k = 0; k < sizeof(needs) / sizeof(*needs); k++)
            if (str_eq_nocase(m->fields[i].name, STR("Dynamic")) &&
                str_eq_nocase(str_trim(m->fields[i].value), str_of(needs[k])))
                is_static = false;
    return is_static;
}
