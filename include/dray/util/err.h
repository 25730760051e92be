/* err.h: one error: a code for the program, a sentence for the person. Who knows the story writes
 * it, once; callers pass it up or add where they were. Functions return 0 or a negative `enum
 * err_code`. `struct err e = { 0 }` is "no error"; err_done() ends every life of one. A `struct err
 * *` is never NULL. */
#pragma once

#include <stdarg.h>

/* code, what a machine-readable output calls it */
#define ERR_CODES(X)                                                                               \
    X(USAGE, "usage")             /* wrong options or arguments: exit 2 */                         \
    X(INPUT, "input")             /* malformed requirement, file, page */                          \
    X(NOT_FOUND, "not-found")     /* no such project, version, file */                             \
    X(NO_MATCH, "no-match")       /* versions exist, none of them fits */                          \
    X(CONFLICT, "conflict")       /* two demands that can't both hold */                           \
    X(UNSOLVED, "unsolved")       /* follows from what is said of the set as a whole */            \
    X(HASH, "hash")               /* digest differs from the promised */                           \
    X(NO_HASH, "no-hash")         /* required, but not given */                                    \
    X(LENGTH, "length")           /* more or fewer bytes than promised */                          \
    X(IO, "io")                   /* the file system said no */                                    \
    X(SPACE, "space")             /* the file system is full */                                    \
    X(DNS, "dns")                 /* the name has no address */                                    \
    X(CONNECT, "connect")         /* no connection */                                              \
    X(TLS, "tls")                 /* certificate or handshake */                                   \
    X(NETWORK, "network")         /* connection broke */                                           \
    X(TIMEOUT, "timeout")         /* nothing moved for too long */                                 \
    X(STATUS, "status")           /* HTTP status that is not success */                            \
    X(REDIRECT, "redirect")       /* too many, or to a forbidden place */                          \
    X(LIMIT, "limit")             /* a cap of limits.h was reached */                              \
    X(UNSUPPORTED, "unsupported") /* valid, but dray does not do it */                             \
    X(INTERRUPTED, "interrupted") /* SIGINT, SIGTERM, or cancelled */                              \
    X(CHILD, "child")             /* a program that was run failed */                              \
    X(OFFLINE, "offline")         /* would need the network, which --offline forbids */

enum err_code {
    ERR_FIRST = -64,
#define ERR_ENUM(name, text) ERR_##name,
    ERR_CODES(ERR_ENUM)
#undef ERR_ENUM
        ERR_LAST,
    ERR_NONE = 0
};

struct err {
    int code;   /* 0 or a negative enum err_code */
    char *text; /* one sentence or several lines; NULL when code is 0 */
};

void err_done(struct err *e);
/* Replaces what `e` held; returns `code`. */
__attribute__((format(printf, 3, 4))) int err_set(struct err *e, int code, const char *format, ...);
/* Puts "<where>: " before the text; returns the code unchanged. */
__attribute__((format(printf, 2, 3))) int err_wrap(struct err *e, const char *format, ...);
/* "<what happened>: <text of errno>", as ERR_SPACE for a full file system and ERR_IO for all else.
 * Reads errno at its start. */
__attribute__((format(printf, 2, 3))) int err_errno(struct err *e, const char *format, ...);
/* Moves `from` to `to` and leaves `from` empty; returns the code. */
int err_move(struct err *to, struct err *from);
/* The text, "" when there is none. */
const char *err_text(const struct err *e);
/* The machine-readable name of a code: "hash", "not-found"; "ok" for 0. */
const char *err_name(int code);
