/* queue_sql.h: all SQL of the queue. For src/daemon/queue*.c alone.
 *
 * The text of a job has a table of its own, so that a step does not write 64 MiB anew and a list
 * does not read them. A job that is pruned is in `gone` until its events and files are removed,
 * which may take more than one call, or be cut off: nobody sees half of a job. The version of the
 * schema is the file's user_version. */
#pragma once

#define QUEUE_APPLICATION_ID 0x64727971 /* "dryq" */
#define QUEUE_VERSION        1          /* of the schema; older ones are none yet */

/* AUTOINCREMENT: an id is not used again after its job was removed. States and priorities are the
 * numbers of their enums. */
#define QUEUE_SCHEMA                                                                               \
    "CREATE TABLE job (id INTEGER PRIMARY KEY AUTOINCREMENT, uid INTEGER NOT NULL, key TEXT,"      \
    " name TEXT NOT NULL, json INTEGER NOT NULL, priority INTEGER NOT NULL,"                       \
    " state INTEGER NOT NULL, submitted INTEGER NOT NULL, started INTEGER NOT NULL,"               \
    " ended INTEGER NOT NULL, attempt INTEGER NOT NULL, error TEXT, sentence TEXT,"                \
    " files INTEGER NOT NULL, failed INTEGER NOT NULL, bytes INTEGER NOT NULL,"                    \
    " UNIQUE (uid, key));"                                                                         \
    "CREATE INDEX job_turn ON job (state, priority DESC, id);"                                     \
    "CREATE INDEX job_ended ON job (ended, id) WHERE state >= 2;"                                  \
    "CREATE TABLE text (job INTEGER PRIMARY KEY, text TEXT NOT NULL);"                             \
    "CREATE TABLE event (job INTEGER NOT NULL, seq INTEGER NOT NULL, text TEXT NOT NULL,"          \
    " PRIMARY KEY (job, seq)) WITHOUT ROWID;"                                                      \
    "CREATE TABLE file (job INTEGER NOT NULL, number INTEGER NOT NULL, label TEXT, project TEXT,"  \
    " version TEXT, filename TEXT, path TEXT, sha256 TEXT, state TEXT, error TEXT,"                \
    " bytes INTEGER NOT NULL, PRIMARY KEY (job, number)) WITHOUT ROWID;"                           \
    "CREATE TABLE gone (job INTEGER PRIMARY KEY);"

/* In the order of struct queue_job. */
#define QUEUE_JOB_COLUMNS                                                                          \
    "id, uid, key, name, json, priority, state, submitted, started, ended, attempt, error,"        \
    " sentence, files, failed, bytes"

#define QUEUE_TEXT_OF(number) #number
#define QUEUE_SET_VERSION(n)  "PRAGMA user_version = " QUEUE_TEXT_OF(n)

/* name, SQL; the meaning of ?1 and so on stands where it is run */
#define QUEUE_STATEMENTS(X)                                                                        \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(PROBE, QUEUE_SET_VERSION(QUEUE_VERSION)) /* a write that changes nothing */                  \
    X(JOB_PUT, "INSERT INTO job (uid, key, name, json, priority, state, submitted, started,"       \
               " ended, attempt, files, failed, bytes)"                                            \
               " VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0, 0, 1, 0, 0, 0)")                            \
    X(TEXT_PUT, "INSERT INTO text VALUES (?1, ?2)")                                                \
    X(TEXT_GET, "SELECT text FROM text WHERE job = ?1")                                            \
    X(JOB_BY_KEY, "SELECT id, json, text FROM job JOIN text ON text.job = job.id"                  \
                  " WHERE uid = ?1 AND key = ?2")                                                  \
    X(JOB_GET, "SELECT " QUEUE_JOB_COLUMNS " FROM job WHERE id = ?1")                              \
    X(JOB_LIST, "SELECT " QUEUE_JOB_COLUMNS " FROM job WHERE id < ?1"                              \
                " AND (?2 = 0 OR (?2 >> state) & 1) ORDER BY id DESC LIMIT ?3")                    \
    X(JOB_COUNT, "SELECT state, count(*) FROM job GROUP BY state")                                 \
    X(JOB_WAITING, "SELECT count(*) FROM job WHERE state IN (0, 1)")                               \
    X(JOB_STATE, "SELECT state FROM job WHERE id = ?1")                                            \
    X(JOB_STEP, "UPDATE job SET state = ?2, started = coalesce(?3, started),"                      \
                " ended = coalesce(?4, ended), attempt = attempt + ?5 WHERE id = ?1")              \
    X(JOB_OUTCOME, "UPDATE job SET error = ?2, sentence = ?3, files = ?4, failed = ?5,"            \
                   " bytes = ?6 WHERE id = ?1")                                                    \
    X(JOB_RECOVER, "UPDATE job SET state = 0, started = 0, attempt = attempt + 1"                  \
                   " WHERE state = 1")                                                             \
    X(JOB_TURN, "SELECT " QUEUE_JOB_COLUMNS " FROM job WHERE state = 0"                            \
                " ORDER BY priority DESC, id")                                                     \
    X(EVENT_PUT, "INSERT INTO event VALUES (?1, ?2, ?3)")                                          \
    X(EVENT_LAST, "SELECT max(seq) FROM event WHERE job = ?1")                                     \
    X(EVENT_READ, "SELECT seq, text FROM event WHERE job = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3") \
    X(FILE_PUT, "INSERT OR REPLACE INTO file VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"     \
                " ?11)")                                                                           \
    X(FILE_READ, "SELECT number, label, project, version, filename, path, sha256, state, error,"   \
                 " bytes FROM file WHERE job = ?1 AND number > ?2 ORDER BY number LIMIT ?3")       \
    X(PRUNE_FIND, "SELECT id FROM job WHERE state >= 2 AND ended <= ?1"                            \
                  " ORDER BY ended, id LIMIT ?2")                                                  \
    X(PRUNE_COUNT, "SELECT count(*) FROM job WHERE state >= 2")                                    \
    X(PRUNE_NOTE, "INSERT INTO gone VALUES (?1)")                                                  \
    X(PRUNE_JOB, "DELETE FROM job WHERE id = ?1")                                                  \
    X(FILE_CLEAR, "DELETE FROM file WHERE job = ?1")                                               \
    X(GONE_FIRST, "SELECT job FROM gone ORDER BY job LIMIT 1")                                     \
    X(GONE_EVENTS, "DELETE FROM event WHERE job = ?1 AND seq IN"                                   \
                   " (SELECT seq FROM event WHERE job = ?1 ORDER BY seq LIMIT ?2)")                \
    X(GONE_FILES, "DELETE FROM file WHERE job = ?1 AND number IN"                                  \
                  " (SELECT number FROM file WHERE job = ?1 ORDER BY number LIMIT ?2)")            \
    X(GONE_TEXT, "DELETE FROM text WHERE job = ?1")                                                \
    X(GONE_END, "DELETE FROM gone WHERE job = ?1")

enum queue_statement {
#define QUEUE_STATEMENT_ENUM(name, sql) QUEUE_##name,
    QUEUE_STATEMENTS(QUEUE_STATEMENT_ENUM)
#undef QUEUE_STATEMENT_ENUM
        QUEUE_STATEMENT_COUNT
};
