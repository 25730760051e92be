/* pip's metadata/_json.py, and below it importlib.metadata, which mends the indents of folded
 * values and lets the description stand in for the field of that name. */
#include "dray/py/metadata.h"
#include "dray/py/version_scan.h"
#include "dray/util/buf.h"

/* The fields that are written, in pip's order. */
static const struct {
    const char *name, *key;
    bool several;
} json_fields[] = {
    { "Metadata-Version", "metadata_version", false },
    { "Name", "name", false },
    { "Version", "version", false },
    { "Dynamic", "dynamic", true },
    { "Platform", "platform", true },
    { "Supported-Platform", "supported_platform", true },
    { "Summary", "summary", false },
    { "Description", "description", false },
    { "Description-Content-Type", "description_content_type", false },
    { "Keywords", "keywords", false },
    { "Home-page", "home_page", false },
    { "Download-URL", "download_url", false },
    { "Author", "author", false },
    { "Author-email", "author_email", false },
    { "Maintainer", "maintainer", false },
    { "Maintainer-email", "maintainer_email", false },
    { "License", "license", false },
    { "License-Expression", "license_expression", false },
    { "License-File", "license_file", true },
    { "Classifier", "classifier", true },
    { "Requires-Dist", "requires_dist", true },
    { "Requires-Python", "requires_python", false },
    { "Requires-External", "requires_external", true },
    { "Project-URL", "project_url", true },
    { "Provides-Extra", "provides_extra", true },
    { "Provides-Dist", "provides_dist", true },
    { "Obsoletes-Dist", "obsoletes_dist", true },
};

/* The blanks that a line begins with; STR_NONE when there is nothing else on it. */
static struct str line_indent(struct str line)
{
    size_t n = 0;

    while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
        n++;
    return n < line.n ? str_sub(line, 0, n) : STR_NONE;
}

/* What all lines begin with that are not blank. */
static struct str common_indent(struct str text)
{
    struct str common = STR_NONE;

    for (struct str rest = text; rest.p;) {
        struct str indent = line_indent(str_cut(rest, '\n', &rest));
        size_t n = 0;
        while (n < common.n && n < indent.n && common.p[n] == indent.p[n])
            n++;
        if (indent.p)
            common = common.p ? str_sub(common, 0, n) : indent;
    }
    return common;
}

/* textwrap.dedent() of the value behind eight blanks, which is how far RFC 822 writers indent the
 * lines that follow: of folds that are narrower, the first line keeps some blanks (Python 3.10 to
 * 3.13; later ones leave such values alone). */
static void dedent(struct str value, struct buf *out)
{
    struct buf text = { 0 };

    buf_add_z(&text, "        ");
    buf_add_str(&text, value);
    struct str margin = common_indent(buf_str(&text));
    for (struct str rest = buf_str(&text); rest.p;) {
        struct str line = str_cut(rest, '\n', &rest);
        if (line_indent(line).p)
            buf_add_str(out, str_sub(line, margin.n, line.n));
        if (rest.p)
            buf_add_c(out, '\n');
    }
    buf_done(&text);
}

/* Comma-separated, or by white space as old metadata has it. */
static void write_keywords(struct str value, struct json *out)
{
    bool commas = str_find(value, ',') >= 0;
    size_t from = 0, at = 0;

    json_list(out);
    while (at < value.n) {
        size_t space = commas ? value.p[at] == ',' : version_space(str_sub(value, at, value.n));
        if (space > 0 && (commas || at > from))
            json_str(out, version_trim(str_sub(value, from, at)));
        at += space ? space : 1;
        from = space ? at : from;
    }
    if (commas || at > from)
        json_str(out, version_trim(str_sub(value, from, at)));
    json_list_end(out);
}

static void write_value(const char *name, struct str value, struct json *out)
{
    struct buf mended = { 0 };

    if (str_find(value, '\n') >= 0) {
        dedent(value, &mended);
        value = mended.n ? buf_str(&mended) : STR("");
    }
    if (str_is(STR("Keywords"), name))
        write_keywords(value, out);
    else
        json_str(out, value);
    buf_done(&mended);
}

static void write_list(const struct metadata *m, const char *name, struct json *out)
{
    json_list(out);
    for (size_t i = 0; i < m->n_fields; i++)
        if (str_eq_nocase(m->fields[i].name, str_of(name)))
            write_value(name, m->fields[i].value, out);
    json_list_end(out);
}

void metadata_json(const struct metadata *m, struct json *out)
{
    json_map(out);
    for (size_t i = 0; i < sizeof(json_fields) / sizeof(*json_fields); i++) {
        const char *name = json_fields[i].name;
        struct str value = metadata_get(m, name);
        bool described = m->description.n > 0 && str_is(STR("Description"), name);
        if (!value.p && !described)
            continue;
        json_key(out, json_fields[i].key);
        if (described)
            json_str(out, m->description);
        else if (json_fields[i].several)
            write_list(m, name, out);
        else
            write_value(name, value, out);
    }
    json_map_end(out);
}
