#include "dray/ui/lock_entry.h"

#include <stdlib.h>

#include "dray/util/mem.h"

static int compare_views(const void *x, const void *y)
{
    const struct fetch_view *const *a = x, *const *b = y;
    int order = str_cmp((*a)->project, (*b)->project);

    if (!order)
        order = str_cmp((*a)->version, (*b)->version);
    if (!order)
        order = (*a)->order < (*b)->order ? -1 : (*a)->order > (*b)->order;
    return order;
}

static bool same_entry(const struct fetch_view *a, const struct fetch_view *b)
{
    return str_eq(a->project, b->project) && str_eq(a->version, b->version) &&
           a->is_direct == b->is_direct;
}

/* A project that is asked for by name and by URL has two machines in one target. */
static void add_to(struct lock_entry *entry, const struct fetch_view *v)
{
    if (entry->n && str_eq(entry->all[entry->n - 1]->target, v->target))
        return;
    entry->all[entry->n++] = v;
}

void lock_entries_init(struct lock_entries *l, const struct job_result *r)
{
    const struct fetch_view **sorted = mem_new(r->n, sizeof(struct fetch_view *));

    *l = (struct lock_entries){ .items = mem_new(r->n, sizeof(*l->items)) };
    for (size_t i = 0; i < r->n; i++)
        sorted[i] = r->fetches[i];
    qsort(sorted, r->n, sizeof(struct fetch_view *), compare_views);
    for (size_t i = 0; i < r->n; i++) {
        if (!l->n || !same_entry(l->items[l->n - 1].view, sorted[i])) {
            l->items[l->n].view = sorted[i];
            l->items[l->n++].all = mem_new(r->n, sizeof(struct fetch_view *));
        }
        add_to(&l->items[l->n - 1], sorted[i]);
    }
    free(sorted);
}

void lock_entries_done(struct lock_entries *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i].all);
    free(l->items);
    *l = (struct lock_entries){ 0 };
}

bool lock_tells(const struct lock_entry *entry, const struct fetch_file *f,
                const struct lock_options *o)
{
    bool taken = false;

    for (size_t i = 0; i < entry->n && !taken; i++)
        for (size_t k = 0; k < entry->all[i]->n_files && !taken; k++) {
            const struct fetch_file *other = &entry->all[i]->files[k];
            taken = other->is_chosen && str_eq(other->filename, f->filename);
        }
    return taken || !o->only_target;
}

const struct digest *lock_sha256(const struct fetch_file *f)
{
    for (size_t i = 0; i < f->n_digests; i++)
        if (f->digests[i].alg == DIGEST_SHA256)
            return &f->digests[i];
    return NULL;
}

int lock_check_hashes(const struct lock_entries *l, const struct lock_options *o, struct err *e)
{
    for (size_t i = 0; i < l->n && !o->no_hashes; i++) {
        const struct lock_entry *entry = &l->items[i];
        for (size_t k = 0; k < entry->view->n_files; k++) {
            const struct fetch_file *f = &entry->view->files[k];
            if (lock_tells(entry, f, o) && !lock_sha256(f))
                return err_set(e, ERR_NO_HASH,
                               "nobody promises a SHA-256 of %.*s, so it can't be locked by its "
                               "hash; --no-require-hashes locks versions alone",
                               STR_ARG(f->filename));
        }
    }
    return 0;
}
