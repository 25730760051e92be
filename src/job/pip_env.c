/* pip reads a list from a variable as words with white space between them. A URL holds none, a path
 * may: it is made one. */
#include "dray/job/pip_env.h"

#include <limits.h>
#include <stdlib.h>

#include "dray/job/credentials.h"
#include "dray/net/url.h"
#include "dray/util/buf.h"

/* An empty variable would be a value, and a configuration file may say something of its own:
 * options that were not said are unset, and left to pip's defaults. */
static void add(struct arena *a, struct strs *out, const char *name, struct str value)
{
    strs_add(out, value.n ? arena_f(a, "%s=%.*s", name, STR_ARG(value)) : arena_f(a, "%s", name));
}

static void add_word(struct buf *out, struct str text)
{
    char path[PATH_MAX];
    bool has_blank = false;

    for (size_t i = 0; i < text.n; i++)
        has_blank |= str_isspace(text.p[i]);
    if (has_blank && !url_has_scheme(text) && realpath(text.p, path))
        url_from_path(str_of(path), out);
    else
        buf_add_str(out, text);
}

static void add_list(struct arena *a, struct strs *out, const char *name, const struct strs *list)
{
    struct buf words = { 0 };

    for (size_t i = 0; i < list->n; i++) {
        if (i)
            buf_add_c(&words, ' ');
        add_word(&words, list->items[i]);
    }
    add(a, out, name, buf_str(&words));
    buf_done(&words);
}

/* pip knows one index and more besides, all alike. Where there is no first one, its own default
 * must not become it. */
static void add_indexes(const struct settings *s, struct arena *a, struct strs *out)
{
    struct strs more = { 0 };
    struct str first = s->index_url;
    size_t from = 0;

    if (!first.n && s->n_indexes)
        first = s->indexes[from++].is.url;
    for (size_t i = 0; i < s->extra_index_urls.n; i++)
        strs_add(&more, s->extra_index_urls.items[i]);
    for (size_t i = from; i < s->n_indexes; i++)
        strs_add(&more, s->indexes[i].is.url);
    add(a, out, "PIP_INDEX_URL", first);
    add_list(a, out, "PIP_EXTRA_INDEX_URL", &more);
    strs_done(&more);
}

void pip_env_isolate(const char *const *env, struct arena *a, struct strs *out)
{
    struct str value;

    for (; *env; env++)
        if (str_starts(str_of(*env), STR("PIP_")))
            strs_add(out, arena_str(a, str_cut(str_of(*env), '=', &value)));
    strs_add(out, STR("PIP_CONFIG_FILE=/dev/null"));
}

bool pip_env_lets_go(const struct settings *s)
{
    bool holds = false;

    for (size_t i = 0; i < s->n_indexes; i++)
        holds |= s->indexes[i].is.n_packages > 0;
    return holds && !s->no_index;
}

/* What the environment says reaches pip by itself. Before 26.2 it knew no way to be told of none.
 */
void pip_env_of_proxy(const struct settings *s, struct arena *a, struct strs *out)
{
    static const char *const variables[] = { "http_proxy",  "HTTP_PROXY", "https_proxy",
                                             "HTTPS_PROXY", "all_proxy",  "ALL_PROXY" };

    if (s->proxy.p)
        add(a, out, "PIP_PROXY", s->proxy);
    if (s->proxy.n || (!s->proxy.p && !s->no_proxy_env))
        return;
    strs_add(out, STR("PIP_NO_PROXY_ENV=1"));
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        strs_add(out, str_of(variables[i]));
}

static const char *keyring_of(const struct settings *s)
{
    switch (s->keyring_provider) {
    case KEYRING_AUTO:
        return s->no_input ? "disabled" : "subprocess";
    case KEYRING_SUBPROCESS:
        return "subprocess";
    case KEYRING_IMPORT:
        return "import";
    case KEYRING_DISABLED:
        return "disabled";
    }
    abort();
}

void pip_env_of(const struct settings *s, struct arena *a, struct strs *out)
{
    add(a, out, "PIP_NO_INDEX", s->no_index ? STR("1") : STR_NONE);
    add_indexes(s, a, out);
    add_list(a, out, "PIP_FIND_LINKS", &s->find_links);
    add_list(a, out, "PIP_TRUSTED_HOST", &s->trusted_hosts);
    add(a, out, "PIP_CERT", s->cert);
    add(a, out, "PIP_CLIENT_CERT", s->client_cert);
    pip_env_of_proxy(s, a, out);
    /* It is run with --no-input, with which its own "auto" would not ask the keyring. */
    strs_add(out, arena_f(a, "PIP_KEYRING_PROVIDER=%s", keyring_of(s)));
    credentials_hide(s, a, out);
    strs_add(out, arena_f(a, "PIP_TIMEOUT=%u", s->timeout_s));
    strs_add(out, arena_f(a, "PIP_RETRIES=%u", s->retries));
    if (s->no_cache_dir)
        strs_add(out, STR("PIP_NO_CACHE_DIR=1"));
    else if (s->pip_cache_dir.n)
        add(a, out, "PIP_CACHE_DIR", s->pip_cache_dir);
}
