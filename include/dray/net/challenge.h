/* challenge.h: what a server says it wants to see, the value of WWW-Authenticate (RFC 9110 section
 * 11.6.1). Pure. */
#pragma once

#include <stdbool.h>

#include "dray/util/str.h"

enum { CHALLENGE_SCHEME_SIZE = 24 };

struct challenge {
    bool given;                        /* there was one, and it could be understood */
    bool basic, bearer;                /* are among them */
    char other[CHALLENGE_SCHEME_SIZE]; /* the first that is neither; cut when long; "" for none */
};

/* STR_NONE gives none. Of several fields the values are joined by ", ". */
struct challenge challenge_parse(struct str value);
/* Would a name and password, or a token, be of any use? Also when nothing is said. */
bool challenge_can_be_met(const struct challenge *c);
