/* What the lines of a file mean, in the order of the file. Which of a line's options count is pip's
 * rule, and odd: requirement lines take hashes alone, except that format and release control act
 * from any line; a line with -r or -c does nothing else. */
#include "dray/job/reqfile.h"

#include <assert.h>

#include "dray/job/blank.h"
#include "dray/job/reqfile_decode.h"
#include "dray/job/reqfile_split.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"
#include <stdlib.h>

struct parser {
    struct reqfile *out;
    struct reqfile_reader reader;
    struct reqfile_parts parts;
    struct arena scratch; /* of one line */
    struct buf warning;
    bool warned_hash;
};

static bool option_is(const struct reqfile_option *o, const char *name)
{
    return str_is(str_of(o->name), name);
}

static const struct reqfile_option *find_option(const struct parser *p, const char *name)
{
    for (size_t i = 0; i < p->parts.n_options; i++)
        if (option_is(&p->parts.options[i], name))
            return &p->parts.options[i];
    return NULL;
}

/* Those that hold a set of project names: they take effect as soon as they are read. */
static bool is_control(const struct reqfile_option *o)
{
    return option_is(o, "no-binary") || option_is(o, "only-binary") ||
           option_is(o, "all-releases") || option_is(o, "only-final");
}

static int parse_hash(const struct parser *p, const struct reqfile_option *o, struct digest *out,
                      struct err *e)
{
    struct str hex, name = str_cut(o->value, ':', &hex);
    enum digest_alg alg;

    if (!hex.p)
        return reqfile_reader_refuse(
            &p->reader, o->at, e, "expected --hash=ALGORITHM:HEX, such as --hash=sha256:0123...");
    if (!digest_alg_parse(name, &alg) ||
        (alg != DIGEST_SHA256 && alg != DIGEST_SHA384 && alg != DIGEST_SHA512))
        return reqfile_reader_refuse(
            &p->reader, o->at, e,
            "expected --hash=sha256:, sha384: or sha512:, not %.*s:", STR_ARG(name));
    if (!digest_parse(alg, hex, out))
        return reqfile_reader_refuse(&p->reader, o->at, e,
                                     "expected %zu hexadecimal digits behind %s:, got \"%.*s\"",
                                     2 * digest_size(alg), digest_name(alg), STR_ARG(hex));
    return 0;
}

/* pip checks values of all options on all lines, also where they have no effect. */
static int check_values(const struct parser *p, struct err *e)
{
    struct digest ignored;
    int code = 0;

    for (size_t i = 0; i < p->parts.n_options && !code; i++) {
        const struct reqfile_option *o = &p->parts.options[i];
        if (is_control(o) && str_starts(o->value, STR("-")))
            code = reqfile_reader_refuse(&p->reader, o->at, e,
                                         "expected project names, :all: or :none: behind --%s",
                                         o->name);
        else if (option_is(o, "config-settings") && str_find(o->value, '=') < 0)
            code =
                reqfile_reader_refuse(&p->reader, o->at, e, "expected --config-settings KEY=VALUE");
        else if (option_is(o, "hash"))
            code = parse_hash(p, o, &ignored, e);
    }
    return code;
}

/* pip takes a bare word with such an ending for a file, "=" or not. */
static bool is_archive(struct str s)
{
    static const char *const endings[] = { ".whl", ".zip", ".gz",  ".bz2", ".xz", ".tar",
                                           ".tgz", ".tbz", ".txz", ".tlz", ".lz", ".lzma" };

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (s.n >= strlen(endings[i]) &&
            str_eq_nocase(str_sub(s, s.n - strlen(endings[i]), s.n), str_of(endings[i])))
            return true;
    return false;
}

/* "flask = 1.0": a name, perhaps extras, and a single "=", in what is neither path nor URL. */
static int check_operator(const struct parser *p, struct err *e)
{
    struct str s = p->parts.text;
    size_t at = 0;

    while (at < s.n &&
           (str_isalpha(s.p[at]) || str_isdigit(s.p[at]) || str_find(STR("-_."), s.p[at]) >= 0))
        at++;
    if (at < s.n && s.p[at] == '[') {
        ptrdiff_t close = str_find(str_sub(s, at, s.n), ']');
        at += close < 0 ? 0 : (size_t)close + 1;
    }
    while (at < s.n && str_isspace(s.p[at]))
        at++;
    if (at == 0 || at >= s.n || s.p[at] != '=' || str_starts(str_sub(s, at, s.n), STR("==")) ||
        str_find(s, '/') >= 0 || is_archive(blank_trim(s)))
        return 0;
    return reqfile_reader_refuse(&p->reader, at, e,
                                 "= is not an operator for versions; did you mean == ?");
}

static int add_item(struct parser *p, struct reqfile_item item, struct err *e)
{
    struct reqfile *f = p->out;

    if (f->n == LIMIT_REQUIREMENTS)
        return err_set(e, ERR_LIMIT,
                       "%s has more than %d lines that say something, the most that is read",
                       p->reader.name, LIMIT_REQUIREMENTS);
    item.line = p->reader.line;
    item.text = arena_str(&f->arena, item.text);
    item.value = arena_str(&f->arena, item.value);
    f->items = mem_grow(f->items, f->n, &f->cap, sizeof(*f->items));
    f->items[f->n++] = item;
    return 0;
}

static int add_option(struct parser *p, const struct reqfile_option *o, struct err *e)
{
    return add_item(
        p, (struct reqfile_item){ REQFILE_OPTION, .text = str_of(o->name), .value = o->value }, e);
}

static void warn(struct parser *p, bool *warned, const char *text)
{
    if (!*warned)
        buf_add_f(&p->warning, "%s%s%s: %s", p->warning.n ? "; " : "", p->reader.name,
                  p->reader.is_alone ? "" : arena_f(&p->scratch, ", line %zu", p->reader.line).p,
                  text);
    *warned = true;
}

static int add_controls(struct parser *p, struct err *e)
{
    int code = 0;

    for (size_t i = 0; i < p->parts.n_options && !code; i++)
        if (is_control(&p->parts.options[i]))
            code = add_option(p, &p->parts.options[i], e);
    return code;
}

static int add_hashes(struct parser *p, struct reqfile_item *item, struct err *e)
{
    size_t n = 0;
    int code = 0;

    for (size_t i = 0; i < p->parts.n_options; i++)
        n += option_is(&p->parts.options[i], "hash");
    item->hashes = n ? arena_alloc(&p->out->arena, n, sizeof(*item->hashes)) : NULL;
    for (size_t i = 0; i < p->parts.n_options && !code; i++)
        if (option_is(&p->parts.options[i], "hash"))
            code = parse_hash(p, &p->parts.options[i], &item->hashes[item->n_hashes++], e);
    return code;
}

/* With text and -e on one line pip takes the text, as an editable. */
static int add_requirement(struct parser *p, const struct reqfile_option *editable, struct err *e)
{
    struct reqfile_item item = { .kind = editable ? REQFILE_EDITABLE : REQFILE_REQUIREMENT };
    int code = editable ? 0 : check_operator(p, e);

    if (find_option(p, "config-settings"))
        p->out->has_config_settings = true;
    assert(p->parts.has_text || editable);
    item.text = p->parts.has_text ? blank_trim(p->parts.text) : editable->value;
    if (!code && !editable)
        code = add_hashes(p, &item, e);
    return code ? code : add_item(p, item, e);
}

/* Of several --find-links pip takes the first, of several --index-url the last. */
static bool is_overruled(const struct parser *p, size_t i)
{
    const struct reqfile_option *o = &p->parts.options[i];

    if (option_is(o, "find-links"))
        return find_option(p, "find-links") != o;
    if (!option_is(o, "index-url"))
        return false;
    for (size_t j = i + 1; j < p->parts.n_options; j++)
        if (option_is(&p->parts.options[j], "index-url"))
            return true;
    return o->value.n == 0; /* pip: an empty one is as none */
}

static int add_line_options(struct parser *p, struct err *e)
{
    int code = 0;

    for (size_t i = 0; i < p->parts.n_options && !code; i++) {
        const struct reqfile_option *o = &p->parts.options[i];
        if (option_is(o, "hash"))
            warn(p, &p->warned_hash, "--hash without a requirement has no effect");
        else if (!is_control(o) && !option_is(o, "config-settings") && !is_overruled(p, i))
            code = add_option(p, o, e);
    }
    return code;
}

static int add_line(struct parser *p, struct err *e)
{
    int code = reqfile_split(&p->reader, &p->scratch, &p->parts, e);

    if (!code)
        code = check_values(p, e);
    if (!code)
        code = add_controls(p, e);
    if (code)
        return code;
    const struct reqfile_option *editable = find_option(p, "editable");
    const struct reqfile_option *nested = find_option(p, "requirement");
    if (p->parts.has_text || editable)
        return add_requirement(p, editable, e);
    if (!nested)
        nested = find_option(p, "constraint");
    return nested ? add_option(p, nested, e) : add_line_options(p, e);
}

static int parse_text(struct parser *p, struct err *e)
{
    int code;

    while ((code = reqfile_reader_next(&p->reader, e)) > 0) {
        code = add_line(p, e);
        arena_done(&p->scratch);
        if (code)
            break;
    }
    return code;
}

/* Requirements end up as paths and host names, which are C strings. */
static int refuse_nul(struct str text, const char *name, struct err *e)
{
    ptrdiff_t at = str_find(text, '\0');
    size_t line = 1;

    if (at < 0)
        return 0;
    for (ptrdiff_t i = 0; i < at; i++)
        line += text.p[i] == '\n';
    return err_set(e, ERR_INPUT, "%s, line %zu: a NUL character can't stand in a requirements file",
                   name, line);
}

int reqfile_parse(struct str bytes, const char *name, reqfile_env_fn env, void *env_ctx,
                  struct reqfile *out, struct err *e)
{
    struct parser p = { .out = out };
    struct buf text = { 0 };
    bool guessed = false;
    int code;

    if (bytes.n > LIMIT_REQFILE_BYTES)
        return err_set(e, ERR_LIMIT, "%s has %zu bytes; at most %d are read", name, bytes.n,
                       LIMIT_REQFILE_BYTES);
    code = reqfile_decode(bytes, &text, &guessed, e);
    if (code)
        err_wrap(e, "%s", name);
    else
        code = refuse_nul(buf_str(&text), name, e);
    if (guessed)
        buf_add_f(&p.warning, "%s is not UTF-8 and was read as Latin-1", name);
    reqfile_reader_init(&p.reader, buf_str(&text), name, env, env_ctx);
    if (!code)
        code = parse_text(&p, e);
    if (p.warning.n)
        out->warning = arena_str(&out->arena, buf_str(&p.warning));
    reqfile_reader_done(&p.reader);
    reqfile_parts_done(&p.parts);
    arena_done(&p.scratch);
    buf_done(&p.warning);
    buf_done(&text);
    return code;
}

static const char *no_variable(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

int reqfile_parse_line(struct str line, const char *name, struct reqfile *out, struct err *e)
{
    struct parser p = { .out = out };
    int code;

    reqfile_reader_init(&p.reader, line, name, no_variable, NULL);
    p.reader.is_alone = true;
    code = str_ends(line, STR("\\"))
               ? err_set(e, ERR_INPUT, "%s: nothing follows that this could go on with", name)
               : parse_text(&p, e);
    if (!code && p.reader.physical > 1)
        code = err_set(e, ERR_INPUT, "%s: expected one line", name);
    if (!code && p.warning.n)
        code = err_set(e, ERR_INPUT, "%s", buf_z(&p.warning));
    reqfile_reader_done(&p.reader);
    reqfile_parts_done(&p.parts);
    arena_done(&p.scratch);
    buf_done(&p.warning);
    return code;
}

void reqfile_done(struct reqfile *f)
{
    if (!f)
        return;
    arena_done(&f->arena);
    free(f->items);
    *f = (struct reqfile){ 0 };
}
