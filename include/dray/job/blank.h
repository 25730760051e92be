/* blank.h: white space in UTF-8 text as Python's str.isspace() and "\s" see it, which is what pip's
 * file formats are defined by. Pure. */
#pragma once

#include "dray/util/str.h"

/* Bytes of the white-space character that `s` begins with, 0 when it begins with another. */
size_t blank_first(struct str s);
/* Bytes of the white-space character that `s` ends with, 0 likewise. */
size_t blank_last(struct str s);
/* Without white space at both ends: Python's str.strip(). */
struct str blank_trim(struct str s);
