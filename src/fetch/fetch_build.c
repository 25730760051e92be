/* BUILD: a source distribution becomes a wheel, by the machine's pip. What was built once is kept
 * in the store under the sha256 of the archive and the target; what pip built before is in its own
 * cache. */
#include <dirent.h>
#include <unistd.h>

#include "dray/fetch/machine.h"
#include "dray/fetch/wheel_file.h"
#include "dray/net/url.h"
#include "dray/store/pip_cache.h"
#include "dray/util/clock.h"
#include "dray/util/file.h"

bool fetch_needs_build(const struct fetch *f)
{
    return f->fetcher->world.goal == GOAL_WHEELS && !f->view.built &&
           !str_ends(f->view.filename, STR(".whl"));
}

/* Is it of the project and version that were asked for? Who chose from an index relies on what the
 * name of the archive says; that of one which was given may say anything. */
static bool is_asked_for(const struct fetch *f, const struct wheel_name *w)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct version v;

    bool is = !f->view.project.p || str_eq(w->project, f->view.project);
    if (is && f->view.version.p && !f->view.is_direct)
        is = !version_parse(&a, f->view.version, &v, &e) && version_cmp(&v, &w->version) == 0;
    err_done(&e);
    arena_done(&a);
    return is && specifier_set_contains(&f->wish.specifiers, &w->version);
}

/* Is it a wheel of that which fits the target? -1 when not, else how well. */
static int rank_of(const struct fetch *f, struct str filename)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct wheel_name w;
    int rank = -1;

    if (!wheel_name_parse(&a, filename, &w, &e) && is_asked_for(f, &w) &&
        tag_set_rank(f->set->target->tags, &w) != TAG_NONE)
        rank = (int)tag_set_rank(f->set->target->tags, &w);
    err_done(&e);
    arena_done(&a);
    return rank;
}

static int refuse_wheel(struct fetch *f, struct str filename)
{
    return err_set(&f->fault, ERR_CHILD,
                   "pip built %.*s from it, which is not a wheel of it for %.*s", STR_ARG(filename),
                   STR_ARG(f->set->target->label));
}

/* The archive's own name need not tell it. */
static void set_identity(struct fetch *f)
{
    struct arena *a = &f->fetcher->arena;
    struct err e = { 0 };
    struct wheel_name w;

    if (!wheel_name_parse(a, f->view.filename, &w, &e)) {
        f->view.project = f->view.project.p ? f->view.project : w.project;
        f->view.version = w.version.text;
    }
    err_done(&e);
}

int fetch_set_built(struct fetch *f, struct str filename)
{
    const struct fetch *owner = map_get(f->set->names, filename);

    if (owner && owner != f && owner->view.state != FETCH_FAILED)
        return err_set(&f->fault, ERR_CONFLICT,
                       "\"%.*s\" asks for a wheel of the same name, %.*s; "
                       "fetch one of them into another directory",
                       STR_ARG(owner->view.label), STR_ARG(filename));
    f->archive_name = f->view.filename;
    f->archive_promise = f->promise;
    f->view.filename = arena_str(&f->fetcher->arena, filename);
    f->view.built = true;
    set_identity(f);
    map_put(f->set->names, f->view.filename, f);
    return 0;
}

int fetch_share_built(struct fetch *f, const struct fetch *owner)
{
    if (rank_of(f, owner->view.filename) < 0)
        return refuse_wheel(f, owner->view.filename);
    f->view.filename = owner->view.filename;
    f->view.built = true;
    set_identity(f);
    f->view.sha256 = owner->view.sha256;
    f->view.body_bytes = owner->view.body_bytes;
    f->view.metadata = owner->view.metadata;
    f->view.rung = owner->view.rung;
    return 0;
}

void fetch_unset_built(struct fetch *f)
{
    if (!f->view.built)
        return;
    f->view.filename = f->archive_name;
    f->promise = f->archive_promise;
    f->view.body_bytes = f->promise.bytes;
    f->view.metadata = STR_NONE;
    f->view.built = false;
}

/* -- what was built before -- */

static void build_key(const struct fetch *f, const struct digest *sha256, struct buf *out)
{
    char hex[DIGEST_HEX_SIZE];

    const struct tag *best = tag_set_at(f->set->target->tags, 0);

    buf_add_f(out, "sha256:%s\n%.*s-%.*s-%.*s", digest_hex(sha256, hex), STR_ARG(best->python),
              STR_ARG(best->abi), STR_ARG(best->platform));
}

/* The user's own hashes are of the archive, which is not looked at again. */
static bool is_allowed(const struct fetch *f, const struct digest *archive)
{
    const struct promise *p = &f->promise;

    for (size_t i = 0; i < p->n_allowed; i++)
        if (digest_eq(&p->allowed[i], archive))
            return true;
    return !p->n_allowed;
}

/* The record's label is the wheel's name, its content the wheel's sha256. */
bool fetch_recall_built(struct fetch *f, struct digest *wheel)
{
    struct store *store = f->fetcher->world.cache.store;
    const struct digest *archive = promise_sha256(&f->promise);
    struct buf key = { 0 };
    struct arena a = { 0 };
    struct store_record r;

    if (!fetch_needs_build(f) || !store || !archive || !is_allowed(f, archive))
        return false;
    build_key(f, archive, &key);
    bool found = store_get(store, STORE_BUILD, buf_str(&key), &a, &r) &&
                 r.content.n == digest_size(DIGEST_SHA256) && rank_of(f, r.label) >= 0;
    if (found) {
        *wheel = (struct digest){ .alg = DIGEST_SHA256 };
        memcpy(wheel->bytes, r.content.p, r.content.n);
        f->built_name = arena_str(&f->fetcher->arena, r.label);
    }
    buf_done(&key);
    arena_done(&a);
    return found;
}

/* The best of the wheels in one directory of pip's cache. */
static bool find_in_dir(struct fetch *f, const char *dir, struct buf *best)
{
    int best_rank = -1;
    DIR *d = opendir(dir);

    for (struct dirent *entry; d && (entry = readdir(d)) != NULL;) {
        int rank = rank_of(f, str_of(entry->d_name));
        if (rank < 0 || (best_rank >= 0 && rank >= best_rank))
            continue;
        best_rank = rank;
        buf_reset(best);
        buf_add_z(best, entry->d_name);
    }
    if (d)
        closedir(d);
    return best_rank >= 0;
}

/* "cp312" in pip's two halves. */
static void split_python(struct str tag, struct pip_wheel_key *out)
{
    size_t n = 0;

    while (n < tag.n && !str_isdigit(tag.p[n]))
        n++;
    out->interpreter_name = str_sub(tag, 0, n);
    out->interpreter_version = str_sub(tag, n, tag.n);
}

/* What pip built from the same link. Not where the user demands hashes: nobody promised one of a
 * wheel that was built here. */
bool fetch_find_built_by_pip(struct fetch *f)
{
    const char *cache = f->fetcher->world.pip_cache_dir;
    struct pip_wheel_key key = {
        .digest = f->promise.n_listed ? &f->promise.listed[0] : NULL,
        .url = url_cut_fragment(f->url, &(struct str){ 0 }),
    };
    struct buf dir = { 0 }, best = { 0 };
    uint64_t bytes;
    struct err e = { 0 };
    int fd;

    if (!fetch_needs_build(f) || !cache || f->promise.n_allowed)
        return false;
    split_python(tag_set_at(f->set->target->tags, 0)->python, &key);
    pip_cache_wheel_dir(cache, &key, &dir);
    bool found = find_in_dir(f, buf_z(&dir), &best);
    if (found) {
        buf_add_f(&dir, "/%s", buf_z(&best));
        found = !file_open_regular(buf_z(&dir), &fd, &bytes, &e);
    }
    if (found)
        close(fd);
    if (found && !fetch_set_built(f, buf_str(&best))) {
        f->promise = (struct promise){ .bytes = FETCH_BYTES_UNKNOWN };
        fetch_set_found(f, &(struct existing_answer){ .found = true,
                                                      .origin = FETCH_FROM_PIP,
                                                      .bytes = bytes,
                                                      .path = buf_str(&dir) });
    }
    err_done(&e);
    buf_done(&dir);
    buf_done(&best);
    return found;
}

/* -- BUILD -- */

static int open_wheel(void *ctx, const char *path, int *fd, struct err *e)
{
    struct fetch *f = ctx;
    const struct fetch_world *w = &f->fetcher->world;
    uint64_t bytes;

    if (file_open_regular(path, fd, &bytes, e))
        return e->code;
    f->body = body_create(f->past_store ? f->set->place : w->temp, &f->fetcher->pool,
                          1u << DIGEST_SHA256, UINT64_MAX, e);
    if (!f->body)
        close(*fd);
    return e->code;
}

static int write_wheel(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct fetch *f = ctx;

    return body_add(f->body, bytes, n, e);
}

static void remember_build(struct fetch *f)
{
    struct store *store = f->fetcher->world.cache.store;
    const struct digest *wheel = &f->digests[DIGEST_SHA256];
    int64_t now = clock_unix_s();
    struct buf key = { 0 };

    build_key(f, &f->view.sha256, &key);
    store_put(store, STORE_BUILD, buf_str(&key),
              &(struct store_record){
                  .label = f->view.filename,
                  .received_s = now,
                  .fresh_until_s = INT64_MAX,
                  .immutable = true,
                  .content = { (const char *)wheel->bytes, digest_size(DIGEST_SHA256) } });
    buf_done(&key);
}

void fetch_check_built(struct fetch *f, int fd, uint64_t bytes)
{
    if (f->pin && f->pin->facts->text.p && !f->fault.code &&
        wheel_file_check(fd, bytes, f->view.filename, f->pin->facts->text,
                         "the metadata that it was resolved with", &f->fault))
        err_wrap(&f->fault, "%.*s, which was built", STR_ARG(f->view.filename));
}

static void take_wheel(struct fetch *f);

static void took_wheel(void *ctx, struct err *e)
{
    struct fetch *f = ctx;
    const struct fetch_world *w = &f->fetcher->world;

    f->reader = NULL;
    if (!err_move(&f->fault, e) && !body_finish(f->body, f->digests, &f->fault)) {
        f->view.body_bytes = body_bytes(f->body);
        fetch_check_built(f, body_fd(f->body), body_bytes(f->body));
        if (w->want_metadata)
            fetch_read_metadata(f, body_fd(f->body), body_bytes(f->body));
        if (!f->fault.code)
            fetch_keep_body(f);
    }
    if (fetch_lost_store(f)) {
        body_destroy(f->body);
        f->body = NULL;
        err_done(&f->fault);
        f->past_store = true;
        take_wheel(f);
        return;
    }
    build_destroy(f->build);
    f->build = NULL;
    f->has_found = !f->body;
    if (!f->fault.code && f->has_found)
        remember_build(f);
    f->view.sha256 = f->digests[DIGEST_SHA256];
    fetch_go_unless_fault(f, FETCH_PLACE);
}

static void take_wheel(struct fetch *f)
{
    struct reader_sink sink = { open_wheel, write_wheel, took_wheel, f };

    f->reader = reader_start(f->fetcher->world.readers, f->wheel, &sink);
}

static void built(void *ctx, struct build_result *result)
{
    struct fetch *f = ctx;

    if (!err_move(&f->fault, &result->err) && rank_of(f, str_of(result->filename)) < 0)
        refuse_wheel(f, str_of(result->filename));
    if (f->fault.code || fetch_set_built(f, str_of(result->filename))) {
        fetch_go(f, FETCH_FAILED);
        return;
    }
    f->wheel = result->wheel;
    take_wheel(f);
}

void fetch_build(struct fetch *f)
{
    if (f->view.origin == FETCH_FROM_PIP) /* no second copy of that; of what is built a first one */
        f->past_store = false;
    f->build = build_start(f->fetcher->world.builds, f->view.path.p, built, f);
}
