/* A specifier is kept parsed, so that a test is one or two comparisons of version keys: ~= and
 * wildcards are a beginning and the release at which their series ends, all others compare with one
 * version. */
#include "dray/py/specifier.h"

#include "dray/py/version_scan.h"
#include "dray/util/limits.h"

static const char *const op_texts[] = {
    [SPECIFIER_COMPATIBLE] = "~=", [SPECIFIER_EQ] = "==",         [SPECIFIER_NE] = "!=",
    [SPECIFIER_LE] = "<=",         [SPECIFIER_GE] = ">=",         [SPECIFIER_LT] = "<",
    [SPECIFIER_GT] = ">",          [SPECIFIER_ARBITRARY] = "===",
};

enum { OP_COUNT = sizeof(op_texts) / sizeof(*op_texts) };

/* A list that is being read; errors tell columns of `whole`. */
struct reader {
    struct arena *a;
    struct str whole;
    struct err *e;
};

const char *specifier_op_text(enum specifier_op op)
{
    return op_texts[op];
}

/* Of a piece of the list, from 1. */
static size_t column(const struct reader *r, struct str piece)
{
    return (size_t)(piece.p - r->whole.p) + 1;
}

/* Takes the operator away from *s: the longest that fits, so "===" is not read as "==" and "=". */
static bool op_cut(struct str *s, enum specifier_op *out)
{
    size_t longest = 0;

    for (int i = 0; i < OP_COUNT; i++) {
        struct str op = str_of(op_texts[i]);
        if (op.n > longest && str_starts(*s, op)) {
            longest = op.n;
            *out = (enum specifier_op)i;
        }
    }
    *s = str_sub(*s, longest, s->n);
    return longest > 0;
}

/* PEP 440 calls "===" an escape hatch: any text, even none, but for what ends a specifier within a
 * requirement. */
static int parse_arbitrary(const struct reader *r, struct specifier *out)
{
    struct err none = { 0 };

    if (out->text.n > LIMIT_VERSION_BYTES)
        return err_set(r->e, ERR_LIMIT,
                       "the version at column %zu has %zu bytes, at most %d are read",
                       column(r, out->text), out->text.n, LIMIT_VERSION_BYTES);
    for (struct str s = out->text; s.n; s = str_sub(s, 1, s.n))
        if (version_space(s) || s.p[0] == ';' || s.p[0] == ')')
            return err_set(r->e, ERR_INPUT,
                           "the text behind '===' ends at column %zu: expected a ',' or the end, "
                           "for white space, ';' and ')' can't be in it",
                           column(r, s));
    (void)version_parse(r->a, out->text, &out->version, &none);
    err_done(&none);
    return 0;
}

/* PEP 440, version matching: ".*" follows a release and nothing else. */
static int parse_wildcard(const struct reader *r, struct specifier *out)
{
    struct str text = str_sub(out->text, 0, out->text.n - 2);
    struct str star = str_sub(out->text, text.n, out->text.n);

    if (out->op != SPECIFIER_EQ && out->op != SPECIFIER_NE)
        return err_set(r->e, ERR_INPUT,
                       "'.*' at column %zu: '%s' takes a version without it; only "
                       "'==' and '!=' match a series",
                       column(r, star), op_texts[out->op]);
    if (version_parse(r->a, text, &out->version, r->e))
        return err_wrap(r->e, "version at column %zu", column(r, text));
    if (text.n != version_trim(text).n || out->version.pre || out->version.post ||
        out->version.local)
        return err_set(r->e, ERR_INPUT,
                       "'.*' at column %zu: expected right behind a release such as 1.2, "
                       "without other segments",
                       column(r, star));
    out->wildcard = true;
    out->series_end = version_series_end(r->a, &out->version, 0);
    return 0;
}

static int parse_version(const struct reader *r, struct specifier *out)
{
    if (version_parse(r->a, out->text, &out->version, r->e))
        return err_wrap(r->e, "version at column %zu", column(r, out->text));
    if (out->version.local && out->op != SPECIFIER_EQ && out->op != SPECIFIER_NE)
        return err_set(r->e, ERR_INPUT,
                       "version at column %zu: '%s' takes a version without '+' and a "
                       "local segment",
                       column(r, out->text), op_texts[out->op]);
    if (out->op != SPECIFIER_COMPATIBLE)
        return 0;
    if (str_find(out->version.release, '.') < 0)
        return err_set(r->e, ERR_INPUT,
                       "version at column %zu: '~=' takes a release of two or more "
                       "numbers, such as 1.0",
                       column(r, out->text));
    out->series_end = version_series_end(r->a, &out->version, 1);
    return 0;
}

static int parse_one(const struct reader *r, struct str part, struct specifier *out)
{
    struct str rest = part;

    if (!op_cut(&rest, &out->op))
        return err_set(r->e, ERR_INPUT,
                       "column %zu: expected one of ~= == != <= >= < > ===", column(r, part));
    out->text = version_trim(rest);
    if (out->op == SPECIFIER_ARBITRARY)
        return parse_arbitrary(r, out);
    if (str_ends(out->text, STR(".*")))
        return parse_wildcard(r, out);
    return parse_version(r, out);
}

/* The next part that is not blank, as `packaging` passes over those; false at the end. */
static bool part_next(struct str *rest, struct str *part)
{
    while (rest->p) {
        *part = version_trim(str_cut(*rest, ',', rest));
        if (part->n)
            return true;
    }
    return false;
}

static size_t count_parts(struct str text)
{
    struct str part;
    size_t n = 0;

    while (part_next(&text, &part))
        n++;
    return n;
}

/* Writes the canonical text of a set; the texts of its specifiers then point into that. */
static struct str join(struct arena *a, struct specifier *items, size_t n)
{
    size_t bytes = n ? n - 1 : 0;

    for (size_t i = 0; i < n; i++)
        bytes += strlen(op_texts[items[i].op]) + items[i].text.n;
    char *to = arena_alloc(a, bytes + 1, 1);
    struct str whole = { to, bytes };
    for (size_t i = 0; i < n; i++) {
        struct str op = str_of(op_texts[items[i].op]), text = items[i].text;
        if (i)
            *to++ = ',';
        memcpy(to, op.p, op.n);
        to += op.n;
        if (text.n)
            memcpy(to, text.p, text.n);
        items[i].text.p = to;
        to += text.n;
    }
    return whole;
}

int specifier_set_parse(struct arena *a, struct str text, struct specifier_set *out, struct err *e)
{
    struct reader r = { a, text, e };
    struct str rest = text, part;

    if (text.n > LIMIT_REQUIREMENT_BYTES)
        return err_set(e, ERR_LIMIT,
                       "a list of version specifiers has %zu bytes, at most %d are read", text.n,
                       LIMIT_REQUIREMENT_BYTES);
    size_t n = count_parts(text);
    struct specifier *items = arena_alloc(a, n, sizeof(*items));
    for (size_t i = 0; part_next(&rest, &part); i++) {
        int code = parse_one(&r, part, &items[i]);
        if (code)
            return code;
    }
    *out = (struct specifier_set){ items, n, join(a, items, n) };
    return 0;
}

struct specifier_set specifier_set_and(struct arena *a, const struct specifier_set *x,
                                       const struct specifier_set *y)
{
    size_t n = x->n + y->n;
    struct specifier *items = arena_alloc(a, n, sizeof(*items));

    for (size_t i = 0; i < n; i++)
        items[i] = i < x->n ? x->items[i] : y->items[i - x->n];
    struct str text = join(a, items, n);
    return (struct specifier_set){ items, n, text };
}

/* As Python lowers it: beside ASCII only U+212A, the Kelvin sign, becomes an ASCII letter, and then
 * "===1.0+K" with it names 1.0+k to `packaging`. */
static bool arbitrary_eq(struct str wanted, struct str version)
{
    static const struct str kelvin = { "\xe2\x84\xaa", 3 };
    size_t at = 0;

    for (size_t i = 0; i < version.n; i++) {
        bool sign = version.p[i] == 'k' && str_starts(str_sub(wanted, at, wanted.n), kelvin);
        if (!sign && (at == wanted.n || str_lower(wanted.p[at]) != version.p[i]))
            return false;
        at += sign ? kelvin.n : 1;
    }
    return at == wanted.n;
}

static bool in_series(const struct specifier *s, const struct version *v)
{
    return str_cmp(v->release_key, s->version.release_key) >= 0 &&
           str_cmp(v->release_key, s->series_end) < 0;
}

/* PEP 440, version matching: without a local segment in the specifier that of the version does not
 * matter. */
static bool equal(const struct specifier *s, const struct version *v)
{
    if (s->wildcard)
        return in_series(s, v);
    return str_eq(s->version.local ? v->key : v->public_key, s->version.key);
}

static bool specifier_contains(const struct specifier *s, const struct version *v)
{
    switch (s->op) {
    case SPECIFIER_COMPATIBLE:
        return version_cmp(v, &s->version) >= 0 && in_series(s, v);
    case SPECIFIER_EQ:
        return equal(s, v);
    case SPECIFIER_NE:
        return !equal(s, v);
    case SPECIFIER_LE: /* local versions of the named one included */
        return str_cmp(v->public_key, s->version.key) <= 0;
    case SPECIFIER_GE:
        return version_cmp(v, &s->version) >= 0;
    case SPECIFIER_LT:
        return version_below(v, &s->version);
    case SPECIFIER_GT:
        return version_above(v, &s->version);
    case SPECIFIER_ARBITRARY:
        return arbitrary_eq(s->text, v->text);
    }
    return false;
}

bool specifier_set_contains(const struct specifier_set *s, const struct version *v)
{
    for (size_t i = 0; i < s->n; i++)
        if (!specifier_contains(&s->items[i], v))
            return false;
    return true;
}

/* Wildcards name no pre-release, and "!=" one that is not wanted. */
bool specifier_set_wants_pre(const struct specifier_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].op != SPECIFIER_NE && s->items[i].version.pre)
            return true;
    return false;
}

bool specifier_set_is_pinned(const struct specifier_set *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].op == SPECIFIER_ARBITRARY ||
            (s->items[i].op == SPECIFIER_EQ && !s->items[i].wildcard))
            return true;
    return false;
}
