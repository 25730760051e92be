/* The end records: the old one at the end of the file, and with zip64 a larger one before it and a
 * locator that points to that. Each tells where the directory is; an archive in which they tell
 * different things is read differently by different programs, and so not at all by us. */
#include "dray/py/zip_directory.h"
#include "dray/util/limits.h"

static const uint64_t SENTINEL16 = 0xffff, SENTINEL32 = 0xffffffff;

static const struct str end_mark = { "PK\5\6", 4 };
static const struct str end64_mark = { "PK\6\6", 4 };
static const struct str locator_mark = { "PK\6\7", 4 };

/* zipfile takes the last signature for the end record, whatever stands behind it: no search for one
 * whose comment fits better, or a comment could hold a directory that pip reads and we don't. */
ptrdiff_t zip_end_find(struct str tail)
{
    if (tail.n >= ZIP_END_BYTES) {
        struct str last = str_sub(tail, tail.n - ZIP_END_BYTES, tail.n);
        if (str_starts(last, end_mark) && zip_number(last, 20, 2) == 0)
            return (ptrdiff_t)(tail.n - ZIP_END_BYTES);
    }
    for (size_t at = tail.n; at-- > 0;)
        if (str_starts(str_sub(tail, at, tail.n), end_mark))
            return (ptrdiff_t)at;
    return -1;
}

int zip_end_read(struct str record, uint64_t at, struct zip_end *out, struct err *e)
{
    if (record.n < ZIP_END_BYTES)
        return err_set(e, ERR_INPUT, "the zip end record at byte %llu is cut after %zu bytes",
                       (unsigned long long)at, record.n);
    size_t comment = (size_t)zip_number(record, 20, 2), behind = record.n - ZIP_END_BYTES;
    if (comment != behind)
        return err_set(e, ERR_INPUT,
                       "the zip end record at byte %llu announces a comment of %zu bytes, "
                       "but %zu stand behind it",
                       (unsigned long long)at, comment, behind);
    *out = (struct zip_end){
        .at = at,
        .disks = zip_number(record, 4, 2) | zip_number(record, 6, 2),
        .entries_here = zip_number(record, 8, 2),
        .entries = zip_number(record, 10, 2),
        .directory_bytes = zip_number(record, 12, 4),
        .directory_offset = zip_number(record, 16, 4),
    };
    return 0;
}

bool zip_is_locator(struct str bytes)
{
    return bytes.n >= ZIP_LOCATOR_BYTES && str_starts(bytes, locator_mark);
}

/* A field of the old end record: the same, or the sign that it did not fit. */
static bool agrees(uint64_t old, uint64_t sentinel, uint64_t now)
{
    return old == sentinel || old == now;
}

int zip_end64_read(struct str records, uint64_t at, struct zip_end *end, struct err *e)
{
    struct str locator = str_sub(records, ZIP_END64_BYTES, records.n);
    uint64_t disk = zip_number(locator, 4, 4), recorded = zip_number(locator, 8, 8);

    if (!str_starts(records, end64_mark) || zip_number(records, 4, 8) != ZIP_END64_BYTES - 12)
        return err_set(e, ERR_INPUT,
                       "byte %llu: expected a zip64 end record of %d bytes before its locator",
                       (unsigned long long)at, ZIP_END64_BYTES);
    struct zip_end found = {
        .at = at,
        .disks = disk | (zip_number(locator, 16, 4) > 1) | zip_number(records, 16, 4) |
                 zip_number(records, 20, 4),
        .entries_here = zip_number(records, 24, 8),
        .entries = zip_number(records, 32, 8),
        .directory_bytes = zip_number(records, 40, 8),
        .directory_offset = zip_number(records, 48, 8),
    };
    /* Readers differ in which of two they believe (CVE-2025-8291 of zipfile). */
    if (found.directory_offset > recorded ||
        recorded - found.directory_offset != found.directory_bytes)
        return err_set(e, ERR_INPUT,
                       "the zip64 locator and end record disagree on where the directory is");
    if (!agrees(end->directory_bytes, SENTINEL32, found.directory_bytes) ||
        !agrees(end->directory_offset, SENTINEL32, found.directory_offset) ||
        !agrees(end->entries, SENTINEL16, found.entries) ||
        !agrees(end->entries_here, SENTINEL16, found.entries_here) ||
        (end->disks != 0 && end->disks != SENTINEL16))
        return err_set(e, ERR_INPUT, "the zip end record and the zip64 end record disagree");
    *end = found;
    return 0;
}

int zip_end_check(const struct zip_end *end, struct err *e)
{
    if (end->disks != 0 || end->entries_here != end->entries)
        return err_set(e, ERR_INPUT, "the zip archive is one part of several");
    if (end->directory_bytes > end->at)
        return err_set(e, ERR_INPUT,
                       "a zip directory of %llu bytes does not fit before its end at byte %llu",
                       (unsigned long long)end->directory_bytes, (unsigned long long)end->at);
    if (end->directory_bytes > LIMIT_ZIP_DIRECTORY_BYTES)
        return err_set(e, ERR_LIMIT, "a zip directory of %llu bytes; more than %d are not read",
                       (unsigned long long)end->directory_bytes, LIMIT_ZIP_DIRECTORY_BYTES);
    return 0;
}
