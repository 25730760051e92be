/* url.h: URLs (RFC 3986) as dray needs them, by libcurl's URL parser. Pure: no network. */
#pragma once

#include <stdbool.h>

#include "dray/util/buf.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

/* Everything owned; url_done() frees. */
struct url {
    char *scheme;   /* lower case: "http", "https" */
    char *user;     /* percent-decoded; NULL when absent */
    char *password; /* percent-decoded; NULL when absent */
    char *host;     /* a name or a literal address without brackets, lower case */
    unsigned port;  /* always set: the scheme's own when none is given */
    char *path;     /* percent-encoded, begins with "/" */
    char *query;    /* NULL when absent */
    char *text; /* the whole, without userinfo and fragment: what is requested and may be shown */
};

/* Parses an absolute http or https URL; spaces and other characters that may not stand in one are
 * percent-encoded, as pip does. ERR_INPUT for anything else, ERR_LIMIT above LIMIT_URL_BYTES. `out`
 * needs no init. */
int url_parse(struct str text, struct url *out, struct err *e);
void url_done(struct url *u);
/* Scheme, host and port are the same: credentials may go along. */
bool url_same_origin(const struct url *a, const struct url *b);
/* Its host is among `hosts`: "host" or "host:port", a literal IPv6 address in brackets or, without
 * port, bare. */
bool url_is_trusted(const struct url *u, const char *const *hosts, size_t n);
/* Its host is this machine, as pip has it: "localhost", 127.0.0.0/8, ::1. */
bool url_is_loopback(const struct url *u);

/* Resolves `ref` against the absolute URL `base` (RFC 3986 section 5; http, https and file) and
 * appends the result to `out`, without fragment. Characters that may not stand in a URL are
 * percent-encoded. ERR_INPUT when it is none or has another scheme. */
int url_join(struct str base, struct str ref, struct buf *out, struct err *e);

/* Appends `text` to `out`, with the userinfo of `from` if it has none of its own and both are URLs
 * of one origin: what an index wants to see for its pages, it wants to see for its files. */
void url_lend_userinfo(struct str from, struct str text, struct buf *out);

/* Has it a scheme: letters, digits, "+-." and ":" -- one letter does not count (Windows drives). */
bool url_has_scheme(struct str text);
/* "file:///a%20b" -> "/a b" and back; the path must be absolute. ERR_INPUT for a host other than
 * localhost or for a NUL in it. */
int url_to_path(struct str url, struct buf *out, struct err *e);
void url_from_path(struct str path, struct buf *out);
/* The last part of the path, percent-decoded once; "" when it ends in "/". Appended to `out`. */
void url_basename(struct str url, struct buf *out);
/* For people: without password ("user:****@host"), without the query of a signed URL, control
 * characters encoded. Appended to `out`. Accepts any text. */
void url_redact(struct str url, struct buf *out);
/* `text` up to "#"; *fragment gets what follows, or STR_NONE. */
struct str url_cut_fragment(struct str text, struct str *fragment);
