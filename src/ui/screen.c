/* Escape sequences of ECMA-48 that every terminal since the VT100 has: erase below, erase to the
 * end of the line, cursor up. A frame is overwritten in place, not erased first, so it does not
 * flicker. */
#include "dray/ui/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dray/util/buf.h"

#define ERASE_BELOW "\x1b[J"
#define ERASE_REST  "\x1b[K"

enum { COLUMNS_UNKNOWN = 80, ROWS_UNKNOWN = 24 };

bool screen_is_terminal(FILE *f)
{
    const char *term = getenv("TERM");
    int fd = fileno(f);

    return fd >= 0 && isatty(fd) && term && *term && !str_is(str_of(term), "dumb");
}

bool screen_may_colour(FILE *f, bool forbidden)
{
    const char *no_color = getenv("NO_COLOR");

    return !forbidden && !(no_color && *no_color) && screen_is_terminal(f);
}

void screen_size(FILE *f, unsigned *columns, unsigned *rows)
{
    struct winsize size = { 0 };
    int fd = fileno(f);

    if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) != 0)
        size = (struct winsize){ 0 };
    *columns = size.ws_col ? size.ws_col : COLUMNS_UNKNOWN;
    *rows = size.ws_row ? size.ws_row : ROWS_UNKNOWN;
}

static void frame_put(struct buf *text, struct str frame)
{
    size_t below = 0;

    for (struct str rest = frame; rest.n;) {
        if (below++)
            buf_add_c(text, '\n');
        buf_add_str(text, str_cut(rest, '\n', &rest));
        buf_add_z(text, ERASE_REST);
    }
    buf_add_z(text, ERASE_BELOW "\r");
    if (below > 1)
        buf_add_f(text, "\x1b[%zuA", below - 1);
}

void screen_draw(struct screen *s, struct str said, struct str frame)
{
    struct buf text = { 0 };

    if (s->is_drawn)
        buf_add_c(&text, '\r');
    /* Lines that stay may wrap, so what stands below must have gone before them. */
    if (s->is_drawn && (said.n || !frame.n))
        buf_add_z(&text, ERASE_BELOW);
    buf_add_str(&text, said);
    if (frame.n)
        frame_put(&text, frame);
    s->is_drawn = frame.n != 0;
    if (text.n) {
        fwrite(text.p, 1, text.n, s->out);
        fflush(s->out);
    }
    buf_done(&text);
}
