/* config_reading.h: what dray.yaml and job files have in common: keys that are names of settings,
 * and values that know where they stand. */
#pragma once

#include "dray/job/settings.h"
#include "dray/util/yaml.h"

struct config_reading;

/* What the text of `value` stands for, in `out`; `which` is NULL when it is no setting's. */
typedef int (*config_meaning_fn)(struct config_reading *r, const struct setting *which,
                                 const struct yaml_node *key, const struct yaml_node *value,
                                 struct str *out);

struct config_reading {
    struct settings *settings;
    const char *path;
    struct arena arena;        /* of what is said about the tree, or of all */
    config_meaning_fn meaning; /* NULL: a text says what it is */
    void *ctx;                 /* for it */
    struct err *e;
};

/* "/etc/dray/dray.yaml, line 3, column 10": settings_origin() keeps file and line of it. */
struct str config_place(struct config_reading *r, const struct yaml_node *at);
/* ERR_USAGE: place and what is wrong there. */
__attribute__((format(printf, 3, 4))) int
config_refuse(struct config_reading *r, const struct yaml_node *at, const char *format, ...);
/* A key for a message: cut, and without the password of a URL that strayed there. */
const char *config_shown_key(struct config_reading *r, const struct yaml_node *key);
/* What a text of one line stands for; all else is refused. */
int config_text(struct config_reading *r, const struct setting *which, const struct yaml_node *key,
                const struct yaml_node *value, struct str *out);
/* Sets one of `to`: of a list every item, in the place of what was said before. */
int config_apply(struct config_reading *r, struct settings *to, const struct setting *which,
                 const struct yaml_node *key, const struct yaml_node *value);
/* Refuses another spelling of a key that was `seen`, an array of one for each row. */
int config_check_seen(struct config_reading *r, const struct yaml_node **seen,
                      const struct setting *which, const struct yaml_node *key);
/* `indexes`: a list of maps with name, url and packages. */
int config_index_apply(struct config_reading *r, const struct yaml_node *list);
