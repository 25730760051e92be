/* Places, those that wait at them, and the sentence about a 401. What is known is in auth_find.c,
 * asking others in auth_question.c. */
#include "dray/net/auth.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/net/auth_parts.h"
#include "dray/util/mem.h"

static const char *const told[] = {
#define AUTH_SOURCE_TOLD(source, text) text,
    AUTH_SOURCES(AUTH_SOURCE_TOLD)
#undef AUTH_SOURCE_TOLD
};

void auth_login_done(struct auth_login *l)
{
    free(l->user);
    free(l->password);
    *l = (struct auth_login){ 0 };
}

static char *dup_str(struct str s)
{
    struct buf copy = { 0 };

    buf_add_str(&copy, s);
    return buf_take(&copy);
}

void auth_login_set(struct auth *a, struct auth_login *l, enum auth_source source, struct str user,
                    struct str password)
{
    struct auth_login set = { .user = dup_str(user),
                              .password = dup_str(password),
                              .source = source,
                              .serial = ++a->serials };

    auth_login_done(l);
    *l = set;
}

static void add_host(const struct url *u, struct buf *out)
{
    bool is_default = u->port == (strcmp(u->scheme, "https") == 0 ? 443 : 80);

    buf_add_f(out, strchr(u->host, ':') ? "[%s]" : "%s", u->host);
    if (!is_default)
        buf_add_f(out, ":%u", u->port);
}

struct auth_place *auth_place_known(const struct auth *a, const struct url *u)
{
    struct buf key = { 0 };

    buf_add_f(&key, "%s://", u->scheme);
    add_host(u, &key);
    struct auth_place *p = map_get(&a->places, buf_str(&key));
    buf_done(&key);
    return p;
}

struct auth_place *auth_place_of(struct auth *a, const struct url *u)
{
    struct auth_place *p = auth_place_known(a, u);
    struct buf key = { 0 }, host = { 0 };

    if (p)
        return p;
    add_host(u, &host);
    buf_add_f(&key, "%s://%s", u->scheme, buf_z(&host));
    p = mem_new(1, sizeof(*p));
    p->auth = a;
    p->key = buf_take(&key);
    p->host = buf_take(&host);
    map_put(&a->places, str_of(p->key), p);
    return p;
}

static void place_free(struct auth_place *p)
{
    assert(!p->first && !p->question);
    auth_login_done(&p->answer);
    auth_login_done(&p->remembered);
    free(p->key);
    free(p->host);
    free(p);
}

bool auth_is_asking(const struct auth *a, const struct url *u)
{
    const struct auth_place *p = a && a->open ? auth_place_known(a, u) : NULL;

    return p && p->question;
}

static void leave(struct auth_wait *w)
{
    struct auth_place *p = w->place;

    if (w->next)
        w->next->prev = w->prev;
    else
        p->last = w->prev;
    if (w->prev)
        w->prev->next = w->next;
    else
        p->first = w->next;
    w->place = NULL;
    w->prev = w->next = NULL;
}

static bool has_changed(struct auth *a, const struct auth_wait *w)
{
    struct auth_given now = auth_find(a, &w->request);

    return now.source != w->sent.source || now.serial != w->sent.serial;
}

/* There was no question, or it is closed. */
static void look_again(void *ctx)
{
    struct auth_wait *w = ctx;
    struct auth *a = w->auth;
    bool again = w->was_refused ? !w->was_resent && has_changed(a, w) : !w->place->question;

    if (!again && w->place->question) /* opened meanwhile by one that was before it */
        return;
    if (!again && !w->was_resent && auth_can_ask(a, w)) {
        auth_question_open(a, w);
        return;
    }
    leave(w);
    w->done(w->ctx, again);
}

void auth_wait_start(struct auth *a, struct auth_wait *w)
{
    struct auth_place *p = auth_place_of(a, w->request.url);

    w->auth = a;
    w->place = p;
    w->look = (struct loop_task){ .fn = look_again, .ctx = w };
    w->prev = p->last;
    if (p->last)
        p->last->next = w;
    else
        p->first = w;
    p->last = w;
    if (p->question)
        return;
    /* At once: who is about to be sent there sees it, and waits. */
    if (w->was_refused && !w->was_resent && !has_changed(a, w) && auth_can_ask(a, w))
        auth_question_open(a, w);
    else
        loop_post(a->options.loop, &w->look);
}

void auth_wait_cancel(struct auth_wait *w)
{
    if (!w->place)
        return;
    loop_unpost(w->auth->options.loop, &w->look);
    leave(w);
}

int auth_explain(const struct auth_given *sent, const struct challenge *c, const char *url,
                 struct err *e)
{
    struct buf text = { 0 };

    if (sent->source == AUTH_NONE)
        buf_add_f(&text, "%s: the server wants credentials (401), and there are none for it", url);
    else if (sent->source == AUTH_TOKEN)
        buf_add_f(&text, "%s: the server refuses the token of --bearer-token (401)", url);
    else
        buf_add_f(&text, "%s: the server refuses these credentials (401): those of %s", url,
                  told[sent->source]);
    if (!challenge_can_be_met(c))
        buf_add_f(&text, "; it asks for %s, and dray can do only Basic and Bearer", c->other);
    else if (sent->source == AUTH_NONE)
        buf_add_z(&text, "; put them into ~/.netrc, the keyring or the index URL");
    err_set(e, ERR_STATUS, "%s", buf_z(&text));
    buf_done(&text);
    return ERR_STATUS;
}

static void copy_tokens(struct auth *a, const struct auth_options *o)
{
    a->tokens = mem_new(o->n_tokens, sizeof(*a->tokens));
    for (size_t i = 0; i < o->n_tokens; i++)
        a->tokens[i] = (struct auth_token){ .host = arena_str(&a->arena, o->tokens[i].host),
                                            .port = o->tokens[i].port,
                                            .value = arena_str(&a->arena, o->tokens[i].value) };
}

struct auth *auth_create(const struct auth_options *o)
{
    struct auth *a = mem_new(1, sizeof(*a));

    a->options = *o;
    a->serials = AUTH_SERIAL_ANSWERS;
    copy_tokens(a, o);
    if (o->uses_keyring)
        a->keyring = keyring_open(o->loop, &(struct keyring_options){ .keeps_terminal = o->prompter,
                                                                      .env = o->child_env,
                                                                      .warn = o->warn,
                                                                      .ctx = o->ctx });
    return a;
}

void auth_stop(struct auth *a)
{
    if (!a)
        return;
    a->stopped = true;
    auth_questions_stop(a);
    for (size_t i = 0; i < a->places.n; i++) {
        struct auth_place *p = a->places.entries[i].value;
        keyring_cancel(p->saving);
        p->saving = NULL;
    }
    a->n_saving = 0;
    loop_unpost(a->options.loop, &a->saved);
}

void auth_destroy(struct auth *a)
{
    if (!a)
        return;
    auth_stop(a);
    for (size_t i = 0; i < a->places.n; i++)
        place_free(a->places.entries[i].value);
    for (size_t i = 0; i < a->indexes_by_text.n; i++)
        auth_index_free(a->indexes_by_text.entries[i].value);
    map_done(&a->places);
    map_done(&a->indexes_by_text);
    map_done(&a->asked);
    keyring_close(a->keyring);
    netrc_done(&a->netrc);
    arena_done(&a->arena);
    free(a->indexes);
    free(a->tokens);
    free(a);
}
