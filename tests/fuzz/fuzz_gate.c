/* The head of a request, one header a line: what comes in is what may. Then the lines as what a
 * service manager says. */
#include <stdlib.h>

#include "dray/daemon/activation.h"
#include "dray/daemon/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_escapes(struct str target)
{
    struct arena a = { 0 };
    struct str path = str_cut(target, '?', &(struct str){ 0 });
    struct str plain = gate_decode(&a, path);

    if (!plain.p || plain.n > path.n || memchr(plain.p, '\0', plain.n))
        abort();
    arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size };
    struct str host = STR("dray.example.org");
    struct gate_request r = { .reached = STR("127.0.0.1:8137"), .is_local = size % 2 };
    struct gate g;
    struct err e = { 0 };
    struct buf why = { 0 };
    unsigned n;

    if (memchr(data, '\0', size))
        return 0; /* such bytes don't come out of the library */
    r.target = str_cut(rest, '\n', &rest);
    r.host = str_cut(rest, '\n', &rest);
    r.authorization = str_cut(rest, '\n', &rest);
    r.content_type = str_cut(rest, '\n', &rest);
    r.origin = rest;
    if (gate_init(&g, STR("0123456789abcdef"), (struct strs){ .items = &host, .n = 1 }, &e))
        abort();
    unsigned status = gate_refuse(&g, &r, &why);
    if (status ? status < 400 || why.n == 0 : why.n > 0)
        abort();
    if (!status && (r.origin.p || r.target.n == 0))
        abort();
    if (!status && !r.is_local && str_search(r.authorization, STR("0123456789abcdef")) < 0)
        abort();
    if (!status)
        check_escapes(r.target);
    if (activation_count(r.target, r.host, 1, &n, &e) == 0 && n > LIMIT_DAEMON_SOCKETS)
        abort();
    err_done(&e);
    buf_done(&why);
    return 0;
}
