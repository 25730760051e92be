/* zip_directory.h: the records of a zip archive: end records, central directory, local headers
 * (PKWARE APPNOTE 6.3, sections 4.3 and 4.5.3). Bytes in, values out; which bytes of the file they
 * are, zip.c knows. For zip.c only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/util/arena.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

/* Bytes of the records, without what has a length of its own. */
enum {
    ZIP_LOCAL_BYTES = 30,
    ZIP_ENTRY_BYTES = 46,
    ZIP_END_BYTES = 22,
    ZIP_LOCATOR_BYTES = 20,
    ZIP_END64_BYTES = 56,
    ZIP_COMMENT_MAX = 0xffff
};

/* The little-endian number of `n` bytes at offset `at`. */
static inline uint64_t zip_number(struct str s, size_t at, size_t n)
{
    uint64_t value = 0;

    while (n-- > 0)
        value = value << 8 | (unsigned char)s.p[at + n];
    return value;
}

/* What an end record says, and where it is in the file. */
struct zip_end {
    uint64_t at; /* the end record or, with zip64, the zip64 end record: the directory ends here */
    uint64_t directory_bytes, entries;
    uint64_t directory_offset; /* as recorded: wrong when bytes stand before the archive */
    uint64_t disks;            /* all fields about disks, or'ed: 0 for one disk */
    uint64_t entries_here;     /* on this disk */
};

/* The entry of METADATA. `name` borrows from the directory. */
struct zip_entry {
    struct str name;  /* as it is in the record */
    struct str extra; /* the same */
    unsigned flags, method;
    uint32_t crc;
    uint64_t packed_bytes, bytes;
    uint64_t at;    /* of its local header in the file */
    uint64_t limit; /* where the next entry, or the directory, begins */
};

/* Where in `tail`, the end of the file, the end record begins, by the rule of Python's zipfile;
 * -1 when there is none. */
ptrdiff_t zip_end_find(struct str tail);
/* Reads `record`, which ends with the file and begins at `at` in it. */
int zip_end_read(struct str record, uint64_t at, struct zip_end *out, struct err *e);
/* Does `bytes` begin with a zip64 locator? */
bool zip_is_locator(struct str bytes);
/* `records`: a zip64 end record and the locator behind it, at `at` in the file. Replaces what
 * `*end` holds. */
int zip_end64_read(struct str records, uint64_t at, struct zip_end *end, struct err *e);
/* To be asked before the directory is: is it on one disk, and does it fit? */
int zip_end_check(const struct zip_end *end, struct err *e);
/* Finds METADATA of `project` (normalised) by pip's rule. `scratch` is for what need not stay. */
int zip_directory_find(struct arena *scratch, struct str directory, const struct zip_end *end,
                       struct str project, struct zip_entry *out, struct err *e);
/* Bytes of a local header with its name and extra field. `header` has ZIP_LOCAL_BYTES. */
size_t zip_local_bytes(struct str header);
/* Does the local header (name and extra field included) say what the directory says? */
int zip_local_check(struct str local, const struct zip_entry *entry, struct err *e);
