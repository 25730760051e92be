/* A whole requirements file: items are in the order of the lines and hold what the header promises;
 * an error names the file, and nothing is said twice differently. */
#include <stdlib.h>

#include "dray/job/blank.h"
#include "dray/job/reqfile.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *env_get(void *ctx, const char *name)
{
    (void)ctx;
    if (!name[0])
        abort();
    return name[0] == 'A' ? "a b" : name[0] == 'B' ? "${A}${B}" : name[0] == 'C' ? "" : NULL;
}

static void check_item(const struct reqfile_item *item, size_t line, size_t bytes)
{
    bool is_option = item->kind == REQFILE_OPTION;

    if (item->line < line || item->line == 0 || item->line > bytes + 1)
        abort();
    if (item->text.n > LIMIT_REQUIREMENT_BYTES || str_find(item->text, '\0') >= 0 ||
        str_find(item->value, '\0') >= 0)
        abort();
    if (is_option ? !item->text.n || item->n_hashes : item->value.p != NULL)
        abort();
    if (item->kind == REQFILE_REQUIREMENT && (blank_first(item->text) || blank_last(item->text)))
        abort();
    for (size_t i = 0; i < item->n_hashes; i++)
        if (item->hashes[i].alg > DIGEST_SHA256)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    struct reqfile f = { 0 };
    struct err e = { 0 };

    int code = reqfile_parse(bytes, "name", env_get, NULL, &f, &e);
    if (code != e.code || (code && !str_starts(str_of(err_text(&e)), STR("name"))))
        abort();
    for (size_t i = 0; i < f.n && !code; i++)
        check_item(&f.items[i], i ? f.items[i - 1].line : 1, size);
    reqfile_done(&f);
    err_done(&e);
    return 0;
}
