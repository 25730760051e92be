/* Archives are made here as tests/data/zip/archive.case tells, sound ones and others, and read by
 * ranges with tails of many lengths: what comes out must not depend on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <zlib.h>

#include "case.h"
#include "dray/py/zip.h"

/* What a case says about an entry or about the archive. */
struct made {
    struct buf file, directory;
    struct str options; /* of the archive */
    unsigned entries;
    uint64_t before; /* bytes in front that the archive does not know of */
};

static bool has(struct str options, const char *option)
{
    while (options.p)
        if (str_is(str_trim(str_cut(options, ',', &options)), option))
            return true;
    return false;
}

static void le(struct buf *out, uint64_t value, size_t n)
{
    for (; n > 0; n--, value >>= 8)
        buf_add_c(out, (char)(value & 0xff));
}

static void pad(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_add_c(out, '.');
}

static void deflate_into(struct buf *out, struct str content)
{
    unsigned char packed[4096];
    z_stream s = { .next_in = (Bytef *)content.p, .avail_in = (uInt)content.n };

    assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    s.next_out = packed;
    s.avail_out = sizeof(packed);
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    buf_add(out, packed, sizeof(packed) - s.avail_out);
    deflateEnd(&s);
}

/* The numbers of one entry, as the records will have them. */
struct entry {
    struct str name, options;
    uint64_t packed, bytes, at;
    unsigned flags, method;
    uint32_t crc;
};

static void add_zip64(struct buf *out, const uint64_t *numbers, size_t n)
{
    le(out, 1, 2);
    le(out, 8 * n, 2);
    for (size_t i = 0; i < n; i++)
        le(out, numbers[i], 8);
}

/* The part that local header and directory have in common. */
static void add_facts(struct buf *out, const struct entry *entry, bool wide, uint64_t packed)
{
    le(out, 20, 2);
    le(out, entry->flags, 2);
    le(out, entry->method, 2);
    le(out, 0, 4);
    le(out, entry->crc, 4);
    le(out, wide ? 0xffffffff : packed, 4);
    le(out, wide ? 0xffffffff : entry->bytes, 4);
}

static void add_local(struct made *m, const struct entry *entry, struct str data)
{
    bool wide = has(entry->options, "zip64"), behind = has(entry->options, "descriptor");
    struct buf extra = { 0 };
    struct entry told = *entry;

    if (behind)
        told.crc = 0, told.packed = told.bytes = 0;
    if (wide)
        add_zip64(&extra, (uint64_t[]){ told.bytes, told.packed }, 2);
    if (has(entry->options, "long extra"))
        buf_add(&extra, "\xfe\xca\x90\x01", 4), pad(&extra, 400);
    if (has(entry->options, "other name"))
        told.name = STR("bar_x-1.dist-info/METADATA");
    if (has(entry->options, "other method"))
        told.method = 8 - told.method;
    buf_add(&m->file, "PK\3\4", 4);
    add_facts(&m->file, &told, wide, told.packed + has(entry->options, "other size"));
    le(&m->file, told.name.n, 2);
    le(&m->file, extra.n, 2);
    buf_add_str(&m->file, told.name);
    buf_add_str(&m->file, buf_str(&extra));
    buf_add_str(&m->file, data);
    if (behind)
        buf_add(&m->file, "PK\7\b............", 16);
    buf_done(&extra);
}

static void add_entry(struct made *m, const struct entry *entry)
{
    bool wide = has(entry->options, "zip64");
    struct buf extra = { 0 };

    if (wide)
        add_zip64(&extra, (uint64_t[]){ entry->bytes, entry->packed, entry->at }, 3);
    if (has(entry->options, "bad extra"))
        buf_add(&extra, "\1\1\xff\xff", 4);
    if (has(entry->options, "short zip64"))
        extra.p[2] = 8, buf_cut(&extra, 12);
    buf_add(&m->directory, "PK\1\2", 4);
    le(&m->directory, 20, 2);
    add_facts(&m->directory, entry, wide, entry->packed);
    le(&m->directory, entry->name.n, 2);
    le(&m->directory, extra.n, 2);
    le(&m->directory, 0, 2 + 2 + 2 + 4);
    le(&m->directory, wide ? 0xffffffff : entry->at, 4);
    buf_add_str(&m->directory, entry->name);
    buf_add_str(&m->directory, buf_str(&extra));
    buf_done(&extra);
    m->entries++;
}

/* "NAME=CONTENT!OPTIONS" */
static void make_entry(struct made *m, struct str text)
{
    struct entry entry = { .at = m->file.n - m->before };
    struct str content, data;
    struct buf packed = { 0 };

    entry.name = str_cut(str_cut(text, '!', &entry.options), '=', &content);
    if (has(entry.options, "deflate"))
        deflate_into(&packed, content);
    data = packed.n ? buf_str(&packed) : content;
    entry.method = packed.n ? 8 : has(entry.options, "method 9") ? 9 : 0;
    entry.flags =
        (has(entry.options, "encrypted") ? 1 : 0) | (has(entry.options, "descriptor") * 8);
    entry.packed = data.n;
    entry.bytes =
        content.n + has(entry.options, "declared more") - has(entry.options, "declared less");
    entry.crc = (uint32_t)crc32(0, (const Bytef *)content.p, (uInt)content.n) ^
                (has(entry.options, "other crc") ? 1 : 0);
    if (has(entry.options, "huge"))
        entry.bytes = LIMIT_METADATA_BYTES + 1;
    add_local(m, &entry, data);
    if (has(entry.options, "past the next"))
        entry.packed = entry.bytes += 100;
    if (has(entry.options, "far"))
        entry.at += 1u << 30;
    if (!has(entry.options, "hidden"))
        add_entry(m, &entry);
    buf_done(&packed);
}

static void add_end64(struct made *m, uint64_t offset, uint64_t bytes)
{
    uint64_t at = m->file.n - m->before;

    buf_add(&m->file, "PK\6\6", 4);
    le(&m->file, 44, 8);
    le(&m->file, 45 | 45 << 16, 4);
    le(&m->file, has(m->options, "disk 64"), 8);
    le(&m->file, m->entries, 8);
    le(&m->file, m->entries, 8);
    le(&m->file, bytes, 8);
    le(&m->file, offset + has(m->options, "other offset"), 8);
    buf_add(&m->file, has(m->options, "no end64") ? "PK\7\7" : "PK\6\7", 4);
    le(&m->file, 0, 4);
    le(&m->file, at, 8);
    le(&m->file, 1, 4);
}

static void make_end(struct made *m)
{
    uint64_t offset = m->file.n - m->before, bytes = m->directory.n + has(m->options, "cut entry");
    bool wide = has(m->options, "zip64");
    size_t comment = has(m->options, "long comment") ? 65535 : has(m->options, "comment") ? 30 : 0;

    buf_add_str(&m->file, buf_str(&m->directory));
    pad(&m->file, bytes - m->directory.n);
    if (has(m->options, "huge directory"))
        bytes = (uint64_t)LIMIT_ZIP_DIRECTORY_BYTES + 1;
    if (has(m->options, "locator only"))
        buf_add(&m->file, "PK\6\7\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0", 20);
    if (wide)
        add_end64(m, offset, bytes);
    buf_add(&m->file, "PK\5\6", 4);
    le(&m->file, has(m->options, "disk"), 4);
    le(&m->file, wide ? 0xffff : m->entries, 2);
    le(&m->file, wide ? 0xffff : m->entries + has(m->options, "split"), 2);
    le(&m->file, wide && !has(m->options, "other bytes") ? 0xffffffff : bytes + wide, 4);
    le(&m->file, wide ? 0xffffffff : offset, 4);
    le(&m->file, comment + (has(m->options, "long promise") ? 1 : 0), 2);
    if (has(m->options, "mark in comment"))
        buf_add(&m->file, "PK\5\6", 4), comment -= 4;
    pad(&m->file, comment);
    pad(&m->file, has(m->options, "garbage") ? 7 : 0);
}

static void make(struct made *m, struct str entries, struct str options)
{
    *m = (struct made){ .options = options };
    if (has(options, "bytes before"))
        pad(&m->file, m->before = 3000);
    if (has(options, "recorded bytes before"))
        pad(&m->file, 3000);
    while (entries.p)
        make_entry(m, str_trim(str_cut(entries, ';', &entries)));
    make_end(m);
}

/* One reading. Every span that is asked for must lie in the file, and be unknown at both ends. */
struct reading {
    struct zip *zip;
    struct str file;
    char *known; /* one byte a byte */
    unsigned steps;
};

static void give(struct reading *r, uint64_t first, uint64_t n)
{
    zip_feed(r->zip, first, r->file.p + first, (size_t)n);
    if (n > 0)
        memset(r->known + first, 1, (size_t)n);
}

static enum zip_step read_all(struct reading *r, struct err *e)
{
    struct zip_span lacks;
    enum zip_step step;

    while ((step = zip_step(r->zip, &lacks, e)) == ZIP_LACKS) {
        assert_true(lacks.n > 0 && lacks.n <= r->file.n && lacks.first <= r->file.n - lacks.n);
        assert_false(r->known[lacks.first] || r->known[lacks.first + lacks.n - 1]);
        assert_true(++r->steps <= LIMIT_ZIP_STEPS);
        uint64_t half = lacks.n / 2; /* the rear half first: order is free */
        give(r, lacks.first + half, lacks.n - half);
        give(r, lacks.first, half);
    }
    return step;
}

static void check_tail(struct case_line *c, struct str file, size_t tail)
{
    struct reading r = { .zip = zip_create(file.n, STR("Foo.x-1-py3-none-any.whl")),
                         .file = file,
                         .known = calloc(file.n, 1) };
    struct err e = { 0 };
    bool found = str_is(c->fields[2], "found");

    give(&r, file.n - tail, tail);
    enum zip_step step = read_all(&r, &e);
    if (step != (found ? ZIP_FOUND : ZIP_FAILED))
        case_fail(c, "tail of %zu: got step %d, \"%s\"", tail, step, err_text(&e));
    else if (found)
        case_equal(c, zip_metadata(r.zip), c->fields[3]);
    else
        case_contains(c, str_of(err_text(&e)), c->fields[3]);
    if (!found && e.code != (str_is(c->fields[2], "limit") ? ERR_LIMIT : ERR_INPUT))
        case_fail(c, "tail of %zu: got %s", tail, err_name(e.code));
    err_done(&e);
    zip_destroy(r.zip);
    free(r.known);
}

static void check_archive(struct case_line *c, void *ctx)
{
    static const size_t tails[] = {
        0, 1, 21, 22, 23, 41, 42, 60, 98, 150, 200, 300, 500, 1000, 4000
    };
    struct made m;

    (void)ctx;
    if (!case_has(c, 4, 4))
        return;
    make(&m, c->fields[0], c->fields[1]);
    for (size_t i = 0; i < sizeof(tails) / sizeof(*tails) && !c->failed; i++)
        check_tail(c, buf_str(&m.file), tails[i] < m.file.n ? tails[i] : m.file.n);
    check_tail(c, buf_str(&m.file), m.file.n);
    buf_done(&m.file);
    buf_done(&m.directory);
}

static void test_archives(void **state)
{
    (void)state;
    assert_true(case_each("zip/archive.case", 45, check_archive, NULL));
}

static const struct str small = { "foo-1.dist-info/METADATA=Name: foo;foo/a.py=1", 45 };

/* Pieces of three bytes, every other one first: they are joined as they come to touch. */
static void test_pieces(void **state)
{
    struct zip_span lacks = { 0 };
    struct err e = { 0 };
    struct made m;

    (void)state;
    make(&m, small, STR(""));
    struct zip *z = zip_create(m.file.n, STR("foo-1-py3-none-any.whl"));
    for (size_t round = 0; round < 2; round++) {
        for (size_t at = round * 3; at < m.file.n; at += 6)
            zip_feed(z, at, m.file.p + at, m.file.n - at < 3 ? m.file.n - at : 3);
        assert_int_equal(zip_step(z, &lacks, &e), round ? ZIP_FOUND : ZIP_LACKS);
    }
    assert_true(str_is(zip_metadata(z), "Name: foo"));
    zip_feed(z, 0, "????", 4); /* what comes late changes nothing */
    assert_int_equal(zip_step(z, &lacks, &e), ZIP_FOUND);
    assert_true(str_is(zip_metadata(z), "Name: foo"));
    zip_destroy(z);
    zip_destroy(NULL);
    buf_done(&m.file);
    buf_done(&m.directory);
}

/* The first span of a large file: its size grows with the file's, within bounds. */
static void test_first_span(void **state)
{
    static const struct {
        uint64_t file, least, most;
    } sizes[] = {
        { 22, 22, 22 },           { 5000, 5000, 5000 },      { 20000, 14336, 14336 },
        { 134000, 17000, 18500 }, { 1000000, 48000, 49500 }, { (uint64_t)1 << 40, 131072, 131072 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct zip *z = zip_create(sizes[i].file, STR("foo-1-py3-none-any.whl"));
        struct zip_span lacks = { 0 };
        struct err e = { 0 };
        assert_int_equal(zip_step(z, &lacks, &e), ZIP_LACKS);
        assert_in_range(lacks.n, sizes[i].least, sizes[i].most);
        assert_int_equal(lacks.first + lacks.n, sizes[i].file);
        zip_destroy(z);
    }
}

static void test_tiny(void **state)
{
    (void)state;
    for (size_t n = 0; n < 22; n++) {
        struct zip *z = zip_create(n, STR("foo-1-py3-none-any.whl"));
        struct zip_span lacks = { 7, 7 };
        struct err e = { 0 };
        assert_int_equal(zip_step(z, &lacks, &e), ZIP_FAILED);
        assert_int_equal(e.code, ERR_INPUT);
        assert_true(lacks.first == 7 && lacks.n == 7);
        err_done(&e);
        zip_destroy(z);
    }
}

/* A wheel of 500 entries whose RECORD stands between METADATA and the directory, and a first tail
 * that holds half of the directory: the second read brings all the rest. */
static void test_two_reads(void **state)
{
    struct buf entries = { 0 };
    struct made m;

    (void)state;
    for (size_t i = 0; i < 500; i++)
        buf_add_f(&entries, "foo/module_number_%zu.py=%060zu;", i, i);
    buf_add_z(&entries, "foo-1.dist-info/METADATA=Name: foo;foo-1.dist-info/RECORD=");
    pad(&entries, (size_t)500 * 50);
    make(&m, buf_str(&entries), STR("comment"));
    struct reading r = { .zip = zip_create(m.file.n, STR("foo-1-py3-none-any.whl")),
                         .file = buf_str(&m.file),
                         .known = calloc(m.file.n, 1) };
    struct err e = { 0 };
    give(&r, m.file.n - m.directory.n / 2, m.directory.n / 2);
    assert_int_equal(read_all(&r, &e), ZIP_FOUND);
    assert_int_equal(r.steps, 1);
    zip_destroy(r.zip);
    free(r.known);
    buf_done(&entries);
    buf_done(&m.file);
    buf_done(&m.directory);
}

/* A directory of 3 GiB, as its end record has it, is not asked for before that is refused. */
static void test_huge_directory(void **state)
{
    static const char record[] = "PK\5\6\0\0\0\0\1\0\1\0\0\0\0\xc0\0\0\0\0\0";
    struct str end = { record, sizeof(record) };
    uint64_t file = (uint64_t)1 << 40;
    struct zip *z = zip_create(file, STR("foo-1-py3-none-any.whl"));
    struct zip_span lacks = { 0 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(end.n, 22);
    zip_feed(z, file - end.n, end.p, end.n);
    assert_int_equal(zip_step(z, &lacks, &e), ZIP_LACKS); /* is there a zip64 record? */
    assert_true(lacks.n > 0 && lacks.n < 1000);
    char *before = calloc(1, (size_t)lacks.n);
    zip_feed(z, lacks.first, before, (size_t)lacks.n);
    free(before);
    assert_int_equal(zip_step(z, &lacks, &e), ZIP_FAILED);
    assert_int_equal(e.code, ERR_LIMIT);
    err_done(&e);
    zip_destroy(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archives),   cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_first_span), cmocka_unit_test(test_tiny),
        cmocka_unit_test(test_two_reads),  cmocka_unit_test(test_huge_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
