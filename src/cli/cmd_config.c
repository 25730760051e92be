/* dray config: what the settings of a command come to, and why. */
#include <stdio.h>
#include <stdlib.h>

#include "dray/cli/command.h"
#include "dray/cli/front.h"
#include "dray/cli/options.h"
#include "dray/ui/config_text.h"
#include "dray_config.h"

static const enum settings_command commands[] = { COMMAND_DOWNLOAD, COMMAND_WHEEL, COMMAND_INSTALL,
                                                  COMMAND_METADATA, COMMAND_LOCK,  COMMAND_DAEMON };

/* The command that `word` names, or COMMAND_CONFIG. */
static enum settings_command command_of(const char *word)
{
    for (size_t i = 0; word && i < sizeof(commands) / sizeof(*commands); i++)
        if (str_is(str_of(word), settings_command_name(commands[i])))
            return commands[i];
    return COMMAND_CONFIG;
}

static int print_help(enum settings_command both)
{
    struct buf out = { 0 };

    buf_add_z(
        &out,
        "Usage: dray config [COMMAND] [OPTIONS]\n\n"
        "Prints the settings of a command (download, if none is named), one a line, and where\n"
        "each value came from: an option, a DRAY_* variable, dray.yaml, pip's variables and\n"
        "files, or the default. Options show what they would change; -v says which files were\n"
        "looked for. Passwords are hidden.\n\nOptions:\n");
    options_help(both, &out);
    fputs(buf_z(&out), stdout);
    buf_done(&out);
    return EXIT_DONE;
}

static int check_arguments(const struct settings *s, struct err *e)
{
    if (!s->requirements.n)
        return 0;
    struct str first = s->requirements.items[0];
    if (command_of(first.p) != COMMAND_CONFIG)
        return err_set(e, ERR_USAGE, "name the command first: dray config %s", first.p);
    return err_set(e, ERR_USAGE,
                   "\"%s\" is none of the commands that have settings: download, wheel, install, "
                   "metadata, lock, daemon",
                   first.p);
}

static void print(const struct settings *s, const struct layers *layers)
{
    struct buf out = { 0 };

    if (s->json)
        config_text_json(&out, s, layers);
    else if (s->verbose)
        config_text_files(&out, layers);
    if (!s->json)
        config_text_plain(&out, s);
    fwrite(buf_z(&out), 1, out.n, stdout);
    buf_done(&out);
}

static int run(enum settings_command command, int argc, char **argv)
{
    struct layers layers = { 0 };
    struct settings s;
    struct err e = { 0 };

    settings_init(&s);
    s.command = command | COMMAND_CONFIG; /* its options are those of both */
    int code = front_read_settings(&s, argc, argv, &layers, &e);
    s.command = command;
    if (!code && !check_arguments(&s, &e))
        settings_check(&s, &e);
    if (e.code)
        fprintf(stderr, "error: %s\n", err_text(&e));
    else
        print(&s, &layers);
    int status = e.code == ERR_USAGE ? EXIT_USAGE : e.code ? EXIT_FAILED : EXIT_DONE;
    layers_done(&layers);
    settings_done(&s);
    err_done(&e);
    return status;
}

int cmd_config(int argc, char **argv)
{
    enum settings_command command = command_of(argc > 1 ? argv[1] : NULL);

    if (command == COMMAND_CONFIG)
        command = COMMAND_DOWNLOAD;
    else {
        argc--;
        argv++;
    }
    switch (options_wish(command | COMMAND_CONFIG, argc, argv)) {
    case OPTIONS_HELP:
        return print_help(command | COMMAND_CONFIG);
    case OPTIONS_VERSION:
        puts("dray " DRAY_VERSION);
        return EXIT_DONE;
    case OPTIONS_RUN:
        return run(command, argc, argv);
    }
    abort();
}
