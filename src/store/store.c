/* The life of a store, and the one transaction by which what was collected gets into the index.
 *
 * Whatever happens, a file in objects/ is whole and right, since it is renamed into place when it
 * was verified; the index only adds what is quicker to ask than to find out: sizes, uses, trust. So
 * every failure to write it is survived by forgetting. Then, and when the process is killed, the
 * session directory stays, and the next store_open() takes it for the sign that it has to look what
 * is in objects/. */
#include "dray/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dray/store/mark.h"
#include "dray/store/object_file.h"
#include "dray/store/partial.h"
#include "dray/store/parts.h"
#include "dray/util/clock.h"
#include "dray/util/dir.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum {
    PARTIAL_KEPT_S = 14 * 24 * 3600,
    CLOSE_WAIT_MS = 5000,
    FLUSH_LOG_BYTES = 256 * LIMIT_MIB, /* for who never closes: one slow turn in so much */
    FLUSH_ROWS = 200,        /* in one turn of the loop, 2 to 3 ms; the next flush goes on */
    FLUSH_BYTES = LIMIT_MIB, /* the same; of one row more if it has more */
    FLUSH_EVICTIONS = 128    /* the same */
};

static const uint64_t default_max_bytes = UINT64_C(10) << 30;

/* -- writing -- */

/* Under the lock of the transaction: nobody evicts what is seen here before the row is in. */
static void write_object(struct store *s, const struct pending_object *o)
{
    bool there = object_file_look(s->objects, &o->sha256, NULL);

    switch (o->op) {
    case PENDING_USE:
    case PENDING_TOUCH:
        index_use_object(s->index, &o->sha256, o->used_s);
        break;
    case PENDING_ADOPT:
        if (there)
            index_adopt_object(s->index, o);
        break;
    case PENDING_PUT:
        if (there)
            index_put_object(s->index, o, s->boot);
        break;
    case PENDING_DROP:
        if (!there) /* else somebody has put it back, and written what it is */
            index_drop_object(s->index, &o->sha256);
        break;
    }
}

static void write_record(struct store *s, const struct pending_record *r)
{
    switch (r->op) {
    case PENDING_USE:
    case PENDING_ADOPT:
        index_use_record(s->index, r->key, r->used_s);
        break;
    case PENDING_TOUCH:
        index_touch_record(s->index, r->key, &r->record, r->used_s);
        break;
    case PENDING_PUT:
        index_put_record(s->index, r->key, &r->record, r->used_s);
        break;
    case PENDING_DROP:
        index_drop_record(s->index, r->key);
        break;
    }
}

static enum index_answer write_pending(struct store *s, int wait_ms, enum store_extent extent)
{
    const struct map *objects = &s->pending.objects, *records = &s->pending.records;
    size_t max = extent == STORE_TURN ? FLUSH_ROWS : SIZE_MAX, bytes = 0, o = 0, r = 0;
    size_t max_bytes = extent == STORE_TURN ? FLUSH_BYTES : SIZE_MAX;
    enum index_answer answer = index_begin(s->index, wait_ms);

    if (answer != INDEX_DONE)
        return answer;
    for (; o < objects->n && o < max; o++)
        write_object(s, objects->entries[o].value);
    for (; r < records->n && o + r < max && bytes < max_bytes; r++) {
        const struct pending_record *record = records->entries[r].value;
        write_record(s, record);
        bytes += record->bytes;
    }
    do
        evict_excess(s, FLUSH_EVICTIONS);
    while (extent == STORE_TRIMMED && s->evicting && !s->index->trouble);
    answer = index_commit(s->index);
    if (answer == INDEX_DONE)
        pending_drop_first(&s->pending, o, r);
    return answer;
}

/* Opens the index again when it is damaged or was moved. The lost one is kept until then: it knows
 * that it is lost. */
static enum index_answer ready_index(struct store *s, int wait_ms)
{
    struct err e = { 0 };

    if (s->index && (s->read_only || !index_is_lost(s->index)))
        return INDEX_DONE;
    struct store_index *ix = index_replace(s->index, s->root, wait_ms, &e);
    enum index_answer answer = ix ? INDEX_DONE : e.code == ERR_TIMEOUT ? INDEX_BUSY : INDEX_FAILED;
    err_done(&e);
    if (!ix)
        return answer;
    index_close(s->index);
    s->index = ix;
    if (ix->is_new)
        store_adopt(s);
    return INDEX_DONE;
}

bool store_mend(struct store *s, int wait_ms)
{
    return ready_index(s, wait_ms) == INDEX_DONE;
}

bool store_write(struct store *s, int wait_ms, enum store_extent extent)
{
    s->kinds_known = false; /* what is written here, and by others */
    if (s->index)
        index_release(s->index);
    if (s->read_only || (!store_is_dirty(s) && extent != STORE_TRIMMED))
        return true;
    enum index_answer answer = ready_index(s, wait_ms);
    if (answer == INDEX_DONE)
        answer = write_pending(s, wait_ms, extent);
    if (answer == INDEX_FAILED && s->index && s->index->damaged) {
        answer = ready_index(s, wait_ms); /* damage that was found just now: once more */
        if (answer == INDEX_DONE)
            answer = write_pending(s, wait_ms, extent);
    }
    if (answer == INDEX_BUSY)
        return false;
    if (answer == INDEX_DONE) {
        index_checkpoint(s->index, FLUSH_LOG_BYTES);
    } else {
        pending_done(&s->pending);
        s->incomplete = true;
        s->evicting = false;
    }
    return true;
}

bool store_flush(struct store *s)
{
    return store_write(s, 0, STORE_TURN);
}

bool store_is_dirty(const struct store *s)
{
    return !pending_is_empty(&s->pending) || s->evicting;
}

struct store_index *store_index(struct store *s)
{
    return s->index && !s->index->damaged ? s->index : NULL;
}

/* -- what the index does not know -- */

static void adopt_file(void *ctx, const char *name, const struct digest *sha256)
{
    struct store *s = ctx;
    struct index_object known;
    struct object_stat stat;
    int64_t now_s = clock_unix_s();

    (void)name;
    if (!sha256 || (s->index && index_object(s->index, sha256, &known)) ||
        !object_file_look(s->objects, sha256, &stat))
        return;
    int64_t written_s = stat.written_ns / 1000000000;
    pending_note_object(&s->pending, PENDING_ADOPT, sha256, &stat,
                        written_s < now_s ? written_s : now_s);
}

static void drop_row(void *ctx, const struct digest *sha256)
{
    struct store *s = ctx;

    if (!object_file_look(s->objects, sha256, NULL))
        pending_note_object(&s->pending, PENDING_DROP, sha256, NULL, 0);
}

void store_adopt(struct store *s)
{
    object_file_each(s->objects, adopt_file, s);
    if (s->index)
        index_each_object(s->index, drop_row, s);
}

/* -- opening and closing -- */

/* What another user may write to is not to be trusted, and root would leave files there that their
 * owner can't remove. */
static int check_root(const struct store *s, struct err *e)
{
    struct stat st;

    if (stat(s->root, &st) != 0 && s->read_only && (errno == ENOENT || errno == ENOTDIR))
        return err_set(e, ERR_NOT_FOUND, "it is not there");
    if (stat(s->root, &st) != 0)
        return err_errno(e, "can't look at it");
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "it is not a directory");
    if (st.st_uid != geteuid())
        return err_set(e, ERR_IO, "another user (%ld) owns it", (long)st.st_uid);
    return 0;
}

static int open_objects(struct store *s, struct err *e)
{
    struct buf path = { 0 };
    int code = 0;

    buf_add_f(&path, "%s/objects", s->root);
    if (!s->read_only && mkdir(buf_z(&path), 0700) != 0 && errno != EEXIST)
        code = err_errno(e, "can't create the directory %s", buf_z(&path));
    if (!code)
        s->objects = dir_open_fd(AT_FDCWD, buf_z(&path));
    if (!code && s->objects < 0 && s->read_only && errno == ENOENT)
        code = err_set(e, ERR_NOT_FOUND, "%s is not there", buf_z(&path));
    else if (!code && s->objects < 0)
        code = err_errno(e, "can't open the directory %s", buf_z(&path));
    buf_done(&path);
    return code;
}

static void choose_cap(struct store *s, uint64_t max_bytes)
{
    struct statvfs fs;
    uint64_t tenth = default_max_bytes;

    if (fstatvfs(s->objects, &fs) == 0)
        tenth = (uint64_t)fs.f_blocks * fs.f_frsize / 10;
    s->max_bytes = max_bytes                            ? max_bytes
                   : tenth && tenth < default_max_bytes ? tenth
                                                        : default_max_bytes;
}

static int open_parts(struct store *s, struct err *e)
{
    if ((!s->read_only && file_make_private_dir(s->root, e)) || check_root(s, e) ||
        mark_check(s->root, s->read_only, e) || open_objects(s, e))
        return e->code;
    if (!s->read_only && !(s->session = session_open(s->root, e)))
        return e->code;
    s->index = index_open(s->root, s->read_only, e);
    if (!s->index && (s->read_only || e->code != ERR_TIMEOUT))
        return e->code;
    err_done(e); /* another process is mending it: store_write() tries again */
    return 0;
}

struct store *store_open(const struct store_options *o, struct err *e)
{
    struct store *s = mem_new(1, sizeof(*s));
    struct err why = { 0 };
    uint64_t gone = 0;

    s->root = mem_dup(o->root);
    s->objects = -1;
    s->read_only = o->read_only;
    session_boot(s->boot);
    if (open_parts(s, &why)) {
        if (why.code == ERR_NOT_FOUND)
            err_set(e, ERR_NOT_FOUND, "there is no store in %s", s->root);
        else
            err_set(e, why.code,
                    "the store in %s can't be used: %s; choose another with --cache-dir, or "
                    "--no-cache-dir",
                    s->root, err_text(&why));
        err_done(&why);
        store_close(s);
        return NULL;
    }
    choose_cap(s, o->max_bytes);
    /* Our own session is there already: if we are killed before what is found here is written, it
     * is the next one's sign to look again. */
    bool dead = s->session && session_sweep(s->session);
    s->incomplete = dead && !s->index;
    if (!s->read_only && s->index && (dead || s->index->is_new))
        store_adopt(s);
    if (s->session)
        partial_prune(s, clock_unix_s() - PARTIAL_KEPT_S, s->max_bytes / 4, &gone, &gone);
    return s;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    uint64_t total = 0;
    bool written = !store_is_dirty(s) &&
                   (!s->index || !index_total_bytes(s->index, &total) || total <= s->max_bytes);
    if (!written)
        written = store_write(s, CLOSE_WAIT_MS, STORE_TRIMMED);
    if (s->index && !s->read_only)
        index_checkpoint(s->index, INDEX_LOG_BYTES);
    index_close(s->index);
    session_close(s->session, !written || s->incomplete);
    pending_done(&s->pending);
    if (s->objects >= 0)
        close(s->objects);
    free(s->partials.items);
    free(s->root);
    free(s);
}

const char *store_root(const struct store *s)
{
    return s->root;
}

struct place *store_temp(struct store *s)
{
    return s->session ? session_place(s->session) : NULL;
}
