/* reqfile.h: pip's requirements file format (pip.req.req_file; pip's documentation "Requirements
 * File Format"). Pure: bytes in, items out, in order; nested files are named, not opened. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/util/arena.h"
#include "dray/util/digest.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

enum reqfile_kind {
    REQFILE_REQUIREMENT, /* text: the requirement, a URL or a path, without options */
    REQFILE_EDITABLE,    /* -e: text */
    REQFILE_OPTION       /* text: its long name, "index-url", "requirement", "constraint"; value */
};

/* Borrowed from the file's arena. */
struct reqfile_item {
    enum reqfile_kind kind;
    size_t line;            /* from 1: the first physical line of the logical one */
    struct str text, value; /* value: STR_NONE for a flag */
    struct digest *hashes;  /* --hash of a requirement, in order */
    size_t n_hashes;
};

struct reqfile {
    struct arena arena;
    struct reqfile_item *items;
    size_t n, cap;
    struct str warning;       /* not UTF-8, options without effect; STR_NONE: nothing to warn of */
    bool has_config_settings; /* a line says --config-settings, which is for building */
};

/* Looks up an environment variable, NULL when unset. */
typedef const char *(*reqfile_env_fn)(void *ctx, const char *name);

/* Parses a whole file: decoding (BOM, PEP 263 comment, UTF-8), continuation lines, comments,
 * ${VAR}, options, as pip does (facts: shared with pip's tests). `name` is for errors: "NAME, line
 * 3, column 7: expected ...". Requirement texts are not parsed as requirements here. `out` is
 * zeroed by the caller; reqfile_done() also after an error. */
int reqfile_parse(struct str bytes, const char *name, reqfile_env_fn env, void *env_ctx,
                  struct reqfile *out, struct err *e);
/* The same of a single line that stands elsewhere: errors say "NAME, column 7: expected ...".
 * ERR_INPUT also when there is more than one, or it goes on. */
int reqfile_parse_line(struct str line, const char *name, struct reqfile *out, struct err *e);
void reqfile_done(struct reqfile *f);
