/* svg_text.h: text from outside as XML 1.0 may hold it. Pure. */
#pragma once

#include "dray/util/buf.h"

/* Appends `s` for an element's content or an attribute's value. What is no UTF-8, what XML has no
 * character for, and what turns the writing direction becomes U+FFFD. Of more than `max` characters
 * (at least 3) an ellipsis takes the place of the middle. */
void svg_text_add(struct buf *out, struct str s, size_t max);
