/* Any bytes as a requirement: what is accepted can be written from its parts, and reads the same
 * again. */
#include <stdlib.h>

#include "dray/py/requirement.h"
#include "dray/util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void write(struct arena *a, const struct requirement *r, struct buf *out)
{
    buf_add_str(out, r->name);
    for (size_t i = 0; i < r->n_extras; i++) {
        buf_add_c(out, i ? ',' : '[');
        buf_add_str(out, r->extras[i]);
    }
    buf_add_z(out, r->n_extras ? "]" : "");
    buf_add_str(out, r->specifiers.text);
    if (r->url.p) {
        buf_add_z(out, " @ ");
        buf_add_str(out, r->url);
    }
    if (r->marker) {
        buf_add_z(out, " ; ");
        buf_add_str(out, marker_text(a, r->marker));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct arena a = { 0 };
    struct requirement r, again;
    struct err e = { 0 };
    struct buf written = { 0 };

    if (requirement_parse(&a, text, &r, &e)) {
        check(e.code && err_text(&e)[0]);
    } else if (str_find(text, '\\') < 0) { /* escapes in a marker's strings are not kept */
        write(&a, &r, &written);
        check(requirement_parse(&a, buf_str(&written), &again, &e) == 0);
        check(str_eq(r.name, again.name) && str_eq(r.project, again.project));
        check(str_eq(r.url, again.url) && (r.url.p == NULL || r.specifiers.n == 0));
        check(r.n_extras == again.n_extras && str_eq(r.specifiers.text, again.specifiers.text));
        for (size_t i = 0; i < r.n_extras; i++)
            check(str_eq(r.extras[i], again.extras[i]) &&
                  (i == 0 || str_cmp(r.extras[i - 1], r.extras[i]) < 0));
        check(str_eq(marker_text(&a, r.marker), marker_text(&a, again.marker)));
    }
    buf_done(&written);
    err_done(&e);
    arena_done(&a);
    return 0;
}
