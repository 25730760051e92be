/* job_key.h: the keys of a job. For jobfile.c. */
#pragma once

#include "dray/job/config_reading.h"

/* Those that are no settings. */
enum own_key {
    OWN_NAME,
    OWN_COMMAND,
    OWN_DIRECTORY,
    OWN_REQUIREMENTS,
    OWN_CONSTRAINTS,
    OWN_FILES,
    OWN_INDEXES,
    OWN_PIP_OPTIONS,
    OWN_COUNT
};

extern const char *const job_own_keys[OWN_COUNT];
/* OWN_COUNT: it is none of them. */
enum own_key job_key_own(struct str key);
/* By name or alias; NULL: it is none. */
const struct setting *job_key_setting(struct str key);
/* ERR_USAGE: why a job can't have this key, and which was meant. */
int job_key_refuse(struct config_reading *r, const struct yaml_node *key);
