/* The text of a pip.conf: keys are in their normal form and unique in their section, values end
 * without a blank, and a text that was read is read the same once more when it is followed by a
 * comment. */
#include <stdlib.h>

#include "dray/job/blank.h"
#include "dray/job/pipconf_file.h"
#include "dray/util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(const struct pipconf_entry *x, size_t bytes)
{
    if (!x->section.n || x->line < 2 || x->line > bytes + 1 || blank_last(x->value))
        abort();
    for (size_t i = 0; i < x->key.n; i++)
        if (x->key.p[i] == '_' || (x->key.p[i] >= 'A' && x->key.p[i] <= 'Z') ||
            x->key.p[i] == '=' || x->key.p[i] == ':')
            abort();
}

static void check_again(struct str text, const struct pipconf_entries *first)
{
    struct pipconf_entries again = { 0 };
    struct arena a = { 0 };
    struct err e = { 0 };
    struct buf longer = { 0 };

    buf_add_str(&longer, text);
    buf_add_z(&longer, "\n# end");
    if (pipconf_file_parse(&a, buf_str(&longer), &again, &e) || again.n != first->n)
        abort();
    for (size_t i = 0; i < again.n; i++)
        if (!str_eq(again.items[i].key, first->items[i].key) ||
            !str_eq(again.items[i].value, first->items[i].value))
            abort();
    free(again.items);
    buf_done(&longer);
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct pipconf_entries entries = { 0 };
    struct arena a = { 0 };
    struct err e = { 0 };

    int code = pipconf_file_parse(&a, text, &entries, &e);
    if (code != e.code || (code && !str_starts(str_of(err_text(&e)), STR("line "))))
        abort();
    for (size_t i = 0; i < entries.n && !code; i++)
        check_entry(&entries.items[i], size);
    if (!code)
        check_again(text, &entries);
    free(entries.items);
    arena_done(&a);
    err_done(&e);
    return 0;
}
