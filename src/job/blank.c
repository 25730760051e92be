/* Python's set: the ASCII ones with the four separators U+001C to U+001F, and those of Unicode, of
 * which the longest has three bytes. */
#include "dray/job/blank.h"

enum { BLANK_MAX_BYTES = 3 };

static bool is_blank(struct str c)
{
    static const char *const wide[] = {
        "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
        "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
    };

    if (c.n == 1)
        return str_isspace(c.p[0]) || (c.p[0] >= '\x1c' && c.p[0] <= '\x1f');
    /* U+2000 to U+200A */
    if (c.n == 3 && memcmp(c.p, "\xe2\x80", 2) == 0 && (uint8_t)c.p[2] >= 0x80 &&
        (uint8_t)c.p[2] <= 0x8a)
        return true;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
        if (str_is(c, wide[i]))
            return true;
    return false;
}

size_t blank_first(struct str s)
{
    /* Nearly every character ends here. */
    if (!s.n || (s.p[0] > ' ' && s.p[0] <= '~'))
        return 0;
    for (size_t n = 1; n <= BLANK_MAX_BYTES && n <= s.n; n++)
        if (is_blank(str_sub(s, 0, n)))
            return n;
    return 0;
}

size_t blank_last(struct str s)
{
    for (size_t n = 1; n <= BLANK_MAX_BYTES && n <= s.n; n++)
        if (is_blank(str_sub(s, s.n - n, s.n)))
            return n;
    return 0;
}

struct str blank_trim(struct str s)
{
    size_t n;

    while ((n = blank_first(s)) > 0)
        s = str_sub(s, n, s.n);
    while ((n = blank_last(s)) > 0)
        s.n -= n;
    return s;
}
