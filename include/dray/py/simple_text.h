/* simple_text.h: the bytes of a page as UTF-8. JSON must be UTF-8 already (RFC 8259) and is
 * checked; HTML comes in the charset of its Content-Type and is decoded. For simple_json.c and
 * simple_html.c only. */
#pragma once

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>

#include "dray/util/buf.h"
#include "dray/util/str.h"

/* A check across pieces: how many bytes the character still needs, and the bounds of the next one.
 * `struct utf8 u = { 0 }` is the start. */
struct utf8 {
    unsigned char left, low, high;
};

/* Bytes before the first that makes the text no UTF-8 (RFC 3629); `n` when there is none. */
size_t utf8_check(struct utf8 *u, const unsigned char *bytes, size_t n);

/* The charset parameter of a Content-Type, "utf-8" without one. Borrows. */
struct str charset_of(struct str content_type);

/* From a charset to UTF-8 in pieces. What is wrong becomes U+FFFD; NUL, which libxml2 takes for the
 * end of the text, becomes DEL, a control character too. */
struct decoder {
    iconv_t iconv;
    bool is_utf8; /* then there is no iconv */
    size_t unit;  /* bytes of the charset's smallest piece; 0 when not open */
};

/* false when the charset is none of the known. */
bool decoder_init(struct decoder *d, struct str charset);
void decoder_done(struct decoder *d);
/* Appends whole characters to `out` while it has at most `max` bytes and moves *in behind what was
 * used: the start of a cut character is left there. false when room ran out before the input. How
 * the text is cut in blocks of `max` depends on the text only, not on the pieces it came in. */
bool decoder_run(struct decoder *d, struct str *in, struct buf *out, size_t max);
