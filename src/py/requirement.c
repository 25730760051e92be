/* A requirement from left to right: name, extras, then a URL or version specifiers, then a
 * marker; one function a part. Specifiers are only cut out here, by where `packaging`'s tokens
 * end; specifier.c judges them. Where two tokens could part differently, a wrong one is always
 * followed by a byte that nothing accepts, so looking ahead once is enough. */
#include "dray/py/requirement.h"

#include <stdlib.h>

#include "dray/py/marker_tree.h"
#include "dray/py/version_scan.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct reader {
    struct arena *a;
    struct str text;
    size_t at;
    struct err *e;
};

/* Where one specifier stands in the requirement. */
struct cut_piece {
    size_t from, to;
};

/* The specifiers of one requirement. */
struct cut {
    struct buf joined; /* by ",", without white space */
    struct cut_piece *pieces;
    size_t n, cap;
};

static bool name_byte(char c)
{
    return str_isalpha(c) || str_isdigit(c) || c == '.' || c == '_' || c == '-';
}

struct str project_name_normalize(struct arena *a, struct str name)
{
    char *p = arena_alloc(a, name.n + 1, 1);
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = str_lower(name.p[i]); /* ASCII alone: no valid name holds another letter */
        if (c == '_' || c == '.')
            c = '-';
        if (c != '-' || n == 0 || p[n - 1] != '-')
            p[n++] = c;
    }
    return (struct str){ p, n };
}

bool project_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool inside = i > 0 && i + 1 < name.n;
        if (!str_isalpha(c) && !str_isdigit(c) && !(inside && name_byte(c)))
            return false;
    }
    return name.n > 0;
}

static int reader_expected(const struct reader *r, const char *what)
{
    return err_set(r->e, ERR_INPUT, "column %zu: expected %s", r->at + 1, what);
}

/* NUL at the end; what a NUL in the text is taken for does not matter, no token begins with one. */
static char reader_peek(const struct reader *r)
{
    return r->at < r->text.n ? r->text.p[r->at] : '\0';
}

static bool reader_take(struct reader *r, char c)
{
    if (r->at == r->text.n || r->text.p[r->at] != c)
        return false;
    r->at++;
    return true;
}

/* Between tokens a blank is a space or a tab, no other white space. */
static void reader_skip_blanks(struct reader *r)
{
    while (reader_peek(r) == ' ' || reader_peek(r) == '\t')
        r->at++;
}

/* A name or an extra. An underscore may end it: packaging allows what PEP 508 does not. */
static int read_name(struct reader *r, const char *what, struct str *out)
{
    size_t from = r->at, to = from;

    while (to < r->text.n && name_byte(r->text.p[to]))
        to++;
    if (from == to || !(str_isalpha(r->text.p[from]) || str_isdigit(r->text.p[from])))
        return reader_expected(r, what);
    if (r->text.p[to - 1] == '-' || r->text.p[to - 1] == '.')
        return err_set(r->e, ERR_INPUT,
                       "column %zu: expected a letter or digit at the end of a name", to);
    r->at = to;
    *out = str_sub(r->text, from, to);
    return 0;
}

static int extra_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void extras_keep(struct reader *r, struct str *extras, size_t n, struct requirement *out)
{
    size_t kept = 0;

    if (n == 0)
        return;
    qsort(extras, n, sizeof(*extras), extra_order);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !str_eq(extras[kept - 1], extras[i]))
            extras[kept++] = extras[i];
    for (size_t i = 0; i < kept; i++)
        extras[i] = arena_str(r->a, extras[i]);
    out->extras = arena_copy(r->a, extras, kept, sizeof(*extras));
    out->n_extras = kept;
}

static int read_extras(struct reader *r, struct requirement *out)
{
    struct str *extras = NULL;
    size_t n = 0, cap = 0, open = r->at;
    int code = 0;

    if (!reader_take(r, '['))
        return 0;
    reader_skip_blanks(r);
    bool more = reader_peek(r) != ']'; /* "[]" is no extra at all */
    while (more && !code) {
        extras = mem_grow(extras, n, &cap, sizeof(*extras));
        code = read_name(r, n ? "an extra name after ','" : "an extra name or ']'", &extras[n]);
        n++;
        reader_skip_blanks(r);
        more = reader_take(r, ',');
        if (more)
            reader_skip_blanks(r);
    }
    if (!code && !reader_take(r, ']'))
        code = err_set(r->e, ERR_INPUT,
                       "column %zu: expected ',' or the ']' for the '[' in column %zu", r->at + 1,
                       open + 1);
    if (!code)
        extras_keep(r, extras, n, out);
    free(extras);
    return code;
}

static struct str read_op(struct reader *r)
{
    static const char *const ops[] = { "===", "==", "~=", "!=", "<=", ">=", "<", ">" };
    struct str rest = str_sub(r->text, r->at, r->text.n);

    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        if (str_starts(rest, str_of(ops[i]))) {
            r->at += strlen(ops[i]);
            return str_of(ops[i]);
        }
    return STR_NONE;
}

/* The version behind an operator: every byte that one could hold. `===` takes all up to white
 * space, ";" or ")", even commas, and even nothing. */
static struct str read_version(struct reader *r, bool arbitrary)
{
    size_t n;

    while ((n = version_space(str_sub(r->text, r->at, r->text.n))) > 0)
        r->at += n;
    size_t from = r->at;
    for (; r->at < r->text.n; r->at++) {
        char c = r->text.p[r->at];
        bool inside =
            arbitrary ? c != ';' && c != ')' && !version_space(str_sub(r->text, r->at, r->text.n))
                      : name_byte(c) || c == '*' || c == '+' || c == '!';
        if (!inside)
            break;
    }
    return str_sub(r->text, from, r->at);
}

static void cut_add(struct cut *c, struct str op, struct str version, struct cut_piece where)
{
    c->pieces = mem_grow(c->pieces, c->n, &c->cap, sizeof(*c->pieces));
    if (c->n > 0)
        buf_add_c(&c->joined, ',');
    buf_add_str(&c->joined, op);
    buf_add_str(&c->joined, version);
    c->pieces[c->n++] = where;
}

static void cut_done(struct cut *c)
{
    buf_done(&c->joined);
    free(c->pieces);
}

/* `>=1,<2`; a comma may stand at the end. */
static int read_cut(struct reader *r, struct cut *out)
{
    for (;;) {
        size_t from = r->at;
        struct str op = read_op(r);
        if (op.n == 0)
            return 0;
        bool arbitrary = str_is(op, "===");
        struct str version = read_version(r, arbitrary);
        if (version.n == 0 && !arbitrary)
            return err_set(r->e, ERR_INPUT, "column %zu: expected a version after '%.*s'",
                           r->at + 1, STR_ARG(op));
        cut_add(out, op, version, (struct cut_piece){ from, r->at });
        reader_skip_blanks(r);
        if (!reader_take(r, ','))
            return 0;
        reader_skip_blanks(r);
    }
}

/* Says what is wrong with a piece, with blanks in place of what stands before it: so the columns in
 * the error are those of the requirement. */
static int cut_blame(struct reader *r, const struct cut_piece *piece)
{
    struct specifier_set none;
    struct buf alone = { 0 };

    buf_add_f(&alone, "%*s", (int)piece->from, "");
    buf_add_str(&alone, str_sub(r->text, piece->from, piece->to));
    int code = specifier_set_parse(r->a, buf_str(&alone), &none, r->e);
    buf_done(&alone);
    return code;
}

/* Asks for all at once, and only when that fails for one after the other, to find the wrong one. */
static int cut_parse(struct reader *r, const struct cut *c, struct specifier_set *out)
{
    struct str joined = c->n ? buf_str(&c->joined) : STR("");
    int code = specifier_set_parse(r->a, joined, out, r->e);

    for (size_t i = 0; code && i < c->n; i++) {
        struct specifier_set one;
        struct str piece = str_sub(r->text, c->pieces[i].from, c->pieces[i].to);
        if (specifier_set_parse(r->a, piece, &one, r->e))
            return cut_blame(r, &c->pieces[i]);
    }
    return code;
}

static int read_specifiers(struct reader *r, struct specifier_set *out)
{
    struct cut c = { 0 };
    size_t open = r->at;
    bool parenthesised = reader_take(r, '(');

    reader_skip_blanks(r);
    int code = read_cut(r, &c);
    if (!code)
        code = cut_parse(r, &c, out);
    reader_skip_blanks(r);
    if (!code && parenthesised && !reader_take(r, ')'))
        code = err_set(r->e, ERR_INPUT,
                       "column %zu: expected ',' or the ')' for the '(' in column %zu", r->at + 1,
                       open + 1);
    cut_done(&c);
    reader_skip_blanks(r);
    return code;
}

/* All up to the next blank, so a ";" within belongs to the URL. */
static int read_url(struct reader *r, struct str *out)
{
    reader_skip_blanks(r);
    size_t from = r->at;
    while (r->at < r->text.n && r->text.p[r->at] != ' ' && r->text.p[r->at] != '\t')
        r->at++;
    if (r->at == from)
        return reader_expected(r, "a URL after '@'");
    *out = arena_str(r->a, str_sub(r->text, from, r->at));
    reader_skip_blanks(r);
    return 0;
}

static const char *after_text(const struct requirement *req)
{
    if (req->url.p)
        return "';' and a marker, or the end, after the URL and a blank";
    if (req->specifiers.n)
        return "',', ';' or the end after the version specifier";
    return req->n_extras ? "a version specifier, '@', ';' or the end after the extras"
                         : "a version specifier, '[', '@', ';' or the end after the name";
}

int requirement_parse(struct arena *a, struct str text, struct requirement *out, struct err *e)
{
    struct reader r = { .a = a, .text = text, .e = e };
    struct requirement req = { 0 };

    if (text.n > LIMIT_REQUIREMENT_BYTES)
        return err_set(e, ERR_LIMIT, "a requirement of %zu bytes; more than %d are not read",
                       text.n, LIMIT_REQUIREMENT_BYTES);
    reader_skip_blanks(&r);
    int code = read_name(&r, "a project name", &req.name);
    if (code)
        return code;
    reader_skip_blanks(&r);
    code = read_extras(&r, &req);
    if (code)
        return code;
    reader_skip_blanks(&r);
    bool has_url = reader_take(&r, '@');
    code = has_url ? read_url(&r, &req.url) : read_specifiers(&r, &req.specifiers);
    if (code)
        return code;
    if (reader_take(&r, ';')) {
        code = marker_parse_from(a, text, r.at, &req.marker, e);
        if (code)
            return code;
    } else if (r.at < text.n) {
        return reader_expected(&r, after_text(&req));
    }
    if (has_url)
        req.specifiers.text = STR("");
    req.name = arena_str(a, req.name);
    req.project = project_name_normalize(a, req.name);
    *out = req;
    return 0;
}
