/* What a lock tells of a machine's choice: every file of that version, since another Python or
 * platform may take another one of them. */
#include "dray/fetch/machine.h"
#include "dray/net/url.h"

/* Without credentials, which are nobody's to write down. */
static struct str plain_url(struct fetch *f, const struct distribution *d)
{
    struct arena *a = &f->fetcher->arena;
    struct err e = { 0 };
    struct url parsed;
    struct str url = STR_NONE;

    if (!distribution_url(d, a, &url, &e) && !str_starts(url, STR("file:"))) {
        bool is_one = url_parse(url, &parsed, &e) == 0;
        url = is_one ? arena_str(a, str_of(parsed.text)) : STR_NONE;
        if (is_one)
            url_done(&parsed);
    }
    err_done(&e);
    return url;
}

static void add_file(struct fetch *f, struct fetch_file *all, const struct distribution *d)
{
    struct arena *a = &f->fetcher->arena;
    const struct simple_file *file = d->file;

    all[f->view.n_files++] =
        (struct fetch_file){ .filename = arena_str(a, file->filename),
                             .url = plain_url(f, d),
                             .upload_time = arena_str(a, file->upload_time),
                             .requires_python = arena_str(a, file->requires_python),
                             .digests = arena_copy(a, file->digests, file->n_digests,
                                                   sizeof(*file->digests)),
                             .n_digests = file->n_digests,
                             .bytes = file->size,
                             .is_wheel = d->is_wheel,
                             .is_chosen = str_eq(file->filename, f->view.filename) };
}

static bool is_alike(const struct fetch *f, const struct distribution *d,
                     const struct distribution *chosen)
{
    bool allowed = d->is_wheel ? f->wish.allow_wheel : f->wish.allow_sdist;

    return allowed && version_cmp(&d->version, &chosen->version) == 0;
}

void fetch_tell_files(struct fetch *f, const struct distribution *chosen,
                      const struct source_answer *listed)
{
    size_t n = 0;

    for (size_t i = 0; listed && i < listed->n; i++)
        n += is_alike(f, listed->items[i], chosen);
    struct fetch_file *all = arena_alloc(&f->fetcher->arena, n + 1, sizeof(*all));
    for (size_t i = 0; listed && i < listed->n; i++)
        if (is_alike(f, listed->items[i], chosen))
            add_file(f, all, listed->items[i]);
    if (!listed || !listed->n)
        add_file(f, all, chosen);
    f->view.files = all;
}
