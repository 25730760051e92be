/* Character by character: ASCII is known, everything above it is asked of the locale, and what
 * has no width there is spelled out, so that it takes as many cells as are counted. */
#include "dray/ui/shown.h"

#include <langinfo.h>
#include <stdio.h>
#include <wchar.h>

#define CUT_MARK "..."

enum { CUT_MARK_CELLS = sizeof(CUT_MARK) - 1 };

/* One character of the source, as it is shown. */
struct glyph {
    size_t bytes; /* of the source */
    size_t cells;
    bool is_escaped;
    char escape[12];
};

static void glyph_escape(struct glyph *g, char letter, int digits, unsigned value)
{
    g->is_escaped = true;
    g->cells = (size_t)snprintf(g->escape, sizeof(g->escape), "\\%c%0*x", letter, digits, value);
}

/* Accents in their own code point take no cell but are text; all else without a width (direction
 * marks, joiners, tags) can make one name look like another. */
static bool is_accent(wchar_t c)
{
    return c >= 0x300 && c <= 0x36f;
}

/* wchar_t holds Unicode code points on glibc, musl and macOS. */
static void glyph_wide(struct glyph *g, struct str s)
{
    mbstate_t state = { 0 };
    wchar_t c = 0;
    size_t n = mbrtowc(&c, s.p, s.n, &state);

    if (n == 0 || n > s.n) { /* (size_t)-1 and -2: not UTF-8, or cut short */
        glyph_escape(g, 'x', 2, (unsigned char)s.p[0]);
        return;
    }
    int cells = wcwidth(c);
    g->bytes = n;
    if (cells > 0 || (cells == 0 && is_accent(c)))
        g->cells = (size_t)cells;
    else if (c > 0xffff)
        glyph_escape(g, 'U', 8, (unsigned)c);
    else
        glyph_escape(g, 'u', 4, (unsigned)c);
}

/* The first character of s, which is not empty. */
static struct glyph glyph_of(struct str s, bool utf8)
{
    struct glyph g = { .bytes = 1, .cells = 1 };
    unsigned char c = (unsigned char)s.p[0];

    if (c >= 0x80 && utf8)
        glyph_wide(&g, s);
    else if (c < 0x20 || c >= 0x7f)
        glyph_escape(&g, 'x', 2, c);
    return g;
}

static void glyph_add(struct buf *out, const struct glyph *g, const char *source)
{
    if (g->is_escaped)
        buf_add(out, g->escape, g->cells);
    else
        buf_add(out, source, g->bytes);
}

bool shown_is_utf8(void)
{
    return str_is(str_of(nl_langinfo(CODESET)), "UTF-8");
}

/* Cells of s; its characters go to `out` unless that is NULL. */
static size_t shown_walk(struct buf *out, struct str s)
{
    bool utf8 = shown_is_utf8();
    size_t cells = 0;

    while (s.n) {
        struct glyph g = glyph_of(s, utf8);
        if (out)
            glyph_add(out, &g, s.p);
        cells += g.cells;
        s = str_sub(s, g.bytes, s.n);
    }
    return cells;
}

size_t shown_add(struct buf *out, struct str s)
{
    return shown_walk(out, s);
}

void shown_add_lines(struct buf *out, struct str s, size_t indent)
{
    struct str rest = s;

    shown_walk(out, str_cut(rest, '\n', &rest));
    while (rest.p) {
        buf_add_f(out, "\n%*s", (int)indent, "");
        shown_walk(out, str_cut(rest, '\n', &rest));
    }
}

void shown_add_text(struct buf *out, struct str s)
{
    while (s.n) {
        size_t n = 0;
        while (n < s.n && s.p[n] != '\n' && s.p[n] != '\t')
            n++;
        bool crlf = n > 0 && n < s.n && s.p[n - 1] == '\r' && s.p[n] == '\n';
        shown_walk(out, str_sub(s, 0, crlf ? n - 1 : n));
        if (n < s.n)
            buf_add_c(out, s.p[n++]);
        s = str_sub(s, n, s.n);
    }
}

/* The characters from the front that fit into `width` cells; returns the cells taken. */
static size_t add_head(struct buf *out, struct str s, size_t width)
{
    bool utf8 = shown_is_utf8();
    size_t cells = 0;

    while (s.n) {
        struct glyph g = glyph_of(s, utf8);
        if (cells + g.cells > width)
            break;
        glyph_add(out, &g, s.p);
        cells += g.cells;
        s = str_sub(s, g.bytes, s.n);
    }
    return cells;
}

/* The characters from the back that fit; `cells` is the width of the whole. */
static size_t add_tail(struct buf *out, struct str s, size_t cells, size_t width)
{
    bool utf8 = shown_is_utf8();

    while (s.n && cells > width) {
        struct glyph g = glyph_of(s, utf8);
        cells -= g.cells;
        s = str_sub(s, g.bytes, s.n);
    }
    return shown_walk(out, s);
}

void shown_add_cut(struct buf *out, struct str s, size_t width)
{
    size_t cells = shown_walk(NULL, s), used;

    if (cells <= width) {
        used = shown_walk(out, s);
    } else if (width <= CUT_MARK_CELLS) {
        used = add_head(out, s, width);
    } else {
        /* Two thirds for the front: of a file name that is project and version. */
        size_t room = width - CUT_MARK_CELLS, tail = room / 3;
        used = add_head(out, s, room - tail);
        buf_add_z(out, CUT_MARK);
        used += CUT_MARK_CELLS + add_tail(out, s, cells, tail);
    }
    buf_add_f(out, "%*s", (int)(width - used), "");
}
