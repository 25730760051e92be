/* store.h, objects. The file is asked first and the index second: a file that the index has never
 * heard of is as good as any, once it is hashed. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/store/object_file.h"
#include "dray/store/parts.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

bool store_know(struct store *s, const struct digest *sha256, struct store_known *out)
{
    const struct pending_object *o = pending_object(&s->pending, sha256);
    struct index_object row;

    if (o && o->op == PENDING_DROP)
        return false;
    if (o && (o->op == PENDING_PUT || o->op == PENDING_ADOPT)) {
        *out = (struct store_known){ .stat = o->stat, .used_s = o->used_s };
        out->trust = o->op == PENDING_PUT ? STORE_TRUSTED : STORE_UNVERIFIED;
        return true;
    }
    if (!store_index(s) || !index_object(s->index, sha256, &row))
        return false;
    *out = (struct store_known){ .stat = row.stat, .used_s = o ? o->used_s : row.used_s };
    out->trust = s->boot[0] && strcmp(row.boot, s->boot) == 0 ? STORE_TRUSTED : STORE_UNVERIFIED;
    return true;
}

static void note_use(struct store *s, const struct digest *sha256, int64_t used_s)
{
    int64_t now_s = clock_unix_s();

    if (!s->read_only && used_s <= now_s - STORE_USE_S)
        pending_note_object(&s->pending, PENDING_USE, sha256, NULL, now_s);
}

static void note_object(struct store *s, enum pending_op op, const struct digest *sha256,
                        const struct object_stat *stat)
{
    if (!s->read_only)
        pending_note_object(&s->pending, op, sha256, stat, clock_unix_s());
}

/* Who owns the file may write to it nevertheless, through a hard link that is elsewhere. */
static bool is_trusted(const struct store_known *known, const struct object_stat *now)
{
    return known->trust == STORE_TRUSTED && known->stat.bytes == now->bytes &&
           known->stat.written_ns == now->written_ns;
}

/* One that is trusted and of the right size stays; any other, and what is no file at all, makes
 * room for what was just hashed. */
static bool is_there(struct store *s, const struct digest *sha256, uint64_t bytes)
{
    struct store_known known;
    struct object_stat there;

    errno = 0;
    if (!object_file_look(s->objects, sha256, &there)) {
        if (errno != ENOENT)
            object_file_clear(s->objects, sha256);
        return false;
    }
    if (there.bytes == bytes && store_know(s, sha256, &known) && is_trusted(&known, &there))
        return true;
    object_file_remove(s->objects, sha256);
    return false;
}

/* Notes that it is as its name says, at present. */
static void vouch(struct store *s, const struct digest *sha256, struct str label)
{
    struct object_stat stat;

    if (s->read_only || !object_file_look(s->objects, sha256, &stat))
        return;
    struct pending_object *o =
        pending_note_object(&s->pending, PENDING_PUT, sha256, &stat, clock_unix_s());
    if (label.n) {
        free(o->label);
        o->label = mem_new(label.n + 1, 1);
        memcpy(o->label, label.p, label.n);
    }
}

int store_commit(struct store *s, struct place_file *f, const struct store_put *put, struct err *e)
{
    const struct digest *sha256 = put->sha256;
    char name[OBJECT_NAME_SIZE];
    int dir = -1;

    assert(!s->read_only);
    if (is_there(s, sha256, put->bytes)) {
        note_object(s, PENDING_USE, sha256, NULL);
        return 0;
    }
    if (object_file_dir(s->objects, sha256, &dir, e))
        return e->code;
    object_file_name(sha256, name);
    int code = place_file_move(f, dir, name + 3, e);
    close(dir);
    if (code == ERR_CONFLICT) { /* another process has put it there since; it had hashed it too */
        err_done(e);
        code = 0;
    }
    if (!code)
        vouch(s, sha256, put->label);
    return code;
}

bool store_find(struct store *s, const struct digest *sha256, struct store_object *out)
{
    struct object_stat stat;
    struct store_known known = { 0 };
    int fd;

    if (!object_file_open(s->objects, sha256, &fd, &stat))
        return false;
    bool is_known = store_know(s, sha256, &known);
    if (is_known && known.stat.bytes != stat.bytes) {
        close(fd);
        return false;
    }
    if (is_known)
        note_use(s, sha256, known.used_s);
    else
        note_object(s, PENDING_ADOPT, sha256, &stat);
    *out =
        (struct store_object){ .fd = fd,
                               .bytes = stat.bytes,
                               .trust = is_known && is_trusted(&known, &stat) ? STORE_TRUSTED
                                                                              : STORE_UNVERIFIED };
    return true;
}

void store_vouch(struct store *s, const struct digest *sha256)
{
    vouch(s, sha256, STR_NONE);
}

void store_discard(struct store *s, const struct digest *sha256)
{
    if (s->read_only)
        return;
    object_file_remove(s->objects, sha256);
    note_object(s, PENDING_DROP, sha256, NULL);
}

void store_object_path(const struct store *s, const struct digest *sha256, struct buf *out)
{
    char name[OBJECT_NAME_SIZE];

    buf_add_f(out, "%s/objects/%s", s->root, object_file_name(sha256, name));
}
