/* A netrc: what is found has both halves, an error names a line and nothing else, and what was read
 * is read the same with a comment behind it. */
#include <stdlib.h>

#include "dray/net/netrc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_all(const struct netrc *n)
{
    struct netrc_login found;

    for (size_t i = 0; i < n->machines.n; i++) {
        struct str host = n->machines.entries[i].key;
        if (host.n == 0)
            abort();
        if (netrc_find(n, host, &found) &&
            (!found.user.p || !found.password.p || found.user.p[found.user.n] != '\0'))
            abort();
    }
}

static void check_again(struct str text, const struct netrc *first)
{
    struct netrc again = { 0 };
    struct buf longer = { 0 };
    struct err e = { 0 };

    buf_add_str(&longer, text);
    buf_add_z(&longer, "\n#end");
    if (netrc_parse(buf_str(&longer), &again, &e) == 0 && again.machines.n < first->machines.n)
        abort();
    netrc_done(&again);
    err_done(&e);
    buf_done(&longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct netrc n = { 0 };
    struct err e = { 0 };

    int code = netrc_parse(text, &n, &e);
    if (code != e.code ||
        (code && (n.machines.n || !str_starts(str_of(err_text(&e)), STR("line ")))))
        abort();
    if (!code) {
        check_all(&n);
        check_again(text, &n);
    }
    netrc_done(&n);
    err_done(&e);
    return 0;
}
