/* settings_origin.h: where the value of each setting came from. For settings_set() and its like;
 * others ask settings_origin(). */
#pragma once

#include "dray/job/settings.h"

/* `origin` is that of settings_set(): of a place in a file, file and line are kept. */
void settings_origin_note(struct settings *s, const struct setting *which, const char *origin);
/* Adds one to those in `*at`, unless it is among them; in `a`. */
void settings_origin_add(struct arena *a, struct str *at, const char *origin);
void settings_origin_forget(struct settings *s, const struct setting *which);
