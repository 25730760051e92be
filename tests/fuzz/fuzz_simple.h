/* fuzz_simple.h: what the two targets for index pages check. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "dray/py/simple.h"
#include "dray/util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_check(bool holds)
{
    if (!holds)
        abort();
}

/* In pieces of 1 to 23 bytes. */
static int fuzz_read(enum simple_format format, struct str type, struct str page, unsigned seed,
                     struct simple_listing *out)
{
    struct err e = { 0 };
    struct simple_parser *p = simple_parser_create(format, type, out);
    int code = 0;

    for (size_t at = 0, n; !code && at < page.n; at += n) {
        struct buf piece = { 0 }; /* on the heap, so that reading beyond it is noticed */
        seed = seed * 1103515245u + 12345u;
        n = seed % 23 + 1 < page.n - at ? seed % 23 + 1 : page.n - at;
        buf_add(&piece, page.p + at, n);
        code = simple_parser_feed(p, piece.p, n, &e);
        buf_done(&piece);
    }
    if (!code)
        code = simple_parser_finish(p, &e);
    fuzz_check(code == e.code);
    simple_parser_destroy(p);
    err_done(&e);
    return code;
}

static int fuzz_read_whole(enum simple_format format, struct str type, struct str page,
                           struct simple_listing *out)
{
    struct err e = { 0 };
    struct simple_parser *p = simple_parser_create(format, type, out);

    int code = simple_parser_feed(p, page.p, page.n, &e);
    if (!code)
        code = simple_parser_finish(p, &e);
    fuzz_check(code == e.code && (code == 0) == (err_text(&e)[0] == '\0'));
    simple_parser_destroy(p);
    err_done(&e);
    return code;
}

static void fuzz_check_file(const struct simple_file *a, const struct simple_file *b)
{
    fuzz_check(str_eq(a->url, b->url) && str_eq(a->filename, b->filename));
    fuzz_check(str_find(a->url, '#') < 0 && str_find(a->filename, '/') < 0);
    fuzz_check(a->filename.n <= a->url.n);
    fuzz_check(str_eq(a->requires_python, b->requires_python) && a->size == b->size);
    fuzz_check(a->yanked == b->yanked && a->yanked == (a->yanked_reason.p != NULL));
    fuzz_check(str_eq(a->yanked_reason, b->yanked_reason));
    fuzz_check(a->n_digests == b->n_digests && a->n_digests <= DIGEST_COUNT);
    for (size_t i = 0; i < a->n_digests; i++)
        fuzz_check(digest_eq(&a->digests[i], &b->digests[i]));
    fuzz_check(a->has_broken_digest == b->has_broken_digest);
    fuzz_check(a->has_metadata == b->has_metadata);
    fuzz_check(a->has_metadata_digest == b->has_metadata_digest);
    fuzz_check(a->has_metadata || !a->has_metadata_digest);
}

static void fuzz_simple(enum simple_format format, struct str type, const uint8_t *data,
                        size_t size)
{
    struct str page = { (const char *)data, size };
    struct simple_listing whole = { .n = 0 }, pieces = { .n = 0 };

    int code = fuzz_read_whole(format, type, page, &whole);
    fuzz_check(code == fuzz_read(format, type, page, (unsigned)size, &pieces));
    if (!code) {
        fuzz_check(whole.n == pieces.n && str_eq(whole.base, pieces.base));
        for (size_t i = 0; i < whole.n; i++)
            fuzz_check_file(&whole.files[i], &pieces.files[i]);
    }
    simple_listing_done(&whole);
    simple_listing_done(&pieces);
}
