/* Keys stand in the order of the table. Formats are written as what they come to: their order
 * counts, and a map has each key but once. */
#include "dray/job/job_text.h"

#include <inttypes.h>

#include "dray/job/reqfile.h"
#include "dray/job/reqfile_line.h"
#include "dray/py/requirement.h"
#include "dray/util/json.h"
#include "dray/util/map.h"

static const void *field_of(const struct settings *s, const struct setting *w)
{
    return (const char *)s + w->offset;
}

static void write_word(struct json *j, const struct setting *w, unsigned value)
{
    struct str words = str_of(w->value_name), word = STR_NONE;

    for (unsigned i = 0; i <= value; i++)
        word = str_cut(words, '|', &words);
    json_str(j, word);
}

static void write_strs(struct json *j, const struct strs *list)
{
    json_list(j);
    for (size_t i = 0; i < list->n; i++)
        json_str(j, list->items[i]);
    json_list_end(j);
}

static bool is_taken(const struct settings *s, const struct setting *w, unsigned where)
{
    return (w->where & where) && (w->commands & s->command) &&
           !str_is(settings_origin(s, w), "default");
}

static void write_value(struct json *j, const struct settings *s, const struct setting *w)
{
    const void *field = field_of(s, w);

    switch (w->kind) {
    case SETTING_FLAG:
        json_bool(j, *(const bool *)field);
        break;
    case SETTING_TEXT:
    case SETTING_PROXY:
    case SETTING_PATH:
    case SETTING_DATE:
        json_str(j, *(const struct str *)field);
        break;
    case SETTING_LIST:
        write_strs(j, field);
        break;
    case SETTING_COUNT_UP:
    case SETTING_NUMBER:
    case SETTING_SECONDS:
        json_int(j, *(const unsigned *)field);
        break;
    case SETTING_WORD:
        write_word(j, w, *(const unsigned *)field);
        break;
    case SETTING_BYTES:
    case SETTING_RATE:
        json_int(j, (int64_t) * (const uint64_t *)field);
        break;
    case SETTING_FORMAT:
    case SETTING_INDEX: /* told elsewhere */
        break;
    }
}

static void write_settings(struct json *j, const struct settings *s, unsigned where)
{
    for (const struct setting *w = settings_table; w->name; w++) {
        bool apart = w->kind == SETTING_FORMAT || w->kind == SETTING_INDEX;
        if (apart || !is_taken(s, w, where))
            continue;
        json_key(j, w->name);
        write_value(j, s, w);
    }
}

/* What of a project is let in, as one of these. */
static const char *format_of(const struct settings *s, struct str project)
{
    struct settings_formats f = settings_formats_of(s, project);

    return f.wheel && f.sdist ? NULL : f.wheel ? "only-binary" : "no-binary";
}

/* All projects that are named, normalised, each once; what is no name is none of any project. */
static void format_names(const struct settings *s, struct arena *a, struct map *out)
{
    for (size_t i = 0; i < s->format_control.n; i++) {
        struct str list;
        (void)str_cut(s->format_control.items[i], '=', &list);
        while (list.p) {
            struct str name = str_cut(list, ',', &list);
            if (project_name_is_valid(name))
                map_put(out, project_name_normalize(a, name), out);
        }
    }
}

/* ":all:" stands in front: behind it, a value of its own each, names add to it. */
static void write_format(struct json *j, const struct settings *s, const struct map *names,
                         const char *key, bool all)
{
    bool any = all;

    for (size_t i = 0; i < names->n && !any; i++)
        any = str_is(str_of(format_of(s, names->entries[i].key)), key);
    if (!any)
        return;
    json_key(j, key);
    json_list(j);
    if (all)
        json_str(j, STR(":all:"));
    for (size_t i = 0; i < names->n && !all; i++)
        if (str_is(str_of(format_of(s, names->entries[i].key)), key))
            json_str(j, names->entries[i].key);
    json_list_end(j);
}

/* The one that is for all comes first, since it takes away what the other has. */
static void write_formats(struct json *j, const struct settings *s)
{
    const char *of_others = format_of(s, STR(":others:"));
    bool no_first = str_is(str_of(of_others), "no-binary");
    const char *keys[] = { no_first ? "no-binary" : "only-binary",
                           no_first ? "only-binary" : "no-binary" };
    struct arena a = { 0 };
    struct map names = { 0 };

    format_names(s, &a, &names);
    for (int i = 0; i < 2; i++)
        write_format(j, s, &names, keys[i], of_others && i == 0);
    map_done(&names);
    arena_done(&a);
}

static void write_indexes(struct json *j, const struct settings *s)
{
    if (!s->n_indexes)
        return;
    json_key(j, "indexes");
    json_list(j);
    for (size_t i = 0; i < s->n_indexes; i++) {
        const struct source_index *index = &s->indexes[i].is;
        json_map(j);
        json_key(j, "name");
        json_str(j, index->name);
        json_key(j, "url");
        json_str(j, index->url);
        json_key(j, "packages");
        json_list(j);
        for (size_t k = 0; k < index->n_packages; k++)
            json_str(j, index->packages[k]);
        json_list_end(j);
        json_map_end(j);
    }
    json_list_end(j);
}

/* Would it be read as it stands? Not with "#" behind a blank, say. */
static int check_line(struct str text, struct err *e)
{
    struct reqfile parsed = { 0 };
    struct err ignored = { 0 };
    bool same = !reqfile_parse_line(text, "", &parsed, &ignored) && parsed.n == 1 &&
                parsed.items[0].kind == REQFILE_REQUIREMENT && !parsed.items[0].n_hashes &&
                str_eq(parsed.items[0].text, text);

    reqfile_done(&parsed);
    err_done(&ignored);
    return same ? 0
                : err_set(e, ERR_USAGE,
                          "the requirement \"%.*s\" would mean something else as a line of a "
                          "requirements file: give it a file or URL without blanks and \"#\"",
                          STR_ARG(text));
}

static int write_requirements(struct json *j, const struct settings *s, struct err *e)
{
    int code = 0;

    if (!s->requirements.n && !s->requirement_lines.n)
        return 0;
    json_key(j, "requirements");
    json_list(j);
    for (size_t i = 0; i < s->requirements.n && !code; i++) {
        code = check_line(s->requirements.items[i], e);
        json_str(j, s->requirements.items[i]);
    }
    for (size_t i = 0; i < s->requirement_lines.n; i++)
        json_str(j, s->requirement_lines.items[i].text);
    json_list_end(j);
    return code;
}

static void write_constraints(struct json *j, const struct settings *s)
{
    if (!s->constraint_lines.n)
        return;
    json_key(j, "constraints");
    json_list(j);
    for (size_t i = 0; i < s->constraint_lines.n; i++)
        json_str(j, s->constraint_lines.items[i].text);
    json_list_end(j);
}

static void write_contents(struct json *j, const struct settings *s)
{
    if (!s->contents.n)
        return;
    json_key(j, "files");
    json_map(j);
    for (size_t i = 0; i < s->contents.n; i++) {
        json_str(j, s->contents.items[i].name);
        json_str(j, s->contents.items[i].text);
    }
    json_map_end(j);
}

int job_text(const struct settings *s, struct str name, unsigned where, struct buf *out,
             struct err *e)
{
    struct json *j = json_open(out, false);

    json_map(j);
    if (name.p) {
        json_key(j, "name");
        json_str(j, name);
    }
    json_key(j, "command");
    json_str(j, str_of(settings_command_name(s->command)));
    if (s->directory.n) {
        json_key(j, "directory");
        json_str(j, s->directory);
    }
    int code = write_requirements(j, s, e);
    write_constraints(j, s);
    write_contents(j, s);
    write_indexes(j, s);
    write_settings(j, s, where);
    write_formats(j, s);
    if (s->command == COMMAND_INSTALL && s->pip_options.n) {
        json_key(j, "pip-options");
        write_strs(j, &s->pip_options);
    }
    json_map_end(j);
    json_close(j);
    return code;
}
