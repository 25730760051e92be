/* shown.h: text from outside (file names, URLs, what servers say) as a terminal may show it:
 * nothing in it can move the cursor, set colours or turn the writing direction, and its width in
 * cells is known. Pure but for the locale, which decides whether characters outside ASCII are
 * shown or escaped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/util/buf.h"
#include "dray/util/str.h"

/* Does the locale (setlocale(LC_CTYPE, "")) write UTF-8? */
bool shown_is_utf8(void);
/* Appends `s`; what can't or must not be shown becomes "\x1b", "\u202e" or "\U000e0001". Returns
 * the cells taken. */
size_t shown_add(struct buf *out, struct str s);
/* The same, but newlines stay, each followed by `indent` blanks. */
void shown_add_lines(struct buf *out, struct str s, size_t indent);
/* A text of lines as it stands: newlines and tabs stay, and of a CRLF the newline. */
void shown_add_text(struct buf *out, struct str s);
/* Exactly `width` cells: cut in the middle ("flask-3.0.2-py3...any.whl") or filled up with blanks
 * behind. */
void shown_add_cut(struct buf *out, struct str s, size_t width);
