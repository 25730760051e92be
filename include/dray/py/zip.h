/* zip.h: the core metadata of a wheel out of a few ranges of its bytes: end record, central
 * directory, the entry `*.dist-info/METADATA` (PKWARE APPNOTE 6.3, zip64 included; wheels: the
 * binary distribution format, PEP 427). Pure: it says which bytes it lacks, the caller gets them
 * and asks again. Every byte is hostile; what is ambiguous (two entries or two directories that
 * could be meant, encrypted, no known compression) is refused with a reason. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dray/util/err.h"
#include "dray/util/str.h"

/* Bytes [first, first + n) of the file; n > 0. */
struct zip_span {
    uint64_t first, n;
};

enum zip_step {
    ZIP_LACKS, /* bytes: see `*lacks` */
    ZIP_FOUND,
    ZIP_FAILED /* `e` says why: no wheel, or one that can't be understood (ERR_INPUT, ERR_LIMIT) */
};

struct zip;

/* Of a file of `file_bytes` that is called `filename` ("foo-1.0-py3-none-any.whl"; borrowed for
 * this call): its first part tells which .dist-info directory is meant, by pip's rule. */
struct zip *zip_create(uint64_t file_bytes, struct str filename);
/* NULL is allowed. */
void zip_destroy(struct zip *z);
/* Bytes of the file from offset `first` on; copied. Spans may overlap and come in any order; what
 * lies outside of the file is an assertion's. */
void zip_feed(struct zip *z, uint64_t first, const void *bytes, size_t n);
/* Goes as far as the bytes reach. `*lacks` is then one contiguous span that is needed next (the
 * part of it that is there already is left out at both ends); with nothing fed yet, a tail whose
 * length fits the file's. Each ZIP_LACKS that is answered brings it further: at most
 * LIMIT_ZIP_STEPS of them for any file. */
enum zip_step zip_step(struct zip *z, struct zip_span *lacks, struct err *e);
/* After ZIP_FOUND: the text, CRC checked, at most LIMIT_METADATA_BYTES. Borrowed until
 * zip_destroy(). */
struct str zip_metadata(const struct zip *z);
