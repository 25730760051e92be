/* One text for each row of the table, in the settings' own arena. */
#include "dray/job/settings_origin.h"

/* "/etc/pip.conf, line 3, timeout" -> "/etc/pip.conf, line 3"; the rest is for errors. */
static struct str without_details(struct str origin)
{
    static const struct str mark = { ", line ", 7 };
    size_t end = 0;

    for (size_t i = 0; i < origin.n; i++)
        if (str_starts(str_sub(origin, i, origin.n), mark))
            end = i + mark.n;
    if (!end)
        return origin;
    while (end < origin.n && str_isdigit(origin.p[end]))
        end++;
    return str_sub(origin, 0, end);
}

/* Each mention adds to what was said before. */
static bool adds_up(const struct setting *which)
{
    return which->kind == SETTING_LIST || which->kind == SETTING_FORMAT ||
           which->kind == SETTING_COUNT_UP || which->kind == SETTING_INDEX;
}

/* Is it among those of `all`? */
static bool is_noted(struct str all, struct str origin)
{
    while (all.p)
        if (str_eq(str_trim(str_cut(all, ';', &all)), origin))
            return true;
    return false;
}

void settings_origin_add(struct arena *a, struct str *at, const char *origin)
{
    struct str place = without_details(str_of(origin));

    if (!at->n)
        *at = arena_str(a, place);
    else if (!is_noted(*at, place))
        *at = arena_f(a, "%.*s; %.*s", STR_ARG(*at), STR_ARG(place));
}

void settings_origin_note(struct settings *s, const struct setting *which, const char *origin)
{
    if (!s->origins)
        s->origins = arena_alloc(&s->arena, settings_rows(), sizeof(*s->origins));
    struct str *at = &s->origins[settings_row(which)];
    if (!adds_up(which))
        *at = STR_NONE;
    settings_origin_add(&s->arena, at, origin);
}

void settings_origin_forget(struct settings *s, const struct setting *which)
{
    if (s->origins)
        s->origins[settings_row(which)] = STR_NONE;
}

struct str settings_origin(const struct settings *s, const struct setting *which)
{
    struct str origin = s->origins ? s->origins[settings_row(which)] : STR_NONE;

    return origin.n ? origin : STR("default");
}
