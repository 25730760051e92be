/* keyring.h: the program `keyring` (PyPI's, 25.2.1 and later), which knows the system's stores of
 * passwords, asked as pip asks it. It is looked for on PATH once; when it fails in a way that
 * another call would repeat, that is said once and it is not run any more. */
#pragma once

#include <stdbool.h>

#include "dray/net/loop.h"
#include "dray/util/arena.h"
#include "dray/util/err.h"
#include "dray/util/strs.h"

struct keyring;
struct keyring_call;

/* Borrowed. */
struct keyring_options {
    bool keeps_terminal; /* it may ask a person for the password of a locked store */
    /* Variables that it has no use for are "NAME"; see child.h. */
    const struct strs *env;
    void (*warn)(void *ctx, const char *text);
    void *ctx;
};

struct keyring_login {
    struct str user, password; /* borrowed */
};

/* NULL: it has none for that. */
typedef void (*keyring_got_fn)(void *ctx, const struct keyring_login *login);
typedef void (*keyring_done_fn)(void *ctx);

struct keyring *keyring_open(struct loop *l, const struct keyring_options *o);
/* Every call must have ended or been cancelled. */
void keyring_close(struct keyring *k);
/* It is there, and has not failed. */
bool keyring_is_usable(const struct keyring *k);
/* `user` is NULL when any will do. `done` runs once, later, from the loop. Only while usable. */
struct keyring_call *keyring_get(struct keyring *k, const char *service, const char *user,
                                 keyring_got_fn done, void *ctx);
/* The password goes through a pipe. Not kept: a warning. */
struct keyring_call *keyring_set(struct keyring *k, const char *service,
                                 const struct keyring_login *login, keyring_done_fn done,
                                 void *ctx);
/* NULL is allowed. `done` will not run. */
void keyring_cancel(struct keyring_call *c);

/* What `keyring --mode=creds --output=json get` wrote: {"username": "...", "password": "..."}.
 * Strings live in `a`. ERR_INPUT never shows it; ERR_LIMIT. */
int keyring_parse(struct str json, struct arena *a, struct keyring_login *out, struct err *e);
