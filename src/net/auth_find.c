/* What is sent with a request: one place after another, in pip's order. */
#include <stdlib.h>

#include "dray/net/auth_parts.h"

static bool has_userinfo(const struct url *u)
{
    return u->user || u->password;
}

/* Whose userinfo counts for the request: its URL's (also a Location's), else that of the first one,
 * on its own origin. */
static const struct url *own_of(const struct auth_request *r)
{
    if (has_userinfo(r->url))
        return r->url;
    return has_userinfo(r->first) && url_same_origin(r->url, r->first) ? r->first : NULL;
}

/* What the request's URL and its index say. */
struct said {
    const struct url *own;
    struct auth_index *index; /* whose credentials are for it, or NULL */
    const char *user, *password;
    enum auth_source source;
};

/* Pages and files were lent it by their index. */
static bool is_of_index(const struct said *s)
{
    const struct url *u = &s->index->url;

    return u->password && u->user && strcmp(u->user, s->user) == 0 &&
           strcmp(u->password, s->password) == 0;
}

/* pip: half of the URL's own is replaced by what the index has, be that half as well. */
static struct said said_of(struct auth *a, const struct auth_request *r)
{
    struct said s = { .own = own_of(r) };

    if (s.own) {
        s.source = AUTH_URL;
        s.user = s.own->user ? s.own->user : "";
        s.password = s.own->password;
    }
    if (!a)
        return s;
    auth_take_indexes(a);
    s.index = auth_index_of(a, r->url);
    if (s.index && s.user && s.password) {
        s.source = is_of_index(&s) ? AUTH_INDEX : AUTH_URL;
    } else if (s.index && has_userinfo(&s.index->url)) {
        s.source = AUTH_INDEX;
        s.user = s.index->url.user ? s.index->url.user : "";
        s.password = s.index->url.password;
    }
    return s;
}

static const struct auth_token *token_for(const struct auth *a, const struct url *u)
{
    const struct auth_token *best = NULL;

    if (strcmp(u->scheme, "https") != 0 && !url_is_loopback(u))
        return NULL;
    /* One for this very port, else one for any; of several the last, as of all settings. */
    for (size_t i = 0; i < a->options.n_tokens; i++) {
        const struct auth_token *t = &a->tokens[i];
        if (str_eq_nocase(t->host, str_of(u->host)) && (t->port == 0 || t->port == u->port) &&
            (!best || t->port || !best->port))
            best = t;
    }
    return best;
}

static void read_netrc(struct auth *a)
{
    struct buf path = { 0 };
    struct err e = { 0 };

    a->netrc_is_read = true;
    if (netrc_path(&path) && netrc_load(buf_z(&path), &a->netrc, &e)) {
        err_set(&e, e.code, "%s; it is not heeded", err_text(&e));
        a->options.warn(a->options.ctx, err_text(&e));
    }
    err_done(&e);
    buf_done(&path);
}

static bool find_in_netrc(struct auth *a, const struct url *u, struct auth_given *out)
{
    struct netrc_login found;

    if (!a->netrc_is_read)
        read_netrc(a);
    if (!netrc_find(&a->netrc, str_of(u->host), &found))
        return false;
    *out = (struct auth_given){ .source = AUTH_NETRC,
                                .serial = AUTH_SERIAL_SAID,
                                .user = found.user.p,
                                .password = found.password.p };
    return true;
}

/* Not when another user is meant. */
static bool fits(const struct auth_login *l, const char *user)
{
    return l->user && (!user || strcmp(l->user, user) == 0);
}

static struct auth_given give(const struct auth_login *l)
{
    return (struct auth_given){
        .source = l->source, .serial = l->serial, .user = l->user, .password = l->password
    };
}

static struct auth_given give_said(const struct said *s)
{
    bool whole = s->user && s->password;

    if (!s->user && !s->password)
        return (struct auth_given){ .source = AUTH_NONE };
    return (struct auth_given){ .source = s->source,
                                .serial = whole ? AUTH_SERIAL_SAID : AUTH_SERIAL_HALF,
                                .is_final = whole,
                                .user = s->user ? s->user : "",
                                .password = s->password ? s->password : "" };
}

static struct auth_given look(struct auth *a, const struct auth_request *r, const struct said *s)
{
    const struct auth_token *token = token_for(a, r->url);
    const struct auth_place *place = auth_place_known(a, r->url);
    struct auth_given netrc;

    if (token)
        return (struct auth_given){ .source = AUTH_TOKEN,
                                    .serial = AUTH_SERIAL_SAID,
                                    .is_final = true,
                                    .token = token->value.p };
    if (s->user && s->password)
        return give_said(s);
    if (s->index && fits(&s->index->answer, s->user))
        return give(&s->index->answer);
    if (place && fits(&place->answer, s->user))
        return give(&place->answer);
    if (find_in_netrc(a, r->url, &netrc))
        return netrc;
    /* Half of them, remembered, is no more than what is said here. */
    if (place && fits(&place->remembered, s->user) && (!s->user || place->remembered.password[0]))
        return give(&place->remembered);
    return give_said(s);
}

/* For URLs of that origin which say nothing. What a server wrote into a Location is not ours. */
static void remember(struct auth *a, const struct auth_request *r, const struct auth_given *g)
{
    struct auth_place *p;

    if (g->source != AUTH_URL || g->serial >= AUTH_SERIAL_ANSWERS || r->moved)
        return;
    p = auth_place_of(a, r->url);
    if (p->remembered.user && strcmp(p->remembered.user, g->user) == 0 &&
        strcmp(p->remembered.password, g->password) == 0)
        return;
    auth_login_set(a, &p->remembered, AUTH_URL, str_of(g->user), str_of(g->password));
}

struct auth_given auth_find(struct auth *a, const struct auth_request *r)
{
    struct said s = said_of(a, r);
    struct auth_given g = a ? look(a, r, &s) : give_said(&s);

    if (a)
        remember(a, r, &g);
    return g;
}

const char *auth_known_user(struct auth *a, const struct auth_request *r)
{
    return said_of(a, r).user;
}
