/* digest.h: message digests as package indexes use them (PEP 503 fragments, PEP 691 `hashes`, pip's
 * --hash). Computed by OpenSSL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/util/str.h"

/* algorithm, name, bytes; strongest first (the order in which one is chosen to be shown) */
#define DIGEST_ALGS(X)                                                                             \
    X(SHA512, "sha512", 64)                                                                        \
    X(SHA384, "sha384", 48)                                                                        \
    X(SHA256, "sha256", 32)                                                                        \
    X(SHA224, "sha224", 28)                                                                        \
    X(SHA1, "sha1", 20)                                                                            \
    X(MD5, "md5", 16)

enum digest_alg {
#define DIGEST_ENUM(alg, name, bytes) DIGEST_##alg,
    DIGEST_ALGS(DIGEST_ENUM)
#undef DIGEST_ENUM
        DIGEST_COUNT
};

enum { DIGEST_MAX_BYTES = 64, DIGEST_HEX_SIZE = 2 * DIGEST_MAX_BYTES + 1 };

struct digest {
    enum digest_alg alg;
    uint8_t bytes[DIGEST_MAX_BYTES]; /* the first digest_size(alg) count, the rest is zero */
};

/* Bytes of a digest of `alg`. */
size_t digest_size(enum digest_alg alg);
const char *digest_name(enum digest_alg alg);
/* By its exact lower-case name; false when it is none of ours. */
bool digest_alg_parse(struct str name, enum digest_alg *out);
/* Hexadecimal of exactly the right length, either case; false otherwise. */
bool digest_parse(enum digest_alg alg, struct str hex, struct digest *out);
bool digest_eq(const struct digest *a, const struct digest *b);
/* Lower-case hexadecimal and NUL into `out`; returns out. */
const char *digest_hex(const struct digest *d, char out[static DIGEST_HEX_SIZE]);

/* Of all of `s`. */
struct digest digest_compute(enum digest_alg alg, struct str s);
struct digest digest_sha256(struct str s);

/* Several digests of one stream in one pass. */
struct hasher {
    void *ctx[DIGEST_COUNT]; /* EVP_MD_CTX, NULL where not asked for */
};

/* `algs` is a set: bit (1u << alg) for each. */
void hasher_init(struct hasher *h, unsigned algs);
void hasher_done(struct hasher *h);
void hasher_add(struct hasher *h, const void *bytes, size_t n);
/* Ends the streams: the digest of each algorithm that was asked for, at out[alg]; the others are
 * left alone. */
void hasher_finish(struct hasher *h, struct digest out[static DIGEST_COUNT]);
