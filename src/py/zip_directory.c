/* Reads as Python's zipfile does, since pip sees a wheel through it, and refuses where two readers
 * could see two things: an archive that means something else to whoever unpacks it is worse than
 * none. The directory is walked twice: for METADATA, then for the entry that follows it. */
#include "dray/py/zip_directory.h"

#include "dray/py/requirement.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"

enum {
    FLAG_ENCRYPTED = 1u << 0,
    FLAG_SIZES_BEHIND = 1u << 3, /* in a data descriptor; the local header has zeros */
    FLAG_PATCHED = 1u << 5,
    FLAG_STRONG = 1u << 6,
    FLAG_MASKED = 1u << 13,
    EXTRA_ZIP64 = 0x0001,
    NAME_SHOWN = 200, /* bytes of a name in an error */
    DIRS_SHOWN = 4
};
static const uint64_t SENTINEL32 = 0xffffffff;

static const struct str entry_mark = { "PK\1\2", 4 };
static const struct str local_mark = { "PK\3\4", 4 };

static struct str shown(struct str name)
{
    return str_sub(name, 0, NAME_SHOWN);
}

/* The three numbers that may be in the zip64 field instead, in its order. */
struct wide {
    uint64_t *fields[3];
    size_t n;
};

/* Those that did not fit, from one zip64 field; as zipfile, a second such field finds none left. */
static bool wide_read(const struct wide *w, struct str field)
{
    size_t at = 0;

    for (size_t i = 0; i < w->n; i++) {
        if (*w->fields[i] != SENTINEL32)
            continue;
        if (at + 8 > field.n)
            return false;
        *w->fields[i] = zip_number(field, at, 8);
        at += 8;
    }
    return true;
}

/* A tail of under four bytes is padding. */
static bool extra_read(struct str extra, const struct wide *w)
{
    while (extra.n >= 4) {
        size_t n = (size_t)zip_number(extra, 2, 2);
        if (n + 4 > extra.n)
            return false;
        if (zip_number(extra, 0, 2) == EXTRA_ZIP64 && !wide_read(w, str_sub(extra, 4, n + 4)))
            return false;
        extra = str_sub(extra, n + 4, extra.n);
    }
    return true;
}

/* One entry, and *rest behind it. `at` is still as recorded. */
static int entry_next(struct str *rest, struct zip_entry *out, struct err *e)
{
    struct str r = *rest;

    if (r.n < ZIP_ENTRY_BYTES || !str_starts(r, entry_mark))
        return err_set(e, ERR_INPUT,
                       "expected an entry of the zip directory, %zu bytes before "
                       "its end",
                       r.n);
    size_t name = (size_t)zip_number(r, 28, 2), extra = (size_t)zip_number(r, 30, 2);
    size_t n = ZIP_ENTRY_BYTES + name + extra + (size_t)zip_number(r, 32, 2);
    if (n > r.n)
        return err_set(e, ERR_INPUT, "the last entry of the zip directory is cut");
    struct zip_entry entry = {
        .name = str_sub(r, ZIP_ENTRY_BYTES, ZIP_ENTRY_BYTES + name),
        .extra = str_sub(r, ZIP_ENTRY_BYTES + name, ZIP_ENTRY_BYTES + name + extra),
        .flags = (unsigned)zip_number(r, 8, 2),
        .method = (unsigned)zip_number(r, 10, 2),
        .crc = (uint32_t)zip_number(r, 16, 4),
        .packed_bytes = zip_number(r, 20, 4),
        .bytes = zip_number(r, 24, 4),
        .at = zip_number(r, 42, 4),
    };
    struct wide wide = { { &entry.bytes, &entry.packed_bytes, &entry.at }, 3 };
    if (!extra_read(entry.extra, &wide))
        return err_set(e, ERR_INPUT, "the extra field of \"%.*s\" in the zip directory is damaged",
                       STR_ARG(shown(entry.name)));
    *out = entry;
    *rest = str_sub(r, n, r.n);
    return 0;
}

/* zipfile ends a name at a NUL. */
static struct str entry_path(const struct zip_entry *entry)
{
    struct str rest;

    return str_cut(entry->name, '\0', &rest);
}

/* pip keeps the files of the directory by their PurePosixPath, to which "./METADATA" and
 * "METADATA/" are METADATA too. */
static bool is_metadata(struct str path)
{
    struct str rest, part;
    bool found = false;

    str_cut(path, '/', &rest);
    if (rest.n == 0 || rest.p[0] == '/')
        return false;
    while (rest.p) {
        part = str_cut(rest, '/', &rest);
        if (part.n == 0 || str_is(part, "."))
            continue;
        if (found || !str_is(part, "METADATA"))
            return false;
        found = true;
    }
    return found;
}

/* What the first walk has seen. */
struct survey {
    struct str dirs[DIRS_SHOWN]; /* top-level names that end in ".dist-info", different ones */
    size_t n_dirs;
    bool more_dirs;
    struct zip_entry found; /* METADATA, the `found_index`th of the directory */
    size_t found_index, n_found;
    struct str second; /* the path of another METADATA */
};

static void survey_dir(struct survey *s, struct str dir)
{
    for (size_t i = 0; i < s->n_dirs; i++)
        if (str_eq(s->dirs[i], dir))
            return;
    if (s->n_dirs < DIRS_SHOWN)
        s->dirs[s->n_dirs++] = dir;
    else
        s->more_dirs = true;
}

static void survey_entry(struct survey *s, const struct zip_entry *entry, size_t index)
{
    struct str rest, path = entry_path(entry), dir = str_cut(path, '/', &rest);

    if (!str_ends(dir, STR(".dist-info")))
        return;
    survey_dir(s, dir);
    if (!is_metadata(path))
        return;
    if (s->n_found++ == 0) {
        s->found = *entry;
        s->found_index = index;
    } else {
        s->second = path;
    }
}

static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

static int several_dirs(const struct survey *s, struct err *e)
{
    struct buf names = { 0 };

    for (size_t i = 0; i < s->n_dirs; i++)
        buf_add_f(&names, "%s\"%.*s\"", i ? ", " : "", STR_ARG(shown(s->dirs[i])));
    int code = err_set(e, ERR_INPUT, "several .dist-info directories are in it: %s%s",
                       buf_z(&names), s->more_dirs ? ", ..." : "");
    buf_done(&names);
    return code;
}

/* pip: utils/wheel.py, wheel_dist_info_dir. */
static int survey_judge(const struct survey *s, struct arena *scratch, struct str project,
                        struct err *e)
{
    if (s->n_dirs == 0)
        return err_set(e, ERR_INPUT, "no .dist-info directory is in it");
    if (s->n_dirs > 1)
        return several_dirs(s, e);
    struct str dir = s->dirs[0];
    /* What the bytes above ASCII mean depends on a flag of each entry; no version has any. */
    if (!is_ascii(dir))
        return err_set(e, ERR_INPUT, "the name of its .dist-info directory is not ASCII");
    if (!str_starts(project_name_normalize(scratch, dir), project))
        return err_set(e, ERR_INPUT, "its .dist-info directory \"%.*s\" is not of \"%.*s\"",
                       STR_ARG(shown(dir)), STR_ARG(project));
    if (s->n_found == 0)
        return err_set(e, ERR_INPUT, "\"%.*s\" has no METADATA", STR_ARG(shown(dir)));
    if (s->n_found > 1)
        return err_set(e, ERR_INPUT, "\"%.*s\" and \"%.*s\" could both be the METADATA",
                       STR_ARG(shown(entry_path(&s->found))), STR_ARG(shown(s->second)));
    return 0;
}

static int entry_judge(const struct zip_entry *entry, struct err *e)
{
    struct str name = shown(entry->name);

    if (entry->flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED))
        return err_set(e, ERR_INPUT, "\"%.*s\" is encrypted", STR_ARG(name));
    if (entry->flags & FLAG_PATCHED || (entry->method != 0 && entry->method != 8))
        return err_set(e, ERR_INPUT,
                       "\"%.*s\" is compressed by method %u; wheels are stored or deflated",
                       STR_ARG(name), entry->method);
    if (entry->bytes > LIMIT_METADATA_BYTES || entry->packed_bytes > LIMIT_METADATA_BYTES)
        return err_set(e, ERR_LIMIT, "\"%.*s\" has %llu bytes; more than %d are not read",
                       STR_ARG(name), (unsigned long long)entry->bytes, LIMIT_METADATA_BYTES);
    if (entry->method == 0 && entry->bytes != entry->packed_bytes)
        return err_set(e, ERR_INPUT, "\"%.*s\" is stored, but has two sizes", STR_ARG(name));
    return 0;
}

/* As recorded, to where it is: the directory stands right before its end record, and what it was
 * moved by, the entries were moved by too. May wrap around and back: offsets are 64 bits. */
static uint64_t placed(const struct zip_end *end, uint64_t recorded)
{
    uint64_t first = end->at - end->directory_bytes;

    return recorded + (first - end->directory_offset);
}

/* Sets `at` and `limit` from all the other entries. */
static int entry_place(struct str directory, const struct zip_end *end, size_t index,
                       struct zip_entry *entry, struct err *e)
{
    uint64_t first = end->at - end->directory_bytes;
    struct zip_entry other = { 0 };

    entry->at = placed(end, entry->at);
    entry->limit = first;
    for (size_t i = 0; directory.n > 0; i++) {
        int code = entry_next(&directory, &other, e);
        if (code)
            return code;
        uint64_t at = placed(end, other.at);
        if (i != index && at >= entry->at && at < entry->limit)
            entry->limit = at;
    }
    if (entry->at > first ||
        entry->limit - entry->at < ZIP_LOCAL_BYTES + entry->name.n + entry->packed_bytes)
        return err_set(e, ERR_INPUT,
                       "\"%.*s\" is said to begin at byte %llu and have %llu bytes, "
                       "where other parts of the zip archive are",
                       STR_ARG(shown(entry->name)), (unsigned long long)entry->at,
                       (unsigned long long)entry->packed_bytes);
    return 0;
}

int zip_directory_find(struct arena *scratch, struct str directory, const struct zip_end *end,
                       struct str project, struct zip_entry *out, struct err *e)
{
    struct survey s = { 0 };
    struct zip_entry entry = { 0 };
    struct str rest = directory;
    int code = 0;

    for (size_t i = 0; rest.n > 0 && !code; i++) {
        code = entry_next(&rest, &entry, e);
        if (!code)
            survey_entry(&s, &entry, i);
    }
    if (!code)
        code = survey_judge(&s, scratch, project, e);
    if (!code)
        code = entry_judge(&s.found, e);
    if (!code)
        code = entry_place(directory, end, s.found_index, &s.found, e);
    if (!code)
        *out = s.found;
    return code;
}

size_t zip_local_bytes(struct str header)
{
    return ZIP_LOCAL_BYTES + (size_t)zip_number(header, 26, 2) + (size_t)zip_number(header, 28, 2);
}

int zip_local_check(struct str local, const struct zip_entry *entry, struct err *e)
{
    size_t name = (size_t)zip_number(local, 26, 2);
    uint64_t packed = zip_number(local, 18, 4), bytes = zip_number(local, 22, 4);
    struct wide wide = { { &bytes, &packed }, 2 };

    if (!str_starts(local, local_mark) ||
        !str_eq(str_sub(local, ZIP_LOCAL_BYTES, ZIP_LOCAL_BYTES + name), entry->name))
        return err_set(e, ERR_INPUT, "byte %llu: expected the local header of \"%.*s\"",
                       (unsigned long long)entry->at, STR_ARG(shown(entry->name)));
    if (!extra_read(str_sub(local, ZIP_LOCAL_BYTES + name, local.n), &wide))
        return err_set(e, ERR_INPUT, "the extra field of \"%.*s\" is damaged",
                       STR_ARG(shown(entry->name)));
    bool sizes_behind = zip_number(local, 6, 2) & FLAG_SIZES_BEHIND;
    if (zip_number(local, 8, 2) != entry->method ||
        (!sizes_behind && (packed != entry->packed_bytes || bytes != entry->bytes)))
        return err_set(e, ERR_INPUT,
                       "the local header of \"%.*s\" and the zip directory disagree on its "
                       "compression or size",
                       STR_ARG(shown(entry->name)));
    return 0;
}
