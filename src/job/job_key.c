/* A key is a setting of the table, or one of a few besides. */
#include "dray/job/job_key.h"

const char *const job_own_keys[OWN_COUNT] = {
    [OWN_NAME] = "name",
    [OWN_COMMAND] = "command",
    [OWN_DIRECTORY] = "directory",
    [OWN_REQUIREMENTS] = "requirements",
    [OWN_CONSTRAINTS] = "constraints",
    [OWN_FILES] = "files",
    [OWN_INDEXES] = "indexes",
    [OWN_PIP_OPTIONS] = "pip-options",
};

/* "requirements" beside "requirement" is easily mistaken. */
static const struct setting_alias aliases[] = { { "requirement-files", "requirement" },
                                                { "constraint-files", "constraint" } };

enum own_key job_key_own(struct str key)
{
    enum own_key own = OWN_NAME;

    while (own < OWN_COUNT && !str_is(key, job_own_keys[own]))
        own++;
    return own;
}

const struct setting *job_key_setting(struct str key)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
        if (str_is(key, aliases[i].name))
            return settings_find(str_of(aliases[i].of));
    return settings_find(key);
}

static const char *suggest_key(struct str key)
{
    struct suggestion g;

    suggestion_init(&g, key);
    for (size_t i = 0; i < OWN_COUNT; i++)
        suggestion_offer(&g, job_own_keys[i]);
    for (const struct setting *w = settings_table; w->name; w++)
        if (w->where & SETTING_IN_JOB)
            suggestion_offer(&g, w->name);
    return g.found;
}

int job_key_refuse(struct config_reading *r, const struct yaml_node *key)
{
    const char *near = suggest_key(key->text);

    if (str_is(key->text, "index"))
        return config_refuse(r, key,
                             "\"index\" is an option; in a file, indexes that have names stand "
                             "below \"indexes\"");
    if (settings_find(key->text))
        return config_refuse(r, key, "\"%s\" can't be set in a job: that is up to who runs it",
                             key->text.p);
    if (near)
        return config_refuse(r, key, "unknown key \"%s\"; did you mean \"%s\"?",
                             config_shown_key(r, key), near);
    return config_refuse(r, key,
                         "unknown key \"%s\"; man dray lists the options, which are the keys",
                         config_shown_key(r, key));
}
