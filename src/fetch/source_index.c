#include "dray/fetch/source_index.h"

#include "dray/net/url.h"

static size_t pattern_match(struct str pattern, struct str project)
{
    struct str start = str_sub(pattern, 0, pattern.n - 1);

    if (!str_ends(pattern, STR("*")))
        return str_eq(pattern, project) ? SIZE_MAX : 0;
    return str_starts(project, start) ? start.n + 1 : 0;
}

size_t source_index_match(const struct source_index *ix, struct str project)
{
    size_t best = 0;

    for (size_t i = 0; i < ix->n_packages; i++) {
        size_t fits = pattern_match(ix->packages[i], project);
        best = fits > best ? fits : best;
    }
    return best;
}

void source_index_show(const struct source_index *ix, struct buf *out)
{
    url_redact(ix->url, out);
    if (ix->name.n)
        buf_add_f(out, " (index %.*s)", STR_ARG(ix->name));
}
