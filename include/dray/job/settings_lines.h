/* settings_lines.h: requirements that a job says itself, and files that it brings along. */
#pragma once

#include <stddef.h>

#include "dray/util/str.h"

struct settings;

/* A line as in a requirements file, that stands elsewhere; variables are expanded in it. */
struct settings_line {
    struct str text;
    struct str origin; /* "job.yaml, line 4" */
};

struct settings_lines {
    struct settings_line *items;
    size_t n, cap;
};

/* What a requirements or constraints file of that name holds, whatever the disk has. */
struct settings_content {
    struct str name; /* path_normalize()d, or a URL */
    struct str text;
};

struct settings_contents {
    struct settings_content *items;
    size_t n, cap;
};

/* Copies both. */
void settings_add_line(struct settings *s, struct settings_lines *lines, struct str text,
                       struct str origin);
/* Adds what the file of that name holds, or changes it. */
void settings_put_content(struct settings *s, struct str name, struct str text);
