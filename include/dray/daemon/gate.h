/* gate.h: whether a request may come in, by what its head says: for this server (RFC 9110 §7.4,
 * against DNS rebinding), from no web page, by who knows the token, and of a form that no page
 * could send by itself. Pure; who it is that asks on a socket of this machine, how often and how
 * many at once is not decided here. */
#pragma once

#include <stdbool.h>

#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/digest.h"
#include "dray/util/err.h"
#include "dray/util/strs.h"

struct gate {
    bool has_token;
    struct digest token; /* kept and compared as a digest: its length does not show, either */
    struct strs hosts;   /* borrowed; "name" for any port, or "name:port" */
};

/* Of the head of one request; STR_NONE where it has no such header. */
struct gate_request {
    bool is_local;     /* on a socket of this machine, whose user is known: no Host, no token */
    struct str target; /* path and query as they came */
    size_t head_bytes;
    struct str host, origin, authorization, content_type;
    bool has_body;
    uint64_t body_bytes; /* 0 when that is not said beforehand */
    struct str reached;  /* "127.0.0.1:8137": the server's end of the connection */
};

/* ERR_INPUT for a token that is too short to keep anybody out, or can't stand in a header. STR_NONE
 * lets nobody in. */
int gate_init(struct gate *g, struct str token, struct strs hosts, struct err *e);
/* 0, or the status of a refusal and, appended to `why`, its reason. */
unsigned gate_refuse(const struct gate *g, const struct gate_request *r, struct buf *why);
/* Every "%XX" decoded, once; STR_NONE when one is broken or NUL. A part of what server_path() gave
 * never is. */
struct str gate_decode(struct arena *a, struct str text);
