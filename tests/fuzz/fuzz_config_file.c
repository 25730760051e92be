/* dray.yaml: an error is one line that names the file; what was taken can be shown, and is the same
 * when the file is applied once more, but for what adds up. */
#include <stdlib.h>

#include "dray/job/config_file.h"
#include "dray/ui/config_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_indexes(const struct settings *s)
{
    for (size_t i = 0; i < s->n_indexes; i++) {
        const struct source_index *ix = &s->indexes[i].is;
        if (!ix->name.n || !ix->url.n)
            abort();
        for (size_t k = 0; k < ix->n_packages; k++)
            if (!source_index_match(ix, ix->packages[k]))
                abort();
    }
}

static void check_again(struct settings *s, struct str text)
{
    struct err e = { 0 };
    size_t n = s->n_indexes, hosts = s->trusted_hosts.n;

    if (config_file_apply_text(s, text, "f", &e) || s->n_indexes != n ||
        s->trusted_hosts.n != hosts)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct settings s;
    struct err e = { 0 };
    struct buf shown = { 0 };

    settings_init(&s);
    int code = config_file_apply_text(&s, text, "f", &e);
    if (code != e.code || (code && (err_text(&e)[0] != 'f' || strchr(err_text(&e), '\n'))))
        abort();
    if (!code) {
        check_indexes(&s);
        config_text_plain(&shown, &s);
        check_again(&s, text);
    }
    buf_done(&shown);
    err_done(&e);
    settings_done(&s);
    return 0;
}
