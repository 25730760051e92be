/* OpenSSL passes over an SSL_CERT_FILE that is not there, so that is no error here; of a bundle
 * that requests is told of, that is one. */
#include "dray/job/route.h"

#include <sys/stat.h>
#include <unistd.h>

#include "dray/util/arena.h"

static const char *get(const char *const *env, const char *name)
{
    for (; *env; env++) {
        struct str value;
        if (str_is(str_cut(str_of(*env), '=', &value), name) && value.n)
            return value.p;
    }
    return NULL;
}

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void trust(struct route *r, const char *path)
{
    if (is_directory(path))
        r->ca_directory = path;
    else
        r->ca_file = path;
}

/* A list, as of PATH, of which one will do. */
static bool has_directory(const char *list)
{
    struct str rest = str_of(list);
    struct arena a = { 0 };
    bool found = false;

    while (rest.p && !found)
        found = is_directory(arena_str(&a, str_cut(rest, ':', &rest)).p);
    arena_done(&a);
    return found;
}

static void trust_as_openssl(struct route *r, const char *const *env)
{
    const char *file = get(env, "SSL_CERT_FILE"), *directory = get(env, "SSL_CERT_DIR");

    if (directory && !has_directory(directory)) {
        r->unread = "SSL_CERT_DIR";
        directory = NULL;
    }
    if (file && access(file, R_OK) != 0) {
        r->unread = "SSL_CERT_FILE";
        file = NULL;
    }
    r->ca_file = file;
    r->ca_directory = directory;
}

static int find_authorities(struct route *r, const struct settings *s, const char *const *env,
                            struct err *e)
{
    static const char *const names[] = { "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE" };

    if (s->cert.n) {
        trust(r, s->cert.p);
        return 0;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *path = get(env, names[i]);
        if (!path)
            continue;
        if (access(path, R_OK) != 0)
            return err_errno(e, "%s %s", names[i], path);
        trust(r, path);
        return 0;
    }
    trust_as_openssl(r, env);
    return 0;
}

static int find_proxies(struct route *r, const struct settings *s, const char *const *env,
                        struct err *e)
{
    if (s->proxy.n)
        return proxies_set(&r->proxies, s->proxy, e);
    if (s->proxy.p || s->no_proxy_env)
        return 0;
    return proxies_from_env(&r->proxies, env, e);
}

int route_find(const struct settings *s, const char *const *env, struct route *out, struct err *e)
{
    struct route r = { 0 };

    if (find_proxies(&r, s, env, e) || find_authorities(&r, s, env, e)) {
        route_done(&r);
        return e->code;
    }
    *out = r;
    return 0;
}

void route_done(struct route *r)
{
    if (!r)
        return;
    proxies_done(&r->proxies);
    *r = (struct route){ 0 };
}
