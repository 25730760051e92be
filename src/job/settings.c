/* Every way to say a setting ends in settings_set(), which knows the kinds; everything else here is
 * looking things up in the table. */
#include "dray/job/settings.h"

#include <stdlib.h>

#include "dray/job/settings_index.h"
#include "dray/job/settings_origin.h"
#include "dray/net/proxy.h"
#include "dray/py/instant.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray_config.h"

#define DEFAULT_DEST "."
enum {
    DEFAULT_TIMEOUT_S = 15,
    DEFAULT_RETRIES = 5,
    DEFAULT_CONNECTIONS = 50,
    DEFAULT_MAX_JOBS = 16,
    DEFAULT_KEEP_JOBS = 1000,
    DEFAULT_STOP_TIMEOUT_S = 10
};

void settings_init(struct settings *s)
{
    *s = (struct settings){ .command = COMMAND_DOWNLOAD };
    s->timeout_s = DEFAULT_TIMEOUT_S;
    s->retries = DEFAULT_RETRIES;
    s->connections = DEFAULT_CONNECTIONS;
    s->connections_per_host = SETTINGS_CONNECTIONS_MAX; /* one index serves most runs */
    s->priority = PRIORITY_NORMAL;
    s->max_jobs = DEFAULT_MAX_JOBS;
    s->keep_jobs = DEFAULT_KEEP_JOBS;
    s->stop_timeout_s = DEFAULT_STOP_TIMEOUT_S;
    s->dest = STR(DEFAULT_DEST);
    s->index_url = DRAY_DEFAULT_INDEX[0] ? STR(DRAY_DEFAULT_INDEX) : STR_NONE;
}

const char *settings_command_name(enum settings_command c)
{
    switch (c) {
    case COMMAND_DOWNLOAD:
        return "download";
    case COMMAND_WHEEL:
        return "wheel";
    case COMMAND_INSTALL:
        return "install";
    case COMMAND_METADATA:
        return "metadata";
    case COMMAND_LOCK:
        return "lock";
    case COMMAND_CACHE:
        return "cache";
    case COMMAND_CONFIG:
        return "config";
    case COMMAND_RUN:
        return "run";
    case COMMAND_DAEMON:
        return "daemon";
    case COMMAND_SUBMIT:
        return "submit";
    case COMMAND_JOBS:
        return "jobs";
    case COMMAND_WATCH:
        return "watch";
    case COMMAND_CANCEL:
        return "cancel";
    }
    abort();
}

static void *field_of(struct settings *s, const struct setting *which)
{
    return (char *)s + which->offset;
}

void settings_done(struct settings *s)
{
    if (!s)
        return;
    strs_done(&s->requirements);
    strs_done(&s->pip_options);
    for (const struct setting *w = settings_table; w->name; w++)
        if (w->kind == SETTING_LIST || w->kind == SETTING_FORMAT)
            strs_done(field_of(s, w));
    free(s->indexes);
    free(s->requirement_lines.items);
    free(s->constraint_lines.items);
    free(s->contents.items);
    arena_done(&s->arena);
    *s = (struct settings){ 0 };
}

/* "_" counts as "-": DRAY_INDEX_URL, and both spellings in pip.conf. */
static bool name_is(struct str name, const char *known)
{
    struct str k = str_of(known);

    if (name.n != k.n)
        return false;
    for (size_t i = 0; i < k.n; i++)
        if ((name.p[i] == '_' ? '-' : name.p[i]) != k.p[i])
            return false;
    return true;
}

const struct setting *settings_find(struct str name)
{
    for (const struct setting *w = settings_table; w->name; w++)
        if (name_is(name, w->name))
            return w;
    for (const struct setting_alias *a = settings_aliases; a->name; a++)
        if (name_is(name, a->name))
            return settings_find(str_of(a->of));
    return NULL;
}

const struct setting *settings_find_letter(char letter)
{
    for (const struct setting *w = settings_table; w->name; w++)
        if (letter && w->letter == letter)
            return w;
    return NULL;
}

bool settings_bool(struct str word, bool *out)
{
    static const char *const words[][2] = { { "no", "yes" }, { "n", "y" },    { "false", "true" },
                                            { "f", "t" },    { "off", "on" }, { "0", "1" } };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (int value = 0; value < 2; value++)
            if (str_eq_nocase(word, str_of(words[i][value]))) {
                *out = value;
                return true;
            }
    return false;
}

static int set_flag(bool *field, struct str value, const char *origin, struct err *e)
{
    bool on = true;

    if (value.p && !settings_bool(value, &on))
        return err_set(e, ERR_USAGE, "%s: expected yes or no, not \"%.*s\"", origin,
                       STR_ARG(value));
    *field = on;
    return 0;
}

/* pip reads a count as a boolean word first, then as a number: "1" and "yes" are the same. */
static int set_count(unsigned *field, const struct setting *which, struct str value,
                     const char *origin, struct err *e)
{
    uint64_t n = *field + UINT64_C(1);
    bool on;

    if (value.p && settings_bool(value, &on))
        n = on;
    else if (value.p && !str_to_u64(value, UINT32_MAX, &n))
        return err_set(e, ERR_USAGE, "%s: expected a number or yes or no, not \"%.*s\"", origin,
                       STR_ARG(value));
    *field = n > which->max ? which->max : (unsigned)n;
    return 0;
}

static int set_number(unsigned *field, const struct setting *which, struct str value,
                      const char *origin, struct err *e)
{
    bool fraction = which->kind == SETTING_SECONDS && str_find(value, '.') >= 0;
    struct str behind = STR_NONE;
    struct str whole = fraction ? str_cut(value, '.', &behind) : value;
    uint64_t n = 0, rest = 0;
    bool ok =
        value.n <= 20 && (str_to_u64(whole, which->max, &n) || (fraction && !whole.n && behind.n));

    if (behind.n)
        ok = ok && str_to_u64(behind, UINT64_MAX, &rest);
    n += rest > 0;
    if (!ok || (fraction && value.n == 1) || n > which->max)
        return err_set(e, ERR_USAGE, "%s: expected a %s from 0 to %u, not \"%.*s\"", origin,
                       which->kind == SETTING_SECONDS ? "number of seconds" : "whole number",
                       which->max, STR_ARG(value));
    *field = (unsigned)n;
    return 0;
}

/* "auto, on, off or json" */
static void add_words(struct buf *out, struct str words)
{
    while (words.p) {
        struct str word = str_cut(words, '|', &words);
        buf_add_f(out, "%s%.*s", !out->n ? "" : words.p ? ", " : " or ", STR_ARG(word));
    }
}

/* One of the words of value_name, whose place there is the value. */
static int set_word(unsigned *field, const struct setting *which, struct str value,
                    const char *origin, struct err *e)
{
    struct str words = str_of(which->value_name);
    struct buf expected = { 0 };

    for (unsigned i = 0; words.p; i++)
        if (str_eq(str_cut(words, '|', &words), value)) {
            *field = i;
            return 0;
        }
    add_words(&expected, str_of(which->value_name));
    err_set(e, ERR_USAGE, "%s: expected %s, not \"%.*s\"", origin, buf_z(&expected),
            STR_ARG(value));
    buf_done(&expected);
    return e->code;
}

static int set_date(struct str *field, struct settings *s, struct str value, const char *origin,
                    struct err *e)
{
    int64_t end;

    if (!instant_parse_end(value, &end))
        return err_set(e, ERR_USAGE,
                       "%s: expected a day, 2024-03-01, or a time, 2024-03-01T12:00:00Z, not "
                       "\"%.*s\"",
                       origin, STR_ARG(value));
    *field = arena_str(&s->arena, value);
    return 0;
}

/* Powers of 1024 for "GiB" and "G", of 1000 for "GB". */
static bool unit_of(struct str text, uint64_t *out)
{
    static const char letters[] = "kmgt";
    uint64_t step = 1024;

    *out = 1;
    if (!text.n || str_eq_nocase(text, STR("b")))
        return true;
    const char *letter = strchr(letters, str_lower(text.p[0]));
    if (text.n == 2 && str_lower(text.p[1]) == 'b')
        step = 1000;
    else if (text.n != 1 && !str_eq_nocase(str_sub(text, 1, text.n), STR("ib")))
        return false;
    if (!letter)
        return false;
    for (const char *p = letters; p <= letter; p++)
        *out *= step;
    return true;
}

static int set_bytes(uint64_t *field, const struct setting *which, struct str value,
                     const char *origin, struct err *e)
{
    bool is_rate = which->kind == SETTING_RATE;
    size_t n = 0;
    uint64_t count, unit;

    while (n < value.n && str_isdigit(value.p[n]))
        n++;
    if (!str_to_u64(str_sub(value, 0, n), INT64_MAX, &count) ||
        !unit_of(str_trim(str_sub(value, n, value.n)), &unit) || count > INT64_MAX / unit)
        return err_set(e, ERR_USAGE, "%s: expected %s, not \"%.*s\"", origin,
                       is_rate ? "bytes a second such as 500K or 2M"
                               : "a size such as 10GiB or 500MB",
                       STR_ARG(value));
    if (!count && !is_rate)
        return err_set(e, ERR_USAGE, "%s: expected more than 0; --no-cache-dir keeps nothing",
                       origin);
    *field = count * unit;
    return 0;
}

static int add_format(struct settings *s, const struct setting *which, struct str value,
                      const char *origin, struct err *e)
{
    /* pip's check: the next option must not be swallowed as a name. */
    if (value.n && value.p[0] == '-')
        return err_set(e, ERR_USAGE, "%s: expected project names, :all: or :none:, not \"%.*s\"",
                       origin, STR_ARG(value));
    strs_add(&s->format_control, arena_f(&s->arena, "%s=%.*s", which->name, STR_ARG(value)));
    return 0;
}

static struct str expand_home(struct settings *s, struct str path)
{
    const char *home = getenv("HOME");

    if (!home || !home[0] || !path.n || path.p[0] != '~' || (path.n > 1 && path.p[1] != '/'))
        return arena_str(&s->arena, path);
    return arena_f(&s->arena, "%s%.*s", home, (int)path.n - 1, path.p + 1);
}

/* pip: an empty one means that there is none, whatever the environment says. */
static int set_proxy(struct str *field, struct settings *s, struct str value, const char *origin,
                     struct err *e)
{
    struct proxy p = { 0 };

    if (value.n && proxy_parse(value, &p, e))
        return err_wrap(e, "%s", origin);
    proxy_done(&p);
    *field = arena_str(&s->arena, value);
    return 0;
}

static void set_path(struct str *field, struct settings *s, const struct setting *which,
                     struct str value)
{
    *field = expand_home(s, value);
    if (which->offset != offsetof(struct settings, cache_dir))
        return;
    s->no_cache_dir = false; /* pip: these two are one option, the later wins */
    settings_origin_forget(s, settings_find(STR("no-cache-dir")));
}

static int check_text(const struct setting *which, struct str value, const char *origin,
                      struct err *e)
{
    /* An empty one is nearly always an unset variable of a script; for an index that would silently
     * ask another. */
    if (!value.n && which->kind != SETTING_PROXY)
        return err_set(e, ERR_USAGE, "%s: expected %s, got nothing", origin,
                       which->value_name ? which->value_name : "a value");
    if (value.n > LIMIT_URL_BYTES)
        return err_set(e, ERR_USAGE, "%s: the value has %zu bytes, at most %d are taken", origin,
                       value.n, LIMIT_URL_BYTES);
    if (str_find(value, '\0') >= 0)
        return err_set(e, ERR_USAGE, "%s: the value holds a NUL character", origin);
    return 0;
}

static int set_by_kind(struct settings *s, const struct setting *which, struct str value,
                       const char *origin, struct err *e)
{
    void *field = field_of(s, which);
    bool mentioned = which->kind == SETTING_FLAG || which->kind == SETTING_COUNT_UP;
    int code = mentioned ? 0 : check_text(which, value, origin, e);

    if (code)
        return code;
    switch (which->kind) {
    case SETTING_FLAG:
        return set_flag(field, value, origin, e);
    case SETTING_COUNT_UP:
        return set_count(field, which, value, origin, e);
    case SETTING_TEXT:
        *(struct str *)field = arena_str(&s->arena, value);
        return 0;
    case SETTING_PATH:
        set_path(field, s, which, value);
        return 0;
    case SETTING_PROXY:
        return set_proxy(field, s, value, origin, e);
    case SETTING_LIST:
        strs_add(field, arena_str(&s->arena, value));
        return 0;
    case SETTING_NUMBER:
    case SETTING_SECONDS:
        return set_number(field, which, value, origin, e);
    case SETTING_FORMAT:
        return add_format(s, which, value, origin, e);
    case SETTING_DATE:
        return set_date(field, s, value, origin, e);
    case SETTING_WORD:
        return set_word(field, which, value, origin, e);
    case SETTING_BYTES:
    case SETTING_RATE:
        return set_bytes(field, which, value, origin, e);
    case SETTING_INDEX:
        return settings_index_set(s, value, origin, e);
    }
    abort();
}

int settings_set(struct settings *s, const struct setting *which, struct str value,
                 const char *origin, struct err *e)
{
    int code = set_by_kind(s, which, value, origin, e);

    if (!code)
        settings_origin_note(s, which, origin);
    return code;
}

void settings_clear(struct settings *s, const struct setting *which)
{
    if (which->kind == SETTING_INDEX || which->kind == SETTING_FORMAT)
        return; /* what is said of these always adds to what was said before */
    if (which->kind == SETTING_LIST)
        ((struct strs *)field_of(s, which))->n = 0;
    else if (which->kind == SETTING_TEXT || which->kind == SETTING_PATH)
        *(struct str *)field_of(s, which) = STR_NONE;
    settings_origin_forget(s, which);
}
