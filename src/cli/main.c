/* The program: one table of commands. */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>

#include "dray/cli/command.h"
#include "dray/util/str.h"
#include "dray_config.h"

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    { "download", "fetch distributions into a directory", cmd_download },
    { NULL, NULL, NULL },
};

static void print_help(FILE *out)
{
    fputs("dray fetches Python packages: all at once, verified, in place.\n\n"
          "Usage: dray COMMAND [OPTIONS] [ARGUMENTS]\n\nCommands:\n",
          out);
    for (const struct command *c = commands; c->name; c++)
        fprintf(out, "  %-14s %s\n", c->name, c->summary);
    fputs("\n  -h, --help     show this text; dray COMMAND --help shows that command's options\n"
          "  -V, --version  show the version\n",
          out);
}

static int run_command(struct str name, int argc, char **argv)
{
    for (const struct command *c = commands; c->name; c++)
        if (str_is(name, c->name))
            return c->run(argc, argv);
    fprintf(stderr, "error: unknown command \"%.*s\"; the commands are:", STR_ARG(name));
    for (const struct command *c = commands; c->name; c++)
        fprintf(stderr, "%s %s", c == commands ? "" : ",", c->name);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    struct str first = str_of(argc > 1 ? argv[1] : NULL);

    if (str_is(first, "-h") || str_is(first, "--help")) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (str_is(first, "-V") || str_is(first, "--version")) {
        puts("dray " DRAY_VERSION);
        return EXIT_DONE;
    }
    if (!first.p) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (first.n && first.p[0] == '-') {
        fprintf(stderr, "error: expected a command before %.*s; dray --help lists them\n",
                STR_ARG(first));
        return EXIT_USAGE;
    }
    return run_command(first, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* widths of characters on a terminal; numbers stay as they are in C */
    int status = run(argc, argv);
    if (fflush(stdout) != 0 && status == EXIT_DONE) {
        perror("error: can't write to standard output");
        status = EXIT_FAILED;
    }
    return status;
}
