/* pip_text.h: the text within pip's caches, as Python has it. Private to store/pip_*. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dray/util/str.h"

/* Bytes of the well-formed UTF-8 character (RFC 3629) at the start of `s`, which is not empty, and
 * its code point; 0 if there is none, and *code stays as it was. */
size_t pip_text_next(struct str s, uint32_t *code);
