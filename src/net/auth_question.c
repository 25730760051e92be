/* A question goes through these states; which of them have somebody to ask is decided on entering.
 * One question at a time has its turn, since the keyring may talk to the person as well. */
#include <assert.h>
#include <stdlib.h>

#include "dray/net/auth_parts.h"
#include "dray/util/buf.h"
#include "dray/util/mem.h"

/* state, what entering it does, lawful successors */
#define QUESTION_STATES(X)                                                                         \
    X(LINE, enter_line, TO(INDEX))                     /* waits for its turn */                    \
    X(INDEX, enter_index, TO(HOST) | TO(CLOSED))       /* keyring: the index URL */                \
    X(HOST, enter_host, TO(USER) | TO(CLOSED))         /* keyring: the host */                     \
    X(USER, enter_user, TO(TYPED) | TO(CLOSED))        /* the person: a name */                    \
    X(TYPED, enter_typed, TO(PASSWORD) | TO(CLOSED))   /* keyring: the host, that name */          \
    X(PASSWORD, enter_password, TO(SAVE) | TO(CLOSED)) /* the person: its password */              \
    X(SAVE, enter_save, TO(CLOSED))                    /* the person: is it to be kept */          \
    X(CLOSED, enter_closed, 0)

enum question_state {
#define QUESTION_STATE_ENUM(name, enter, next) QUESTION_##name,
    QUESTION_STATES(QUESTION_STATE_ENUM)
#undef QUESTION_STATE_ENUM
};

struct auth_question {
    struct auth *auth;
    struct auth_place *place;
    struct auth_index *index; /* or NULL */
    char *user;               /* that is known already, then the one that was typed; or NULL */
    bool asks_host, asks_person;
    enum question_state state;
    struct keyring_call *call;
    bool holds_terminal;
    struct auth_question *next; /* in line */
};

static void question_go(struct auth_question *q, enum question_state to);

/* Asked twice, the keyring says the same. */
static void add_asked(struct buf *key, const char *service, const char *user)
{
    buf_add_z(key, service);
    buf_add_c(key, '\0');
    if (user)
        buf_add_f(key, "%s", user);
    else
        buf_add_c(key, '\0');
}

/* A name that begins with "-" would be an option of the program's. */
static bool keyring_may_know(struct auth *a, const char *service, const char *user)
{
    struct buf key = { 0 };

    if (!keyring_is_usable(a->keyring) || (user && user[0] == '-'))
        return false;
    add_asked(&key, service, user);
    bool was_asked = map_get(&a->asked, buf_str(&key)) != NULL;
    buf_done(&key);
    return !was_asked;
}

static void keyring_ask(struct auth_question *q, const char *service, keyring_got_fn got)
{
    struct auth *a = q->auth;
    struct buf key = { 0 };

    add_asked(&key, service, q->user);
    map_put(&a->asked, arena_str(&a->arena, buf_str(&key)), a);
    buf_done(&key);
    q->call = keyring_get(a->keyring, service, q->user, got, q);
}

static void person_ask(struct auth_question *q, const char *text, bool is_secret,
                       prompter_done_fn done)
{
    const struct prompter *p = q->auth->options.prompter;

    p->ask(p->ctx, q->auth->options.loop, text, is_secret, done, q);
}

static void hold_terminal(struct auth_question *q, bool wanted)
{
    const struct prompter *p = q->auth->options.prompter;

    if (p && wanted != q->holds_terminal)
        q->holds_terminal = p->hold(p->ctx, wanted) && wanted;
}

static void enter_line(struct auth_question *q)
{
    struct auth *a = q->auth;

    if (a->last)
        a->last->next = q;
    else
        a->open = q;
    a->last = q;
    if (a->open == q)
        question_go(q, QUESTION_INDEX);
}

static void on_index_got(void *ctx, const struct keyring_login *login)
{
    struct auth_question *q = ctx;

    q->call = NULL;
    if (login)
        auth_login_set(q->auth, &q->index->answer, AUTH_KEYRING, login->user, login->password);
    question_go(q, login ? QUESTION_CLOSED : QUESTION_HOST);
}

static void enter_index(struct auth_question *q)
{
    hold_terminal(q, true);
    if (q->index && keyring_may_know(q->auth, q->index->service, q->user))
        keyring_ask(q, q->index->service, on_index_got);
    else
        question_go(q, QUESTION_HOST);
}

static void on_host_got(void *ctx, const struct keyring_login *login)
{
    struct auth_question *q = ctx;

    q->call = NULL;
    if (login)
        auth_login_set(q->auth, &q->place->answer, AUTH_KEYRING, login->user, login->password);
    if (login)
        question_go(q, QUESTION_CLOSED);
    else
        question_go(q, q->state == QUESTION_HOST ? QUESTION_USER : QUESTION_PASSWORD);
}

static void enter_host(struct auth_question *q)
{
    if (q->asks_host && keyring_may_know(q->auth, q->place->host, q->user))
        keyring_ask(q, q->place->host, on_host_got);
    else
        question_go(q, QUESTION_USER);
}

static void on_user(void *ctx, struct str answer)
{
    struct auth_question *q = ctx;
    struct str name = str_trim(answer);

    if (name.n > 0) {
        struct buf copy = { 0 };
        buf_add_str(&copy, name);
        q->user = buf_take(&copy);
        question_go(q, QUESTION_TYPED);
        return;
    }
    if (answer.p) /* pip: an empty line asks for one more try, without anything in it */
        auth_login_set(q->auth, &q->place->answer, AUTH_PROMPT, STR(""), STR(""));
    question_go(q, QUESTION_CLOSED);
}

static void enter_user(struct auth_question *q)
{
    struct buf text = { 0 };

    q->place->was_prompted |= q->asks_person; /* also when there is no terminal */
    if (!q->asks_person || !q->holds_terminal) {
        question_go(q, QUESTION_CLOSED);
        return;
    }
    buf_add_f(&text, "User for %s: ", q->place->host);
    person_ask(q, buf_z(&text), false, on_user);
    buf_done(&text);
}

static void enter_typed(struct auth_question *q)
{
    if (keyring_may_know(q->auth, q->place->host, q->user))
        keyring_ask(q, q->place->host, on_host_got);
    else
        question_go(q, QUESTION_PASSWORD);
}

static void on_password(void *ctx, struct str answer)
{
    struct auth_question *q = ctx;

    if (answer.p)
        auth_login_set(q->auth, &q->place->answer, AUTH_PROMPT, str_of(q->user), answer);
    question_go(q, answer.p ? QUESTION_SAVE : QUESTION_CLOSED);
}

static void enter_password(struct auth_question *q)
{
    person_ask(q, "Password: ", true, on_password);
}

static void on_save(void *ctx, struct str answer)
{
    struct auth_question *q = ctx;

    answer = str_trim(answer);
    q->place->is_to_be_saved = str_eq_nocase(answer, STR("y")) || str_eq_nocase(answer, STR("yes"));
    question_go(q, QUESTION_CLOSED);
}

static void enter_save(struct auth_question *q)
{
    bool can_save = keyring_is_usable(q->auth->keyring) && q->user[0] != '-';

    if (can_save && !q->auth->options.saves) {
        person_ask(q, "Save credentials to keyring [y/N]: ", false, on_save);
        return;
    }
    q->place->is_to_be_saved = can_save;
    question_go(q, QUESTION_CLOSED);
}

/* The first of the line goes out of it. */
static void question_end(struct auth *a)
{
    struct auth_question *q = a->open;

    hold_terminal(q, false);
    q->place->question = NULL;
    a->open = q->next;
    if (!a->open)
        a->last = NULL;
    free(q->user);
    free(q);
}

/* All who wait look again, the earliest first. */
static void enter_closed(struct auth_question *q)
{
    struct auth *a = q->auth;
    struct auth_place *p = q->place;

    assert(a->open == q); /* who has not had its turn has nothing to end with */
    question_end(a);
    for (struct auth_wait *w = p->first; w; w = w->next)
        loop_post(a->options.loop, &w->look);
    if (a->open)
        question_go(a->open, QUESTION_INDEX);
}

static const struct {
    void (*enter)(struct auth_question *q);
    unsigned next;
} states[] = {
#define TO(name)                              (1u << QUESTION_##name)
#define QUESTION_STATE_ROW(name, enter, next) { enter, next },
    QUESTION_STATES(QUESTION_STATE_ROW)
#undef QUESTION_STATE_ROW
#undef TO
};

/* The one place that writes the state. */
static void question_go(struct auth_question *q, enum question_state to)
{
    assert(states[q->state].next & (1u << to));
    q->state = to;
    states[to].enter(q);
}

/* After an answer was refused only the index of this very request may know better. */
static bool was_answered(const struct auth_wait *w)
{
    return w->sent.source == AUTH_KEYRING || w->sent.source == AUTH_PROMPT;
}

/* pip: only who has no name at all is asked for one. */
static bool can_prompt(struct auth *a, const struct auth_wait *w, const char *user)
{
    return a->options.prompter && !user && !w->place->was_prompted && !was_answered(w);
}

bool auth_can_ask(struct auth *a, const struct auth_wait *w)
{
    const char *user = auth_known_user(a, &w->request);
    const struct auth_index *i = auth_index_of(a, w->request.url);

    if (a->stopped || w->sent.is_final || !challenge_can_be_met(&w->challenge))
        return false;
    return (i && keyring_may_know(a, i->service, user)) ||
           (!was_answered(w) && keyring_may_know(a, w->place->host, user)) ||
           can_prompt(a, w, user);
}

void auth_question_open(struct auth *a, struct auth_wait *w)
{
    struct auth_question *q = mem_new(1, sizeof(*q));
    const char *user = auth_known_user(a, &w->request);

    *q = (struct auth_question){ .auth = a,
                                 .place = w->place,
                                 .index = auth_index_of(a, w->request.url),
                                 .user = user ? mem_dup(user) : NULL,
                                 .asks_host = !was_answered(w),
                                 .asks_person = can_prompt(a, w, user) };
    w->place->question = q;
    enter_line(q);
}

void auth_questions_stop(struct auth *a)
{
    const struct prompter *p = a->options.prompter;

    while (a->open) {
        struct auth_question *q = a->open;
        keyring_cancel(q->call);
        if (p && q->holds_terminal)
            p->cancel(p->ctx);
        question_end(a);
    }
}
