/* A person who gets no file wants to know which versions exist near the one that was asked for, and
 * for each that was asked for what stood in its way. */
#include "dray/fetch/refusal.h"

#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/mem.h"

enum { VERSIONS_SHOWN = 5, REASONS_SHOWN = 4, SPECIFIERS_SHOWN = 200 };

struct row {
    const struct distribution *item;
    enum refusal why;
};

static int row_cmp(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    int order = version_cmp(&b->item->version, &a->item->version); /* newest first */

    return order ? order : (a->why > b->why) - (a->why < b->why);
}

static bool same_version(const struct row *a, const struct row *b)
{
    return version_cmp(&a->item->version, &b->item->version) == 0;
}

static void add_reason(struct buf *out, const struct candidate_rules *rules, const struct row *row)
{
    const struct wheel_name *w = &row->item->wheel;
    struct str python = row->item->file->requires_python, reason = row->item->file->yanked_reason;

    switch (row->why) {
    case REFUSAL_NONE:
    case REFUSAL_VERSION:
        break;
    case REFUSAL_WHEEL:
        buf_add_z(out, "a wheel, and --no-binary excludes those");
        break;
    case REFUSAL_SDIST:
        buf_add_z(out, "a source distribution, and --only-binary excludes those");
        break;
    case REFUSAL_TAGS:
        if (!row->item->is_wheel) {
            buf_add_z(out, "a source distribution for another Python");
            break;
        }
        buf_add_f(out, "the wheel is for %.*s-%.*s-%.*s", STR_ARG(w->python_tags),
                  STR_ARG(w->abi_tags), STR_ARG(w->platform_tags));
        break;
    case REFUSAL_PYTHON:
        buf_add_f(out, "requires Python %.*s, this is %.*s", STR_ARG(python),
                  STR_ARG(rules->target->env.python_full_version));
        break;
    case REFUSAL_NEWER:
        buf_add_f(out, "uploaded %.*s", STR_ARG(row->item->file->upload_time));
        break;
    case REFUSAL_UNDATED:
        buf_add_z(out, "the index does not say when it was uploaded");
        break;
    case REFUSAL_PRE:
        buf_add_z(out, "a pre-release (--pre allows them)");
        break;
    case REFUSAL_YANKED:
        buf_add_z(out, "yanked");
        if (reason.n)
            buf_add_f(out, " (%.*s)", STR_ARG(reason));
        break;
    case REFUSAL_HASH:
        buf_add_z(out, "its hash is not among those allowed");
        break;
    }
}

/* All rows of one version, from rows[i] on; returns where the next version starts. */
static size_t add_version(struct buf *out, const struct candidate_rules *rules,
                          const struct row *rows, size_t i, size_t n)
{
    struct buf last = { 0 };
    size_t first = i, shown = 0, hidden = 0;

    buf_add_f(out, "\n  %.*s: ", STR_ARG(rows[i].item->version.text));
    for (; i < n && same_version(&rows[first], &rows[i]); i++) {
        struct buf reason = { 0 };
        add_reason(&reason, rules, &rows[i]);
        bool repeated = shown && str_eq(buf_str(&reason), buf_str(&last));
        if (!repeated && shown < REASONS_SHOWN)
            buf_add_f(out, "%s%s", shown ? "; " : "", buf_z(&reason));
        hidden += !repeated && shown >= REASONS_SHOWN;
        shown += !repeated;
        buf_done(&last);
        last = reason;
    }
    if (hidden)
        buf_add_f(out, "; and %zu more files", hidden);
    buf_done(&last);
    return i;
}

/* Versions around the first one that the specifiers name, else the newest. */
static void add_nearest(struct buf *out, const struct candidate_rules *rules,
                        const struct row *rows, size_t n)
{
    const struct specifier_set *s = rules->specifiers;
    size_t from = 0, shown = 0;

    if (s->n && s->items[0].version.key.p)
        while (from < n && version_cmp(&rows[from].item->version, &s->items[0].version) > 0)
            from++;
    /* Two of those above it, then those below. */
    for (size_t above = 0; from > 0 && above < 2; above++) {
        from--;
        while (from > 0 && same_version(&rows[from - 1], &rows[from]))
            from--;
    }
    for (size_t i = from; i < n && shown < VERSIONS_SHOWN; i++) {
        if (i > from && same_version(&rows[i - 1], &rows[i]))
            continue;
        buf_add_f(out, "%s%.*s", shown ? ", " : "", STR_ARG(rows[i].item->version.text));
        shown++;
    }
}

int refusal_explain(const struct candidate_rules *rules, const struct distribution *const *items,
                    const enum refusal *why, size_t n, struct err *e)
{
    struct row *rows = mem_new(n, sizeof(*rows)), *wanted = mem_new(n, sizeof(*wanted));
    struct buf text = { 0 };
    size_t n_wanted = 0, shown = 0, i = 0;

    for (size_t k = 0; k < n; k++)
        rows[k] = (struct row){ items[k], why[k] };
    qsort(rows, n, sizeof(*rows), row_cmp);
    for (size_t k = 0; k < n; k++)
        if (rows[k].why != REFUSAL_VERSION)
            wanted[n_wanted++] = rows[k];

    if (n_wanted) {
        buf_add_f(&text, "no file fits %.*s:", STR_ARG(rules->target->label));
        for (; i < n_wanted && shown < VERSIONS_SHOWN; shown++)
            i = add_version(&text, rules, wanted, i, n_wanted);
        if (i < n_wanted)
            buf_add_z(&text, "\n  and older versions, likewise");
    } else {
        if (rules->specifiers->n > 1)
            buf_add_f(&text, "no version is in all of \"%.*s\"; the nearest that exist are ",
                      STR_ARG(str_sub(rules->specifiers->text, 0, SPECIFIERS_SHOWN)));
        else
            buf_add_z(&text, "no such version; the nearest that exist are ");
        add_nearest(&text, rules, rows, n);
    }
    free(rows);
    free(wanted);
    err_set(e, ERR_NO_MATCH, "%s", buf_z(&text));
    buf_done(&text);
    return ERR_NO_MATCH;
}

void refusal_say(const struct candidate_rules *rules, const struct distribution *d,
                 enum refusal why, struct buf *out)
{
    switch (why) {
    case REFUSAL_NONE:
    case REFUSAL_VERSION:
    case REFUSAL_PRE:
    case REFUSAL_YANKED:
        break;
    case REFUSAL_WHEEL:
        buf_add_z(out, "is there as a wheel only, and --no-binary excludes those");
        break;
    case REFUSAL_SDIST:
        buf_add_z(out, "is there as a source distribution only, and --only-binary excludes those");
        break;
    case REFUSAL_TAGS:
        buf_add_f(out, "has no wheel for %.*s", STR_ARG(rules->target->label));
        break;
    case REFUSAL_PYTHON:
        buf_add_f(out, "needs Python %.*s, and this is for %.*s", STR_ARG(d->file->requires_python),
                  STR_ARG(rules->target->env.python_full_version));
        break;
    case REFUSAL_NEWER:
        buf_add_f(out, "was uploaded %.*s", STR_ARG(d->file->upload_time));
        break;
    case REFUSAL_UNDATED:
        buf_add_z(out, "may be too new: its index does not say when it was uploaded");
        break;
    case REFUSAL_HASH:
        buf_add_z(out, "has none of the hashes that are allowed");
        break;
    }
}
