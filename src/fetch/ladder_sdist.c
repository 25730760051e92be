/* Of a source distribution the ladder reads PKG-INFO, which counts where it is final (PEP 643);
 * else it asks pip. That runs what is in the archive: never before its hash was seen to be right.
 */
#include "dray/fetch/ladder_parts.h"
#include "dray/py/filename.h"
#include "dray/py/sdist.h"

bool ladder_can_read(const struct ladder *l)
{
    struct str ending = sdist_ending(l->wish.filename);

    return ladder_is_wheel(l) || str_eq_nocase(ending, STR(".tar.gz")) ||
           str_eq_nocase(ending, STR(".tgz"));
}

int ladder_refuse_sdist(const struct ladder *l, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED,
                   "it is a source distribution, and what it needs is only known when it is built "
                   "(PEP 643), which %s",
                   l->world->cache.offline ? "is not done with --offline"
                                           : "pip does for the Python that it runs in alone");
}

/* Whatever pip says of it, it need not be fetched again. */
static void pip_came(void *ctx, struct build_result *r)
{
    struct ladder *l = ctx;
    struct err e = { 0 };

    if (l->body)
        ladder_keep_body(l);
    buf_reset(&l->text);
    buf_add_str(&l->text, r->metadata);
    if (!err_move(&e, &r->err) && ladder_judge(l, &e))
        err_wrap(&e, "what pip says of %.*s", STR_ARG(l->wish.filename));
    ladder_end(l, METADATA_PIP, &e);
}

static void ask_pip(struct ladder *l)
{
    struct build_archive archive = { .path = buf_z(&l->path),
                                     .fd = l->body ? body_fd(l->body) : -1,
                                     .name = l->wish.filename };

    l->build = build_metadata_start(l->world->builds, &archive, pip_came, l);
}

/* Only what is final is held against the file: what is not pip may know better. */
static bool is_final(struct str text)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct metadata m;
    bool final = text.p && !metadata_parse(&a, text, &m, &e) && sdist_metadata_is_static(&m);

    arena_done(&a);
    err_done(&e);
    return final;
}

static void judge_final(struct ladder *l, struct str text, struct err *e)
{
    buf_add_str(&l->text, text);
    if (ladder_judge(l, e))
        err_wrap(e, "reading %.*s", STR_ARG(l->wish.filename));
}

/* Nobody else can tell: `r` perhaps says why. */
static void give_up(struct ladder *l, struct sdist_file_result *r, struct err *e)
{
    if (err_move(e, &r->err))
        err_wrap(e, "reading %.*s", STR_ARG(l->wish.filename));
    else
        ladder_refuse_sdist(l, e);
}

static void sdist_came(void *ctx, struct sdist_file_result *r)
{
    struct ladder *l = ctx;
    struct err e = { 0 };
    bool final = is_final(r->text);

    if (!err_move(&e, &r->read) && l->sdist_is_checked)
        promise_check(l->wish.promise, r->digests, &e);
    if (!e.code && !final && l->world->asks_pip) {
        ask_pip(l);
        return;
    }
    if (!e.code && final)
        judge_final(l, r->text, &e);
    else if (!e.code)
        give_up(l, r, &e);
    if (l->body && (!e.code || e.code == ERR_UNSUPPORTED)) /* which says nothing against it */
        ladder_keep_body(l);
    ladder_end(l, l->archive_rung, &e);
}

/* A fetched body was checked when it came. */
void ladder_read_sdist(struct ladder *l, enum metadata_rung rung)
{
    l->archive_rung = rung;
    l->sdist_is_checked = !l->body && promise_has_digest(l->wish.promise);
    struct sdist_file_wish wish = { .path = l->body ? l->wish.filename.p : buf_z(&l->path),
                                    .fd = l->body ? body_fd(l->body) : -1,
                                    .is_readable = ladder_can_read(l),
                                    .algs =
                                        l->sdist_is_checked ? promise_algs(l->wish.promise) : 0 };

    l->sdist = sdist_file_start(l->world->readers, &wish, sdist_came, l);
}
