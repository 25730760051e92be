/* dray cache: the store as a person sees it. What it does is store/upkeep's. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/cli/command.h"
#include "dray/job/interpreter.h"
#include "dray/job/layers.h"
#include "dray/job/rooms.h"
#include "dray/store/upkeep.h"
#include "dray/ui/cache_text.h"
#include "dray/ui/human.h"
#include "dray/util/clock.h"
#include "dray/util/json.h"
#include "dray_config.h"

#ifdef __APPLE__ /* whose unistd.h does not have it */
extern char **environ;
#endif

enum { DAY_S = 24 * 60 * 60, MAX_DAYS = 36500 };

struct cache_wish {
    struct settings settings; /* --cache-dir, --cache-size and their variables */
    struct settings bound;    /* --max-size, as a cache size */
    const char *verb;
    int64_t before_s; /* of prune */
    bool json, help, version, has_bound, has_age;
};

static const struct option longs[] = {
    { "cache-dir", required_argument, NULL, 'd' },
    { "cache-size", required_argument, NULL, 'c' },
    { "max-size", required_argument, NULL, 'm' },
    { "older-than", required_argument, NULL, 'o' },
    { "config", required_argument, NULL, 'f' },
    { "isolated", no_argument, NULL, 'i' },
    { "json", no_argument, NULL, 'j' },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { NULL, 0, NULL, 0 },
};

static int print_help(void)
{
    fputs("Usage: dray cache dir|info|list|verify|prune|purge [OPTIONS]\n\n"
          "  dir      where it is\n"
          "  info     how much it holds, and its cap\n"
          "  list     what it holds, the most recently used first\n"
          "  verify   hash every file; remove what is wrong\n"
          "  prune    remove what is stale, old, or more than the cap\n"
          "  purge    remove everything\n\nOptions:\n"
          "      --cache-dir DIR             this one, not the usual one\n"
          "      --cache-size SIZE           its cap: 10GiB, 500MB, ...\n"
          "      --max-size SIZE             prune: leave at most so much\n"
          "      --older-than DAYS           prune: remove what was not used for so many days\n"
          "      --config FILE               read this configuration file, and no other\n"
          "      --isolated                  heed no DRAY_* variables and no file of the user\n"
          "      --json                      info, list: as JSON\n"
          "  -h, --help                      show this text\n"
          "  -V, --version                   show the version\n",
          stdout);
    return EXIT_DONE;
}

/* -- the command line -- */

static int set_by_name(struct settings *s, struct str name, const char *option, struct err *e)
{
    return settings_set(s, settings_find(name), str_of(optarg), option, e);
}

static int set_age(struct cache_wish *w, struct err *e)
{
    uint64_t days;

    if (!str_to_u64(str_of(optarg), MAX_DAYS, &days))
        return err_set(e, ERR_USAGE, "--older-than: expected a number of days, not \"%s\"", optarg);
    w->before_s = clock_unix_s() - (int64_t)days * DAY_S;
    w->has_age = true;
    return 0;
}

static int take_option(struct cache_wish *w, int got, const char *word, struct err *e)
{
    switch (got) {
    case 'd':
        return set_by_name(&w->settings, STR("cache-dir"), "--cache-dir", e);
    case 'c':
        return set_by_name(&w->settings, STR("cache-size"), "--cache-size", e);
    case 'm':
        w->has_bound = true;
        if (strcmp(optarg, "0") == 0) /* nothing is no cap of a store, but may be left of one */
            return 0;
        return set_by_name(&w->bound, STR("cache-size"), "--max-size", e);
    case 'o':
        return set_age(w, e);
    case 'f':
        return set_by_name(&w->settings, STR("config"), "--config", e);
    case 'i':
        w->settings.isolated = true;
        return 0;
    case 'j':
        w->json = true;
        return 0;
    case 'h':
        w->help = true;
        return 0;
    case 'V':
        w->version = true;
        return 0;
    case ':':
        return err_set(e, ERR_USAGE, "%s needs a value", word);
    default:
        return err_set(e, ERR_USAGE, "unknown option %s; dray cache --help lists them", word);
    }
}

static int check_wish(const struct cache_wish *w, int words, struct err *e)
{
    bool prunes = w->verb && str_is(str_of(w->verb), "prune");
    bool tells = w->verb && (str_is(str_of(w->verb), "info") || str_is(str_of(w->verb), "list"));

    if (w->help || w->version)
        return 0;
    if (words != 1)
        return err_set(e, ERR_USAGE, "expected one of dir, info, list, verify, prune, purge");
    if ((w->has_age || w->has_bound) && !prunes)
        return err_set(e, ERR_USAGE, "--older-than and --max-size go with prune");
    if (w->json && !tells)
        return err_set(e, ERR_USAGE, "--json goes with info and list");
    return 0;
}

static void wish_init(struct cache_wish *w)
{
    *w = (struct cache_wish){ 0 };
    settings_init(&w->settings);
    settings_init(&w->bound);
    w->settings.command = COMMAND_CACHE;
}

static void wish_done(struct cache_wish *w)
{
    settings_done(&w->settings);
    settings_done(&w->bound);
}

static int parse_words(struct cache_wish *w, int argc, char **argv, struct err *e)
{
    int got, code = 0;

    opterr = 0;
    optind = 1;
    while (!code && (got = getopt_long(argc, argv, ":hV", longs, NULL)) != -1)
        code = take_option(w, got, argv[optind - 1], e);
    w->verb = optind < argc ? argv[optind] : NULL;
    return code ? code : check_wish(w, argc - optind, e);
}

/* The words say which files count, and then count more than these. */
static int parse(struct cache_wish *w, int argc, char **argv, struct err *e)
{
    struct layers layers = { 0 };
    struct cache_wish words;

    wish_init(&words);
    int code = parse_words(&words, argc, argv, e);
    if (!code && !words.help && !words.version)
        code = layers_apply(&w->settings,
                            &(struct layers_wish){ .config = words.settings.config.p,
                                                   .isolated = words.settings.isolated,
                                                   .env = (const char *const *)environ },
                            &layers, e);
    layers_done(&layers);
    wish_done(&words);
    return code ? code : parse_words(w, argc, argv, e);
}

/* -- the verbs -- */

static int cache_info(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e)
{
    struct store_info info;

    if (store_info(s, &info, e))
        return e->code;
    if (w->json)
        cache_text_info_json(out, store_root(s), &info);
    else
        cache_text_info(out, store_root(s), &info);
    return 0;
}

static int cache_list(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e)
{
    if (!w->json)
        return store_list(s, cache_text_item, out, e);
    struct json *j = json_open(out, true);
    json_list(j);
    int code = store_list(s, cache_text_item_json, j, e);
    json_list_end(j);
    json_close(j);
    return code;
}

static void tell_found(void *ctx, const char *sentence)
{
    (void)ctx;
    fprintf(stderr, "%s\n", sentence);
}

static int cache_verify(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e)
{
    struct store_verdict v;

    (void)w;
    if (store_verify(s, tell_found, NULL, &v, e))
        return e->code;
    buf_add_z(out, "Hashed ");
    human_count(out, v.checked, "file");
    if (v.wrong || v.missing || v.adopted)
        buf_add_f(out, ": %" PRIu64 " wrong, %" PRIu64 " missing, %" PRIu64 " adopted", v.wrong,
                  v.missing, v.adopted);
    else
        buf_add_z(out, "; nothing is wrong");
    buf_add_z(out, ".\n");
    if (v.wrong)
        return err_set(e, ERR_HASH, "%" PRIu64 " of them %s not what the name says, and removed",
                       v.wrong, v.wrong == 1 ? "was" : "were");
    return 0;
}

static int cache_prune(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e)
{
    uint64_t objects, bytes, max = w->has_bound ? w->bound.cache_bytes : UINT64_MAX;

    if (store_prune(s, w->has_age ? w->before_s : 0, max, &objects, &bytes, e))
        return e->code;
    cache_text_removed(out, objects, bytes);
    return 0;
}

static int cache_purge(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e)
{
    uint64_t objects, bytes;

    (void)w;
    if (store_purge(s, &objects, &bytes, e) || interpreter_forget_all(store_root(s), e))
        return e->code;
    cache_text_removed(out, objects, bytes);
    return 0;
}

static const struct {
    const char *name;
    bool looks_only; /* what is asked of it must not change it */
    int (*run)(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e);
} verbs[] = {
    { "info", true, cache_info },      { "list", true, cache_list },
    { "verify", false, cache_verify }, { "prune", false, cache_prune },
    { "purge", false, cache_purge },
};

/* Where no store is, none is made to look into. */
static void tell_of_none(const struct cache_wish *w, const char *root, struct buf *out)
{
    if (!w->json)
        buf_add_f(out, "Nothing is kept yet: %s does not exist.\n", root);
    else if (str_is(str_of(w->verb), "info"))
        cache_text_info_json(out, root,
                             &(struct store_info){ .max_bytes = w->settings.cache_bytes });
    else
        buf_add_z(out, "[]\n");
}

static int run_verb(const struct cache_wish *w, const char *root, struct buf *out, struct err *e)
{
    struct store_options o = { .root = root, .max_bytes = w->settings.cache_bytes };

    if (str_is(str_of(w->verb), "dir")) {
        buf_add_f(out, "%s\n", root);
        return 0;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (!str_is(str_of(w->verb), verbs[i].name))
            continue;
        if (access(root, F_OK) != 0 && errno == ENOENT) {
            tell_of_none(w, root, out);
            return 0;
        }
        o.read_only = verbs[i].looks_only;
        struct store *s = store_open(&o, e);
        int code = s ? verbs[i].run(w, s, out, e) : e->code;
        store_close(s);
        return code;
    }
    return err_set(e, ERR_USAGE, "\"%s\" is none of dir, info, list, verify, prune, purge",
                   w->verb);
}

static int run(const struct cache_wish *w, struct err *e)
{
    struct buf root = { 0 }, out = { 0 };
    int code;

    if (!rooms_cache_dir(&w->settings, &root))
        code = err_set(e, ERR_USAGE, "there is no store: %s; name one with --cache-dir DIR",
                       w->settings.no_cache_dir
                           ? "no-cache-dir, in a variable or a file, switches it off"
                           : "HOME is not set");
    else
        code = run_verb(w, buf_z(&root), &out, e);
    fwrite(buf_z(&out), 1, out.n, stdout);
    buf_done(&root);
    buf_done(&out);
    return code;
}

int cmd_cache(int argc, char **argv)
{
    struct cache_wish w;
    struct err e = { 0 };
    int status = EXIT_DONE;

    wish_init(&w);
    int code = parse(&w, argc, argv, &e);
    if (!code && w.help)
        print_help();
    else if (!code && w.version)
        puts("dray " DRAY_VERSION);
    else if (!code)
        code = run(&w, &e);
    if (code) {
        fprintf(stderr, "error: %s\n", err_text(&e));
        status = code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
    }
    err_done(&e);
    wish_done(&w);
    return status;
}
