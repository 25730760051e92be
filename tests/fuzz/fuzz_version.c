/* Two lines, two versions. The normalised text is the same version, and the order is one. */
#include <stdlib.h>

#include "dray/py/version.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static bool parse(struct arena *a, struct str text, struct version *out)
{
    struct err e = { 0 };
    int code = version_parse(a, text, out, &e);

    require(code == e.code && (code == 0) == (e.text == NULL));
    err_done(&e);
    return code == 0;
}

static void check_one(struct arena *a, const struct version *v)
{
    struct version again;
    struct str end = version_series_end(a, v, 0);

    require(str_starts(v->key, v->public_key) && str_starts(v->public_key, v->release_key));
    require(v->local == (v->key.n > v->public_key.n) && (v->pre || !v->dev));
    require(str_cmp(v->release_key, end) < 0 && str_cmp(v->key, end) < 0);
    require(!version_below(v, v) && !version_above(v, v));
    /* The implied zeros may take the normalised text above the cap. */
    if (!parse(a, v->text, &again))
        require(v->text.n > LIMIT_VERSION_BYTES);
    else
        require(str_eq(again.text, v->text) && str_eq(again.key, v->key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct str rest, line = str_cut((struct str){ (const char *)data, size }, '\n', &rest);
    struct version x, y;

    bool both = parse(&a, line, &x);
    if (both)
        check_one(&a, &x);
    both = parse(&a, rest, &y) && both;
    if (both) {
        int order = version_cmp(&x, &y);
        require((order < 0) == (version_cmp(&y, &x) > 0) && (order == 0) == str_eq(x.key, y.key));
        require(order == 0 || !str_eq(x.text, y.text));
        require(order < 0 || !version_below(&x, &y));
        require(order > 0 || !version_above(&x, &y));
        require(str_cmp(x.release_key, y.release_key) * order >= 0);
    }
    arena_done(&a);
    return 0;
}
