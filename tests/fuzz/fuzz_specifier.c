/* Three lines: a version, and two sets. The canonical text is the same set, and "and" is what it
 * says. */
#include <stdlib.h>

#include "dray/py/specifier.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static bool parse(struct arena *a, struct str text, struct specifier_set *out)
{
    struct err e = { 0 };
    int code = specifier_set_parse(a, text, out, &e);

    require(code == e.code && (code == 0) == (e.text == NULL));
    err_done(&e);
    return code == 0;
}

static void check_same(const struct specifier_set *x, const struct specifier_set *y,
                       const struct version *v)
{
    require(x->n == y->n && str_eq(x->text, y->text));
    require(specifier_set_wants_pre(x) == specifier_set_wants_pre(y));
    require(specifier_set_is_pinned(x) == specifier_set_is_pinned(y));
    require(specifier_set_contains(x, v) == specifier_set_contains(y, v));
}

/* What an operator is in terms of the others. */
static void check_one(const struct specifier *s, const struct version *v)
{
    struct specifier flipped = *s;
    struct specifier_set one = { s, 1, s->text }, other = { &flipped, 1, s->text };
    bool in = specifier_set_contains(&one, v);

    if (s->op == SPECIFIER_EQ || s->op == SPECIFIER_NE) {
        flipped.op = s->op == SPECIFIER_EQ ? SPECIFIER_NE : SPECIFIER_EQ;
        require(in != specifier_set_contains(&other, v));
    } else if (s->op == SPECIFIER_LT || s->op == SPECIFIER_GT) {
        flipped.op = s->op == SPECIFIER_LT ? SPECIFIER_GE : SPECIFIER_LE;
        require(!in || !specifier_set_contains(&other, v));
    } else if (s->op == SPECIFIER_COMPATIBLE) {
        flipped.op = SPECIFIER_GE;
        require(!in || specifier_set_contains(&other, v));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct str rest, line = str_cut((struct str){ (const char *)data, size }, '\n', &rest);
    struct specifier_set x, y, again;
    struct version v;

    if (version_parse(&a, line, &v, &e))
        version_parse(&a, STR("1.0"), &v, &e);
    line = str_cut(rest, '\n', &rest);
    if (parse(&a, line, &x) && parse(&a, rest, &y)) {
        struct specifier_set both = specifier_set_and(&a, &x, &y);
        require(specifier_set_contains(&both, &v) ==
                (specifier_set_contains(&x, &v) && specifier_set_contains(&y, &v)));
        require(parse(&a, both.text, &again) || both.text.n > LIMIT_REQUIREMENT_BYTES);
        if (both.text.n <= LIMIT_REQUIREMENT_BYTES)
            check_same(&both, &again, &v);
        for (size_t i = 0; i < both.n; i++)
            check_one(&both.items[i], &v);
    }
    err_done(&e);
    arena_done(&a);
    return 0;
}
