/* Index pages, by the tables of tests/data/simple. Every page is read in one piece, byte by byte
 * and in pieces of seven: the listing must be the same. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dray/py/simple.h"
#include "dray/util/buf.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"

enum { COLUMNS = 4, TABLE_BYTES = 4 * LIMIT_MIB };

static void load(const char *name, struct buf *out)
{
    struct buf path = { 0 };
    struct err e = { 0 };

    buf_add_f(&path, "%s/simple/%s", TEST_DATA, name);
    if (file_read(buf_z(&path), TABLE_BYTES, out, &e))
        fail_msg("%s", err_text(&e));
    buf_done(&path);
}

/* "\xHH" becomes that byte; no other escape, so that JSON can be written as it is. */
static void unescape(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned byte;
        if (s.n - i >= 4 && sscanf(s.p + i, "\\x%2x", &byte) == 1) {
            buf_add_c(out, (char)byte);
            i += 3;
        } else {
            buf_add_c(out, s.p[i]);
        }
    }
}

static void escape(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (isprint((unsigned char)s.p[i]))
            buf_add_c(out, s.p[i]);
        else
            buf_add_f(out, "\\x%02x", (unsigned char)s.p[i]);
    }
}

static void dump_text(struct buf *out, const char *name, struct str text)
{
    if (!text.p)
        return;
    buf_add_f(out, " %s=[", name);
    escape(text, out);
    buf_add_c(out, ']');
}

static void dump_digest(struct buf *out, const struct digest *d)
{
    char hex[DIGEST_HEX_SIZE];

    buf_add_f(out, "%s:%s", digest_name(d->alg), digest_hex(d, hex));
}

static void dump_file(struct buf *out, const struct simple_file *f)
{
    escape(f->filename, out);
    buf_add_z(out, " <");
    escape(f->url, out);
    buf_add_c(out, '>');
    dump_text(out, "python", f->requires_python);
    assert_true(f->yanked == (f->yanked_reason.p != NULL));
    dump_text(out, "yanked", f->yanked_reason);
    dump_text(out, "time", f->upload_time);
    if (f->size != SIMPLE_SIZE_UNKNOWN)
        buf_add_f(out, " size=%llu", (unsigned long long)f->size);
    for (size_t i = 0; i < f->n_digests; i++) {
        buf_add_c(out, ' ');
        dump_digest(out, &f->digests[i]);
    }
    if (f->has_broken_digest)
        buf_add_z(out, " broken");
    if (f->has_metadata)
        buf_add_z(out, " metadata");
    if (f->has_metadata_digest) {
        buf_add_c(out, '=');
        dump_digest(out, &f->metadata_digest);
    }
}

static void dump_listing(struct buf *out, const struct simple_listing *l)
{
    if (l->base.p) {
        buf_add_z(out, "base=[");
        escape(l->base, out);
        buf_add_z(out, l->n ? "] | " : "]");
    }
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_add_z(out, " | ");
        dump_file(out, &l->files[i]);
    }
}

/* The listing as text, or "error CODE: SENTENCE". */
static void read_page(enum simple_format format, struct str type, struct str page, size_t piece,
                      struct buf *out)
{
    struct simple_listing l = { .n = 0 };
    struct err e = { 0 };
    struct simple_parser *p = simple_parser_create(format, type, &l);
    int code = 0;

    for (size_t at = 0; !code && at < page.n; at += piece) {
        struct str part = str_sub(page, at, at + piece);
        code = simple_parser_feed(p, part.p, part.n, &e);
    }
    if (!code)
        code = simple_parser_finish(p, &e);
    assert_int_equal(code, e.code);
    if (code)
        buf_add_f(out, "error %s: %s", err_name(code), err_text(&e));
    else
        dump_listing(out, &l);
    simple_parser_destroy(p);
    simple_listing_done(&l);
    err_done(&e);
}

/* An expected error is the start of the sentence. */
static bool as_expected(struct str got, struct str want)
{
    return str_starts(want, STR("error ")) ? str_starts(got, want) : str_eq(got, want);
}

static unsigned check_page(const struct str column[static COLUMNS], unsigned line)
{
    static const size_t pieces[] = { SIZE_MAX / 2, 1, 7 };
    enum simple_format format = str_is(column[0], "json") ? SIMPLE_JSON : SIMPLE_HTML;
    struct buf page = { 0 };
    unsigned failed = 0;

    if (column[2].n && column[2].p[0] == '@') {
        struct buf name = { 0 };
        buf_add_str(&name, str_sub(column[2], 1, column[2].n));
        load(buf_z(&name), &page);
        buf_done(&name);
    } else {
        unescape(column[2], &page);
    }
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct buf got = { 0 };
        read_page(format, column[1], buf_str(&page), pieces[i], &got);
        if (!as_expected(buf_str(&got), column[3])) {
            print_error("pages.case:%u, pieces of %zu:\n  got  %s\n  want %.*s\n", line, pieces[i],
                        buf_z(&got), STR_ARG(column[3]));
            failed++;
        }
        buf_done(&got);
    }
    buf_done(&page);
    return failed;
}

/* Calls `check` for each line of a table with its columns; a missing one is empty. */
static void each_case(const char *name, unsigned (*check)(const struct str *column, unsigned line))
{
    struct buf table = { 0 };
    unsigned line = 0, cases = 0, failed = 0;

    load(name, &table);
    for (struct str rest = buf_str(&table); rest.p;) {
        struct str column[COLUMNS] = { STR("") };
        struct str text = str_cut(rest, '\n', &rest);
        line++;
        if (text.n == 0 || text.p[0] == '#')
            continue;
        for (size_t i = 0; i < COLUMNS && text.p; i++)
            column[i] = str_cut(text, '\t', &text);
        failed += check(column, line);
        cases++;
    }
    buf_done(&table);
    assert_true(cases > 5);
    assert_int_equal(failed, 0);
}

static void test_pages(void **state)
{
    (void)state;
    each_case("pages.case", check_page);
}

static unsigned check_type(const struct str *column, unsigned line)
{
    enum simple_format format = SIMPLE_HTML;
    const char *got = !simple_format_of(column[0], &format) ? "none"
                      : format == SIMPLE_JSON               ? "json"
                                                            : "html";

    if (str_is(column[1], got))
        return 0;
    print_error("types.case:%u: got %s\n", line, got);
    return 1;
}

static void test_types(void **state)
{
    (void)state;
    each_case("types.case", check_type);
}

/* Before, n times `unit`, after. */
static void expect_repeated(enum simple_format format, const char *before, const char *unit,
                            size_t n, const char *after, const char *want)
{
    struct buf page = { 0 }, got = { 0 };

    buf_add_z(&page, before);
    for (size_t i = 0; i < n; i++)
        buf_add_z(&page, unit);
    buf_add_z(&page, after);
    read_page(format, STR(""), buf_str(&page), 64 * 1024, &got);
    if (!as_expected(buf_str(&got), str_of(want)))
        fail_msg("got %.200s, want %s", buf_z(&got), want);
    buf_done(&page);
    buf_done(&got);
}

static void test_limits(void **state)
{
    (void)state;
    const char *one = "{\"files\":[{\"url\":\"", *end = "\"}]}";

    expect_repeated(SIMPLE_JSON, one, "x", LIMIT_LISTING_FIELD_BYTES + 1, end,
                    "error limit: the page has a url of 65537 bytes, at most 65536 are accepted");
    expect_repeated(SIMPLE_JSON, "{\"x\":\"", "x", LIMIT_LISTING_FIELD_BYTES + 1,
                    "\",\"files\":[{\"url\":\"a\"}]}", "a <a>");
    expect_repeated(SIMPLE_JSON, "{\"files\":[{}", ",{\"url\":\"a\"}", LIMIT_LISTING_FILES + 1,
                    "]}", "error limit: the page lists more than 200000 files");
    expect_repeated(SIMPLE_JSON, "{\"x\":", "[", LIMIT_JSON_DEPTH, "",
                    "error limit: the page nests deeper than 64 levels");
    expect_repeated(SIMPLE_JSON, "{\"x\":", "[", LIMIT_JSON_DEPTH - 1, "",
                    "error input: the page ends in the middle, after 68 bytes");
    expect_repeated(SIMPLE_JSON, "", " ", LIMIT_LISTING_BYTES + 1, "",
                    "error limit: the page has more than 67108864 bytes");
    expect_repeated(SIMPLE_HTML, "<a href=\"", "x", LIMIT_LISTING_FIELD_BYTES + 1, "\">",
                    "error limit: the page has a href of 65537 bytes");
    expect_repeated(SIMPLE_HTML, "", "<a href=a></a>", LIMIT_LISTING_FILES + 1, "",
                    "error limit: the page lists more than 200000 files");
    expect_repeated(SIMPLE_HTML, "", "<i>", LIMIT_HTML_DEPTH, "",
                    "error limit: the page nests deeper than 400000 elements");
    expect_repeated(SIMPLE_HTML, "", "<i>", LIMIT_HTML_DEPTH - 2, "<a href=a>", "a <a>");
    expect_repeated(SIMPLE_HTML, "", "<br><p><td><li><a href=>", 2000, "<a href=b>", "b <b>");
    expect_repeated(SIMPLE_HTML, "", "<p><a href=\"\">", 20000, "</i><a href=b>", "b <b>");
    expect_repeated(SIMPLE_HTML, "<i>", "<b></u></p></u></u></u>", LIMIT_MIB, "",
                    "error limit: the page takes too much time to be read as HTML");
    expect_repeated(SIMPLE_HTML, "", "<?", LIMIT_HTML_TAG_BYTES / 2 - 8, "><a href=a>",
                    "error limit: the page takes too much time to be read as HTML");
    expect_repeated(SIMPLE_HTML, "<a ", "x", LIMIT_HTML_TAG_BYTES, ">",
                    "error limit: the page has more than 262144 bytes in one tag or text");
    expect_repeated(SIMPLE_HTML, "<a title='", "x>", LIMIT_HTML_TAG_BYTES, "'>",
                    "error limit: the page has more than 262144 bytes in one tag or text");
    expect_repeated(SIMPLE_HTML, "<!-- ", "x>", LIMIT_HTML_TAG_BYTES / 2 - 99, "--><a href=a>",
                    "a <a>");
    expect_repeated(SIMPLE_HTML, "<script>", "x> ", LIMIT_HTML_TAG_BYTES / 4, "</script><a href=a>",
                    "a <a>");
}

/* The reader hands text to libxml2 in blocks: a page must read the same wherever a block ends in
 * it. */
static void test_block_ends(void **state)
{
    const struct str page =
        STR("<!DOCTYPE html><html><head><base href=\"/x/\"></head><body>\n<a href='a.zip#md5="
            "0123456789abcdef0123456789abcdef' data-requires-python=\">=3.8\">a&lt;b\xc3\xbc</a>"
            "<!-- <a href=no> --><script>\"<a href=no>\"</script><a title=it's href=b>b</a><?x?>"
            "</body>"
            "</html>\n<a href=c data-yanked=\"'>'\">c");
    enum { BLOCK_BYTES = 16 * 1024 };
    struct buf want = { 0 };

    (void)state;
    read_page(SIMPLE_HTML, STR(""), page, page.n, &want);
    assert_int_equal(str_find(buf_str(&want), 'c') > 0, true);
    for (size_t before = BLOCK_BYTES - page.n - 8; before <= BLOCK_BYTES + 8; before++) {
        struct buf padded = { 0 }, got = { 0 };
        for (size_t i = 0; i < before; i++)
            buf_add_c(&padded, i % 97 ? ' ' : '>');
        buf_add_str(&padded, page);
        read_page(SIMPLE_HTML, STR(""), buf_str(&padded), 1000, &got);
        assert_string_equal(buf_z(&got), buf_z(&want));
        buf_done(&padded);
        buf_done(&got);
    }
    buf_done(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_block_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
