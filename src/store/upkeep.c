/* Everything here writes what waits first, so that the index alone tells how things are. */
#include "dray/store/upkeep.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/store/object_file.h"
#include "dray/store/partial.h"
#include "dray/store/parts.h"
#include "dray/util/clock.h"

enum {
    WAIT_MS = 3000,
    STALE_S = 30 * 24 * 3600,
    VERIFY_BATCH = 1000 /* objects whose verdict is written at once */
};

/* An index in which all is written that waited. */
static int settle(struct store *s, struct err *e)
{
    if (!store_write(s, WAIT_MS, STORE_WRITTEN))
        return err_set(e, ERR_TIMEOUT, "another process keeps the store in %s locked", s->root);
    if (!store_mend(s, WAIT_MS))
        return err_set(e, ERR_IO, "the index of the store in %s can't be used", s->root);
    if (!store_write(s, WAIT_MS, STORE_WRITTEN)) /* what was found for a new index */
        return err_set(e, ERR_TIMEOUT, "another process keeps the store in %s locked", s->root);
    if (s->index)
        index_wait(s->index, WAIT_MS);
    return 0;
}

static int unreadable(struct store *s, struct err *e)
{
    return err_set(e, ERR_IO,
                   "the index of the store in %s can't be read; `dray cache verify` "
                   "makes a new one",
                   s->root);
}

int store_info(struct store *s, struct store_info *out, struct err *e)
{
    struct store_info info;

    if (settle(s, e))
        return e->code;
    if (!index_info(s->index, &info))
        return unreadable(s, e);
    info.max_bytes = s->max_bytes;
    partial_count(s, &info.partials, &info.partial_bytes);
    *out = info;
    return 0;
}

int store_list(struct store *s, store_item_fn fn, void *ctx, struct err *e)
{
    if (settle(s, e))
        return e->code;
    return index_list(s->index, s->boot, fn, ctx) ? 0 : unreadable(s, e);
}

/* -- verify -- */

struct check {
    struct store *s;
    store_found_fn found;
    void *ctx;
    struct store_verdict verdict;
};

__attribute__((format(printf, 2, 3))) static void tell(struct check *c, const char *format, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    c->found(c->ctx, buf_z(&text));
    buf_done(&text);
}

/* A file of another name, a directory: nothing that dray put there. */
static void check_stranger(struct check *c, const char *name)
{
    bool gone =
        unlinkat(c->s->objects, name, 0) == 0 || unlinkat(c->s->objects, name, AT_REMOVEDIR) == 0;

    c->verdict.wrong++;
    tell(c, "objects/%s is no object: %s", name, gone ? "removed" : "it can't be removed");
}

static void check_content(struct check *c, const char *name, const struct digest *sha256, int fd,
                          const struct object_stat *stat)
{
    struct store_known known = { 0 };

    c->verdict.checked++;
    if (!object_file_is(fd, sha256)) {
        store_discard(c->s, sha256);
        c->verdict.wrong++;
        tell(c, "objects/%s is not what its name says: removed", name);
        return;
    }
    bool is_known = store_know(c->s, sha256, &known);
    int64_t used_s = is_known ? known.used_s : stat->written_ns / 1000000000;
    if (!is_known || known.stat.bytes != stat->bytes) {
        c->verdict.adopted++;
        tell(c, "objects/%s was not in the index%s: added", name,
             is_known ? " with its right size" : "");
    }
    pending_note_object(&c->s->pending, PENDING_PUT, sha256, stat, used_s);
}

static void check_file(void *ctx, const char *name, const struct digest *sha256)
{
    struct check *c = ctx;
    struct object_stat stat;
    int fd = -1;

    if (!sha256) {
        check_stranger(c, name);
        return;
    }
    if (!object_file_open(c->s->objects, sha256, &fd, &stat))
        return; /* another process has just removed it */
    check_content(c, name, sha256, fd, &stat);
    close(fd);
    if (c->s->pending.objects.n >= VERIFY_BATCH)
        store_write(c->s, WAIT_MS, STORE_WRITTEN); /* if it can't now, then with the next batch */
}

static void check_row(void *ctx, const struct digest *sha256)
{
    struct check *c = ctx;
    char name[OBJECT_NAME_SIZE];

    if (object_file_look(c->s->objects, sha256, NULL))
        return;
    c->verdict.missing++;
    tell(c, "objects/%s is in the index, but not there: taken out", object_file_name(sha256, name));
    pending_note_object(&c->s->pending, PENDING_DROP, sha256, NULL, 0);
}

int store_verify(struct store *s, store_found_fn found, void *ctx, struct store_verdict *out,
                 struct err *e)
{
    struct check c = { .s = s, .found = found, .ctx = ctx };

    assert(!s->read_only);
    if (settle(s, e))
        return e->code;
    if (!index_check(s->index)) {
        c.verdict.wrong++;
        tell(&c, "the index was damaged: it is index.sqlite.damaged now, and a new one was made");
        if (settle(s, e))
            return e->code;
    }
    object_file_each(s->objects, check_file, &c);
    if (settle(s, e))
        return e->code;
    index_each_object(s->index, check_row, &c);
    if (settle(s, e))
        return e->code;
    *out = c.verdict;
    return 0;
}

/* -- prune and purge -- */

struct gone {
    uint64_t objects, bytes;
};

static void remove_all(struct store *s, struct index_victims *victims, struct gone *gone)
{
    evict_victims(s, victims, &gone->objects, &gone->bytes);
    free(victims->items);
    *victims = (struct index_victims){ 0 };
}

static int begin(struct store *s, struct err *e)
{
    if (settle(s, e))
        return e->code;
    switch (index_begin(s->index, WAIT_MS)) {
    case INDEX_DONE:
        return 0;
    case INDEX_BUSY:
        return err_set(e, ERR_TIMEOUT, "another process keeps the store in %s locked", s->root);
    case INDEX_FAILED:
        break;
    }
    return err_set(e, ERR_IO, "the index of the store in %s can't be written", s->root);
}

static int end(struct store *s, const struct gone *gone, uint64_t *objects, uint64_t *bytes,
               struct err *e)
{
    if (index_commit(s->index) != INDEX_DONE) {
        s->incomplete = true; /* files may be gone whose rows are not */
        return err_set(e, ERR_IO, "the index of the store in %s can't be written", s->root);
    }
    index_shrink(s->index);
    *objects = gone->objects;
    *bytes = gone->bytes;
    return 0;
}

int store_prune(struct store *s, int64_t before_s, uint64_t max_bytes, uint64_t *objects,
                uint64_t *bytes, struct err *e)
{
    struct index_victims victims = { 0 };
    struct gone gone = { 0 };
    uint64_t total = 0;

    assert(!s->read_only);
    if (begin(s, e))
        return e->code;
    index_stale(s->index, clock_unix_s() - STALE_S, &victims);
    remove_all(s, &victims, &gone);
    if (index_total_bytes(s->index, &total))
        index_least_used(s->index, before_s, total > max_bytes ? total - max_bytes : 0, SIZE_MAX,
                         &victims);
    remove_all(s, &victims, &gone);
    partial_prune(s, before_s, max_bytes == UINT64_MAX ? max_bytes : max_bytes / 4, &gone.objects,
                  &gone.bytes);
    return end(s, &gone, objects, bytes, e);
}

struct purge {
    struct store *s;
    struct gone gone;
};

/* What the index did not know. */
static void purge_file(void *ctx, const char *name, const struct digest *sha256)
{
    struct purge *p = ctx;
    struct object_stat stat;

    if (!sha256) {
        if (unlinkat(p->s->objects, name, 0) != 0)
            unlinkat(p->s->objects, name, AT_REMOVEDIR);
        return;
    }
    if (object_file_look(p->s->objects, sha256, &stat) &&
        object_file_remove(p->s->objects, sha256)) {
        p->gone.objects++;
        p->gone.bytes += stat.bytes;
    }
}

int store_purge(struct store *s, uint64_t *objects, uint64_t *bytes, struct err *e)
{
    struct purge p = { .s = s };
    struct index_victims victims = { 0 };

    assert(!s->read_only);
    if (begin(s, e))
        return e->code;
    index_least_used(s->index, INT64_MAX, 0, SIZE_MAX, &victims);
    remove_all(s, &victims, &p.gone);
    object_file_each(s->objects, purge_file, &p);
    partial_prune(s, INT64_MAX, 0, &p.gone.objects, &p.gone.bytes);
    index_remove_damaged(s->root);
    return end(s, &p.gone, objects, bytes, e);
}
