#include "dray/net/sse.h"

#include <string.h>

#include "dray/util/limits.h"

static void take_field(struct sse *s, struct str line)
{
    struct str value, name = str_cut(line, ':', &value);

    if (str_starts(value, STR(" ")))
        value = str_sub(value, 1, value.n);
    if (str_is(name, "event")) {
        buf_reset(&s->type);
        buf_add_str(&s->type, value);
    } else if (str_is(name, "data")) {
        if (s->has_data)
            buf_add_c(&s->data, '\n');
        buf_add_str(&s->data, value);
        s->has_data = true;
    } else if (str_is(name, "id")) {
        s->has_id = str_to_u64(value, INT64_MAX, &s->id);
    }
}

static int dispatch(struct sse *s, sse_message_fn message, void *ctx, struct err *e)
{
    struct sse_message m = { .type = s->type.n ? buf_str(&s->type) : STR("message"),
                             .data = buf_str(&s->data),
                             .has_id = s->has_id,
                             .id = s->id };
    int code = s->has_data ? message(ctx, &m, e) : 0;

    buf_reset(&s->type);
    buf_reset(&s->data);
    s->has_data = s->has_id = false;
    return code;
}

int sse_take(struct sse *s, struct buf *bytes, sse_message_fn message, void *ctx, struct err *e)
{
    struct str left = buf_str(bytes);
    int code = 0;

    for (ptrdiff_t end; !code && (end = str_find(left, '\n')) >= 0;) {
        struct str line = str_sub(left, 0, (size_t)end);
        left = str_sub(left, (size_t)end + 1, left.n);
        if (str_ends(line, STR("\r")))
            line.n--;
        if (line.n)
            take_field(s, line);
        else
            code = dispatch(s, message, ctx, e);
        if (!code && s->data.n > LIMIT_CLIENT_MESSAGE_BYTES)
            code = err_set(e, ERR_LIMIT, "a message of the daemon is longer than %d bytes",
                           LIMIT_CLIENT_MESSAGE_BYTES);
    }
    if (left.n && left.n < bytes->n)
        memmove(bytes->p, bytes->p + (bytes->n - left.n), left.n);
    buf_cut(bytes, left.n);
    return code;
}

void sse_done(struct sse *s)
{
    buf_done(&s->type);
    buf_done(&s->data);
    *s = (struct sse){ 0 };
}
