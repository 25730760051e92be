/* UTF-8 as strictly as Python decodes it: a record with one wrong byte is none to pip. */
#include "dray/store/pip_text.h"

static unsigned byte_at(struct str s, size_t i)
{
    return (unsigned char)s.p[i];
}

size_t pip_text_next(struct str s, uint32_t *code)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned first = byte_at(s, 0);
    size_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t got = n == 1 ? first : first & (0x7fu >> n);

    if (n == 0 || n > s.n || first >= 0xf8)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((byte_at(s, i) & 0xc0) != 0x80)
            return 0;
        got = got << 6 | (byte_at(s, i) & 0x3f);
    }
    /* Overlong, half of a surrogate pair, or beyond Unicode. */
    if (got < least[n] || (got >= 0xd800 && got <= 0xdfff) || got > 0x10ffff)
        return 0;
    *code = got;
    return n;
}
