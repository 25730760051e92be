/* simple_pack.h: a parsed listing as one run of bytes, for the store: reading it back costs one
 * pass and no parsing. Little-endian, versioned, offsets checked, with a checksum: a damaged or
 * foreign one is refused, never believed (the store is a file like any other). Pure. */
#pragma once

#include "dray/py/simple.h"
#include "dray/util/buf.h"

/* Appends the packed form of `l` to `out`. */
void simple_pack(const struct simple_listing *l, struct buf *out);
/* `out` is zeroed by the caller; it borrows all its strings from `bytes`, and the rest lives in its
 * arena: `bytes` must stay as long as the listing. All fields are as simple_parser_finish() left
 * them. ERR_INPUT when it is none of ours, of another version, or damaged; ERR_LIMIT above the caps
 * LIMIT_LISTING_FILES and LIMIT_LISTING_FIELD_BYTES. On failure only simple_listing_done() is
 * allowed. */
int simple_unpack(struct str bytes, struct simple_listing *out, struct err *e);

/* Writes the checksum of the packed listing p[0, n), if it is long enough to have one. Else for
 * tests only: they damage what lies behind it. */
void simple_pack_seal(char *p, size_t n);
