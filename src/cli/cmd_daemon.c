/* dray daemon: the process that stays. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/cli/command.h"
#include "dray/cli/front.h"
#include "dray/cli/options.h"
#include "dray/daemon/service.h"
#include "dray_config.h"

struct command_line {
    int argc;
    char **argv;
};

static int read_own(void *ctx, struct settings *out, struct err *e)
{
    const struct command_line *line = ctx;
    struct layers layers = { 0 };

    out->command = COMMAND_DAEMON;
    int code = front_read_settings(out, line->argc, line->argv, &layers, e);
    layers_done(&layers);
    if (!code && out->requirements.n)
        code = err_set(e, ERR_USAGE, "a daemon takes no arguments: \"%s\"",
                       out->requirements.items[0].p);
    return code;
}

/* As a command line would have them, with the options that the daemon was given over all. */
static int read_base(void *ctx, enum settings_command command, struct settings *out, struct err *e)
{
    const struct command_line *line = ctx;
    struct layers layers = { 0 };

    out->command = command;
    int code = front_read_settings_as(out, COMMAND_DAEMON, line->argc, line->argv, &layers, e);
    layers_done(&layers);
    return code;
}

static int run(int argc, char **argv)
{
    struct command_line line = { argc, argv };
    struct service_options o = { .read = read_own,
                                 .ctx = &line,
                                 .terms = { .base = read_base, .ctx = &line } };
    struct err e = { 0 };
    int code = service_run(&o, &e);
    int status = code == ERR_USAGE ? EXIT_USAGE : code ? EXIT_FAILED : EXIT_DONE;

    if (code)
        front_print_error(&e);
    err_done(&e);
    return status;
}

static int print_help(void)
{
    struct buf out = { 0 };

    buf_add_z(&out,
              "Usage: dray daemon --root DIR [OPTIONS]\n\n"
              "Stays, and does the jobs that are submitted to it, many at once, on a socket that\n"
              "only its own user can reach. Options that download has, too, count for all jobs.\n"
              "SIGTERM ends it, SIGHUP has it read its configuration again.\n"
              "\nOptions:\n");
    options_help(COMMAND_DAEMON, &out);
    front_help_end(&out);
    fputs(buf_z(&out), stdout);
    buf_done(&out);
    return EXIT_DONE;
}

int cmd_daemon(int argc, char **argv)
{
    switch (options_wish(COMMAND_DAEMON, argc, argv)) {
    case OPTIONS_HELP:
        return print_help();
    case OPTIONS_VERSION:
        puts("dray " DRAY_VERSION);
        return EXIT_DONE;
    case OPTIONS_RUN:
        return run(argc, argv);
    }
    abort();
}
