/* Packed listings: what was packed comes back, field by field, from all pages of tests/data/simple
 * and from made-up listings; what is damaged (tests/data/simple_pack) is refused, and never leads
 * outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "dray/py/simple_pack.h"
#include "dray/util/mem.h"

static void load(const char *name, struct buf *out)
{
    struct buf path = { 0 };
    struct err e = { 0 };

    buf_add_f(&path, "%s/simple/%s", TEST_DATA, name);
    if (file_read(buf_z(&path), LIMIT_CONFIG_BYTES, out, &e))
        fail_msg("%s", err_text(&e));
    buf_done(&path);
}

static void assert_same_str(struct str a, struct str b)
{
    assert_true(str_eq(a, b));
    assert_true((a.p == NULL) == (b.p == NULL));
}

static void assert_inside(struct str s, struct str bytes)
{
    if (s.p)
        assert_true(s.p >= bytes.p && s.p + s.n <= bytes.p + bytes.n);
}

static void assert_same_file(const struct simple_file *a, const struct simple_file *b)
{
    assert_same_str(a->filename, b->filename);
    assert_same_str(a->url, b->url);
    assert_same_str(a->requires_python, b->requires_python);
    assert_same_str(a->yanked_reason, b->yanked_reason);
    assert_same_str(a->upload_time, b->upload_time);
    assert_int_equal(a->n_digests, b->n_digests);
    assert_true((a->digests == NULL) == (b->digests == NULL));
    for (size_t i = 0; i < a->n_digests; i++)
        assert_memory_equal(&a->digests[i], &b->digests[i], sizeof(a->digests[i]));
    assert_true(a->size == b->size);
    assert_int_equal(a->yanked, b->yanked);
    assert_int_equal(a->has_broken_digest, b->has_broken_digest);
    assert_int_equal(a->has_metadata, b->has_metadata);
    assert_int_equal(a->has_metadata_digest, b->has_metadata_digest);
    if (a->has_metadata_digest)
        assert_memory_equal(&a->metadata_digest, &b->metadata_digest, sizeof(a->metadata_digest));
}

static void assert_all_inside(const struct simple_listing *l, struct str bytes)
{
    assert_inside(l->base, bytes);
    for (size_t i = 0; i < l->n; i++) {
        assert_inside(l->files[i].filename, bytes);
        assert_inside(l->files[i].url, bytes);
        assert_inside(l->files[i].requires_python, bytes);
        assert_inside(l->files[i].yanked_reason, bytes);
        assert_inside(l->files[i].upload_time, bytes);
    }
}

/* Packed behind other bytes, and read from an odd address on the heap. */
static void assert_round_trip(const struct simple_listing *l)
{
    struct simple_listing back = { .n = 0 };
    struct buf packed = { 0 };
    struct err e = { 0 };

    buf_add_c(&packed, '?');
    simple_pack(l, &packed);
    char *copy = mem_new(1, packed.n);
    memcpy(copy, packed.p, packed.n);
    struct str bytes = { copy + 1, packed.n - 1 };
    if (simple_unpack(bytes, &back, &e))
        fail_msg("%s", err_text(&e));
    assert_int_equal(back.n, l->n);
    assert_same_str(back.base, l->base);
    for (size_t i = 0; i < l->n; i++)
        assert_same_file(&l->files[i], &back.files[i]);
    assert_all_inside(&back, bytes);
    simple_listing_done(&back);
    buf_done(&packed);
    free(copy);
}

static int read_page(enum simple_format format, struct str type, struct str page,
                     struct simple_listing *out)
{
    struct err e = { 0 };
    struct simple_parser *p = simple_parser_create(format, type, out);
    int code = simple_parser_feed(p, page.p, page.n, &e);

    if (!code)
        code = simple_parser_finish(p, &e);
    simple_parser_destroy(p);
    err_done(&e);
    return code;
}

/* "\xHH" becomes that byte, as in test_simple.c. */
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

/* Returns how many files came back from one line of pages.case. */
static size_t round_trip_of_line(struct str line)
{
    struct simple_listing l = { .n = 0 };
    struct buf page = { 0 };
    struct str rest, kind = str_cut(line, '\t', &rest);
    struct str type = str_cut(rest, '\t', &rest), text = str_cut(rest, '\t', &rest);
    enum simple_format format = str_is(kind, "json") ? SIMPLE_JSON : SIMPLE_HTML;

    if (text.n && text.p[0] == '@') {
        struct buf name = { 0 };
        buf_add_str(&name, str_sub(text, 1, text.n));
        load(buf_z(&name), &page);
        buf_done(&name);
    } else {
        unescape(text, &page);
    }
    size_t files = 0;
    if (read_page(format, type, buf_str(&page), &l) == 0) {
        assert_round_trip(&l);
        files = l.n;
    }
    simple_listing_done(&l);
    buf_done(&page);
    return files;
}

static void test_pages(void **state)
{
    struct buf table = { 0 };
    size_t files = 0;

    (void)state;
    load("pages.case", &table);
    struct str rest = buf_str(&table);
    while (rest.p) {
        struct str line = str_cut(rest, '\n', &rest);
        if (line.n && line.p[0] != '#')
            files += round_trip_of_line(line);
    }
    assert_true(files >= 100);
    buf_done(&table);
}

static unsigned next_number(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

/* From a few words, so that many are equal, and one in eight is absent. */
static struct str made_up(struct simple_listing *l, unsigned *seed, bool may_lack)
{
    unsigned kind = next_number(seed, 8);

    if (kind == 0)
        return may_lack ? STR_NONE : STR("");
    if (kind == 1)
        return STR("");
    if (kind < 4)
        return arena_f(&l->arena, ">=3.%u", next_number(seed, 5));
    return arena_f(&l->arena, "https://files.example.org/%u/made-%u.whl", *seed % 97,
                   next_number(seed, 100000));
}

static void made_up_digest(unsigned *seed, enum digest_alg alg, struct digest *out)
{
    out->alg = alg;
    for (size_t i = 0; i < digest_size(alg); i++)
        out->bytes[i] = (uint8_t)next_number(seed, 256);
}

static void made_up_file(struct simple_listing *l, unsigned *seed, struct simple_file *f)
{
    f->url = made_up(l, seed, true);
    f->filename =
        next_number(seed, 3) ? str_sub(f->url, f->url.n / 2, f->url.n) : made_up(l, seed, true);
    f->requires_python = made_up(l, seed, true);
    f->yanked_reason = made_up(l, seed, true);
    f->yanked = f->yanked_reason.p != NULL;
    f->upload_time = made_up(l, seed, true);
    f->size = next_number(seed, 4) ? (uint64_t)*seed << (*seed % 33) : SIMPLE_SIZE_UNKNOWN;
    f->has_broken_digest = next_number(seed, 2);
    f->has_metadata = next_number(seed, 2);
    f->has_metadata_digest = f->has_metadata && next_number(seed, 2);
    if (f->has_metadata_digest)
        made_up_digest(seed, (enum digest_alg)next_number(seed, DIGEST_COUNT), &f->metadata_digest);
    f->n_digests = next_number(seed, DIGEST_COUNT + 1);
    f->digests = f->n_digests ? arena_alloc(&l->arena, f->n_digests, sizeof(*f->digests)) : NULL;
    for (size_t i = 0; i < f->n_digests; i++)
        made_up_digest(seed, (enum digest_alg)((i + *seed % 2) % DIGEST_COUNT), &f->digests[i]);
}

static void test_made_up(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (size_t n = 0; n < 120; n++) {
        struct simple_listing l = { .n = n, .cap = n };
        l.base = made_up(&l, &seed, true);
        l.files = n ? mem_new(n, sizeof(*l.files)) : NULL;
        for (size_t i = 0; i < n; i++)
            made_up_file(&l, &seed, &l.files[i]);
        assert_round_trip(&l);
        simple_listing_done(&l);
    }
}

/* The numbers of algorithms are those of stored files. */
static void test_layout(void **state)
{
    struct simple_listing l = { .n = 1 };
    struct simple_file f = { .size = SIMPLE_SIZE_UNKNOWN, .n_digests = DIGEST_COUNT };
    struct buf packed = { 0 };
    static const unsigned char sizes[] = { 64, 48, 32, 28, 20, 16 };

    (void)state;
    f.digests = arena_alloc(&l.arena, DIGEST_COUNT, sizeof(*f.digests));
    for (unsigned i = 0; i < DIGEST_COUNT; i++)
        f.digests[i].alg = (enum digest_alg)i;
    l.files = &f;
    simple_pack(&l, &packed);
    const char *p = packed.p + 44 + 52;
    for (unsigned i = 0; i < sizeof(sizes); i++) {
        assert_int_equal(*p, i + 1);
        p += 1 + sizes[i];
    }
    assert_ptr_equal(p, packed.p + packed.n);
    assert_memory_equal(packed.p, "draylist", 8);
    buf_done(&packed);
    arena_done(&l.arena);
}

/* What stands there again and again is stored once. */
static void test_shares(void **state)
{
    struct simple_listing l = { .n = 1000 };
    struct buf packed = { 0 };

    (void)state;
    l.files = mem_new(l.n, sizeof(*l.files));
    for (size_t i = 0; i < l.n; i++) {
        l.files[i].url = STR("https://files.example.org/a-1.0.whl");
        l.files[i].filename = STR("a-1.0.whl");
        l.files[i].requires_python = i % 2 ? STR(">=3.10") : STR(">=3.8,!=3.9.*");
        l.files[i].yanked_reason = STR("a long story");
        l.files[i].yanked = true;
        l.files[i].upload_time = STR("2024-01-02T03:04:05Z");
    }
    simple_pack(&l, &packed);
    assert_int_equal(packed.n, 44 + l.n * (52 + l.files[0].url.n) + 6 + 13 + 12 + 20);
    buf_done(&packed);
    simple_listing_done(&l);
}

static void test_caps(void **state)
{
    struct simple_listing l = { .n = LIMIT_LISTING_FILES + 1 }, back = { .n = 0 };
    struct buf packed = { 0 }, text = { 0 };
    struct err e = { 0 };

    (void)state;
    l.files = mem_new(l.n, sizeof(*l.files));
    simple_pack(&l, &packed);
    assert_int_equal(simple_unpack(buf_str(&packed), &back, &e), ERR_LIMIT);
    simple_listing_done(&back);
    l.n--;
    assert_round_trip(&l);

    while (text.n < LIMIT_LISTING_FIELD_BYTES)
        buf_add_c(&text, 'x');
    l.n = 1;
    l.files[0].requires_python = buf_str(&text);
    assert_round_trip(&l);
    buf_add_c(&text, 'x');
    l.files[0].requires_python = buf_str(&text);
    buf_reset(&packed);
    simple_pack(&l, &packed);
    assert_int_equal(simple_unpack(buf_str(&packed), &back, &e), ERR_LIMIT);
    simple_listing_done(&back);
    err_done(&e);
    buf_done(&packed);
    buf_done(&text);
    simple_listing_done(&l);
}

/* -- Damage -- */

static void pack_project(struct buf *out)
{
    struct simple_listing l = { .n = 0 };
    struct buf page = { 0 };

    load("project.json", &page);
    assert_int_equal(read_page(SIMPLE_JSON, STR(""), buf_str(&page), &l), 0);
    simple_pack(&l, out);
    simple_listing_done(&l);
    buf_done(&page);
}

static int unpack(struct str bytes, struct err *e)
{
    struct simple_listing l = { .n = 0 };
    char *copy = mem_new(1, bytes.n + 1); /* so that reading beyond the end is noticed */

    memcpy(copy, bytes.p, bytes.n);
    char *tight = mem_resize(copy, bytes.n ? bytes.n : 1, 1);
    int code = simple_unpack((struct str){ tight, bytes.n }, &l, e);
    assert_int_equal(code, e->code);
    if (!code)
        assert_all_inside(&l, (struct str){ tight, bytes.n });
    simple_listing_done(&l);
    free(tight);
    return code;
}

/* "44 ff00": at this offset these bytes; "-" for none. */
static void apply(struct case_line *c, struct buf *packed, struct str patch)
{
    struct str hex, offset = str_cut(str_trim(patch), ' ', &hex);
    uint64_t at = 0;

    case_check(c, str_to_u64(offset, packed->n, &at));
    for (size_t i = 0; i + 1 < hex.n && at < packed->n; i += 2)
        packed->p[at++] = (char)(case_hex(hex.p[i]) * 16 + case_hex(hex.p[i + 1]));
}

static void check_damage(struct case_line *c, void *ctx)
{
    struct buf packed = { 0 };
    struct err e = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 4))
        return;
    pack_project(&packed);
    for (struct str rest = c->fields[0]; rest.p;)
        apply(c, &packed, str_cut(rest, ',', &rest));
    if (str_is(c->fields[1], "sealed"))
        simple_pack_seal(packed.p, packed.n);
    int code = unpack(buf_str(&packed), &e);
    case_equal(c, str_of(err_name(code)), c->fields[2]);
    case_contains(c, str_of(err_text(&e)), c->fields[3]);
    err_done(&e);
    buf_done(&packed);
}

static void test_damage(void **state)
{
    (void)state;
    assert_true(case_each("simple_pack/damage.case", 40, check_damage, NULL));
}

static void test_cut_and_grown(void **state)
{
    struct buf packed = { 0 };
    struct err e = { 0 };

    (void)state;
    pack_project(&packed);
    for (size_t n = 0; n < packed.n; n++)
        assert_int_equal(unpack(str_sub(buf_str(&packed), 0, n), &e), ERR_INPUT);
    buf_add_c(&packed, '\0');
    assert_int_equal(unpack(buf_str(&packed), &e), ERR_INPUT);
    err_done(&e);
    buf_done(&packed);
}

/* Unsealed each is refused; sealed it may pass, but nothing leads outside. */
static void test_flipped_bits(void **state)
{
    struct buf packed = { 0 };
    unsigned passed = 0;

    (void)state;
    pack_project(&packed);
    for (size_t bit = 0; bit < 8 * packed.n; bit++) {
        struct err e = { 0 };
        struct buf damaged = { 0 };
        buf_add_str(&damaged, buf_str(&packed));
        damaged.p[bit / 8] = (char)(damaged.p[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(unpack(buf_str(&damaged), &e), ERR_INPUT);
        err_done(&e);
        simple_pack_seal(damaged.p, damaged.n);
        passed += unpack(buf_str(&damaged), &e) == 0;
        err_done(&e);
        buf_done(&damaged);
    }
    assert_true(passed > packed.n && passed < 8 * packed.n);
    buf_done(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),         cmocka_unit_test(test_made_up),
        cmocka_unit_test(test_layout),        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_caps),          cmocka_unit_test(test_damage),
        cmocka_unit_test(test_cut_and_grown), cmocka_unit_test(test_flipped_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
