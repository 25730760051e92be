/* One character at a time: what it is, whether it may stand, how it is written. */
#include "dray/ui/svg_text.h"

#include <stdint.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define ELLIPSIS    "\xe2\x80\xa6" /* U+2026 */

/* The character at the start of s and its bytes; 0 bytes when there is none (RFC 3629). */
static size_t character_at(struct str s, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;

    if (!n || n > s.n)
        return 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return n;
}

/* XML 1.0, production 2 [Char]; of controls only those that a label needs, which is none: a newline
 * in it would be a blank anyway. Unicode's bidirectional controls (UAX #9) hide what a name is. */
static bool may_stand(uint32_t c)
{
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
    bool turns = (c >= 0x200e && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
                 (c >= 0x2066 && c <= 0x2069) || c == 0x061c;

    return !control && !turns && (c & 0xfffe) != 0xfffe;
}

static void character_add(struct buf *out, struct str c)
{
    if (str_is(c, "<"))
        buf_add_z(out, "&lt;");
    else if (str_is(c, ">"))
        buf_add_z(out, "&gt;");
    else if (str_is(c, "&"))
        buf_add_z(out, "&amp;");
    else if (str_is(c, "\""))
        buf_add_z(out, "&quot;");
    else
        buf_add_str(out, c);
}

/* Counts a byte that is none of a character as one. */
static size_t characters_in(struct str s)
{
    size_t count = 0;

    for (uint32_t c; s.n; count++) {
        size_t n = character_at(s, &c);
        s = str_sub(s, n ? n : 1, s.n);
    }
    return count;
}

void svg_text_add(struct buf *out, struct str s, size_t max)
{
    size_t all = characters_in(s), behind = max / 3;
    size_t gap = all > max ? max - behind - 1 : all; /* the first that is left out */

    for (size_t i = 0; s.n; i++) {
        uint32_t c = 0;
        size_t n = character_at(s, &c);
        struct str character = str_sub(s, 0, n ? n : 1);
        s = str_sub(s, character.n, s.n);
        if (i == gap)
            buf_add_z(out, ELLIPSIS);
        if (i >= gap && i < all - behind)
            continue;
        if (n && may_stand(c))
            character_add(out, character);
        else
            buf_add_z(out, REPLACEMENT);
    }
}
