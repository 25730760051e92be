/* simple.h: the page of one project on a package index, HTML (PEP 503, 592, 658, 714) or JSON (PEP
 * 691, 700), parsed while it arrives. Pure: bytes in, a listing out. Every byte of it is hostile:
 * sizes are capped, and a file that makes no sense is left out, as pip does, not an error; a page
 * that makes none is an error.
 *
 * The listing is the one that pip 26.3 sees (tests/unit/differential_simple.py compares), but:
 * - JSON values of wrong types count as missing, where pip raises or keeps them. JSON is UTF-8.
 * - A digest that can't be one is left out and noted; an empty one promises nothing. Metadata that
 *   only has such digests is not offered.
 * - Where a URL itself ends in no name, pip takes one from the page's URL or from the host.
 * - A page of another major version of the API, a JSON page without `files`, and a charset that is
 *   not known are errors; what is wrong in a charset becomes U+FFFD; NUL in HTML becomes DEL.
 * - HTML is read as libxml2 does: of an attribute that is there twice the first counts, entities
 *   need their ";" and are those of HTML 4, an attribute right behind "<a/" is lost.
 * - The caps: LIMIT_LISTING_* and, of HTML, LIMIT_HTML_*. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/util/arena.h"
#include "dray/util/digest.h"
#include "dray/util/err.h"

enum simple_format { SIMPLE_HTML, SIMPLE_JSON };

#define SIMPLE_SIZE_UNKNOWN UINT64_MAX

/* Borrowed from the listing's arena. */
struct simple_file {
    struct str filename;        /* last part of the URL's path, percent-decoded once; without "/",
                                 * else unchecked: may be "" or "..", hold any byte */
    struct str url;             /* as on the page, perhaps relative; without fragment */
    struct str requires_python; /* STR_NONE when absent; unescaped, not parsed */
    struct str yanked_reason;   /* STR_NONE unless yanked; "" when no reason is given (PEP 592) */
    struct str upload_time;     /* PEP 700, as written; STR_NONE when absent */
    struct digest *digests;     /* known algorithms, well-formed values, in the order of the page */
    size_t n_digests;
    uint64_t size; /* bytes (PEP 700), or SIMPLE_SIZE_UNKNOWN */
    bool yanked;
    bool has_broken_digest; /* of a known algorithm a value is promised that no file can have:
                             * pip refuses such a file once it has it */
    bool has_metadata;      /* a core metadata file is advertised (PEP 658, 714) */
    bool has_metadata_digest;
    struct digest metadata_digest;
};

struct simple_listing {
    struct arena arena;
    struct str base;           /* the first <base href>, perhaps relative itself, STR_NONE when
                                * absent: relative URLs start there */
    struct simple_file *files; /* in the order of the page */
    size_t n, cap;
};

/* What the URL of a file tells without any page: url, filename, and the digest in its fragment; in
 * `a`. */
void simple_file_of_url(struct arena *a, struct str url, struct simple_file *out);

void simple_listing_done(struct simple_listing *l);

/* Which format a Content-Type names, by PEP 691: application/vnd.pypi.simple.v1+json, ...v1+html,
 * text/html; without regard to case, parameters ignored. false when it is no index page. */
bool simple_format_of(struct str content_type, enum simple_format *out);

struct simple_parser;

/* `out` is borrowed, zeroed by the caller, and filled while bytes arrive; after an error it is only
 * fit for simple_listing_done(). `content_type` is the whole header, for the charset of HTML (else
 * UTF-8). */
struct simple_parser *simple_parser_create(enum simple_format format, struct str content_type,
                                           struct simple_listing *out);
/* Takes the next bytes of the page. ERR_INPUT when it can't be such a page (JSON: at which byte),
 * ERR_LIMIT at the caps LIMIT_LISTING_*. After an error only destroy is allowed. */
int simple_parser_feed(struct simple_parser *p, const void *bytes, size_t n, struct err *e);
/* The page has ended: an error when it was cut in the middle (JSON), has no `files` (JSON), or an
 * `api-version` whose major number is not 1 (PEP 629; HTML by its <meta
 * name="pypi:repository-version">). */
int simple_parser_finish(struct simple_parser *p, struct err *e);
void simple_parser_destroy(struct simple_parser *p);
