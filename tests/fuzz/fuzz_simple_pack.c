/* A packed listing from anywhere: refused, or all its strings lie inside, and packed again it is
 * the same listing. Each input is read as it is and with its checksum put right, without which
 * hardly any would be looked at. */
#include "dray/py/simple_pack.h"

#include <stdlib.h>

#include "dray/util/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_check(bool holds)
{
    if (!holds)
        abort();
}

static void check_same(struct str a, struct str b, struct str inside)
{
    fuzz_check(str_eq(a, b) && (a.p == NULL) == (b.p == NULL));
    fuzz_check(!a.p || (a.p >= inside.p && a.p + a.n <= inside.p + inside.n));
}

static void check_file(const struct simple_file *a, const struct simple_file *b, struct str bytes)
{
    check_same(a->url, b->url, bytes);
    check_same(a->filename, b->filename, bytes);
    check_same(a->requires_python, b->requires_python, bytes);
    check_same(a->yanked_reason, b->yanked_reason, bytes);
    check_same(a->upload_time, b->upload_time, bytes);
    fuzz_check(a->size == b->size && a->n_digests == b->n_digests);
    for (size_t i = 0; i < a->n_digests; i++)
        fuzz_check(digest_eq(&a->digests[i], &b->digests[i]));
    fuzz_check(a->yanked == b->yanked && a->yanked == (a->yanked_reason.p != NULL));
    fuzz_check(a->has_broken_digest == b->has_broken_digest);
    fuzz_check(a->has_metadata == b->has_metadata);
    fuzz_check(a->has_metadata_digest == b->has_metadata_digest);
    fuzz_check(!a->has_metadata_digest || digest_eq(&a->metadata_digest, &b->metadata_digest));
}

static void check_again(const struct simple_listing *l, struct str bytes)
{
    struct simple_listing again = { .n = 0 };
    struct buf packed = { 0 };
    struct err e = { 0 };

    simple_pack(l, &packed);
    fuzz_check(simple_unpack(buf_str(&packed), &again, &e) == 0 && again.n == l->n);
    check_same(l->base, again.base, bytes);
    for (size_t i = 0; i < l->n; i++)
        check_file(&l->files[i], &again.files[i], bytes);
    simple_listing_done(&again);
    buf_done(&packed);
}

static void unpack(struct str bytes)
{
    struct simple_listing l = { .n = 0 };
    struct err e = { 0 };
    int code = simple_unpack(bytes, &l, &e);

    fuzz_check(code == e.code && (code == 0 || code == ERR_INPUT || code == ERR_LIMIT));
    if (!code)
        check_again(&l, bytes);
    simple_listing_done(&l);
    err_done(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = mem_new(1, size ? size : 1);

    unpack((struct str){ (const char *)data, size });
    if (size)
        memcpy(copy, data, size);
    simple_pack_seal(copy, size);
    unpack((struct str){ copy, size });
    free(copy);
    return 0;
}
