/* config_text.h: settings as they have come to be, and where each value came from, as text or JSON.
 * Passwords in them are hidden. */
#pragma once

#include "dray/job/layers.h"
#include "dray/job/settings.h"
#include "dray/util/buf.h"

/* One line for each setting that the command takes: "timeout = 15    default". */
void config_text_plain(struct buf *out, const struct settings *s);
/* The files that were looked for, lowest first, and whether they are there. */
void config_text_files(struct buf *out, const struct layers *l);
/* Both as one object. */
void config_text_json(struct buf *out, const struct settings *s, const struct layers *l);
