/* What pip is configured with, as dray reads it. Questions, whose fields are COMMAND, PREFIX,
 * ISOLATED ("1" or nothing), then the environment, "NAME=value" each:
 *
 *     paths     the files that are looked for, lowest first, as a list in JSON
 *     settings  {"error": TEXT}, or {NAME: VALUE, ...} of all that pip has too */
#include "dray/job/pipconf.h"
#include "dray/util/json.h"
#include "oracle.h"

enum { COMMAND = 1, PREFIX, ISOLATED, ENVIRONMENT };

static struct pipconf_site site_of(const struct question *q)
{
    const char **env = arena_alloc(q->a, q->n + 1, sizeof(*env));

    for (size_t i = ENVIRONMENT; i < q->n; i++)
        env[i - ENVIRONMENT] = q->fields[i].p;
    return (struct pipconf_site){ .command = q->fields[COMMAND].p,
                                  .prefix = q->fields[PREFIX].n ? q->fields[PREFIX].p : NULL,
                                  .env = env,
                                  .isolated = q->fields[ISOLATED].n > 0 };
}

static void print_paths(const struct question *q)
{
    struct pipconf_site site = site_of(q);
    struct strs paths = { 0 };
    struct buf out = { 0 };
    struct json *j = json_open(&out, false);

    pipconf_paths(q->a, &site, &paths);
    json_list(j);
    for (size_t i = 0; i < paths.n; i++)
        json_str(j, paths.items[i]);
    json_list_end(j);
    json_close(j);
    puts(buf_z(&out));
    strs_done(&paths);
    buf_done(&out);
}

static void write_list(struct json *j, const struct strs *list)
{
    json_list(j);
    for (size_t i = 0; i < list->n; i++)
        json_str(j, list->items[i]);
    json_list_end(j);
}

static void write_value(struct json *j, const struct settings *s, const struct setting *w)
{
    const void *field = (const char *)s + w->offset;

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
    case SETTING_FORMAT:
        write_list(j, field);
        break;
    case SETTING_COUNT_UP:
    case SETTING_NUMBER:
    case SETTING_SECONDS:
    case SETTING_WORD:
        json_int(j, *(const unsigned *)field);
        break;
    case SETTING_BYTES:
    case SETTING_RATE:
    case SETTING_INDEX: /* not pip's */
        json_null(j);
        break;
    }
}

static void write_settings(struct json *j, const struct settings *s)
{
    for (const struct setting *w = settings_table; w->name; w++)
        if ((w->where & SETTING_IN_PIP) && (w->commands & s->command)) {
            json_key(j, w->name);
            write_value(j, s, w);
        }
}

static void print_settings(const struct question *q)
{
    struct pipconf_site site = site_of(q);
    struct strs paths = { 0 };
    struct settings s;
    struct buf out = { 0 };
    struct json *j = json_open(&out, false);

    settings_init(&s);
    s.index_url = STR_NONE;
    s.dest = STR_NONE;
    pipconf_paths(q->a, &site, &paths);
    json_map(j);
    if (pipconf_apply(&s, &site, &paths, q->e)) {
        json_key(j, "error");
        json_str(j, str_of(err_text(q->e)));
    } else {
        write_settings(j, &s);
    }
    json_map_end(j);
    json_close(j);
    puts(buf_z(&out));
    strs_done(&paths);
    settings_done(&s);
    buf_done(&out);
}

int main(void)
{
    static const struct oracle_answer answers[] = { { "paths", print_paths },
                                                    { "settings", print_settings } };

    return oracle_run(answers, sizeof(answers) / sizeof(*answers));
}
