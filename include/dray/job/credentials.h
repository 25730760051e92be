/* credentials.h: what settings say about names, passwords and tokens, for net/auth. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/job/settings.h"
#include "dray/net/auth.h"

struct credentials;

/* All are borrowed. NULL: ERR_USAGE about a --bearer-token. */
struct credentials *credentials_open(struct loop *l, const struct settings *s,
                                     struct events *events, const struct prompter *prompter,
                                     struct err *e);
/* NULL is allowed, and gives NULL. */
struct auth *credentials_auth(const struct credentials *c);
void credentials_close(struct credentials *c);
/* Adds the variables that hold tokens, to be unset for children: child_options.env. */
void credentials_hide(const struct settings *s, struct arena *a, struct strs *out);
/* "HOST[:PORT]=VARIABLE"; borrows. ERR_USAGE. */
struct credentials_token {
    struct str host;
    unsigned port; /* 0: any */
    struct str variable;
};
int credentials_parse_token(struct str text, struct credentials_token *out, struct err *e);
