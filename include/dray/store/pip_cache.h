/* pip_cache.h: what pip left behind: its HTTP cache ("http-v2", by cachecontrol) and the wheels
 * that it built ("wheels"). Only ever read. Every byte is taken as hostile: a record that can't be
 * understood is a miss. The layouts are pip 23.1's to 26's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/digest.h"
#include "dray/util/str.h"

/* One answer of the HTTP cache. */
struct pip_answer {
    struct str body_path; /* "<dir>/http-v2/c/3/e/9/8/c3e9....body", in the arena */
    uint64_t body_bytes;
    int status;
    /* Headers that decide about freshness; STR_NONE when absent. In the arena. */
    struct str date, cache_control, expires, etag, last_modified, content_encoding, content_length;
    /* Another answer might have come to other request headers than pip's; "Accept-Encoding:
     * identity" and what pip did not send are not counted. */
    bool varies;
};

/* `cache_dir`: pip's, without "http-v2". `url`: as pip asked for it: without userinfo; a fragment
 * is not part of the key. false when it isn't there, whole. */
bool pip_cache_answer(struct arena *a, const char *cache_dir, struct str url,
                      struct pip_answer *out);
/* The record alone, "cc=4," and then msgpack; false when it is none. Sets all of `out` but the
 * body's. */
bool pip_cache_parse(struct arena *a, struct str record, struct pip_answer *out);

/* Where pip keeps the wheels that it built from a source distribution. What is STR_NONE is not in
 * the key. */
struct pip_wheel_key {
    struct str url;                                   /* without fragment */
    const struct digest *digest;                      /* the link's first hash, or NULL */
    struct str subdirectory;                          /* of the fragment, or STR_NONE */
    struct str interpreter_name, interpreter_version; /* "cp", "312" */
};
/* "<cache_dir>/wheels/39/bf/4a/257d..." appended to `out`; whether it is there is not asked. */
void pip_cache_wheel_dir(const char *cache_dir, const struct pip_wheel_key *key, struct buf *out);

/* Where pip's cache is: `said` (PIP_CACHE_DIR, pip.conf; STR_NONE: not said), else
 * XDG_CACHE_HOME/pip, else ~/.cache/pip; on macOS ~/Library/Caches/pip. Appended to `out`; false
 * when there is no home. */
bool pip_cache_dir(struct str said, struct buf *out);
/* Is it ours or the system's? What it has is believed where an index promises no digest, and sudo
 * may leave HOME with the user who called it. pip's check_path_owner(): who is not root may use
 * what he can write to. */
bool pip_cache_is_trusted(const char *cache_dir);
