/* auth_parts.h: what the files of net/auth share. Private to them. */
#pragma once

#include "dray/net/auth.h"
#include "dray/net/keyring.h"
#include "dray/net/netrc.h"
#include "dray/util/arena.h"
#include "dray/util/map.h"

/* Serials of what stands somewhere for the whole run; answers have greater ones. */
enum { AUTH_SERIAL_SAID = 1, AUTH_SERIAL_HALF, AUTH_SERIAL_ANSWERS };

/* `user` NULL: nothing is known. */
struct auth_login {
    char *user, *password;
    enum auth_source source;
    unsigned serial;
};

/* One of the index URLs. */
struct auth_index {
    struct url url;
    char *text;               /* as it was said */
    char *service;            /* without userinfo, ends in "/": what a keyring knows it by */
    struct auth_login answer; /* of the keyring, for this index */
};

/* Scheme, host and port. */
struct auth_place {
    struct auth *auth;
    char *key;
    char *host;                   /* "host", or "host:port" when that is not the scheme's own */
    struct auth_login answer;     /* of a question */
    struct auth_login remembered; /* of a URL that had it */
    bool was_prompted, is_to_be_saved;
    struct auth_question *question; /* open, or NULL */
    struct keyring_call *saving;    /* or NULL */
    struct auth_wait *first, *last;
};

struct auth {
    struct auth_options options;
    struct arena arena;
    struct auth_token *tokens;
    struct map indexes_by_text, places, asked; /* own their values; `asked` has none */
    struct auth_index **indexes;               /* the present ones, in order */
    size_t n_indexes, cap_indexes;
    struct netrc netrc;
    bool netrc_is_read;
    struct keyring *keyring;
    struct auth_question *open, *last; /* in line; the first has its turn */
    unsigned serials;
    size_t n_saving; /* places */
    struct loop_task saved;
    bool stopped;
};

/* auth_index.c */
/* Looks what the index URLs are now. */
void auth_take_indexes(struct auth *a);
/* The one whose credentials are for `u`: same origin, longest path in common by segments, the first
 * of several; NULL when there is none. */
struct auth_index *auth_index_of(const struct auth *a, const struct url *u);
void auth_index_free(struct auth_index *i);
/* How much of the path `b` the path `a` has in common: whole segments. */
size_t auth_common_path(struct str a, struct str b);

/* auth.c */
struct auth_place *auth_place_of(struct auth *a, const struct url *u);
/* NULL when there is none yet. */
struct auth_place *auth_place_known(const struct auth *a, const struct url *u);
void auth_login_set(struct auth *a, struct auth_login *l, enum auth_source source, struct str user,
                    struct str password);
void auth_login_done(struct auth_login *l);

/* auth_find.c */
/* Of the URL or its index: the half that is known, when only that is; borrowed. */
const char *auth_known_user(struct auth *a, const struct auth_request *r);

/* auth_question.c */
/* Is there anybody to ask for `w`, who was not asked before? */
bool auth_can_ask(struct auth *a, const struct auth_wait *w);
void auth_question_open(struct auth *a, struct auth_wait *w);
/* All that are open, without an answer. */
void auth_questions_stop(struct auth *a);
