/* Every text that came from outside goes through shown_add(): a file name or a server's answer
 * must not steer the terminal. */
#include "dray/ui/line.h"

#include <inttypes.h>

#include "dray/ui/human.h"
#include "dray/ui/shown.h"

void line_tag(struct buf *out, enum line_tone tone, const char *word, bool colour)
{
    static const char *const sgr[] = {
        [LINE_GOOD] = "\x1b[32m", [LINE_WARNING] = "\x1b[33m", [LINE_ERROR] = "\x1b[1;31m"
    };

    buf_add_f(out, "%s%s%s", colour ? sgr[tone] : "", word, colour ? "\x1b[0m" : "");
}

struct str line_name(const struct fetch_view *v)
{
    return v->filename.p ? v->filename : v->label;
}

static void add_size(struct buf *out, const struct fetch_view *v)
{
    if (v->body_bytes == FETCH_BYTES_UNKNOWN && !v->got_bytes)
        return;
    buf_add_z(out, "  (");
    human_bytes(out, v->body_bytes == FETCH_BYTES_UNKNOWN ? v->got_bytes : v->body_bytes);
    buf_add_c(out, ')');
}

void line_ended(struct buf *out, const struct fetch_view *v, bool colour)
{
    if (!v->path.p) {
        line_tag(out, LINE_GOOD, "Would save", colour);
        buf_add_c(out, ' ');
        shown_add(out, line_name(v));
        add_size(out, v);
    } else if (v->origin == FETCH_KEPT) {
        line_tag(out, LINE_GOOD, "Kept", colour);
        buf_add_z(out, "   ");
        shown_add(out, v->path);
    } else {
        line_tag(out, LINE_GOOD, v->replaced ? "Replaced" : "Saved", colour);
        buf_add_z(out, v->replaced ? " " : "  ");
        shown_add(out, v->path);
        add_size(out, v);
    }
    buf_add_c(out, '\n');
}

void line_passed(struct buf *out, const struct fetch_view *v, bool colour)
{
    line_tag(out, LINE_GOOD, "Fetched", colour);
    buf_add_c(out, ' ');
    shown_add(out, line_name(v));
    add_size(out, v);
    buf_add_c(out, '\n');
}

void line_skipped(struct buf *out, const struct event *ev)
{
    buf_add_z(out, "Skipped ");
    shown_add(out, ev->text);
    buf_add_z(out, ": its marker is false for this target\n");
}

void line_origin(struct buf *out, const struct fetch_view *v)
{
    if (!v->url.p)
        return;
    buf_add_z(out, "       from ");
    shown_add(out, v->url);
    buf_add_c(out, '\n');
}

void line_retry(struct buf *out, const struct event *ev, bool colour)
{
    line_tag(out, LINE_WARNING, "retrying", colour);
    if (ev->fetch) {
        buf_add_c(out, ' ');
        shown_add(out, line_name(ev->fetch));
    }
    if (ev->n) {
        buf_add_z(out, " in ");
        human_took(out, ev->n * 1000);
    }
    if (ev->text.n) {
        struct str rest;
        buf_add_z(out, ": ");
        shown_add(out, str_cut(ev->text, '\n', &rest)); /* the digests, say, are for an error */
    }
    buf_add_c(out, '\n');
}

void line_resumed(struct buf *out, const struct event *ev)
{
    buf_add_z(out, "Resumed ");
    shown_add(out, line_name(ev->fetch));
    buf_add_z(out, " at ");
    human_bytes(out, ev->n);
    buf_add_c(out, '\n');
}

void line_warning(struct buf *out, const struct event *ev, bool colour)
{
    line_tag(out, LINE_WARNING, "warning:", colour);
    buf_add_c(out, ' ');
    shown_add_lines(out, ev->text, 4);
    buf_add_c(out, '\n');
}

void line_note(struct buf *out, const struct event *ev)
{
    buf_add_z(out, "Note   ");
    shown_add(out, ev->text);
    buf_add_c(out, '\n');
}

void line_page(struct buf *out, const struct event *ev)
{
    buf_add_z(out, "Read   ");
    shown_add(out, ev->text);
    if (ev->index.n) {
        buf_add_z(out, "  of index ");
        shown_add(out, ev->index);
    }
    if (ev->code) {
        buf_add_f(out, "  (failed: %s)\n", err_name(ev->code));
        return;
    }
    buf_add_z(out, "  (");
    human_bytes(out, ev->n);
    buf_add_z(out, " in ");
    human_took(out, ev->took_us);
    buf_add_z(out, ")\n");
}

void line_state(struct buf *out, const struct event *ev)
{
    buf_add_f(out, "[%" PRIu64 ".%03" PRIu64 "] ", ev->at_us / 1000000, ev->at_us / 1000 % 1000);
    if (ev->fetch) {
        shown_add(out, ev->fetch->label);
        buf_add_z(out, ": ");
    }
    buf_add_f(out, "%s -> %s\n", fetch_state_name(ev->from), fetch_state_name(ev->to));
}
