/* The program: one table of commands. */
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "dray/cli/command.h"
#include "dray/util/mem.h"
#include "dray/util/str.h"
#include "dray_config.h"

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    { "download", "fetch distributions into a directory", cmd_download },
    { "wheel", "the same, and build wheels of source distributions", cmd_wheel },
    { "install", "fetch, then let the machine's pip install", cmd_install },
    { "metadata", "print wheels' metadata without fetching them", cmd_metadata },
    { "lock", "write down versions and hashes of all that is needed", cmd_lock },
    { "run", "do what job files say", cmd_run },
#ifdef DRAY_DAEMON
    { "daemon", "stay, and do the jobs of others", cmd_daemon },
    { "submit", "hand job files to the daemon", cmd_submit },
    { "jobs", "list the daemon's jobs", cmd_jobs },
    { "watch", "show a job of the daemon", cmd_watch },
    { "cancel", "end a job of the daemon", cmd_cancel },
#endif
    { "cache", "look after what is kept for later runs", cmd_cache },
    { "config", "say what settings come to, and where from", cmd_config },
    { "trace", "say where the time of a run went", cmd_trace },
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

/* When one of them is closed, the next file or socket gets its number, and messages go there. */
static void open_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    mem_prepare();
    open_standard_files();
    setlocale(LC_CTYPE, ""); /* widths of characters on a terminal; numbers stay as they are in C */
    int status = run(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_DONE) {
        fputs("error: can't write to standard output\n", stderr);
        status = EXIT_FAILED;
    }
    return status;
}
