/* settings_index.h: indexes that have names. One that is named again keeps what is not said anew,
 * so that another URL for it does not let go of the packages that are held to it. */
#pragma once

#include "dray/job/settings.h"

/* What is said of one. */
struct settings_index_said {
    struct str name, url; /* of the URL: STR_NONE if it is not said */
    bool has_packages;    /* `packages` are said */
    struct strs packages; /* names, beginnings with "*" behind them, or "*", as people write them */
    const char *origin;   /* for errors, and to be shown */
};

/* Adds or changes the one of that name. Copies all; the packages are taken to their normal form
 * (PEP 503). ERR_USAGE: a name, URL or package that is none, or no URL at all; ERR_LIMIT. */
int settings_index_put(struct settings *s, const struct settings_index_said *said, struct err *e);
/* Of "NAME=URL": false if it does not begin with a name and "=". */
bool settings_index_split(struct str text, struct str *name, struct str *url);
/* --index: puts "NAME=URL". */
int settings_index_set(struct settings *s, struct str value, const char *origin, struct err *e);
