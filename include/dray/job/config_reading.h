/* config_reading.h: one dray.yaml that is being read, shared by the files that do it. */
#pragma once

#include "dray/job/settings.h"
#include "dray/util/yaml.h"

struct config_reading {
    struct settings *settings;
    const char *path;
    struct arena arena; /* of the tree, and of what is said about it */
    struct err *e;
};

/* "/etc/dray/dray.yaml, line 3, column 10": settings_origin() keeps file and line of it. */
struct str config_place(struct config_reading *r, const struct yaml_node *at);
/* ERR_USAGE: place and what is wrong there. */
__attribute__((format(printf, 3, 4))) int
config_refuse(struct config_reading *r, const struct yaml_node *at, const char *format, ...);
/* A key for a message: cut, and without the password of a URL that strayed there. */
const char *config_shown_key(struct config_reading *r, const struct yaml_node *key);
/* Refuses what is not a text of one line. */
int config_check_text(struct config_reading *r, const struct yaml_node *key,
                      const struct yaml_node *value);
/* `indexes`: a list of maps with name, url and packages. */
int config_index_apply(struct config_reading *r, const struct yaml_node *list);
