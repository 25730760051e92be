/* A stream of a server: in one piece and in many it has the same messages, and what is left of it
 * has no whole line. */
#include <stdlib.h>

#include "dray/net/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int note(void *ctx, const struct sse_message *m, struct err *e)
{
    struct buf *out = ctx;

    if (!m->type.n || str_find(m->type, '\n') >= 0)
        abort();
    buf_add_f(out, "%zu %zu %d %llu ", m->type.n, m->data.n, m->has_id,
              m->has_id ? (unsigned long long)m->id : 0);
    buf_add_str(out, m->type);
    buf_add_str(out, m->data);
    return str_is(m->data, "stop") ? 1 : str_is(m->data, "bad") ? err_set(e, ERR_INPUT, "bad") : 0;
}

static int take(struct str text, size_t piece, struct buf *out)
{
    struct sse s = { 0 };
    struct buf bytes = { 0 };
    struct err e = { 0 };
    int code = 0;

    for (; text.n && !code; text = str_sub(text, piece, text.n)) {
        buf_add_str(&bytes, str_sub(text, 0, piece));
        code = sse_take(&s, &bytes, note, out, &e);
        if (!code && str_find(buf_str(&bytes), '\n') >= 0)
            abort();
    }
    if (e.code != (code < 0 ? code : 0))
        abort();
    err_done(&e);
    buf_done(&bytes);
    sse_done(&s);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct buf whole = { 0 }, pieces = { 0 };

    int code = take(text, size + 1, &whole);
    if (take(text, size % 13 + 1, &pieces) != code || !str_eq(buf_str(&whole), buf_str(&pieces)))
        abort();
    buf_done(&whole);
    buf_done(&pieces);
    return 0;
}
