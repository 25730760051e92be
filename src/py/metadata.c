/* The lines of email.parser (feedparser.py): the headers end at the first line that is none, which
 * is thrown away if empty and otherwise belongs to the description. Lines that begin with a blank
 * go on with the header before, even where nothing but blanks is on them. Nothing is malformed to
 * it; so all that is judged here is whether the result has a name and a version. */
#include "dray/py/metadata.h"

#include <stdlib.h>

#include "dray/py/requirement.h"
#include "dray/py/version.h"
#include "dray/py/version_scan.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"
#include "dray/util/strs.h"

struct fields {
    struct metadata_field *items;
    size_t n, cap;
};

/* Takes one line with its end: CR LF, CR or LF. */
static struct str line_take(struct str *rest)
{
    size_t n = 0;

    while (n < rest->n && rest->p[n] != '\n' && rest->p[n] != '\r')
        n++;
    if (n < rest->n)
        n += rest->p[n] == '\r' && n + 1 < rest->n && rest->p[n + 1] == '\n' ? 2 : 1;
    struct str line = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return line;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* "From " of a mailbox stands among the headers too. */
static bool is_envelope(struct str line)
{
    return str_starts(line, STR("From "));
}

/* Visible ASCII up to a colon, or a blank in front. */
static bool is_header(struct str line)
{
    size_t n = 0;

    if (is_envelope(line) || (line.n > 0 && is_blank(line.p[0])))
        return true;
    while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f && line.p[n] != ':')
        n++;
    return n < line.n && line.p[n] == ':';
}

/* The lines of the headers; *body is what follows. */
static struct str headers_take(struct str text, struct str *body)
{
    struct str rest = text;

    while (rest.n > 0) {
        struct str before = rest, line = line_take(&rest);
        if (is_header(line))
            continue;
        *body = line.p[0] == '\n' || line.p[0] == '\r' ? rest : before;
        return str_sub(text, 0, text.n - before.n);
    }
    *body = STR("");
    return text;
}

/* The value begins in `line`, behind the colon, and goes on to `end`. */
static struct str value_of(struct str line, size_t colon, const char *end)
{
    const char *p = line.p + colon + 1, *line_end = line.p + line.n;

    while (p < line_end && is_blank(*p))
        p++;
    while (end > p && (end[-1] == '\n' || end[-1] == '\r'))
        end--;
    return (struct str){ p, (size_t)(end - p) };
}

/* The lines that go on with the one before. */
static void folds_skip(struct str *rest)
{
    while (rest->n > 0 && is_blank(rest->p[0]))
        line_take(rest);
}

/* Adds the fields of `headers`. An envelope in the last line is taken for the beginning of the
 * description, and returned; elsewhere it is dropped, as is a field without a name. */
static struct str fields_read(struct fields *f, struct str headers)
{
    struct str rest = headers;

    folds_skip(&rest);
    while (rest.n > 0 && f->n <= LIMIT_METADATA_FIELDS) {
        bool first = rest.p == headers.p;
        struct str line = line_take(&rest);
        if (is_envelope(line) && rest.n == 0 && !first)
            return line;
        folds_skip(&rest);
        ptrdiff_t colon = is_envelope(line) ? 0 : str_find(line, ':');
        if (colon <= 0)
            continue;
        f->items = mem_grow(f->items, f->n, &f->cap, sizeof(*f->items));
        f->items[f->n++] = (struct metadata_field){ str_sub(line, 0, (size_t)colon),
                                                    value_of(line, (size_t)colon, rest.p) };
    }
    return STR_NONE;
}

struct str metadata_get(const struct metadata *m, const char *name)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (str_eq_nocase(m->fields[i].name, str_of(name)))
            return m->fields[i].value;
    return STR_NONE;
}

/* All values of a field. */
static struct str *values_of(struct arena *a, const struct metadata *m, const char *name, size_t *n)
{
    struct strs found = { 0 };

    for (size_t i = 0; i < m->n_fields; i++)
        if (str_eq_nocase(m->fields[i].name, str_of(name)))
            strs_add(&found, m->fields[i].value);
    struct str *all = arena_copy(a, found.items, found.n, sizeof(*found.items));
    *n = found.n;
    strs_done(&found);
    return all;
}

static int metadata_fill(struct arena *a, struct metadata *m, struct err *e)
{
    m->name = metadata_get(m, "Name");
    m->version = metadata_get(m, "Version");
    m->requires_python = metadata_get(m, "Requires-Python");
    m->metadata_version = metadata_get(m, "Metadata-Version");
    if (m->n_fields == 0)
        return err_set(e, ERR_INPUT, "no metadata: expected \"Name: value\" in the first line");
    if (version_trim(m->name).n == 0)
        return err_set(e, ERR_INPUT, "the metadata has no Name");
    if (version_trim(m->version).n == 0)
        return err_set(e, ERR_INPUT, "the metadata of \"%.*s\" has no Version", STR_ARG(m->name));
    m->provides_extra = values_of(a, m, "Provides-Extra", &m->n_provides_extra);
    m->requires_dist = values_of(a, m, "Requires-Dist", &m->n_requires_dist);
    /* As pip does: a field that is folded right behind the colon begins with a line end. */
    for (size_t i = 0; i < m->n_requires_dist; i++)
        m->requires_dist[i] = version_trim(m->requires_dist[i]);
    return 0;
}

/* The line goes before what follows the headers, without the empty line that stood between. */
static struct str description_join(struct arena *a, struct str envelope, struct str body)
{
    struct buf joined = { 0 };

    buf_add_str(&joined, envelope);
    buf_add_str(&joined, body);
    struct str description = arena_str(a, buf_str(&joined));
    buf_done(&joined);
    return description;
}

int metadata_parse(struct arena *a, struct str text, struct metadata *out, struct err *e)
{
    struct metadata m = { 0 };
    struct fields f = { 0 };

    if (text.n > LIMIT_METADATA_BYTES)
        return err_set(e, ERR_LIMIT, "metadata of %zu bytes; more than %d are not read", text.n,
                       LIMIT_METADATA_BYTES);
    text = text.n ? arena_str(a, text) : STR("");
    struct str headers = headers_take(text, &m.description);
    struct str envelope = fields_read(&f, headers);
    if (envelope.n)
        m.description = description_join(a, envelope, m.description);
    m.fields = arena_copy(a, f.items, f.n, sizeof(*f.items));
    m.n_fields = f.n;
    free(f.items);
    if (m.n_fields > LIMIT_METADATA_FIELDS)
        return err_set(e, ERR_LIMIT, "metadata of more than %d fields", LIMIT_METADATA_FIELDS);
    int code = metadata_fill(a, &m, e);
    if (!code)
        *out = m;
    return code;
}

int metadata_check(const struct metadata *m, struct str project, struct str version, struct err *e)
{
    struct arena a = { 0 };
    struct version has = { 0 }, want = { 0 };
    int code = 0;

    if (project.p && !str_eq(project_name_normalize(&a, m->name), project))
        code = err_set(e, ERR_CONFLICT, "the metadata is of \"%.*s\", expected \"%.*s\"",
                       STR_ARG(m->name), STR_ARG(project));
    if (!code && version.p) {
        code = version_parse(&a, m->version, &has, e);
        if (!code)
            code = version_parse(&a, version, &want, e);
        if (code)
            err_wrap(e, "version of \"%.*s\"", STR_ARG(m->name));
        else if (version_cmp(&has, &want) != 0)
            code = err_set(e, ERR_CONFLICT, "the metadata is of %.*s %.*s, expected version %.*s",
                           STR_ARG(m->name), STR_ARG(m->version), STR_ARG(version));
    }
    arena_done(&a);
    return code;
}
