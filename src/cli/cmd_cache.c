/* dray cache: the store as a person sees it. What it does is store/upkeep's. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "dray/cli/command.h"
#include "dray/job/interpreter.h"
#include "dray/job/rooms.h"
#include "dray/store/upkeep.h"
#include "dray/ui/human.h"
#include "dray/ui/shown.h"
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

static int parse(struct cache_wish *w, int argc, char **argv, struct err *e)
{
    int got, code = settings_from_env(&w->settings, (const char *const *)environ, e);

    opterr = 0;
    optind = 1;
    while (!code && (got = getopt_long(argc, argv, ":hV", longs, NULL)) != -1)
        code = take_option(w, got, argv[optind - 1], e);
    w->verb = optind < argc ? argv[optind] : NULL;
    return code ? code : check_wish(w, argc - optind, e);
}

/* -- the verbs -- */

static void add_size(struct buf *out, uint64_t n, const char *noun, uint64_t bytes)
{
    human_count(out, n, noun);
    buf_add_z(out, ", ");
    human_bytes(out, bytes);
    buf_add_c(out, '\n');
}

static void info_text(struct buf *out, const char *root, const struct store_info *info)
{
    uint64_t bytes = info->object_bytes;

    buf_add_f(out, "%s\n", root);
    buf_add_z(out, "files      ");
    add_size(out, info->objects, "file", info->object_bytes);
    for (int k = 0; k < STORE_KIND_COUNT; k++) {
        bytes += info->record_bytes[k];
        buf_add_f(out, "%-10s ", store_kind_name((enum store_kind)k));
        add_size(out, info->records[k], "record", info->record_bytes[k]);
    }
    buf_add_z(out, "in all     ");
    human_bytes(out, bytes);
    buf_add_z(out, " of at most ");
    human_bytes(out, info->max_bytes);
    buf_add_c(out, '\n');
}

static void add_int(struct json *j, const char *key, uint64_t n)
{
    json_key(j, key);
    json_int(j, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

static void info_json(struct buf *out, const char *root, const struct store_info *info)
{
    struct json *j = json_open(out, true);

    json_map(j);
    json_key(j, "root");
    json_str(j, str_of(root));
    add_int(j, "max_bytes", info->max_bytes);
    add_int(j, "files", info->objects);
    add_int(j, "file_bytes", info->object_bytes);
    for (int k = 0; k < STORE_KIND_COUNT; k++) {
        json_key(j, store_kind_name((enum store_kind)k));
        json_map(j);
        add_int(j, "records", info->records[k]);
        add_int(j, "bytes", info->record_bytes[k]);
        json_map_end(j);
    }
    json_map_end(j);
    json_close(j);
}

static int cache_info(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e)
{
    struct store_info info;

    if (store_info(s, &info, e))
        return e->code;
    if (w->json)
        info_json(out, store_root(s), &info);
    else
        info_text(out, store_root(s), &info);
    return 0;
}

static void add_when(struct buf *out, int64_t when_s)
{
    char text[32];
    time_t when = (time_t)when_s;
    struct tm local;

    if (when_s > 0 && localtime_r(&when, &local) &&
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local))
        buf_add_z(out, text);
    else
        buf_add_z(out, "never           ");
}

static const char *kind_of(const struct store_item *item)
{
    return item->kind < 0 ? "file" : store_kind_name((enum store_kind)item->kind);
}

static void list_text(void *ctx, const struct store_item *item)
{
    struct buf *out = ctx;
    char hex[DIGEST_HEX_SIZE];
    size_t start;

    add_when(out, item->used_s);
    buf_add_f(out, "  %-8s  ", kind_of(item));
    start = out->n;
    human_bytes(out, item->bytes);
    buf_add_f(out, "%*s", out->n - start < 10 ? (int)(12 - (out->n - start)) : 2, "");
    if (item->label.n)
        shown_add(out, item->label);
    else if (item->kind < 0)
        buf_add_f(out, "sha256:%s", digest_hex(&item->sha256, hex));
    buf_add_c(out, '\n');
}

static void list_json(void *ctx, const struct store_item *item)
{
    struct json *j = ctx;
    char hex[DIGEST_HEX_SIZE];

    json_map(j);
    json_key(j, "kind");
    json_str(j, str_of(kind_of(item)));
    json_key(j, "label");
    json_str(j, item->label);
    add_int(j, "bytes", item->bytes);
    json_key(j, "used");
    json_int(j, item->used_s);
    if (item->kind < 0) {
        json_key(j, "sha256");
        json_str(j, str_of(digest_hex(&item->sha256, hex)));
        json_key(j, "verified");
        json_bool(j, item->verified);
    } else {
        json_key(j, "fresh_until");
        json_int(j, item->fresh_until_s);
    }
    json_map_end(j);
}

static int cache_list(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e)
{
    if (!w->json)
        return store_list(s, list_text, out, e);
    struct json *j = json_open(out, true);
    json_list(j);
    int code = store_list(s, list_json, j, e);
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
    buf_add_z(out, "Removed ");
    add_size(out, objects, "file", bytes);
    return 0;
}

static int cache_purge(const struct cache_wish *w, struct store *s, struct buf *out, struct err *e)
{
    uint64_t objects, bytes;

    (void)w;
    if (store_purge(s, &objects, &bytes, e) || interpreter_forget_all(store_root(s), e))
        return e->code;
    buf_add_z(out, "Removed ");
    add_size(out, objects, "file", bytes);
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
        info_json(out, root, &(struct store_info){ .max_bytes = w->settings.cache_bytes });
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
                       w->settings.no_cache_dir ? "DRAY_NO_CACHE_DIR switches it off"
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
    struct cache_wish w = { 0 };
    struct err e = { 0 };
    int status = EXIT_DONE;

    settings_init(&w.settings);
    settings_init(&w.bound);
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
    settings_done(&w.settings);
    settings_done(&w.bound);
    return status;
}
