/* The order of pip's own decoding. pip falls back to the encoding of the locale; dray's answers do
 * not depend on where it runs, so the fall-back is Latin-1, which any bytes are valid in. */
#include "dray/job/reqfile_decode.h"

enum encoding { UTF8, UTF16LE, UTF16BE, UTF32LE, UTF32BE, LATIN1, ASCII };

static const char *const encoding_names[] = { "UTF-8",  "UTF-16",  "UTF-16", "UTF-32",
                                              "UTF-32", "Latin-1", "ASCII" };

/* UTF-32 first: the mark of UTF-16 LE is a prefix of that of UTF-32 LE. */
static const struct {
    const char *bytes;
    size_t n;
    enum encoding encoding;
} marks[] = {
    { "\xef\xbb\xbf", 3, UTF8 },        { "\xff\xfe\x00\x00", 4, UTF32LE },
    { "\x00\x00\xfe\xff", 4, UTF32BE }, { "\xff\xfe", 2, UTF16LE },
    { "\xfe\xff", 2, UTF16BE },
};

/* Names that Python knows for them, in its normal form: lower case, "_" for what separates. */
static const struct {
    const char *name;
    enum encoding encoding;
} names[] = {
    { "utf_8", UTF8 },       { "utf8", UTF8 },      { "u8", UTF8 },       { "utf", UTF8 },
    { "cp65001", UTF8 },     { "utf_8_sig", UTF8 }, { "utf8_sig", UTF8 }, { "latin_1", LATIN1 },
    { "latin1", LATIN1 },    { "latin", LATIN1 },   { "l1", LATIN1 },     { "iso_8859_1", LATIN1 },
    { "iso8859_1", LATIN1 }, { "8859", LATIN1 },    { "cp819", LATIN1 },  { "iso8859", LATIN1 },
    { "ascii", ASCII },      { "us_ascii", ASCII }, { "646", ASCII },
};

static void add_utf8(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_c(out, (char)c);
    } else if (c < 0x800) {
        buf_add_c(out, (char)(0xc0 | c >> 6));
        buf_add_c(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_add_c(out, (char)(0xe0 | c >> 12));
        buf_add_c(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_c(out, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_add_c(out, (char)(0xf0 | c >> 18));
        buf_add_c(out, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_add_c(out, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_add_c(out, (char)(0x80 | (c & 0x3f)));
    }
}

/* Each of these takes one character from [p, end): returns its bytes, 0 when they are none. */
static size_t take_utf8(const uint8_t *p, size_t n, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = p[0] < 0x80   ? 1
                    : p[0] < 0xc2 ? 0
                    : p[0] < 0xe0 ? 2
                    : p[0] < 0xf0 ? 3
                    : p[0] < 0xf5 ? 4
                                  : 0;
    uint32_t c = length == 1 ? p[0] : p[0] & (0xffu >> (length + 1));

    if (length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[length] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *out = c;
    return length;
}

static uint32_t unit16(const uint8_t *p, bool big)
{
    return big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static size_t take_utf16(const uint8_t *p, size_t n, bool big, uint32_t *out)
{
    uint32_t high = n < 2 ? 0xdc00 : unit16(p, big);

    if (high < 0xd800 || high >= 0xe000) {
        *out = high;
        return 2;
    }
    uint32_t low = high >= 0xdc00 || n < 4 ? 0 : unit16(p + 2, big);
    if (low < 0xdc00 || low >= 0xe000)
        return 0;
    *out = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 4;
}

static size_t take_utf32(const uint8_t *p, size_t n, bool big, uint32_t *out)
{
    if (n < 4)
        return 0;
    uint32_t c = big ? unit16(p, true) << 16 | unit16(p + 2, true)
                     : unit16(p + 2, false) << 16 | unit16(p, false);
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *out = c;
    return 4;
}

static size_t take(enum encoding encoding, const uint8_t *p, size_t n, uint32_t *out)
{
    switch (encoding) {
    case UTF8:
        return take_utf8(p, n, out);
    case UTF16LE:
    case UTF16BE:
        return take_utf16(p, n, encoding == UTF16BE, out);
    case UTF32LE:
    case UTF32BE:
        return take_utf32(p, n, encoding == UTF32BE, out);
    case LATIN1:
    case ASCII:
        *out = p[0];
        return encoding == LATIN1 || p[0] < 0x80;
    }
    return 0;
}

/* Offset of the first byte that is wrong, or the length of all of them. */
static size_t decode_as(enum encoding encoding, struct str bytes, size_t from, struct buf *out)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    size_t at = from, n;
    uint32_t c;

    while (at < bytes.n && (n = take(encoding, p + at, bytes.n - at, &c)) > 0) {
        if (encoding != UTF8)
            add_utf8(out, c);
        at += n;
    }
    if (encoding == UTF8)
        buf_add_str(out,
                    str_sub(bytes, from, at)); /* it is what it will be: at once, for the speed */
    return at;
}

/* PEP 263 as pip reads it: "coding[:=]\s*([-\w.]+)" anywhere in a comment that begins the line. */
static struct str declared_in(struct str line)
{
    ptrdiff_t at;

    if (!line.n || line.p[0] != '#')
        return STR_NONE;
    while ((at = str_search(line, STR("coding"))) >= 0) {
        line = str_sub(line, (size_t)at + 6, line.n);
        if (!line.n || (line.p[0] != ':' && line.p[0] != '='))
            continue;
        struct str name = str_sub(line, 1, line.n);
        while (name.n && str_isspace(name.p[0]))
            name = str_sub(name, 1, name.n);
        size_t n = 0;
        while (n < name.n && (str_isalpha(name.p[n]) || str_isdigit(name.p[n]) ||
                              str_find(STR("-_."), name.p[n]) >= 0))
            n++;
        if (n)
            return str_sub(name, 0, n);
    }
    return STR_NONE;
}

static struct str declared(struct str bytes)
{
    struct str name = STR_NONE;

    for (int i = 0; i < 2 && bytes.p && !name.p; i++)
        name = declared_in(str_cut(bytes, '\n', &bytes));
    return name;
}

static bool encoding_find(struct str name, enum encoding *out)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t at = 0;
        while (at < name.n && names[i].name[at] &&
               (str_lower(name.p[at]) == names[i].name[at] ||
                ((name.p[at] == '-' || name.p[at] == '.') && names[i].name[at] == '_')))
            at++;
        if (at == name.n && !names[i].name[at]) {
            *out = names[i].encoding;
            return true;
        }
    }
    return false;
}

static int decode_strictly(enum encoding encoding, struct str bytes, size_t from, struct buf *out,
                           struct err *e)
{
    size_t before = out->n;
    size_t end = decode_as(encoding, bytes, from, out);

    if (end == bytes.n)
        return 0;
    buf_cut(out, before);
    return err_set(e, ERR_INPUT, "byte %zu is not valid %s, which the file says it is", end + 1,
                   encoding_names[encoding]);
}

int reqfile_decode(struct str bytes, struct buf *out, bool *guessed, struct err *e)
{
    size_t before = out->n;
    enum encoding encoding;

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (str_starts(bytes, (struct str){ marks[i].bytes, marks[i].n }))
            return decode_strictly(marks[i].encoding, bytes, marks[i].n, out, e);
    struct str name = declared(bytes);
    if (name.p && !encoding_find(name, &encoding))
        return err_set(e, ERR_UNSUPPORTED,
                       "the encoding %.*s is none that dray reads; save the file as UTF-8",
                       STR_ARG(name));
    if (name.p)
        return decode_strictly(encoding, bytes, 0, out, e);
    if (decode_as(UTF8, bytes, 0, out) == bytes.n)
        return 0;
    buf_cut(out, before);
    decode_as(LATIN1, bytes, 0, out);
    *guessed = true;
    return 0;
}
