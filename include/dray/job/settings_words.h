/* settings_words.h: what the settings whose values are words may be; in the order of the words in
 * settings_table.c. */
#pragma once

enum settings_progress { PROGRESS_AUTO, PROGRESS_ON, PROGRESS_OFF, PROGRESS_JSON };
/* As in store/place.h. */
enum settings_link { LINK_AUTO, LINK_REFLINK, LINK_HARDLINK, LINK_COPY };
enum settings_lock { LOCK_REQUIREMENTS, LOCK_PYLOCK, LOCK_JSON };
/* Which versions a resolution prefers. */
enum settings_resolution { RESOLUTION_HIGHEST, RESOLUTION_LOWEST, RESOLUTION_LOWEST_DIRECT };
/* Of several indexes: the best of all, or what the first one that knows a project has. */
enum settings_strategy { STRATEGY_BEST, STRATEGY_FIRST };
/* Of several targets: all files in one directory, or each target's in one of its own. */
enum settings_layout { LAYOUT_FLAT, LAYOUT_TARGET };
/* Of a requirement that fails: go on with the others, or end. */
enum settings_on_error { ON_ERROR_CONTINUE, ON_ERROR_STOP };

/* Which jobs of a daemon come first; as enum job_priority. */
enum settings_priority { PRIORITY_LOW, PRIORITY_NORMAL, PRIORITY_HIGH };

/* Who looks up the names of hosts. */
enum settings_resolver { RESOLVER_CARES, RESOLVER_SYSTEM };
/* Who is asked for what the keyring has: pip's words. There is no Python in dray to import it into,
 * so IMPORT runs the program too. */
enum settings_keyring { KEYRING_AUTO, KEYRING_SUBPROCESS, KEYRING_IMPORT, KEYRING_DISABLED };
