/* input_walk.h: the walk over all that was asked for: the command line's requirements, a job's
 * lines, requirements and constraints files with those that they name. Reads the disk; stops at a
 * file that is elsewhere, until somebody has fetched it. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/job/reqfile.h"
#include "dray/job/settings.h"
#include "dray/job/want.h"
#include "dray/util/limits.h"

struct input_file {
    struct reqfile file;
    size_t next;                        /* item */
    struct str name;                    /* path or URL, for what it names */
    struct str shown;                   /* the same for messages: without a password */
    const struct settings_lines *lines; /* of a job, one an item's line; or NULL */
    bool is_constraint;
    bool is_content; /* a job brought it along */
};

struct input_wants {
    struct want *items;
    size_t n, cap;
};

/* Zeroed is an empty one. */
struct input_walk {
    struct settings *settings; /* borrowed, and added to */
    struct events *events;
    struct arena arena;
    struct input_wants wants, constraints;
    struct input_file stack[LIMIT_REQFILE_DEPTH];
    size_t depth, next_argument, next_lines, next_constraint_file, next_file;
    struct str remote; /* the URL of the file to fetch; else STR_NONE */
    bool remote_is_constraint;
    bool carries;        /* local files become contents of the settings */
    bool asked_variable; /* the file that is being read names one */
    struct err err;
};

/* Goes on to the end, to a file that is elsewhere, or to an error: `err` then says where. */
void input_walk_go(struct input_walk *w);
/* The content of that file; or, with STR_NONE, it is passed over. */
void input_walk_take(struct input_walk *w, struct str bytes);
void input_walk_done(struct input_walk *w);
