/* url_parts.h: what the files of net/url share: quoting and taking texts apart. Private to them. */
#pragma once

#include "dray/net/url.h"

/* The parts of RFC 3986 appendix B; an absent one is STR_NONE, but for the path, which is "" then.
 * Borrowed. */
struct url_parts {
    struct str scheme, authority, path, query;
};

struct url_parts url_split(struct str text);
/* Leading and trailing blanks and controls go, tabs and line ends go everywhere (WHATWG;
 * urllib.parse.urlsplit, but for trailing ones); the rest that may not stand in a URL is
 * percent-encoded, also a "%" that begins no escape. Appended to `out`. */
void url_quote(struct str text, struct buf *out);
/* Every percent-encoded byte decoded once. */
void url_unquote(struct str text, struct buf *out);
/* "..." is not a URL that dray can use: <why>. Shows the beginning of `text`, redacted. */
int url_refuse(struct str text, const char *why, struct err *e);
