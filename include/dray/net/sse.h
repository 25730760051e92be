/* sse.h: server-sent events (WHATWG HTML, section 9.2), from bytes as they come to messages. Lines
 * end with LF or CRLF. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/util/buf.h"
#include "dray/util/err.h"

/* Borrowed for the call that tells of it. */
struct sse_message {
    struct str type; /* "message" when it has no name */
    struct str data; /* lines are joined by newlines */
    bool has_id;
    uint64_t id; /* an "id" that is no number counts for none */
};
/* A return other than 0 ends the reading with it; a negative one comes with an error in `e`. */
typedef int (*sse_message_fn)(void *ctx, const struct sse_message *m, struct err *e);

/* What has been read of one message. Begins zeroed. */
struct sse {
    struct buf type, data;
    bool has_data, has_id;
    uint64_t id;
};

/* Takes whole lines from the front of `bytes` and leaves the rest for the next time; how the stream
 * was cut into pieces makes no difference. 0, what `message` returned, or ERR_LIMIT. */
int sse_take(struct sse *s, struct buf *bytes, sse_message_fn message, void *ctx, struct err *e);
void sse_done(struct sse *s);
