/* options.h: the command line of a command, read by getopt_long with the names of job/settings.
 * Options and arguments may stand in any order; "--" ends the options; a unique beginning of a long
 * name is enough, as for pip. */
#pragma once

#include "dray/job/settings.h"
#include "dray/util/buf.h"

enum options_wish {
    OPTIONS_RUN,    /* what the command is for */
    OPTIONS_HELP,   /* -h */
    OPTIONS_VERSION /* -V */
};

/* What is asked for, whatever else stands there and even if that is wrong. */
enum options_wish options_wish(enum settings_command command, int argc, char **argv);
/* Applies argv[1] to argv[argc - 1] to `s`, later ones over earlier ones; arguments become
 * requirements. For install, what follows "--" goes to pip. ERR_USAGE names the option, and the
 * nearest one when it is unknown. `argv` ends in NULL and is only read. */
int options_parse(struct settings *s, int argc, char **argv, struct err *e);
/* The command line of `command`, which does jobs, for one of them, `s`: what that does not take is
 * passed over, and so are arguments. */
int options_parse_as(struct settings *s, enum settings_command command, int argc, char **argv,
                     struct err *e);
/* Appends the text of all options of `command`, two columns, lines under 100 bytes. */
void options_help(enum settings_command command, struct buf *out);
