/* pip: the keyring may need a person, so with --no-input it is asked only if that was asked for by
 * name. */
#include "dray/job/credentials.h"

#include <stdlib.h>

#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct credentials {
    const struct settings *settings;
    struct events *events;
    struct auth *auth;
};

static void add_indexes(void *ctx, struct strs *out)
{
    const struct credentials *c = ctx;
    const struct settings *s = c->settings;

    if (s->no_index)
        return;
    if (s->index_url.n)
        strs_add(out, s->index_url);
    for (size_t i = 0; i < s->extra_index_urls.n; i++)
        strs_add(out, s->extra_index_urls.items[i]);
    for (size_t i = 0; i < s->n_indexes; i++)
        strs_add(out, s->indexes[i].is.url);
}

static void warn(void *ctx, const char *text)
{
    const struct credentials *c = ctx;

    events_warn(c->events, NULL, "%s", text);
}

/* "[::1]:8080" and "::1" have colons of their own. */
static bool split_host(struct str text, struct credentials_token *out)
{
    struct str rest = STR_NONE;
    uint64_t port = 0;

    if (str_starts(text, STR("["))) {
        out->host = str_cut(str_sub(text, 1, text.n), ']', &rest);
        if (!rest.p || (rest.n && rest.p[0] != ':'))
            return false;
        rest = rest.n ? str_sub(rest, 1, rest.n) : STR_NONE;
    } else if (str_find(text, ':') == str_rfind(text, ':')) {
        out->host = str_cut(text, ':', &rest);
    } else {
        out->host = text;
    }
    if (rest.p && (!str_to_u64(rest, 65535, &port) || port == 0))
        return false;
    out->port = (unsigned)port;
    return out->host.n > 0 && str_find(out->host, '/') < 0;
}

static bool is_variable(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!str_isalpha(name.p[i]) && name.p[i] != '_' && (i == 0 || !str_isdigit(name.p[i])))
            return false;
    return name.n > 0;
}

int credentials_parse_token(struct str text, struct credentials_token *out, struct err *e)
{
    struct credentials_token token = { 0 };
    struct str host = str_cut(text, '=', &token.variable);

    /* What stands there may be the token itself, so it is not repeated. */
    if (!is_variable(token.variable) || str_find(host, '@') >= 0 || str_find(host, '*') >= 0 ||
        !split_host(host, &token))
        return err_set(e, ERR_USAGE,
                       "--bearer-token: expected HOST=VARIABLE or HOST:PORT=VARIABLE, with the "
                       "name of the environment variable that holds the token");
    *out = token;
    return 0;
}

/* RFC 6750 section 2.1, and whatever else can't end a line. */
static bool is_token(struct str value)
{
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] <= ' ' || value.p[i] > '~')
            return false;
    return value.n > 0 && value.n <= LIMIT_URL_BYTES;
}

static int read_token(struct str said, struct arena *a, struct auth_token *out, struct err *e)
{
    struct credentials_token t = { 0 };

    if (credentials_parse_token(said, &t, e))
        return e->code;
    struct str value = str_of(getenv(arena_str(a, t.variable).p));
    if (!value.p)
        return err_set(e, ERR_USAGE,
                       "--bearer-token for %.*s: there is no such variable as it names",
                       STR_ARG(t.host));
    if (!is_token(value))
        return err_set(e, ERR_USAGE,
                       "--bearer-token for %.*s: what the variable holds is no token: it is empty, "
                       "too long, or has blanks or control characters",
                       STR_ARG(t.host));
    *out = (struct auth_token){ .host = t.host, .port = t.port, .value = value };
    return 0;
}

void credentials_hide(const struct settings *s, struct arena *a, struct strs *out)
{
    struct credentials_token t = { 0 };
    struct err e = { 0 };

    for (size_t i = 0; i < s->bearer_tokens.n; i++) {
        if (credentials_parse_token(s->bearer_tokens.items[i], &t, &e) == 0)
            strs_add(out, arena_str(a, t.variable));
        err_done(&e);
    }
}

static bool uses_keyring(const struct settings *s)
{
    switch (s->keyring_provider) {
    case KEYRING_AUTO:
        return !s->no_input;
    case KEYRING_SUBPROCESS:
    case KEYRING_IMPORT:
        return true;
    case KEYRING_DISABLED:
        return false;
    }
    abort();
}

static struct auth *open_auth(struct loop *l, struct credentials *c,
                              const struct prompter *prompter, struct err *e)
{
    const struct settings *s = c->settings;
    struct auth_token *tokens = mem_new(s->bearer_tokens.n, sizeof(*tokens));
    struct strs hidden = { 0 };
    struct arena a = { 0 };
    struct auth *auth = NULL;

    credentials_hide(s, &a, &hidden);
    for (size_t i = 0; i < s->bearer_tokens.n; i++)
        if (read_token(s->bearer_tokens.items[i], &a, &tokens[i], e))
            goto out;
    auth = auth_create(&(struct auth_options){ .loop = l,
                                               .indexes = add_indexes,
                                               .warn = warn,
                                               .ctx = c,
                                               .prompter = s->no_input ? NULL : prompter,
                                               .uses_keyring = uses_keyring(s),
                                               .saves = s->save_credentials,
                                               .tokens = tokens,
                                               .n_tokens = s->bearer_tokens.n,
                                               .child_env = &hidden });
out:
    strs_done(&hidden);
    arena_done(&a);
    free(tokens);
    return auth;
}

struct credentials *credentials_open(struct loop *l, const struct settings *s,
                                     struct events *events, const struct prompter *prompter,
                                     struct err *e)
{
    struct credentials *c = mem_new(1, sizeof(*c));

    *c = (struct credentials){ .settings = s, .events = events };
    c->auth = open_auth(l, c, prompter, e);
    if (!c->auth) {
        free(c);
        return NULL;
    }
    return c;
}

struct auth *credentials_auth(const struct credentials *c)
{
    return c ? c->auth : NULL;
}

void credentials_close(struct credentials *c)
{
    if (!c)
        return;
    auth_destroy(c->auth);
    free(c);
}
