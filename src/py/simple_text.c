/* Charsets by iconv(3), from a table: what a server writes into a header picks a row, never a file
 * that the C library would load. */
#include "dray/py/simple_text.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>

enum { NAME_BYTES = 16, BLOCK_BYTES = 4096 };

/* name in lower case without punctuation (Python knows them all), iconv's name, smallest piece in
 * bytes; NULL for UTF-8, which glibc would copy unchecked */
static const struct {
    const char *name, *iconv;
    size_t unit;
} charsets[] = {
    { "utf8", NULL, 1 },
    { "utf8sig", NULL, 1 },
    { "usascii", NULL, 1 }, /* which it is part of; more is wrong anyway */
    { "ascii", NULL, 1 },
    { "iso88591", "ISO-8859-1", 1 },
    { "latin1", "ISO-8859-1", 1 },
    { "iso88592", "ISO-8859-2", 1 },
    { "iso88595", "ISO-8859-5", 1 },
    { "iso885915", "ISO-8859-15", 1 },
    { "windows1250", "CP1250", 1 },
    { "cp1250", "CP1250", 1 },
    { "windows1251", "CP1251", 1 },
    { "cp1251", "CP1251", 1 },
    { "windows1252", "CP1252", 1 },
    { "cp1252", "CP1252", 1 },
    { "koi8r", "KOI8-R", 1 },
    { "utf16", "UTF-16", 2 },
    { "utf16le", "UTF-16LE", 2 },
    { "utf16be", "UTF-16BE", 2 },
    { "gb2312", "GBK", 1 },
    { "gbk", "GBK", 1 },
    { "gb18030", "GB18030", 1 },
    { "big5", "BIG5", 1 },
    { "shiftjis", "SHIFT_JIS", 1 },
    { "eucjp", "EUC-JP", 1 },
    { "euckr", "EUC-KR", 1 },
};

static bool utf8_start(struct utf8 *u, unsigned char c)
{
    *u = (struct utf8){ 0, 0x80, 0xbf };
    if (c < 0x80)
        return true;
    if (c < 0xc2 || c > 0xf4)
        return false;
    u->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    /* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
    if (c == 0xe0 || c == 0xf0)
        u->low = c == 0xe0 ? 0xa0 : 0x90;
    if (c == 0xed || c == 0xf4)
        u->high = c == 0xed ? 0x9f : 0x8f;
    return true;
}

static size_t ascii_bytes(const unsigned char *bytes, size_t n)
{
    size_t i = 0;
    uint64_t word;

    for (; n - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word));
        if (word & 0x8080808080808080u)
            break;
    }
    while (i < n && bytes[i] < 0x80)
        i++;
    return i;
}

size_t utf8_check(struct utf8 *u, const unsigned char *bytes, size_t n)
{
    size_t i = 0;

    while (i < n) {
        if (u->left == 0) {
            i += ascii_bytes(bytes + i, n - i);
            if (i < n && !utf8_start(u, bytes[i]))
                return i;
        } else if (bytes[i] >= u->low && bytes[i] <= u->high) {
            *u = (struct utf8){ (unsigned char)(u->left - 1), 0x80, 0xbf };
        } else {
            return i;
        }
        i += i < n;
    }
    return n;
}

struct str charset_of(struct str content_type)
{
    struct str rest;

    str_cut(content_type, ';', &rest);
    while (rest.p) {
        struct str value, name = str_trim(str_cut(str_cut(rest, ';', &rest), '=', &value));
        value = str_trim(value);
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = str_trim(str_sub(value, 1, value.n - 1));
        if (str_eq_nocase(name, STR("charset")) && value.n)
            return value;
    }
    return STR("utf-8");
}

bool decoder_init(struct decoder *d, struct str charset)
{
    char name[NAME_BYTES];
    size_t n = 0;

    *d = (struct decoder){ .unit = 0 };
    for (size_t i = 0; i < charset.n; i++) {
        char c = str_lower(charset.p[i]);
        if (!str_isalpha(c) && !str_isdigit(c))
            continue;
        if (n == sizeof(name))
            return false;
        name[n++] = c;
    }
    for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
        if (!str_is((struct str){ name, n }, charsets[i].name))
            continue;
        d->is_utf8 = charsets[i].iconv == NULL;
        if (!d->is_utf8)
            d->iconv = iconv_open("UTF-8", charsets[i].iconv);
        if (!d->is_utf8 && d->iconv == (iconv_t)-1) /* a C library without this charset */
            return false;
        d->unit = charsets[i].unit;
        return true;
    }
    return false;
}

void decoder_done(struct decoder *d)
{
    if (d->unit && !d->is_utf8)
        iconv_close(d->iconv);
    *d = (struct decoder){ .unit = 0 };
}

/* One block by iconv(); returns its errno, 0 when all was used. */
static int iconv_step(struct decoder *d, struct str *in, struct buf *out, size_t room)
{
    char block[BLOCK_BYTES];
    char *from = (char *)in->p, *to = block;
    size_t from_n = in->n, to_n = room < sizeof(block) ? room : sizeof(block);

    int code = iconv(d->iconv, &from, &from_n, &to, &to_n) == (size_t)-1 ? errno : 0;
    *in = (struct str){ from, from_n };
    buf_add(out, block, (size_t)(to - block));
    return code;
}

/* Bytes of the character at the start; 0 and EILSEQ or EINVAL when it is wrong or its end is
 * missing. */
static size_t utf8_bytes(struct str s, int *code)
{
    struct utf8 u = { .left = 0 };

    for (size_t i = 0; i < s.n; i++) {
        if (utf8_check(&u, (const unsigned char *)s.p + i, 1) == 0) {
            *code = EILSEQ;
            return 0;
        }
        if (u.left == 0)
            return i + 1;
    }
    *code = EINVAL;
    return 0;
}

/* The same for UTF-8 itself, with the same results. */
static int utf8_step(struct str *in, struct buf *out, size_t room)
{
    int code = 0;

    while (in->n) {
        size_t n = ascii_bytes((const unsigned char *)in->p, in->n < room ? in->n : room);
        if (n == 0)
            n = utf8_bytes(*in, &code);
        if (n == 0)
            return code;
        if (n > room)
            return E2BIG;
        buf_add(out, in->p, n);
        *in = str_sub(*in, n, in->n);
        room -= n;
    }
    return 0;
}

static int decoder_step(struct decoder *d, struct str *in, struct buf *out, size_t room)
{
    size_t before = out->n;
    int code = d->is_utf8 ? utf8_step(in, out, room) : iconv_step(d, in, out, room);

    for (size_t i = before; i < out->n; i++)
        if (out->p[i] == '\0')
            out->p[i] = '\x7f';
    return code;
}

bool decoder_run(struct decoder *d, struct str *in, struct buf *out, size_t max)
{
    static const struct str mark = { "\xef\xbf\xbd", 3 }; /* U+FFFD */

    while (in->n) {
        size_t room = max - out->n;
        int code = decoder_step(d, in, out, room);
        if (code == EINVAL || code == 0) /* only the start of a character is left, if anything */
            return true;
        if (code == E2BIG && (d->is_utf8 || room <= BLOCK_BYTES))
            return false;
        if (code == E2BIG) /* only a block of iconv_step() is full */
            continue;
        assert(code == EILSEQ);
        if (max - out->n < mark.n)
            return false;
        buf_add_str(out, mark);
        *in = str_sub(*in, d->unit, in->n);
    }
    return true;
}
