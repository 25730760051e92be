/* settings_show.h: what people may see of the values of settings. */
#pragma once

#include "dray/util/buf.h"

/* Appends `text` without passwords and signatures of URLs, also of "me:secret@host:3128", which
 * some options take for a URL; control characters encoded. */
void settings_show(struct str text, struct buf *out);
