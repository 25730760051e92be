/* settings.h: everything a fetching job can be told, and the one table of its names. The command
 * line, DRAY_* variables, job files, dray.yaml, pip's configuration, and requirements files all set
 * it through that table. Pure: no file is read here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/fetch/source_index.h"
#include "dray/job/settings_lines.h"
#include "dray/job/settings_table.h"
#include "dray/job/settings_words.h"
#include "dray/util/arena.h"
#include "dray/util/err.h"
#include "dray/util/strs.h"

/* The commands that take settings: a set of these. */
enum settings_command {
    COMMAND_DOWNLOAD = 1, /* files into a directory */
    COMMAND_WHEEL = 2,    /* the same, source distributions are built */
    COMMAND_INSTALL = 4,  /* for pip to install */
    COMMAND_METADATA = 8, /* metadata to standard output */
    COMMAND_LOCK = 16,    /* what would be fetched, written down */
    COMMAND_CACHE = 32,   /* the store itself */
    COMMAND_CONFIG = 64,  /* what the settings of another come to */
    COMMAND_RUN = 128,    /* what job files say */
    COMMAND_DAEMON = 256, /* jobs of others */
    COMMAND_SUBMIT = 512, /* jobs for a daemon */
    COMMAND_JOBS = 1024,  /* which ones it has */
    COMMAND_WATCH = 2048, /* one of them */
    COMMAND_CANCEL = 4096
};

/* An index that has a name. */
struct settings_index {
    struct source_index is;
    struct str origin; /* as settings_origin() has it */
};

enum { SETTINGS_CONNECTIONS_MAX = 256, SETTINGS_JOBS_MAX = 64 };

/* Strings live in `arena`. STR_NONE and empty lists mean: not said. */
struct settings {
    struct arena arena;
    enum settings_command command;
    struct str *origins; /* by row of the table: where the value came from; see settings_origin() */
    struct strs pip_options; /* of install: what follows "--" */

    struct str config; /* the one configuration file to read; "/dev/null": none */
    bool isolated;     /* no variables, no files of the user's */

    struct strs requirements;      /* as on the command line: requirement, URL or path */
    struct strs requirement_files; /* -r: path or URL */
    struct strs constraint_files;  /* -c */
    bool no_deps;

    /* Only a job says these. */
    struct settings_lines requirement_lines, constraint_lines;
    struct settings_contents contents;
    struct str directory; /* where relative paths begin; STR_NONE: the working directory */
    bool no_variables;    /* "${NAME}" may not stand in requirements files */

    struct str index_url; /* default: the one found when dray was built, if there was one */
    struct strs extra_index_urls;
    struct settings_index *indexes; /* that have names, in order; see settings_index.h */
    size_t n_indexes, indexes_cap;
    bool no_index;
    enum settings_strategy index_strategy;
    struct strs find_links; /* URL of a page, directory, page or distribution file */

    struct strs format_control; /* in order of appearance: "only-binary=VALUE", "no-binary=VALUE" */
    bool prefer_binary, pre;
    enum settings_resolution resolution;
    struct str exclude_newer; /* what was uploaded later does not count */
    bool require_hashes, no_require_hashes;

    struct str python;   /* the interpreter to ask; default: python3 on PATH */
    struct strs targets; /* --target PYTHON:PLATFORM */
    struct strs target_files;
    enum settings_layout layout;
    struct strs platforms, abis;
    struct str python_version, implementation;

    struct str dest; /* default "." */
    enum settings_link link_mode;
    struct str cache_dir;
    bool no_cache_dir;
    uint64_t cache_bytes;     /* the store's cap; 0: its own default */
    struct str pip_cache_dir; /* where pip says that it keeps things */
    bool offline;

    struct strs trusted_hosts;
    struct str cert, client_cert;
    struct str proxy; /* STR_NONE: what the environment says; empty: none */
    bool no_proxy_env;
    enum settings_resolver resolver;
    bool no_http2;
    uint64_t limit_rate; /* bytes a second; 0: no limit */
    bool no_input;
    enum settings_keyring keyring_provider;
    bool save_credentials;
    struct strs bearer_tokens; /* "HOST[:PORT]=VARIABLE" */
    unsigned timeout_s, retries, connections,
        connections_per_host; /* defaults set by settings_init() */

    enum settings_on_error on_error;
    enum settings_priority priority;
    bool no_local_files; /* who asks may not have local files read; no name in the table */

    bool to_daemon;    /* a daemon does it */
    bool waits;        /* of submit */
    struct str socket; /* of the daemon */
    struct strs listen, allow_hosts, allow_uids, roots;
    struct str token_file, state_dir;
    unsigned max_jobs, keep_jobs, stop_timeout_s;

    bool check_only; /* of run */
    bool dry_run;
    bool json, stats;
    enum settings_lock lock_format;
    bool only_target;         /* of lock: of each version only the file that is chosen */
    struct str output;        /* of lock: a file; "-" is standard output, too */
    struct str report, trace; /* file names; "-" is standard output */
    enum settings_progress progress;
    unsigned quiet, verbose;
};

/* For COMMAND_DOWNLOAD, until `command` is set to another. */
void settings_init(struct settings *s);
/* "download" */
const char *settings_command_name(enum settings_command c);
void settings_done(struct settings *s);
/* By long name or alias; "_" counts as "-". NULL if there is none. */
const struct setting *settings_find(struct str name);
const struct setting *settings_find_letter(char letter);
/* Sets one. `value` is STR_NONE for a flag that was merely mentioned; it is copied. `origin` says
 * where, for the error: "--timeout", "PIP_TIMEOUT". ERR_USAGE when the value is not one. */
int settings_set(struct settings *s, const struct setting *which, struct str value,
                 const char *origin, struct err *e);
/* Where the value came from, for people: "default", "--timeout", "/etc/pip.conf, line 3"; of what
 * adds up (lists) all that said something, with "; " between. */
struct str settings_origin(const struct settings *s, const struct setting *which);
/* Forgets what a list or text has been told so far: a layer that replaces the one below. Formats
 * and indexes add up through all layers and stay. */
void settings_clear(struct settings *s, const struct setting *which);
/* Applies all DRAY_* variables of `environ`-like `env`, in the order of the table. Lists are split
 * at white space and replace what was said before, empty values count as unset; an unknown name is
 * an error with a suggestion. */
int settings_from_env(struct settings *s, const char *const *env, struct err *e);
/* The known name that is nearest to a mistyped one, or NULL. */
const char *settings_suggest(struct str name);

/* The same among any words: offer them one by one. */
struct suggestion {
    struct str name;
    const char *found; /* NULL: all are other words */
    unsigned distance;
};
void suggestion_init(struct suggestion *g, struct str name);
void suggestion_offer(struct suggestion *g, const char *word);

/* "yes" and the like, any case (pip's strtobool); false when it is none of them. */
bool settings_bool(struct str word, bool *out);
/* What contradicts itself: --target beside --platform and its like, two that write to standard
 * output, ... */
int settings_check(const struct settings *s, struct err *e);
/* Is anything asked for at all? */
bool settings_has_wish(const struct settings *s);
/* The end of --exclude-newer, in microseconds since 1970; 0: it was not said. */
int64_t settings_before_us(const struct settings *s);
/* Before anything is looked up by name: is there an index or --find-links to ask? */
int settings_check_index(const struct settings *s, struct err *e);

/* pip's --only-binary and --no-binary for one project: may it come as wheel, as sdist? */
struct settings_formats {
    bool wheel, sdist;
};
struct settings_formats settings_formats_of(const struct settings *s, struct str project);
