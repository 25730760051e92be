/* dray download, dray wheel and dray install: the same up to what becomes of the files. */
#include "dray/cli/command.h"
#include "dray/cli/front.h"

static int check_wish(const struct settings *s, struct err *e)
{
    if (!settings_has_wish(s))
        return err_set(e, ERR_USAGE,
                       "nothing to %s: name a requirement or a file of them with -r FILE",
                       settings_command_name(s->command));
    return 0;
}

const struct front front_download = {
    .command = COMMAND_DOWNLOAD,
    .usage = "Usage: dray download [OPTIONS] REQUIREMENT...\n"
             "       dray download [OPTIONS] -r FILE\n\n"
             "Fetches the distributions of the requirements into a directory. A requirement is a\n"
             "name with versions (\"flask>=3\"), \"name @ URL\", a URL or a path.\n",
    .check = check_wish
};

int cmd_download(int argc, char **argv)
{
    return front_run(&front_download, argc, argv);
}

const struct front front_wheel = {
    .command = COMMAND_WHEEL,
    .usage =
        "Usage: dray wheel [OPTIONS] REQUIREMENT...\n"
        "       dray wheel [OPTIONS] -r FILE\n\n"
        "Fetches wheels into a directory; of what there is only a source distribution of, the\n"
        "machine's own pip (python3 -m pip wheel) builds one.\n",
    .check = check_wish
};

int cmd_wheel(int argc, char **argv)
{
    return front_run(&front_wheel, argc, argv);
}

const struct front front_install = {
    .command = COMMAND_INSTALL,
    .usage =
        "Usage: dray install [OPTIONS] REQUIREMENT... [-- PIP-OPTIONS]\n"
        "       dray install [OPTIONS] -r FILE [-- PIP-OPTIONS]\n\n"
        "Fetches everything into a temporary directory, then runs the machine's own pip on it\n"
        "(python3 -m pip install --no-index --no-deps), with the options that follow \"--\".\n",
    .check = check_wish
};

int cmd_install(int argc, char **argv)
{
    return front_run(&front_install, argc, argv);
}
