/* Archives are made here, member by member as a table tells, packed in several ways and fed in
 * pieces of several sizes: what comes out must not depend on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "dray/py/sdist.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"

enum { BLOCK_BYTES = 512, SUM_AT = 148, SIZE_AT = 124, MEMBERS = 8 };

enum magic { POSIX, V7, GNU };
enum fault { SOUND, SUM, SIZE_TEXT, WIDE, WIDER };

/* One header and what follows it. */
struct member {
    const char *name, *data;
    const char *prefix;
    char type; /* 0: '0', or NUL in V7 */
    enum magic magic;
    enum fault fault;  /* WIDE: a size to base 256, WIDER: one of more than 63 bits */
    size_t fill;       /* this many bytes instead of `data` */
    uint64_t declared; /* instead of the number of bytes; 0: that */
    bool is_empty;     /* declares that there is no data, though there is */
    bool is_raw;       /* type x: `data` is no list of KEY=VALUE lines */
};

struct archive {
    const char *what;
    int code;
    const char *want; /* or a part of the sentence, when code is set */
    struct member members[MEMBERS];
};

/* -- writing -- */

static void add_blocks(struct buf *tar, struct str data)
{
    static const char zeros[BLOCK_BYTES];

    buf_add_str(tar, data);
    buf_add(tar, zeros, (BLOCK_BYTES - data.n % BLOCK_BYTES) % BLOCK_BYTES);
}

static void put(unsigned char *at, size_t n, const char *text)
{
    size_t has = text ? strlen(text) : 0;

    assert_true(has <= n);
    if (has)
        memcpy(at, text, has);
}

static void put_size(unsigned char *h, const struct member *m, uint64_t bytes)
{
    char digits[32];

    snprintf(digits, sizeof(digits), "%011llo", (unsigned long long)bytes);
    put(h + SIZE_AT, 12, m->fault == SIZE_TEXT ? "0000000001z" : digits);
    if (m->fault != WIDE && m->fault != WIDER)
        return;
    for (size_t i = 11; i > 0; i--, bytes >>= 8)
        h[SIZE_AT + i] = (unsigned char)(bytes & 0xff);
    h[SIZE_AT] = 0x80;
    h[SIZE_AT + 2] = m->fault == WIDER;
}

static void put_sum(unsigned char *h, enum fault fault)
{
    char digits[32];
    unsigned sum = fault == SUM;

    memset(h + SUM_AT, ' ', 8);
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        sum += h[i];
    snprintf(digits, sizeof(digits), "%06o", sum);
    memcpy(h + SUM_AT, digits, 7);
}

static void add_header(struct buf *tar, const struct member *m, uint64_t bytes)
{
    unsigned char h[BLOCK_BYTES] = { 0 };

    put(h, 100, m->name);
    put(h + 100, 8, "0000644");
    put_size(h, m, bytes);
    h[156] = (unsigned char)(m->type || m->magic == V7 ? m->type : '0');
    if (m->magic != V7)
        memcpy(h + 257, m->magic == GNU ? "ustar  " : "ustar\00000", 8);
    put(h + 345, 155, m->prefix);
    put_sum(h, m->fault);
    buf_add(tar, h, sizeof(h));
}

/* "LENGTH KEY=VALUE\n" of each line; the length counts its own digits. */
static void add_records(struct buf *out, struct str lines)
{
    while (lines.n) {
        struct str line = str_cut(lines, '\n', &lines);
        size_t n = line.n + 3;
        n += n > 9;
        n += n > 99;
        n += n > 999;
        buf_add_f(out, "%zu %.*s\n", n, STR_ARG(line));
    }
}

static void add_member(struct buf *tar, const struct member *m)
{
    struct buf data = { 0 };

    if (m->type == 'x' && !m->is_raw)
        add_records(&data, str_of(m->data));
    else if (m->data)
        buf_add_z(&data, m->data);
    while (data.n < m->fill)
        buf_add_c(&data, (char)('a' + data.n % 26));
    add_header(tar, m, m->is_empty ? 0 : m->declared ? m->declared : data.n);
    add_blocks(tar, buf_str(&data));
    buf_done(&data);
}

/* Without the end, and where the last member's data end. */
static size_t make(struct buf *tar, const struct member *members)
{
    static const char end[2 * BLOCK_BYTES];

    for (size_t i = 0; i < MEMBERS && members[i].name; i++)
        add_member(tar, &members[i]);
    size_t bytes = tar->n;
    buf_add(tar, end, sizeof(end));
    return bytes;
}

/* One gzip member; level 0 stores. */
static void pack(struct buf *out, struct str content, int level)
{
    z_stream s = { .next_in = (Bytef *)content.p, .avail_in = (uInt)content.n };

    assert_int_equal(deflateInit2(&s, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    uLong room = deflateBound(&s, (uLong)content.n);
    unsigned char *packed = malloc(room);
    s.next_out = packed;
    s.avail_out = (uInt)room;
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    buf_add(out, packed, room - s.avail_out);
    deflateEnd(&s);
    free(packed);
}

/* -- reading -- */

/* What was found, NULL when it failed; malloc'ed. A piece of 0: all at once. */
static char *read_all(struct str file, size_t piece, struct err *e)
{
    struct sdist_reader *r = sdist_reader_create();
    char *found = NULL;
    int code = 0;

    for (size_t at = 0; !code && at < file.n; at += piece ? piece : file.n) {
        struct str part = str_sub(file, at, piece ? at + piece : file.n);
        char *exact = malloc(part.n); /* so that a byte too many is noticed */
        memcpy(exact, part.p, part.n);
        code = sdist_reader_feed(r, exact, part.n, e);
        assert_int_equal(code, e->code);
        free(exact);
    }
    if (!code) {
        struct str text = sdist_reader_finish(r, e);
        assert_int_equal(e->code, text.p ? 0 : ERR_INPUT);
        if (text.p) {
            struct buf copy = { 0 };
            buf_add_str(&copy, text);
            found = buf_take(&copy);
        }
    }
    sdist_reader_destroy(r);
    return found;
}

static void check_one(const struct archive *a, struct str file, const char *how, size_t piece)
{
    struct err e = { 0 };
    char *found = read_all(file, piece, &e);
    const char *got = found ? found : err_text(&e);
    bool is_right = a->code ? !found && strstr(got, a->want) : found && strcmp(got, a->want) == 0;

    if (e.code != a->code || !is_right)
        fail_msg("%s (%s, pieces of %zu): got %s, \"%s\"", a->what, how, piece, err_name(e.code),
                 got);
    free(found);
    err_done(&e);
}

static void check_pieces(const struct archive *a, const struct buf *file, const char *how)
{
    static const size_t pieces[] = { 0, 1, 7, 511, 512, 513 };

    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
        check_one(a, buf_str(file), how, pieces[i]);
}

static void check_archive(const struct archive *a)
{
    struct buf tar = { 0 }, file = { 0 };

    make(&tar, a->members);
    pack(&file, buf_str(&tar), 0);
    check_pieces(a, &file, "stored");
    buf_reset(&file);
    pack(&file, buf_str(&tar), 9);
    check_pieces(a, &file, "deflated");
    buf_reset(&file);
    pack(&file, str_sub(buf_str(&tar), 0, 700), 0);
    pack(&file, STR(""), 9);
    pack(&file, str_sub(buf_str(&tar), 700, tar.n), 9);
    check_pieces(a, &file, "three gzip members");
    buf_done(&file);
    buf_done(&tar);
}

static void check_archives(const struct archive *archives, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_archive(&archives[i]);
}

/* -- what is found -- */

#define WRONG   .data = "Name: wrong\n"
#define RIGHT   "Name: foo\n"
#define FOUND   0, RIGHT
#define DAMAGED ERR_INPUT, "damaged"
#define ENDS    ERR_INPUT, "ends before its PKG-INFO"
/* clang-format off */
#define PKG_INFO { .name = "foo-1/PKG-INFO", .data = RIGHT }
/* clang-format on */
#define TEXT_120        TEXT_60 TEXT_60
#define BLOCK           TEXT_120 TEXT_120 TEXT_120 TEXT_120 "and 32 letters more, in the end."
#define TEXT_60         "a-directory-with-a-rather-long-name-of-exactly-sixty-letters"
#define CHECK(archives) check_archives(archives, sizeof(archives) / sizeof(*(archives)))

static void test_names(void **state)
{
    static const struct archive archives[] = {
        { "first", FOUND, { PKG_INFO, { .name = "foo-1/setup.py", .data = "x" } } },
        { "last",
          FOUND,
          { { .name = "foo-1/", .type = '5' },
            { .name = "foo-1/a", .fill = 1 },
            { .name = "foo-1/b", .fill = 511 },
            { .name = "foo-1/c", .fill = 512 },
            { .name = "foo-1/d", .fill = 513 },
            { .name = "foo-1/e", .data = "" },
            PKG_INFO } },
        { "behind much", FOUND, { { .name = "foo-1/a", .fill = 200000 }, PKG_INFO } },
        { "from here",
          FOUND,
          { { .name = "./", .type = '5' }, { .name = "./foo-1/PKG-INFO", .data = RIGHT } } },
        { "from here, twice", FOUND, { { .name = "././foo-1/PKG-INFO", .data = RIGHT } } },
        { "that of an .egg-info",
          FOUND,
          { { .name = "foo-1/foo.egg-info/PKG-INFO", WRONG },
            { .name = "foo.egg-info/./PKG-INFO", WRONG },
            PKG_INFO } },
        { "other names",
          FOUND,
          { { .name = "PKG-INFO", WRONG },
            { .name = "./PKG-INFO", WRONG },
            { .name = "/PKG-INFO", WRONG },
            { .name = "foo-1//PKG-INFO", WRONG },
            { .name = "foo-1/pkg-info", WRONG },
            { .name = "foo-1/PKG-INFO.txt", WRONG },
            { .name = "foo-1/xPKG-INFO", WRONG },
            PKG_INFO } },
        { "two", FOUND, { PKG_INFO, { .name = "foo-2/PKG-INFO", WRONG } } },
        { "an empty one",
          0,
          "",
          { { .name = "foo-1/PKG-INFO", .data = "" }, { .name = "bar-1/PKG-INFO", WRONG } } },
        { "a full block", 0, BLOCK, { { .name = "foo-1/PKG-INFO", .data = BLOCK } } },
        { "none but a nested one",
          ERR_INPUT,
          "it has no PKG-INFO",
          { { .name = "foo-1/foo.egg-info/PKG-INFO", WRONG } } },
        { "nothing at all", ERR_INPUT, "it has no PKG-INFO", { { .name = NULL } } },
    };

    (void)state;
    CHECK(archives);
}

/* Links and directories have no data, whatever size they declare. */
static void test_types(void **state)
{
    static const struct archive archives[] = {
        { "no regular files",
          FOUND,
          { { .name = "foo-1/PKG-INFO", WRONG, .type = 'Z' },
            { .name = "foo-1/PKG-INFO", WRONG, .type = 'V' },
            { .name = "foo-1/PKG-INFO", WRONG, .type = 'K' },
            PKG_INFO } },
        { "V7",
          FOUND,
          { { .name = "foo-1/a", .data = "x", .magic = V7 },
            { .name = "foo-1/PKG-INFO", .data = RIGHT, .magic = V7 } } },
        { "V7, other things where POSIX has the prefix",
          FOUND,
          { { .name = "foo-1/PKG-INFO", .data = RIGHT, .prefix = "else", .magic = V7 } } },
        { "GNU, times where POSIX has the prefix",
          FOUND,
          { { .name = "foo-1/PKG-INFO", .data = RIGHT, .prefix = "13371337133", .magic = GNU } } },
        { "contiguous", FOUND, { { .name = "foo-1/PKG-INFO", .data = RIGHT, .type = '7' } } },
        { "links of sizes",
          FOUND,
          { { .name = "foo-1/PKG-INFO", .type = '1', .declared = 77 },
            { .name = "foo-1/PKG-INFO", .type = '2', .declared = 512 },
            { .name = "foo-1/PKG-INFO", .type = '5', .declared = 100000 },
            PKG_INFO } },
        { "devices",
          FOUND,
          { { .name = "foo-1/PKG-INFO", .type = '3' },
            { .name = "foo-1/PKG-INFO", .type = '4' },
            { .name = "foo-1/PKG-INFO", .type = '6', .declared = 9 },
            PKG_INFO } },
        { "an unknown type has data",
          FOUND,
          { { .name = "foo-1/a", .type = 'Z', .fill = 600 }, PKG_INFO } },
        { "a size to base 256",
          FOUND,
          { { .name = "foo-1/a", .fill = 700, .fault = WIDE },
            { .name = "foo-1/PKG-INFO", .data = RIGHT, .fault = WIDE } } },
        { "sparse",
          ERR_INPUT,
          "sparse file",
          { { .name = "foo-1/a", .data = "x", .type = 'S' }, PKG_INFO } },
    };

    (void)state;
    CHECK(archives);
}

/* The prefix of POSIX stands before the name. */
static void test_prefix(void **state)
{
    static const struct archive archives[] = {
        { "the one", FOUND, { { .name = "PKG-INFO", .data = RIGHT, .prefix = "foo-1" } } },
        { "below",
          FOUND,
          { { .name = "foo.egg-info/PKG-INFO", WRONG, .prefix = "foo-1" }, PKG_INFO } },
        { "of two",
          FOUND,
          { { .name = "PKG-INFO", WRONG, .prefix = "foo-1/foo.egg-info" }, PKG_INFO } },
    };

    (void)state;
    CHECK(archives);
}

static void test_pax(void **state)
{
    static const struct archive archives[] = {
        { "sparse",
          ERR_INPUT,
          "sparse file",
          { { .name = "x", .data = "GNU.sparse.size=9", .type = 'x' }, PKG_INFO } },
        { "a size that is none",
          DAMAGED,
          { { .name = "x", .data = "size=1x", .type = 'x' }, PKG_INFO } },
        { "no value", DAMAGED, { { .name = "x", .data = "path", .type = 'x' }, PKG_INFO } },
        { "a path",
          FOUND,
          { { .name = "x", .data = "path=foo-1/PKG-INFO", .type = 'x' },
            { .name = "short", .data = RIGHT } } },
        { "a path from here, and more",
          FOUND,
          { { .name = "x", .data = "mtime=1.5\npath=./foo-1/PKG-INFO\ncomment=a=b", .type = 'x' },
            { .name = "short", .data = RIGHT } } },
        { "the last of two paths",
          FOUND,
          { { .name = "x", .data = "path=foo-1/a\npath=foo-1/PKG-INFO", .type = 'x' },
            { .name = "short", .data = RIGHT } } },
        { "a long path",
          FOUND,
          { { .name = "x", .data = "path=" TEXT_120 "/PKG-INFO", .type = 'x' },
            { .name = "short", .data = RIGHT } } },
        { "elsewhere",
          FOUND,
          { { .name = "x", .data = "path=foo-1/a", .type = 'x' },
            { .name = "foo-1/PKG-INFO", WRONG },
            { .name = "bar-1/PKG-INFO", .data = RIGHT } } },
        { "of one member",
          FOUND,
          { { .name = "x", .data = "path=foo-1/b\nsize=3", .type = 'x' },
            { .name = "c", .data = "abc" },
            PKG_INFO } },
        { "a size",
          FOUND,
          { { .name = "x", .data = "size=10", .type = 'x' },
            { .name = "foo-1/PKG-INFO", .data = RIGHT "more", .is_empty = true } } },
        { "a size before",
          FOUND,
          { { .name = "x", .data = "size=600", .type = 'x' },
            { .name = "foo-1/a", .fill = 600, .is_empty = true },
            PKG_INFO } },
        { "that of all says nothing",
          FOUND,
          { { .name = "g", .data = "20 path=bar-1/other\n", .type = 'g' }, PKG_INFO } },
        { "that of all in between",
          FOUND,
          { { .name = "x", .data = "path=foo-1/PKG-INFO", .type = 'x' },
            { .name = "g", .data = "13 comment=a\n", .type = 'g' },
            { .name = "short", .data = RIGHT } } },
        { "no record",
          DAMAGED,
          { { .name = "x", .data = "path", .type = 'x', .is_raw = true }, PKG_INFO } },
        { "a length of 0",
          DAMAGED,
          { { .name = "x", .data = "0 path=a\n", .type = 'x', .is_raw = true }, PKG_INFO } },
        { "too small",
          DAMAGED,
          { { .name = "x", .data = "3 path=a\n", .type = 'x', .is_raw = true }, PKG_INFO } },
        { "too large",
          DAMAGED,
          { { .name = "x", .data = "11 path=a\n", .type = 'x', .is_raw = true }, PKG_INFO } },
        { "beyond all numbers",
          DAMAGED,
          { { .name = "x",
              .data = "99999999999999999999999 path=a\n",
              .type = 'x',
              .is_raw = true },
            PKG_INFO } },
        { "no line end",
          DAMAGED,
          { { .name = "x", .data = "10 path=a ", .type = 'x', .is_raw = true }, PKG_INFO } },
    };

    (void)state;
    CHECK(archives);
}

static void test_gnu_names(void **state)
{
    static const struct archive archives[] = {
        { "a long link behind",
          FOUND,
          { { .name = "x", .data = "foo-1/a", .type = 'L' },
            { .name = "x", .data = "somewhere", .type = 'K' },
            { .name = "foo-1/PKG-INFO", WRONG },
            { .name = "bar-1/PKG-INFO", .data = RIGHT } } },
        { "long",
          FOUND,
          { { .name = "././@LongLink", .data = TEXT_120 "/PKG-INFO", .type = 'L', .magic = GNU },
            { .name = "short", .data = RIGHT, .magic = GNU } } },
        { "with its NUL",
          FOUND,
          { { .name = "././@LongLink", .data = "foo-1/PKG-INFO", .declared = 15, .type = 'L' },
            { .name = "short", .data = RIGHT } } },
        { "elsewhere",
          FOUND,
          { { .name = "././@LongLink", .data = "foo-1/a", .type = 'L' },
            { .name = "foo-1/PKG-INFO", WRONG },
            { .name = "bar-1/PKG-INFO", .data = RIGHT } } },
        { "of one member",
          FOUND,
          { { .name = "././@LongLink", .data = "foo-1/a", .type = 'L' },
            { .name = "b", .data = "x" },
            PKG_INFO } },
        { "a long link before",
          FOUND,
          { { .name = "././@LongLink", .data = "somewhere", .type = 'K' },
            { .name = "././@LongLink", .data = "foo-1/a", .type = 'L' },
            { .name = "b", .type = '2' },
            PKG_INFO } },
        { "too long",
          ERR_LIMIT,
          " more than ",
          { { .name = "././@LongLink", .fill = 64 * 1024 + 1, .type = 'L' }, PKG_INFO } },
        { "too long in pax",
          ERR_LIMIT,
          " more than ",
          { { .name = "x", .fill = 64 * 1024 + 1, .type = 'x', .is_raw = true }, PKG_INFO } },
    };

    (void)state;
    CHECK(archives);
}

static void test_damaged_headers(void **state)
{
    static const struct archive archives[] = {
        { "the sum", DAMAGED, { { .name = "foo-1/a", .data = "x", .fault = SUM }, PKG_INFO } },
        { "the sum of PKG-INFO",
          DAMAGED,
          { { .name = "foo-1/PKG-INFO", .data = RIGHT, .fault = SUM } } },
        { "the size",
          DAMAGED,
          { { .name = "foo-1/a", .data = "x", .fault = SIZE_TEXT }, PKG_INFO } },
        { "too wide a size",
          DAMAGED,
          { { .name = "foo-1/a", .data = "x", .fault = WIDER }, PKG_INFO } },
        { "a size beyond the end",
          ENDS,
          { { .name = "foo-1/a", .data = "x", .declared = 5000 }, PKG_INFO } },
        { "PKG-INFO beyond the end",
          ENDS,
          { { .name = "foo-1/PKG-INFO", .data = RIGHT, .declared = 5000 } } },
        { "PKG-INFO of its most",
          ENDS,
          { { .name = "foo-1/PKG-INFO", .data = RIGHT, .declared = LIMIT_METADATA_BYTES } } },
        { "PKG-INFO of more",
          ERR_LIMIT,
          " more than ",
          { { .name = "foo-1/PKG-INFO", .data = RIGHT, .declared = LIMIT_METADATA_BYTES + 1 } } },
    };

    (void)state;
    CHECK(archives);
}

/* -- gzip -- */

static const struct member three[MEMBERS] = { { .name = "foo-1/", .type = '5' },
                                              { .name = "foo-1/a", .fill = 1000 },
                                              PKG_INFO };

/* Of what is stored, each byte is in one place: up to PKG-INFO's last one it is an error. */
static void test_cut(void **state)
{
    struct buf tar = { 0 }, file = { 0 };

    (void)state;
    size_t end = make(&tar, three) - BLOCK_BYTES + strlen(RIGHT);
    pack(&file, buf_str(&tar), 0);
    size_t before = file.n - tar.n - 8; /* the trailer has 8 bytes */
    for (size_t n = 0; n <= file.n; n++) {
        struct archive a = { .what = "cut", .want = "ends before its PKG-INFO", .code = ERR_INPUT };
        if (n >= before + end)
            a = (struct archive){ .what = "cut behind", .want = RIGHT };
        check_one(&a, str_sub(buf_str(&file), 0, n), "stored", 0);
        check_one(&a, str_sub(buf_str(&file), 0, n), "stored", 1);
    }
    buf_reset(&file);
    pack(&file, str_sub(buf_str(&tar), 0, end - 1), 9);
    for (size_t n = 0; n <= file.n; n++)
        check_one(&(struct archive){ .what = "cut", .want = "ends before", .code = ERR_INPUT },
                  str_sub(buf_str(&file), 0, n), "deflated", 3);
    buf_done(&file);
    buf_done(&tar);
}

static void test_gzip_members(void **state)
{
    static const struct archive found = { .what = "two gzip members", .want = RIGHT };
    struct buf tar = { 0 }, file = { 0 };

    (void)state;
    make(&tar, three);
    for (size_t at = 0; at < tar.n; at += 61) {
        buf_reset(&file);
        pack(&file, str_sub(buf_str(&tar), 0, at), 9);
        pack(&file, str_sub(buf_str(&tar), at, tar.n), 1);
        check_one(&found, buf_str(&file), "cut there", 0);
        check_one(&found, buf_str(&file), "cut there", 1);
    }
    buf_reset(&file);
    for (size_t at = 0; at < tar.n; at++)
        pack(&file, str_sub(buf_str(&tar), at, at + 1), 0);
    check_pieces(&found, &file, "a member for each byte");
    buf_done(&file);
    buf_done(&tar);
}

/* What came out before a fault counts, however the file is cut into pieces. */
static void test_fault_behind(void **state)
{
    static const struct archive found = { .what = "a fault behind", .want = RIGHT };
    struct buf tar = { 0 }, file = { 0 };

    (void)state;
    make(&tar, three);
    pack(&file, buf_str(&tar), 9);
    file.p[file.n - 8] ^= 1;
    check_pieces(&found, &file, "a wrong CRC");
    buf_reset(&file);
    pack(&file, str_sub(buf_str(&tar), 0, tar.n - 1), 0);
    buf_add_z(&file, "no gzip");
    check_pieces(&found, &file, "text behind a member");
    buf_done(&file);
    buf_done(&tar);
}

static void test_not_gzip(void **state)
{
    static const struct archive refused = { .what = "not gzip",
                                            .want = "no gzip file",
                                            .code = ERR_INPUT };
    struct buf tar = { 0 }, file = { 0 };

    (void)state;
    make(&tar, three);
    check_pieces(&refused, &tar, "not packed");
    pack(&file, str_sub(buf_str(&tar), 0, 600), 9);
    buf_add_z(&file, "a text behind");
    check_pieces(&refused, &file, "text behind a member");
    file.n -= strlen("a text behind");
    file.p[file.n - 8] ^= 1;
    check_pieces(&refused, &file, "a wrong CRC");
    buf_done(&file);
    buf_done(&tar);
}

/* A file of 8 GiB in an archive of 2 MiB: 32 MiB of zeros, again and again. */
static void test_bomb(void **state)
{
    static const struct member large = { .name = "foo-1/a",
                                         .declared = (uint64_t)8 << 30,
                                         .fault = WIDE };
    struct sdist_reader *r = sdist_reader_create();
    struct buf tar = { 0 }, head = { 0 }, zeros = { 0 };
    struct str part = { calloc(32, LIMIT_MIB), (size_t)32 * LIMIT_MIB };
    struct err e = { 0 };
    size_t parts = 0;

    (void)state;
    add_member(&tar, &large);
    pack(&head, buf_str(&tar), 9);
    pack(&zeros, part, 1);
    free((void *)(uintptr_t)part.p);
    assert_int_equal(sdist_reader_feed(r, head.p, head.n, &e), 0);
    while (sdist_reader_feed(r, zeros.p, zeros.n, &e) == 0)
        parts++;
    assert_int_equal(e.code, ERR_LIMIT);
    assert_non_null(strstr(err_text(&e), "1073741824"));
    assert_int_equal(parts, LIMIT_SDIST_BYTES / part.n - 1);
    sdist_reader_destroy(r);
    err_done(&e);
    buf_done(&tar);
    buf_done(&head);
    buf_done(&zeros);
}

/* Nothing was fed, or nothing is there; and what comes behind PKG-INFO is not looked at. */
static void test_edges(void **state)
{
    struct sdist_reader *r = sdist_reader_create();
    struct buf tar = { 0 }, file = { 0 };
    struct err e = { 0 };

    (void)state;
    sdist_reader_destroy(NULL);
    assert_int_equal(sdist_reader_feed(r, NULL, 0, &e), 0);
    assert_null(sdist_reader_finish(r, &e).p);
    assert_int_equal(e.code, ERR_INPUT);
    err_done(&e);
    make(&tar, three);
    pack(&file, buf_str(&tar), 9);
    assert_int_equal(sdist_reader_feed(r, file.p, file.n, &e), 0);
    assert_int_equal(sdist_reader_feed(r, "no gzip", 7, &e), 0);
    assert_int_equal(sdist_reader_feed(r, NULL, 0, &e), 0);
    assert_true(str_is(sdist_reader_finish(r, &e), RIGHT));
    assert_true(str_is(sdist_reader_finish(r, &e), RIGHT));
    assert_int_equal(e.code, 0);
    sdist_reader_destroy(r);
    buf_done(&tar);
    buf_done(&file);
}

/* -- PEP 643 -- */

static const struct {
    const char *headers;
    bool is_static;
} metadata[] = {
    { "", false }, /* absent */
    { "Metadata-Version: 1.0\n", false },
    { "Metadata-Version: 1.2\n", false },
    { "Metadata-Version: 2\n", false },
    { "Metadata-Version: 2.\n", false },
    { "Metadata-Version:\n", false },
    { "Metadata-Version: .2\n", false },
    { "Metadata-Version: two\n", false },
    { "Metadata-Version: 2.0\n", false },
    { "Metadata-Version: 2.1\n", false },
    { "Metadata-Version: 2.1.9\n", false },
    { "Metadata-Version: 2.2\n", true },
    { "metadata-version:2.2 \n", true },
    { "Metadata-Version: 2.3\n", true },
    { "Metadata-Version: 2.4\n", true },
    { "Metadata-Version: 2.10\n", true },
    { "Metadata-Version: 3.0\n", false },
    { "Metadata-Version: 2.2\nMetadata-Version: 2.1\n", true }, /* the first counts */
    { "Metadata-Version: 2.1\nMetadata-Version: 2.2\n", false },
    { "Metadata-Version: 2.2\nDynamic: Requires-Dist\n", false },
    { "Metadata-Version: 2.2\nDynamic: Requires-Python\n", false },
    { "Metadata-Version: 2.2\nDynamic: Provides-Extra\n", false },
    { "Metadata-Version: 2.2\nDynamic: requires-dist\n", false },
    { "Metadata-Version: 2.2\ndynamic: REQUIRES-PYTHON\n", false },
    { "Metadata-Version: 2.2\nDYNAMIC:   Provides-extra  \n", false },
    { "Metadata-Version: 2.2\nDynamic:\n Requires-Dist\n", false }, /* folded */
    { "Dynamic: Requires-Dist\nMetadata-Version: 2.2\n", false },
    { "Metadata-Version: 2.2\nDynamic: License\nDynamic: Requires-Dist\n", false },
    { "Metadata-Version: 3.0\nDynamic: Requires-Dist\n", false },
    { "Metadata-Version: 2.2\nDynamic: License\n", true },
    { "Metadata-Version: 2.2\nDynamic: License-File\nDynamic: Description\n", true },
    { "Metadata-Version: 2.2\nDynamic: Requires\n", true },
    { "Metadata-Version: 2.2\nDynamic:\n", true },
    { "Metadata-Version: 2.2\nRequires-Dist: bar\nProvides-Extra: Dynamic\n", true },
    { "Metadata-Version: 2.2\nSummary: Dynamic: Requires-Dist\n", true },
};

static void test_static(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(metadata) / sizeof(*metadata); i++) {
        struct arena a = { 0 };
        struct buf text = { 0 };
        struct metadata m = { 0 };
        struct err e = { 0 };
        buf_add_f(&text, "Name: foo\nVersion: 1\n%s\nDynamic: Requires-Dist\n",
                  metadata[i].headers);
        assert_int_equal(metadata_parse(&a, buf_str(&text), &m, &e), 0);
        if (sdist_metadata_is_static(&m) != metadata[i].is_static)
            fail_msg("not %s: %s", metadata[i].is_static ? "static" : "dynamic",
                     metadata[i].headers);
        buf_done(&text);
        arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),        cmocka_unit_test(test_types),
        cmocka_unit_test(test_prefix),       cmocka_unit_test(test_pax),
        cmocka_unit_test(test_gnu_names),    cmocka_unit_test(test_damaged_headers),
        cmocka_unit_test(test_cut),          cmocka_unit_test(test_gzip_members),
        cmocka_unit_test(test_fault_behind), cmocka_unit_test(test_not_gzip),
        cmocka_unit_test(test_bomb),         cmocka_unit_test(test_edges),
        cmocka_unit_test(test_static),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
