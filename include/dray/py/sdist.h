/* sdist.h: the core metadata of a source distribution: the PKG-INFO in the one directory of a
 * .tar.gz (PEP 517, 625; POSIX.1-2001 pax, GNU long names). Pure: bytes in, in order, a text out.
 * Every byte is hostile. */
#pragma once

#include <stdbool.h>

#include "dray/py/metadata.h"

struct sdist_reader;

struct sdist_reader *sdist_reader_create(void);
/* NULL is allowed. */
void sdist_reader_destroy(struct sdist_reader *r);
/* The next bytes of the file; what follows PKG-INFO is passed over. ERR_INPUT when it is no such
 * archive, ERR_LIMIT above LIMIT_SDIST_BYTES and LIMIT_METADATA_BYTES. After an error only destroy
 * is allowed. */
int sdist_reader_feed(struct sdist_reader *r, const void *bytes, size_t n, struct err *e);
/* The file has ended: its PKG-INFO, borrowed; STR_NONE and ERR_INPUT when there was none. */
struct str sdist_reader_finish(struct sdist_reader *r, struct err *e);

/* Will a wheel built from it say the same of what it needs (PEP 643: Metadata-Version 2.2 at least,
 * and nothing of that is Dynamic)? */
bool sdist_metadata_is_static(const struct metadata *m);
