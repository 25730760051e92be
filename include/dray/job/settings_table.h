/* settings_table.h: the one table of names of settings: of what kind each is, where it may be said,
 * and which commands take it. */
#pragma once

#include <stddef.h>

/* Where a setting may be said: a set of these. */
enum {
    SETTING_IN_CLI = 1,     /* --name */
    SETTING_IN_ENV = 2,     /* DRAY_NAME */
    SETTING_IN_PIP = 4,     /* pip.conf and PIP_NAME: pip has the same option */
    SETTING_IN_REQFILE = 8, /* on a line of its own in a requirements file */
    SETTING_IN_FILE = 16,   /* in dray.yaml */
    SETTING_IN_JOB = 32,    /* in a job file: all but what is about the process that runs it */
    SETTING_IN_DAEMON = 64  /* in a job of a daemon: all of these but what is the daemon's own */
};

enum setting_kind {
    SETTING_FLAG,     /* bool: present, or a boolean word in files and variables */
    SETTING_COUNT_UP, /* unsigned: each mention adds one; files and variables say a number or yes */
    SETTING_TEXT,     /* struct str: the last one counts */
    SETTING_PATH,     /* the same; "~" and "~/..." are below $HOME, as pip has it for its paths */
    SETTING_PROXY,    /* struct str: the URL of a proxy, or nothing at all */
    SETTING_LIST,     /* struct strs: all count */
    SETTING_NUMBER,   /* unsigned, 0 to `max` */
    SETTING_SECONDS,  /* the same; a fraction, which pip allows, is rounded up */
    SETTING_FORMAT,   /* format_control */
    SETTING_BYTES,    /* uint64_t: "10GiB", "500MB", "1000000" */
    SETTING_RATE,     /* the same, of each second; 0 is none, as curl has it */
    SETTING_DATE,     /* struct str: a day or an instant, see py/instant.h */
    SETTING_INDEX,    /* indexes: "NAME=URL", which changes the index of that name or adds one */
    SETTING_WORD      /* an enum whose values are the words of value_name, "flat|target" */
};

struct setting {
    const char *name; /* "index-url" */
    char letter;      /* 'i', or 0 */
    enum setting_kind kind;
    size_t offset; /* of the field in struct settings */
    unsigned where;
    unsigned commands;      /* that take it on their command line */
    unsigned max;           /* of a number or count */
    const char *value_name; /* "URL", "auto|on|off"; NULL for a flag */
    const char *help;       /* one line for --help and the completions */
};

/* All of them, ended by one with a NULL name, in the order of --help. */
extern const struct setting settings_table[];
/* Which of them, and how many there are. */
size_t settings_row(const struct setting *which);
size_t settings_rows(void);

/* Another spelling of a name, as pip has them. */
struct setting_alias {
    const char *name, *of;
};
extern const struct setting_alias settings_aliases[];
