/* A value is a list of words, for text joined by blanks; what it is in JSON, its kind says. */
#include "dray/ui/config_text.h"

#include <inttypes.h>

#include "dray/job/rooms.h"
#include "dray/job/settings_show.h"
#include "dray/util/json.h"

enum { VALUE_WIDTH = 40 }; /* of "name = value"; a longer one moves the origin to the right */

static const void *field_of(const struct settings *s, const struct setting *w)
{
    return (const char *)s + w->offset;
}

/* What it comes to where nothing is said, if that is not what the field has. */
static void add_text(struct buf *out, const struct settings *s, const struct setting *w)
{
    struct str text = *(const struct str *)field_of(s, w);

    if (text.p)
        settings_show(text, out);
    else if (w->offset == offsetof(struct settings, cache_dir))
        rooms_cache_dir(s, out);
    else if (w->offset == offsetof(struct settings, python))
        buf_add_z(out, "python3");
}

/* Of --only-binary and --no-binary, which share a field, the values of the one at hand. */
static bool list_item(const struct setting *w, struct str item, struct str *out)
{
    *out = item;
    return w->kind != SETTING_FORMAT || str_is(str_cut(item, '=', out), w->name);
}

static void add_list(struct buf *out, const struct settings *s, const struct setting *w)
{
    const struct strs *list = field_of(s, w);
    struct str item;
    size_t n = 0;

    for (size_t i = 0; i < list->n; i++) {
        if (!list_item(w, list->items[i], &item))
            continue;
        buf_add_z(out, n++ ? " " : "");
        settings_show(item, out);
    }
}

static void add_word(struct buf *out, const struct setting *w, unsigned value)
{
    struct str words = str_of(w->value_name), word = STR_NONE;

    for (unsigned i = 0; i <= value; i++)
        word = str_cut(words, '|', &words);
    buf_add_str(out, word);
}

static void add_value(struct buf *out, const struct settings *s, const struct setting *w)
{
    const void *field = field_of(s, w);

    switch (w->kind) {
    case SETTING_FLAG:
        buf_add_z(out, *(const bool *)field ? "yes" : "no");
        break;
    case SETTING_TEXT:
    case SETTING_PROXY:
    case SETTING_PATH:
    case SETTING_DATE:
        add_text(out, s, w);
        break;
    case SETTING_LIST:
    case SETTING_FORMAT:
        add_list(out, s, w);
        break;
    case SETTING_COUNT_UP:
    case SETTING_NUMBER:
    case SETTING_SECONDS:
        buf_add_f(out, "%u", *(const unsigned *)field);
        break;
    case SETTING_WORD:
        add_word(out, w, *(const unsigned *)field);
        break;
    case SETTING_BYTES:
    case SETTING_RATE:
        if (*(const uint64_t *)field)
            buf_add_f(out, "%" PRIu64, *(const uint64_t *)field);
        break;
    case SETTING_INDEX: /* told one by one */
        break;
    }
}

static void add_line(struct buf *out, const char *name, struct str value, struct str origin)
{
    size_t start = out->n;

    buf_add_f(out, "%s = %.*s", name, STR_ARG(value));
    size_t width = out->n - start;
    buf_add_f(out, "%*s    ", width < VALUE_WIDTH ? (int)(VALUE_WIDTH - width) : 0, "");
    settings_show(origin, out);
    buf_add_c(out, '\n');
}

static void add_index(struct buf *out, const struct settings_index *index)
{
    struct buf value = { 0 };

    buf_add_f(&value, "%.*s=", STR_ARG(index->is.name));
    settings_show(index->is.url, &value);
    for (size_t i = 0; i < index->is.n_packages; i++)
        buf_add_f(&value, "%s%.*s", i ? ", " : " for ", STR_ARG(index->is.packages[i]));
    add_line(out, "index", buf_str(&value), index->origin);
    buf_done(&value);
}

void config_text_plain(struct buf *out, const struct settings *s)
{
    struct buf value = { 0 };

    for (const struct setting *w = settings_table; w->name; w++) {
        if (!(w->commands & s->command))
            continue;
        for (size_t i = 0; w->kind == SETTING_INDEX && i < s->n_indexes; i++)
            add_index(out, &s->indexes[i]);
        if (w->kind == SETTING_INDEX)
            continue;
        buf_reset(&value);
        add_value(&value, s, w);
        add_line(out, w->name, buf_str(&value), settings_origin(s, w));
    }
    buf_done(&value);
}

void config_text_files(struct buf *out, const struct layers *l)
{
    buf_add_z(out, "Files, the lowest first:\n");
    for (size_t i = 0; i < l->n; i++) {
        const struct layers_file *f = &l->files[i];
        buf_add_z(out, f->found ? "  read       " : "  not there  ");
        settings_show(f->path, out);
        buf_add_c(out, '\n');
    }
    if (!l->n)
        buf_add_z(out, "  none\n");
    buf_add_c(out, '\n');
}

/* -- JSON -- */

static void write_list(struct json *j, const struct settings *s, const struct setting *w)
{
    const struct strs *list = field_of(s, w);
    struct buf shown = { 0 };
    struct str item;

    json_list(j);
    for (size_t i = 0; i < list->n; i++) {
        if (!list_item(w, list->items[i], &item))
            continue;
        buf_reset(&shown);
        settings_show(item, &shown);
        json_str(j, buf_str(&shown));
    }
    json_list_end(j);
    buf_done(&shown);
}

static void write_indexes(struct json *j, const struct settings *s)
{
    struct buf url = { 0 };

    json_list(j);
    for (size_t i = 0; i < s->n_indexes; i++) {
        const struct settings_index *index = &s->indexes[i];
        buf_reset(&url);
        settings_show(index->is.url, &url);
        json_map(j);
        json_key(j, "name");
        json_str(j, index->is.name);
        json_key(j, "url");
        json_str(j, buf_str(&url));
        json_key(j, "packages");
        json_list(j);
        for (size_t k = 0; k < index->is.n_packages; k++)
            json_str(j, index->is.packages[k]);
        json_list_end(j);
        json_key(j, "origin");
        json_str(j, index->origin);
        json_map_end(j);
    }
    json_list_end(j);
    buf_done(&url);
}

static void write_value(struct json *j, const struct settings *s, const struct setting *w)
{
    const void *field = field_of(s, w);
    struct buf text = { 0 };

    switch (w->kind) {
    case SETTING_FLAG:
        json_bool(j, *(const bool *)field);
        break;
    case SETTING_LIST:
    case SETTING_FORMAT:
        write_list(j, s, w);
        break;
    case SETTING_COUNT_UP:
    case SETTING_NUMBER:
    case SETTING_SECONDS:
        json_int(j, *(const unsigned *)field);
        break;
    case SETTING_BYTES:
    case SETTING_RATE:
        if (*(const uint64_t *)field)
            json_int(j, (int64_t) * (const uint64_t *)field);
        else
            json_null(j);
        break;
    case SETTING_INDEX:
        write_indexes(j, s);
        break;
    case SETTING_TEXT:
    case SETTING_PROXY:
    case SETTING_PATH:
    case SETTING_DATE:
    case SETTING_WORD:
        add_value(&text, s, w);
        json_str(j, text.n ? buf_str(&text) : STR_NONE);
        break;
    }
    buf_done(&text);
}

static void write_settings(struct json *j, const struct settings *s)
{
    struct buf origin = { 0 };

    json_map(j);
    for (const struct setting *w = settings_table; w->name; w++) {
        if (!(w->commands & s->command))
            continue;
        buf_reset(&origin);
        settings_show(settings_origin(s, w), &origin);
        json_key(j, w->name);
        json_map(j);
        json_key(j, "value");
        write_value(j, s, w);
        json_key(j, "origin");
        json_str(j, buf_str(&origin));
        json_map_end(j);
    }
    json_map_end(j);
    buf_done(&origin);
}

static void write_files(struct json *j, const struct layers *l)
{
    json_list(j);
    for (size_t i = 0; i < l->n; i++) {
        json_map(j);
        json_key(j, "path");
        json_str(j, l->files[i].path);
        json_key(j, "of");
        json_str(j, l->files[i].is_pips ? STR("pip") : STR("dray"));
        json_key(j, "found");
        json_bool(j, l->files[i].found);
        json_map_end(j);
    }
    json_list_end(j);
}

void config_text_json(struct buf *out, const struct settings *s, const struct layers *l)
{
    struct json *j = json_open(out, true);

    json_map(j);
    json_key(j, "command");
    json_str(j, str_of(settings_command_name(s->command)));
    json_key(j, "files");
    write_files(j, l);
    json_key(j, "settings");
    write_settings(j, s);
    json_map_end(j);
    json_close(j);
}
