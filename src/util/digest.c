#include "dray/util/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

static const struct {
    const char *name;
    size_t bytes;
    const char *openssl_name;
} table[] = {
    [DIGEST_SHA512] = { "sha512", 64, "SHA512" }, [DIGEST_SHA384] = { "sha384", 48, "SHA384" },
    [DIGEST_SHA256] = { "sha256", 32, "SHA256" }, [DIGEST_SHA224] = { "sha224", 28, "SHA224" },
    [DIGEST_SHA1] = { "sha1", 20, "SHA1" },       [DIGEST_MD5] = { "md5", 16, "MD5" },
};

size_t digest_size(enum digest_alg alg)
{
    return table[alg].bytes;
}

const char *digest_name(enum digest_alg alg)
{
    return table[alg].name;
}

bool digest_alg_parse(struct str name, enum digest_alg *out)
{
    for (int i = 0; i < DIGEST_COUNT; i++) {
        if (str_is(name, table[i].name)) {
            *out = (enum digest_alg)i;
            return true;
        }
    }
    return false;
}

static int hex_value(char c)
{
    if (str_isdigit(c))
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_parse(enum digest_alg alg, struct str hex, struct digest *out)
{
    struct digest d = { .alg = alg };

    if (hex.n != 2 * table[alg].bytes)
        return false;
    for (size_t i = 0; i < table[alg].bytes; i++) {
        int high = hex_value(hex.p[2 * i]), low = hex_value(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        d.bytes[i] = (uint8_t)(high * 16 + low);
    }
    *out = d;
    return true;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return a->alg == b->alg && memcmp(a->bytes, b->bytes, table[a->alg].bytes) == 0;
}

const char *digest_hex(const struct digest *d, char out[static DIGEST_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = table[d->alg].bytes;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[d->bytes[i] >> 4];
        out[2 * i + 1] = digits[d->bytes[i] & 15];
    }
    out[2 * n] = '\0';
    return out;
}

/* OpenSSL refuses an algorithm only where policy forbids it (MD5 in FIPS mode); dray can't keep its
 * promise to verify then, and stops. */
static void must(int ok)
{
    if (!ok)
        abort();
}

/* Looked up once: for what is short that takes longer than to hash it. */
static const EVP_MD *md_of(int alg)
{
    static EVP_MD *fetched[DIGEST_COUNT];

    if (!fetched[alg])
        fetched[alg] = EVP_MD_fetch(NULL, table[alg].openssl_name, NULL);
    return fetched[alg];
}

void hasher_init(struct hasher *h, unsigned algs)
{
    *h = (struct hasher){ { NULL } };
    for (int i = 0; i < DIGEST_COUNT; i++) {
        if (!(algs & (1u << i)))
            continue;
        h->ctx[i] = EVP_MD_CTX_new();
        must(h->ctx[i] && EVP_DigestInit_ex(h->ctx[i], md_of(i), NULL));
    }
}

void hasher_done(struct hasher *h)
{
    if (!h)
        return;
    for (int i = 0; i < DIGEST_COUNT; i++)
        EVP_MD_CTX_free(h->ctx[i]);
    *h = (struct hasher){ { NULL } };
}

void hasher_add(struct hasher *h, const void *bytes, size_t n)
{
    for (int i = 0; i < DIGEST_COUNT; i++)
        if (h->ctx[i])
            must(EVP_DigestUpdate(h->ctx[i], bytes, n));
}

void hasher_finish(struct hasher *h, struct digest out[static DIGEST_COUNT])
{
    for (int i = 0; i < DIGEST_COUNT; i++) {
        if (!h->ctx[i])
            continue;
        out[i] = (struct digest){ .alg = (enum digest_alg)i };
        must(EVP_DigestFinal_ex(h->ctx[i], out[i].bytes, NULL));
    }
    hasher_done(h);
}

struct digest digest_compute(enum digest_alg alg, struct str s)
{
    struct digest all[DIGEST_COUNT];
    struct hasher h;

    hasher_init(&h, 1u << alg);
    hasher_add(&h, s.p, s.n);
    hasher_finish(&h, all);
    hasher_done(&h);
    return all[alg];
}

struct digest digest_sha256(struct str s)
{
    return digest_compute(DIGEST_SHA256, s);
}
