#include "dray/util/path.h"

void path_join(struct str directory, struct str path, struct buf *out)
{
    bool beside = !directory.n || str_starts(path, STR("/"));

    if (!beside)
        buf_add_f(out, "%.*s%s", STR_ARG(directory), str_ends(directory, STR("/")) ? "" : "/");
    buf_add_str(out, path);
}

/* Takes the last part away, for a ".."; false when there is none that can go. */
static bool go_up(struct buf *out, size_t start)
{
    struct str path = str_sub(buf_str(out), start, out->n);
    ptrdiff_t slash = str_rfind(path, '/');
    struct str last = str_sub(path, (size_t)(slash + 1), path.n);

    if (!last.n || str_is(last, ".."))
        return false;
    buf_cut(out, start + (slash > 0 ? (size_t)slash : 0));
    return true;
}

void path_normalize(struct str path, struct buf *out)
{
    bool absolute = str_starts(path, STR("/"));
    struct str rest = path;
    size_t start = out->n + absolute;

    if (absolute)
        buf_add_c(out, '/');
    while (rest.p) {
        struct str part = str_cut(rest, '/', &rest);
        if (!part.n || str_is(part, "."))
            continue;
        if (str_is(part, "..") && (go_up(out, start) || absolute))
            continue;
        buf_add_f(out, "%s%.*s", out->n > start ? "/" : "", STR_ARG(part));
    }
    if (out->n == start && !absolute)
        buf_add_c(out, '.');
}
