/* simple_file.h: the rules that hold for a file of a listing whichever format it came in: caps, the
 * URL's fragment, digests, advertised metadata. Shared by simple.c, simple_json.c and
 * simple_html.c; nobody else includes it. */
#pragma once

#include "dray/py/simple.h"

/* Digests of one thing while its entry is read: at most one an algorithm, in the page's order. */
struct simple_digests {
    struct digest items[DIGEST_COUNT];
    size_t n;
    unsigned broken; /* set of (1u << alg): promised, but with a value that no file can have */
};

void simple_digests_reset(struct simple_digests *d);
/* The later value of one algorithm wins and keeps the earlier one's place. An empty `hex` promises
 * nothing. */
void simple_digests_put(struct simple_digests *d, enum digest_alg alg, struct str hex);

/* ERR_LIMIT when the text is above LIMIT_LISTING_FIELD_BYTES; `name` is what the page calls it. */
int simple_field_check(struct str text, const char *name, struct err *e);
/* A version that is written as PEP 629 says must have major number 1; anything else is let pass. */
int simple_version_check(struct str version, struct err *e);

/* Sets url and filename from what the page says and adds the digest of its fragment to `d`. */
void simple_file_set_url(struct simple_file *f, struct arena *arena, struct str href,
                         struct simple_digests *d);
/* Text for the arena of `l`, shared with the last file's `last` when equal. */
struct str simple_listing_text(struct simple_listing *l, struct str text, struct str last);
/* Sets requires_python; an empty text counts as none, as for pip. */
void simple_file_set_requires_python(struct simple_file *f, struct simple_listing *l,
                                     struct str text);
/* A metadata file is advertised, with these digests. */
void simple_file_set_metadata(struct simple_file *f, const struct simple_digests *d);
/* Appends a copy of `f` with the digests `d`. ERR_LIMIT at LIMIT_LISTING_FILES. */
int simple_listing_add(struct simple_listing *l, struct simple_file *f,
                       const struct simple_digests *d, struct err *e);

/* The two readers; contracts as in simple.h. Feed stops at the first error. */
struct simple_json;
struct simple_json *simple_json_create(struct simple_listing *out);
int simple_json_feed(struct simple_json *p, const unsigned char *bytes, size_t n, struct err *e);
int simple_json_finish(struct simple_json *p, struct err *e);
void simple_json_destroy(struct simple_json *p);

struct simple_html;
struct simple_html *simple_html_create(struct str content_type, struct simple_listing *out);
int simple_html_feed(struct simple_html *p, const unsigned char *bytes, size_t n, struct err *e);
int simple_html_finish(struct simple_html *p, struct err *e);
void simple_html_destroy(struct simple_html *p);
