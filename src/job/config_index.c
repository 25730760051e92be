/* The part `indexes` of dray.yaml and of jobs. */
#include "dray/job/config_reading.h"
#include "dray/job/settings_index.h"
#include "dray/util/map.h"

static int take_packages(struct config_reading *r, const struct yaml_node *key,
                         const struct yaml_node *value, struct settings_index_said *said)
{
    said->has_packages = true;
    if (value->kind != YAML_LIST)
        return config_refuse(r, value, "packages: expected a list of names");
    for (size_t i = 0; i < value->n; i++) {
        struct str package = STR_NONE;
        if (config_text(r, NULL, key, &value->values[i], &package))
            return r->e->code;
        strs_add(&said->packages, package);
    }
    return 0;
}

static int take_key(struct config_reading *r, const struct yaml_node *key,
                    const struct yaml_node *value, struct settings_index_said *said)
{
    bool is_name = str_is(key->text, "name");

    if (str_is(key->text, "packages"))
        return take_packages(r, key, value, said);
    if (!is_name && !str_is(key->text, "url"))
        return config_refuse(r, key, "unknown key \"%s\"; an index has name, url and packages",
                             config_shown_key(r, key));
    return config_text(r, NULL, key, value, is_name ? &said->name : &said->url);
}

static int apply_index(struct config_reading *r, const struct yaml_node *index, struct map *seen)
{
    struct settings_index_said said = { .origin = config_place(r, index).p };
    int code = 0;

    if (index->kind != YAML_MAP)
        return config_refuse(r, index, "indexes: expected name, url and packages of an index");
    for (size_t i = 0; i < index->n && !code; i++)
        code = take_key(r, &index->keys[i], &index->values[i], &said);
    if (!code && !said.name.n)
        code = config_refuse(r, index, "an index needs a name");
    if (!code && map_get(seen, said.name))
        code = config_refuse(r, index, "index %s is there twice", said.name.p);
    if (!code) {
        map_put(seen, said.name, r);
        code = settings_index_put(r->settings, &said, r->e);
    }
    strs_done(&said.packages);
    return code;
}

int config_index_apply(struct config_reading *r, const struct yaml_node *list)
{
    struct map seen = { 0 };
    int code = 0;

    if (list->kind != YAML_LIST && !list->is_null)
        return config_refuse(r, list, "indexes: expected a list, of name, url and packages each");
    for (size_t i = 0; i < list->n && !code; i++)
        code = apply_index(r, &list->values[i], &seen);
    map_done(&seen);
    return code;
}
