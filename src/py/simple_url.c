/* A file that was given as a URL rather than listed: the same rules as for an entry of a page. */
#include "dray/py/simple_file.h"

void simple_file_of_url(struct arena *a, struct str url, struct simple_file *out)
{
    struct simple_digests digests;

    *out = (struct simple_file){ .size = SIMPLE_SIZE_UNKNOWN };
    simple_digests_reset(&digests);
    simple_file_set_url(out, a, url, &digests);
    out->digests = arena_copy(a, digests.items, digests.n, sizeof(*digests.items));
    out->n_digests = digests.n;
    out->has_broken_digest = digests.broken != 0;
}
