/* Of a source distribution the ladder reads PKG-INFO; and asks pip, where that is not final. */
#include "dray/fetch/ladder_parts.h"
#include "dray/py/filename.h"
#include "dray/py/sdist.h"

bool ladder_can_read(const struct ladder *l)
{
    struct str ending = sdist_ending(l->wish.filename);

    return ladder_is_wheel(l) || str_eq_nocase(ending, STR(".tar.gz")) ||
           str_eq_nocase(ending, STR(".tgz"));
}

static bool can_ask_pip(const struct ladder *l)
{
    return l->world->asks_pip && l->path.n;
}

int ladder_refuse_sdist(const struct ladder *l, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED,
                   "%.*s is a source distribution, and only a build can tell its metadata: %s",
                   STR_ARG(l->wish.filename),
                   ladder_can_read(l) ? "it does not say that what it needs is final (PEP 643)"
                                      : "it is no .tar.gz");
}

static void pip_came(void *ctx, struct build_result *r)
{
    struct ladder *l = ctx;
    struct err e = { 0 };

    buf_reset(&l->text);
    buf_add_str(&l->text, r->metadata);
    if (!err_move(&e, &r->err) && ladder_judge(l, &e))
        err_wrap(&e, "what pip says of %.*s", STR_ARG(l->wish.filename));
    ladder_end(l, METADATA_PIP, &e);
}

static void ask_pip(struct ladder *l)
{
    struct err e = { 0 };

    if (can_ask_pip(l)) {
        l->build =
            build_metadata_start(l->world->builds, buf_z(&l->path), l->wish.filename, pip_came, l);
        return;
    }
    ladder_refuse_sdist(l, &e);
    ladder_end(l, l->archive_rung, &e);
}

static void sdist_came(void *ctx, struct str text, struct err *e)
{
    struct ladder *l = ctx;
    struct arena a = { 0 };
    struct metadata m;

    if (!e->code) {
        buf_add_str(&l->text, text);
        ladder_judge(l, e);
    }
    if (e->code)
        err_wrap(e, "reading %.*s", STR_ARG(l->wish.filename));
    else if (l->body)
        ladder_keep_body(l);
    if (!e->code && !metadata_parse(&a, text, &m, e) && !sdist_metadata_is_static(&m))
        ask_pip(l);
    else
        ladder_end(l, l->archive_rung, e);
    arena_done(&a);
}

void ladder_read_sdist(struct ladder *l, enum metadata_rung rung)
{
    const char *path = l->body ? l->wish.filename.p : buf_z(&l->path);

    l->archive_rung = rung;
    if (ladder_can_read(l)) {
        l->sdist = sdist_file_start(l->world->readers, path, l->body ? body_fd(l->body) : -1,
                                    sdist_came, l);
        return;
    }
    if (l->body)
        ladder_keep_body(l);
    ask_pip(l);
}
