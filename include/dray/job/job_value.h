/* job_value.h: what the texts of a job file stand for: variables, paths, lines. For jobfile.c. */
#pragma once

#include "dray/job/config_reading.h"
#include "dray/job/jobfile.h"

/* What a reading's `ctx` is. */
struct job_place {
    const struct jobfile_source *source;
    struct str directory; /* of the job */
};

/* Is it the name of a file or directory, or of several? */
bool job_value_is_path(const struct setting *which);
/* A path as the working directory sees it; in the reading's arena. */
struct str job_value_directory(struct config_reading *r, struct str text);
/* A config_meaning_fn. */
int job_value(struct config_reading *r, const struct setting *which, const struct yaml_node *key,
              const struct yaml_node *value, struct str *out);
/* Adds lines of requirements files, in the place of those that `to` has. */
int job_value_lines(struct config_reading *r, struct settings_lines *to,
                    const struct yaml_node *key, const struct yaml_node *value);
/* `files`: texts by names. */
int job_value_contents(struct config_reading *r, const struct yaml_node *key,
                       const struct yaml_node *value);
/* `pip-options`, in the place of those that are there. */
int job_value_options(struct config_reading *r, const struct yaml_node *key,
                      const struct yaml_node *value);
