/* Whatever bytes: what is shown holds no control character, is as wide as was counted, and a cut
 * takes exactly the cells that it was given. First byte: the width; its lowest bit: UTF-8 or
 * not. */
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>

#include "dray/ui/shown.h"

/* Counted by the C library, not by the code that is tested. */
static size_t cells_of(struct str s, bool utf8)
{
    mbstate_t state = { 0 };
    size_t cells = 0;

    while (s.n) {
        wchar_t c = (unsigned char)s.p[0];
        size_t n = utf8 ? mbrtowc(&c, s.p, s.n, &state) : 1;
        if (n == 0 || n > s.n || c < 0x20 || (c >= 0x7f && (!utf8 || c < 0xa0)))
            abort();
        int wide = utf8 ? wcwidth(c) : 1;
        if (wide < 0)
            abort();
        cells += (size_t)wide;
        s = str_sub(s, n, s.n);
    }
    return cells;
}

/* Between newlines and tabs, too, there is no control character. */
static void check_text(struct str text, bool utf8)
{
    struct buf shown = { 0 };

    shown_add_text(&shown, text);
    for (size_t i = 0; i < shown.n; i++)
        if (shown.p[i] == '\n' || shown.p[i] == '\t')
            shown.p[i] = ' ';
    cells_of(buf_str(&shown), utf8);
    buf_done(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf all = { 0 }, cut = { 0 };

    if (!size)
        return 0;
    setlocale(LC_CTYPE, data[0] & 1 ? "C.UTF-8" : "C");
    bool utf8 = shown_is_utf8();
    struct str text = { (const char *)data + 1, size - 1 };
    size_t width = data[0] / 2;
    size_t cells = shown_add(&all, text);
    if (cells != cells_of(buf_str(&all), utf8))
        abort();
    shown_add_cut(&cut, text, width);
    if (cells_of(buf_str(&cut), utf8) != width)
        abort();
    if (cells <= width && !str_starts(buf_str(&cut), buf_str(&all)))
        abort();
    check_text(text, utf8);
    buf_done(&all);
    buf_done(&cut);
    return 0;
}
