/* index_sql.h: all SQL of the index. For src/store/index*.c alone.
 *
 * The content of a record has a table of its own, so that noting a use does not write a listing of
 * 4 MiB anew. `total` has a row for objects (kind -1) and one for each kind of record, kept by
 * triggers: nothing is walked to know how much there is. Its row -2 is there to be changed. */
#pragma once

#define INDEX_APPLICATION_ID 0x64726179 /* "dray" */
#define INDEX_VERSION        1          /* of the schema; older ones are none yet */
#define INDEX_PAGE_BYTES     16384      /* most listings and METADATA lie on one */

#define INDEX_SCHEMA                                                                               \
    "CREATE TABLE object (sha256 BLOB PRIMARY KEY, bytes INTEGER NOT NULL, used INTEGER NOT NULL," \
    " boot TEXT NOT NULL, written INTEGER NOT NULL, label TEXT) WITHOUT ROWID;"                    \
    "CREATE INDEX object_used ON object (used);"                                                   \
    "CREATE TABLE record (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key BLOB NOT NULL,"       \
    " bytes INTEGER NOT NULL, used INTEGER NOT NULL, received INTEGER NOT NULL,"                   \
    " fresh_until INTEGER NOT NULL, flags INTEGER NOT NULL, label TEXT, etag TEXT,"                \
    " last_modified TEXT, base TEXT, UNIQUE (kind, key));"                                         \
    "CREATE INDEX record_used ON record (used);"                                                   \
    "CREATE TABLE content (id INTEGER PRIMARY KEY, content BLOB);"                                 \
    "CREATE TABLE total (kind INTEGER PRIMARY KEY, items INTEGER NOT NULL,"                        \
    " bytes INTEGER NOT NULL);"                                                                    \
    "INSERT INTO total VALUES (-2, 0, 0), (-1, 0, 0);"                                             \
    "CREATE TRIGGER object_in AFTER INSERT ON object BEGIN"                                        \
    " UPDATE total SET items = items + 1, bytes = bytes + new.bytes WHERE kind = -1; END;"         \
    "CREATE TRIGGER object_new AFTER UPDATE OF bytes ON object BEGIN"                              \
    " UPDATE total SET bytes = bytes - old.bytes + new.bytes WHERE kind = -1; END;"                \
    "CREATE TRIGGER object_out AFTER DELETE ON object BEGIN"                                       \
    " UPDATE total SET items = items - 1, bytes = bytes - old.bytes WHERE kind = -1; END;"         \
    "CREATE TRIGGER record_in AFTER INSERT ON record BEGIN"                                        \
    " INSERT INTO total VALUES (new.kind, 1, new.bytes) ON CONFLICT (kind) DO UPDATE"              \
    " SET items = items + 1, bytes = bytes + excluded.bytes; END;"                                 \
    "CREATE TRIGGER record_new AFTER UPDATE OF bytes ON record BEGIN"                              \
    " UPDATE total SET bytes = bytes - old.bytes + new.bytes WHERE kind = new.kind; END;"          \
    "CREATE TRIGGER record_out AFTER DELETE ON record BEGIN"                                       \
    " UPDATE total SET items = items - 1, bytes = bytes - old.bytes WHERE kind = old.kind;"        \
    " DELETE FROM content WHERE id = old.id; END;"

/* name, SQL; the meaning of ?1 and so on stands where it is run */
#define INDEX_STATEMENTS(X)                                                                        \
    X(HOLD, "BEGIN")                                                                               \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(RESTART, "UPDATE total SET items = items + 1 WHERE kind = -2")                               \
    X(TOTALS, "SELECT kind, items, bytes FROM total")                                              \
    X(OLDEST, "SELECT min(used) FROM (SELECT min(used) AS used FROM object"                        \
              " UNION ALL SELECT min(used) FROM record)")                                          \
    X(OBJECT_GET, "SELECT bytes, used, boot, written FROM object WHERE sha256 = ?1")               \
    X(OBJECT_PUT,                                                                                  \
      "INSERT INTO object VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (sha256) DO UPDATE SET"      \
      " bytes = excluded.bytes, used = max(used, excluded.used), boot = excluded.boot,"            \
      " written = excluded.written, label = coalesce(excluded.label, label)")                      \
    X(OBJECT_ADOPT, "INSERT INTO object VALUES (?1, ?2, ?3, '', ?4, NULL) ON CONFLICT (sha256)"    \
                    " DO UPDATE SET used = max(used, excluded.used)")                              \
    X(OBJECT_USE, "UPDATE object SET used = ?2 WHERE sha256 = ?1 AND used < ?2")                   \
    X(OBJECT_DROP, "DELETE FROM object WHERE sha256 = ?1")                                         \
    X(OBJECT_EACH, "SELECT sha256 FROM object")                                                    \
    X(RECORD_GET, "SELECT used, received, fresh_until, flags, label, etag, last_modified, base,"   \
                  " content FROM record LEFT JOIN content USING (id)"                              \
                  " WHERE kind = ?1 AND key = ?2")                                                 \
    X(RECORD_PUT,                                                                                  \
      "INSERT INTO record (kind, key, bytes, used, received, fresh_until, flags, label, etag,"     \
      " last_modified, base) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"                \
      " ON CONFLICT (kind, key) DO UPDATE SET bytes = excluded.bytes,"                             \
      " used = max(used, excluded.used), received = excluded.received,"                            \
      " fresh_until = excluded.fresh_until, flags = excluded.flags, label = excluded.label,"       \
      " etag = excluded.etag, last_modified = excluded.last_modified, base = excluded.base"        \
      " RETURNING id")                                                                             \
    X(CONTENT_PUT, "INSERT OR REPLACE INTO content VALUES (?1, ?2)")                               \
    X(RECORD_TOUCH,                                                                                \
      "UPDATE record SET received = ?3, fresh_until = ?4, flags = ?5, etag = coalesce(?6, etag),"  \
      " last_modified = coalesce(?7, last_modified), used = max(used, ?8)"                         \
      " WHERE kind = ?1 AND key = ?2")                                                             \
    X(RECORD_USE, "UPDATE record SET used = ?3 WHERE kind = ?1 AND key = ?2 AND used < ?3")        \
    X(RECORD_DROP, "DELETE FROM record WHERE kind = ?1 AND key = ?2")                              \
    X(RECORD_DROP_ID, "DELETE FROM record WHERE id = ?1")                                          \
    X(OBJECT_AHEAD, "UPDATE object SET used = ?1 - 1 WHERE used > ?1")                             \
    X(RECORD_AHEAD, "UPDATE record SET used = ?1 - 1 WHERE used > ?1")                             \
    X(BY_USE, "SELECT used, sha256, NULL, bytes FROM object"                                       \
              " UNION ALL SELECT used, NULL, id, bytes FROM record ORDER BY 1")                    \
    X(STALE, "SELECT used, NULL, id, bytes FROM record"                                            \
             " WHERE flags & 2 = 0 AND max(fresh_until, received, used) < ?1")                     \
    X(LIST, "SELECT -1, sha256, label, bytes, used, 0, boot FROM object"                           \
            " UNION ALL SELECT kind, NULL, label, bytes, used, fresh_until, '' FROM record"        \
            " ORDER BY 5 DESC, 3")

enum index_statement {
#define INDEX_STATEMENT_ENUM(name, sql) INDEX_##name,
    INDEX_STATEMENTS(INDEX_STATEMENT_ENUM)
#undef INDEX_STATEMENT_ENUM
        INDEX_STATEMENT_COUNT
};
