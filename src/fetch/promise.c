#include "dray/fetch/promise.h"

/* The strongest of the index's digests, NULL without any. The enum is in that order. */
static const struct digest *strongest(const struct promise *p)
{
    const struct digest *best = NULL;

    for (size_t i = 0; i < p->n_listed; i++)
        if (!best || p->listed[i].alg < best->alg)
            best = &p->listed[i];
    return best;
}

unsigned promise_algs(const struct promise *p)
{
    const struct digest *listed = strongest(p);
    unsigned algs = 1u << DIGEST_SHA256;

    if (listed)
        algs |= 1u << listed->alg;
    for (size_t i = 0; i < p->n_allowed; i++)
        algs |= 1u << p->allowed[i].alg;
    return algs;
}

const struct digest *promise_sha256(const struct promise *p)
{
    for (size_t i = 0; i < p->n_listed; i++)
        if (p->listed[i].alg == DIGEST_SHA256)
            return &p->listed[i];
    /* Of several that are allowed, any one will do. */
    return p->n_allowed == 1 && p->allowed[0].alg == DIGEST_SHA256 ? &p->allowed[0] : NULL;
}

void promise_name(const struct promise *p, struct str url, struct buf *out)
{
    const struct digest *sha256 = promise_sha256(p);
    char hex[DIGEST_HEX_SIZE];

    if (sha256)
        buf_add_f(out, "sha256 %s", digest_hex(sha256, hex));
    else
        buf_add_f(out, "url %.*s", STR_ARG(url));
}

bool promise_has_digest(const struct promise *p)
{
    return p->n_allowed || p->n_listed;
}

static void add_expected(struct buf *out, const struct digest *wanted, size_t n)
{
    char hex[DIGEST_HEX_SIZE];

    for (size_t i = 0; i < n; i++)
        buf_add_f(out, "\n    %s %s %s", i ? "      or" : "Expected", digest_name(wanted[i].alg),
                  digest_hex(&wanted[i], hex));
}

/* One "Got" for each algorithm among the expected ones. */
static void add_got(struct buf *out, const struct digest *wanted, size_t n,
                    const struct digest *got)
{
    char hex[DIGEST_HEX_SIZE];
    unsigned told = 0;

    for (size_t i = 0; i < n; i++) {
        enum digest_alg alg = wanted[i].alg;
        if (!(told & (1u << alg)))
            buf_add_f(out, "\n         Got %s %s", digest_name(alg), digest_hex(&got[alg], hex));
        told |= 1u << alg;
    }
}

static int mismatch(struct err *e, const char *what, const struct buf *detail)
{
    return err_set(e, ERR_HASH, "%s%s", what, buf_z(detail));
}

static int check_allowed(const struct promise *p, const struct digest *got, struct err *e)
{
    struct buf detail = { 0 };

    for (size_t i = 0; i < p->n_allowed; i++)
        if (digest_eq(&p->allowed[i], &got[p->allowed[i].alg]))
            return 0;
    add_expected(&detail, p->allowed, p->n_allowed);
    add_got(&detail, p->allowed, p->n_allowed, got);
    int code = mismatch(e, "the file has none of the hashes that the requirement allows", &detail);
    buf_done(&detail);
    return code;
}

static int check_listed(const struct digest *wanted, const struct digest *got, struct err *e)
{
    struct buf detail = { 0 };

    if (digest_eq(wanted, &got[wanted->alg]))
        return 0;
    add_expected(&detail, wanted, 1);
    add_got(&detail, wanted, 1, got);
    int code = mismatch(e, "the file is not the one that the index promises", &detail);
    buf_done(&detail);
    return code;
}

int promise_check(const struct promise *p, const struct digest *got, struct err *e)
{
    const struct digest *listed = strongest(p);
    char hex[DIGEST_HEX_SIZE];

    if (listed && check_listed(listed, got, e))
        return e->code;
    if (p->n_allowed)
        return check_allowed(p, got, e);
    if (p->need_allowed)
        return err_set(
            e, ERR_NO_HASH,
            "hashes are required, and the requirement has none; if you trust this file, add\n"
            "    --hash=sha256:%s",
            digest_hex(&got[DIGEST_SHA256], hex));
    return 0;
}

/* The listed digest of `alg`, or NULL. */
static const struct digest *listed_as(const struct promise *p, enum digest_alg alg)
{
    for (size_t i = 0; i < p->n_listed; i++)
        if (p->listed[i].alg == alg)
            return &p->listed[i];
    return NULL;
}

int promise_check_early(const struct promise *p, struct err *e)
{
    struct digest got[DIGEST_COUNT] = { 0 };

    for (size_t i = 0; i < p->n_allowed; i++) {
        const struct digest *listed = listed_as(p, p->allowed[i].alg);
        if (!listed || digest_eq(listed, &p->allowed[i]))
            return 0; /* can be met, or can't be told yet */
        got[listed->alg] = *listed;
    }
    if (p->n_allowed)
        return check_allowed(p, got, e);
    const struct digest *sha256 = listed_as(p, DIGEST_SHA256);
    if (!p->need_allowed || !sha256)
        return 0;
    got[DIGEST_SHA256] = *sha256;
    return promise_check(&(struct promise){ .need_allowed = true }, got, e);
}
