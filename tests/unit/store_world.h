/* store_world.h: a store in a directory of the test's own, and a look behind its back: SQL on its
 * index, files of its objects. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>

#include "dray/store/store.h"
#include "temp_dir.h"

static inline struct store *store_world_open(const char *root, uint64_t max_bytes)
{
    struct err e = { 0 };
    struct store *s =
        store_open(&(struct store_options){ .root = root, .max_bytes = max_bytes }, &e);

    if (!s)
        fail_msg("%s", err_text(&e));
    return s;
}

/* 0 or the error's code. */
static inline int store_world_try(struct store *s, struct str content)
{
    struct err e = { 0 };
    struct digest sha256 = digest_sha256(content);
    struct place_file *f = place_file_create(store_temp(s), &e);
    int code = f ? place_file_write(f, content.p, content.n, &e) : e.code;

    if (!code)
        code = store_commit(
            s, f,
            &(struct store_put){ .sha256 = &sha256, .bytes = content.n, .label = STR("a.whl") },
            &e);
    place_file_destroy(f);
    err_done(&e);
    return code;
}

static inline struct digest store_world_commit(struct store *s, struct str content)
{
    assert_int_equal(store_world_try(s, content), 0);
    return digest_sha256(content);
}

enum { WORLD_NONE = -1 }; /* beside enum store_trust */

static inline int store_world_find(struct store *s, const struct digest *sha256)
{
    struct store_object o;

    if (!store_find(s, sha256, &o))
        return WORLD_NONE;
    close(o.fd);
    return (int)o.trust;
}

static inline const char *store_world_path(struct temp_dir *d, struct store *s,
                                           const struct digest *sha256)
{
    struct buf path = { 0 };

    store_object_path(s, sha256, &path);
    const char *kept = arena_str(&d->arena, buf_str(&path)).p;
    buf_done(&path);
    return kept;
}

/* Runs SQL on the index of `root`; the first column of the last row, or -1. */
static inline int64_t store_world_sql(const char *root, const char *sql)
{
    struct buf path = { 0 };
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    int64_t got = -1;
    int rc = SQLITE_OK;

    buf_add_f(&path, "%s/index.sqlite", root);
    assert_int_equal(sqlite3_open(buf_z(&path), &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        got = sqlite3_column_int64(st, 0);
    assert_int_equal(rc, SQLITE_DONE);
    sqlite3_finalize(st);
    sqlite3_close(db);
    buf_done(&path);
    return got;
}
