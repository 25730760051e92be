/* getopt_long's own table is made from settings_table, one entry a name and alias; `val` carries
 * the place in it, far above what a letter can be. getopt_long reports a wrong option but poorly,
 * so messages are made here from the word itself. */
#include "dray/cli/options.h"

#include <getopt.h>
#include <stdlib.h>

#include "dray/job/settings_index.h"
#include "dray/net/url.h"
#include "dray/util/mem.h"

enum { VAL_ARGUMENT = 1, VAL_LETTER_MAX = 255, VAL_HELP, VAL_VERSION, VAL_SETTING };

/* Options of `pip download` (26.3) that dray does not have: a person who knows pip is told so, not
 * sent to look for a slip of the hand. */
static const char *const pip_options[] = {
    "all-releases",
    "build-constraint",
    "check-build-dependencies",
    "debug",
    "disable-pip-version-check",
    "exists-action",
    "group",
    "ignore-requires-python",
    "local-log",
    "log",
    "log-file",
    "no-build-isolation",
    "no-color",
    "no-python-version-warning",
    "only-dependencies",
    "only-deps",
    "only-final",
    "progress-bar",
    "refresh-package",
    "require-venv",
    "require-virtualenv",
    "requirements-from-script",
    "resume-retries",
    "source",
    "source-dir",
    "source-directory",
    "src",
    "uploaded-prior-to",
    "use-deprecated",
    "use-feature",
    "use-pep517",
};

static bool takes_value(const struct setting *w)
{
    return w->kind != SETTING_FLAG && w->kind != SETTING_COUNT_UP;
}

/* What getopt_long wants; of one command. */
struct option_table {
    enum settings_command command;
    struct option *longs; /* ended by one without a name */
    size_t n, cap;
    struct buf letters;
};

static void table_add(struct option_table *t, const char *name, int has_value, int val)
{
    t->longs = mem_grow(t->longs, t->n, &t->cap, sizeof(*t->longs));
    t->longs[t->n++] = (struct option){ name, has_value, NULL, val };
}

/* An alias has the same `val`, so a beginning that fits both is not ambiguous. */
static void table_add_setting(struct option_table *t, const char *name, const struct setting *which)
{
    table_add(t, name, takes_value(which) ? required_argument : no_argument,
              VAL_SETTING + (int)settings_row(which));
}

static bool is_option(const struct option_table *t, const struct setting *w)
{
    return (w->where & SETTING_IN_CLI) && (w->commands & t->command);
}

static void table_init(struct option_table *t, enum settings_command command)
{
    *t = (struct option_table){ .command = command };
    buf_add_z(&t->letters, "-:hV"); /* "-": arguments in order, whatever POSIXLY_CORRECT says */
    for (const struct setting *w = settings_table; w->name; w++) {
        if (!is_option(t, w))
            continue;
        table_add_setting(t, w->name, w);
        if (w->letter)
            buf_add_f(&t->letters, "%c%s", w->letter, takes_value(w) ? ":" : "");
    }
    for (const struct setting_alias *a = settings_aliases; a->name; a++)
        if (is_option(t, settings_find(str_of(a->of))))
            table_add_setting(t, a->name, settings_find(str_of(a->of)));
    table_add(t, "help", no_argument, VAL_HELP);
    table_add(t, "version", no_argument, VAL_VERSION);
    table_add(t, NULL, 0, 0);
}

static void table_done(struct option_table *t)
{
    free(t->longs);
    buf_done(&t->letters);
}

static bool is_pip_option(struct str name)
{
    for (size_t i = 0; i < sizeof(pip_options) / sizeof(pip_options[0]); i++)
        if (str_is(name, pip_options[i]))
            return true;
    return false;
}

/* All names that begin so, for an ambiguous one: "--no-deps, --no-index". Returns how many. */
static size_t names_from(const struct option_table *t, struct str start, struct buf *out)
{
    size_t n = 0;

    for (const struct option *o = t->longs; o->name; o++)
        if (str_starts(str_of(o->name), start))
            buf_add_f(out, "%s--%s", n++ ? ", " : "", o->name);
    return n;
}

/* Why getopt_long refused `word`, "--name" or "--name=value". */
static int refuse_long(const struct option_table *t, struct str word, bool known, struct err *e)
{
    struct buf names = { 0 };
    struct str value, name = str_cut(str_sub(word, 2, word.n), '=', &value);
    const char *near = settings_suggest(name);
    int code;

    if (near && !(settings_find(str_of(near))->commands & t->command))
        near = NULL;
    if (known)
        code = err_set(e, ERR_USAGE, "--%.*s takes no value", STR_ARG(name));
    else if (settings_find(name))
        code = err_set(e, ERR_USAGE, "--%.*s is not an option of this command; --help lists those",
                       STR_ARG(name));
    else if (is_pip_option(name))
        code = err_set(e, ERR_USAGE, "pip's option --%.*s is not built in dray yet", STR_ARG(name));
    else if (names_from(t, name, &names) > 1)
        code = err_set(e, ERR_USAGE, "--%.*s could be any of %s", STR_ARG(name), buf_z(&names));
    else if (t->command == COMMAND_INSTALL)
        code = err_set(e, ERR_USAGE,
                       "unknown option --%.*s; --help lists dray's own, pip's go behind \"--\"",
                       STR_ARG(name));
    else if (near)
        code =
            err_set(e, ERR_USAGE, "unknown option --%.*s; did you mean --%s?", STR_ARG(name), near);
    else
        code = err_set(e, ERR_USAGE, "unknown option --%.*s; --help lists them", STR_ARG(name));
    buf_done(&names);
    return code;
}

/* `what` is optopt: the letter; 0 for an unknown or ambiguous long name; the `val` for one that
 * takes no value. With a letter, `word` may be the one before. */
static int refuse(const struct option_table *t, const char *word, int what, struct err *e)
{
    if (what <= 0 || what > VAL_LETTER_MAX)
        return refuse_long(t, str_of(word), what > 0, e);
    return err_set(e, ERR_USAGE, "unknown option -%c; --help lists them", what);
}

static int refuse_missing(const char *word, int letter, struct err *e)
{
    const struct setting *w = letter <= VAL_LETTER_MAX ? settings_find_letter((char)letter) : NULL;

    if (w)
        return err_set(e, ERR_USAGE, "-%c needs a value: -%c %s", letter, letter, w->value_name);
    return err_set(e, ERR_USAGE, "%s needs a value", word);
}

static int apply_setting(struct settings *s, const struct setting *which, struct err *e)
{
    struct buf origin = { 0 };
    struct str name, url;

    if (!(which->commands & s->command)) /* of `dray run`, but not of this job */
        return 0;
    /* pip has no other option that begins so: there "--index URL" is --index-url. */
    if (which->kind == SETTING_INDEX && !settings_index_split(str_of(optarg), &name, &url) &&
        url_has_scheme(str_of(optarg)))
        which = settings_find(STR("index-url"));
    buf_add_f(&origin, "--%s", which->name);
    int code =
        settings_set(s, which, takes_value(which) ? str_of(optarg) : STR_NONE, buf_z(&origin), e);
    buf_done(&origin);
    return code;
}

static int add_argument(struct settings *s, const char *text, struct err *e)
{
    struct str argument = str_trim(str_of(text));

    if (!argument.n)
        return err_set(e, ERR_USAGE, "a requirement is empty; expected a name, a URL or a path");
    strs_add(&s->requirements, arena_str(&s->arena, argument));
    return 0;
}

static const struct setting *setting_of(int got)
{
    return got >= VAL_SETTING ? &settings_table[got - VAL_SETTING]
                              : settings_find_letter((char)got);
}

static int parse_all(const struct option_table *t, struct settings *s, int argc, char **argv,
                     struct err *e)
{
    int code = 0, got;

    while (!code && (got = getopt_long(argc, argv, buf_z(&t->letters), t->longs, NULL)) != -1) {
        const char *word = optind > 0 ? argv[optind - 1] : NULL;
        if (got == VAL_ARGUMENT)
            code = t->command == s->command ? add_argument(s, optarg, e) : 0;
        else if (got == '?')
            code = refuse(t, word, optopt, e);
        else if (got == ':')
            code = refuse_missing(word, optopt, e);
        else
            code = apply_setting(s, setting_of(got), e);
    }
    for (int i = optind; i < argc && !code; i++)
        code = add_argument(s, argv[i], e);
    return code;
}

static void getopt_restart(void)
{
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__)
    optreset = 1;
    optind = 1;
#else
    optind = 0; /* glibc and musl: also read "-" and POSIXLY_CORRECT anew */
#endif
    opterr = 0;
}

/* Where "--" stands, for the command that hands on what follows it; else argc. */
static int own_words(enum settings_command command, int argc, char **argv)
{
    int n = 1;

    if (command != COMMAND_INSTALL)
        return argc;
    while (n < argc && strcmp(argv[n], "--") != 0)
        n++;
    return n < argc ? n : argc;
}

enum options_wish options_wish(enum settings_command command, int argc, char **argv)
{
    enum options_wish wish = OPTIONS_RUN;
    struct option_table t;
    int got;

    table_init(&t, command);
    getopt_restart();
    argc = own_words(command, argc, argv);
    while (wish == OPTIONS_RUN &&
           (got = getopt_long(argc, argv, buf_z(&t.letters), t.longs, NULL)) != -1) {
        if (got == VAL_HELP || got == 'h')
            wish = OPTIONS_HELP;
        else if (got == VAL_VERSION || got == 'V')
            wish = OPTIONS_VERSION;
    }
    table_done(&t);
    return wish;
}

static int parse(struct settings *s, enum settings_command command, int argc, char **argv,
                 struct err *e)
{
    struct option_table t;
    int own = own_words(command, argc, argv);

    table_init(&t, command);
    getopt_restart();
    int code = parse_all(&t, s, own, argv, e);
    for (int i = own + 1; i < argc && !code; i++)
        strs_add(&s->pip_options, arena_str(&s->arena, str_of(argv[i])));
    table_done(&t);
    return code;
}

int options_parse(struct settings *s, int argc, char **argv, struct err *e)
{
    return parse(s, s->command, argc, argv, e);
}

int options_parse_as(struct settings *s, enum settings_command command, int argc, char **argv,
                     struct err *e)
{
    return parse(s, command, argc, argv, e);
}

enum { HELP_COLUMN = 34, HELP_WIDTH = 96 };

static void help_add(struct buf *out, char letter, const char *name, const char *value,
                     const char *help)
{
    size_t start = out->n;
    struct str rest = str_of(help);

    if (letter)
        buf_add_f(out, "  -%c, --%s", letter, name);
    else
        buf_add_f(out, "      --%s", name);
    if (value)
        buf_add_f(out, " %s", value);
    if (out->n - start > HELP_COLUMN - 2) {
        buf_add_c(out, '\n');
        start = out->n;
    }
    while (rest.n) {
        size_t take = rest.n;
        if (take > HELP_WIDTH - HELP_COLUMN)
            take = (size_t)str_rfind(str_sub(rest, 0, HELP_WIDTH - HELP_COLUMN), ' ');
        buf_add_f(out, "%*s%.*s\n", (int)(HELP_COLUMN - (out->n - start)), "", (int)take, rest.p);
        rest = str_trim(str_sub(rest, take, rest.n));
        start = out->n;
    }
}

void options_help(enum settings_command command, struct buf *out)
{
    for (const struct setting *w = settings_table; w->name; w++)
        if ((w->where & SETTING_IN_CLI) && (w->commands & command))
            help_add(out, w->letter, w->name, w->value_name, w->help);
    help_add(out, 'h', "help", NULL, "show this text");
    help_add(out, 'V', "version", NULL, "show the version");
}
