/* version_scan.h: the grammar of versions (PEP 440, appendix B), as `packaging` has it. For
 * version.c and for who reads versions within larger texts; everybody else wants version.h. */
#pragma once

#include <stdbool.h>

#include "dray/util/err.h"
#include "dray/util/str.h"

/* In their order. */
enum version_pre { VERSION_NO_PRE, VERSION_A, VERSION_B, VERSION_RC };

/* Borrowed pieces of the input. Numbers are runs of digits, perhaps with leading zeros; empty is an
 * implied zero. */
struct version_segments {
    struct str epoch;
    struct str release; /* digits and dots: "1.0.3" */
    enum version_pre pre;
    bool post, dev;
    struct str pre_n, post_n, dev_n;
    struct str local; /* behind the "+", as written; p is NULL when there is none */
};

/* Takes `text` apart. 0, or ERR_INPUT with the column, or ERR_LIMIT above LIMIT_VERSION_BYTES. */
int version_scan(struct str text, struct version_segments *out, struct err *e);

/* Bytes of the white-space character that `s` begins with, 0 if none: all of Unicode's, in UTF-8,
 * since that is what `packaging` lets stand around versions and specifiers. */
size_t version_space(struct str s);
/* Without such characters at both ends. */
struct str version_trim(struct str s);
