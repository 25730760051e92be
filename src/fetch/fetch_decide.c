/* From the files of a project, or from a URL that was given, to the one file that is wanted. */
#include "dray/fetch/candidate.h"
#include "dray/fetch/machine.h"
#include "dray/net/url.h"

static bool is_local(struct str url)
{
    return str_starts(url, STR("file:"));
}

/* Copies what outlives the listing. */
static void set_file(struct fetch *f, const struct simple_file *file, struct str url)
{
    struct arena *a = &f->fetcher->arena;
    struct buf shown = { 0 };

    f->url = url;
    url_redact(url, &shown);
    f->view.url = arena_str(a, buf_str(&shown));
    buf_done(&shown);
    f->view.filename = arena_str(a, file->filename);
    f->has_sidecar = file->has_metadata;
    f->has_sidecar_digest = file->has_metadata_digest;
    f->sidecar_digest = file->metadata_digest;
    f->view.yanked_reason = file->yanked ? arena_str(a, file->yanked_reason) : STR_NONE;
    f->view.body_bytes = file->size;
    f->view.digests = arena_copy(a, file->digests, file->n_digests, sizeof(*file->digests));
    f->view.n_digests = file->n_digests;
    f->promise = (struct promise){ .allowed = f->wish.hashes,
                                   .n_allowed = f->wish.n_hashes,
                                   .listed = f->view.digests,
                                   .n_listed = file->n_digests,
                                   .bytes = file->size,
                                   .need_allowed = f->wish.need_hash };
    if (file->has_broken_digest && !file->n_digests)
        err_set(&f->fault, ERR_INPUT, "the index promises a digest of %.*s that no file can have",
                STR_ARG(f->view.filename));
}

/* Of a set that was resolved; NULL: it was given by URL. */
static const struct source_answer *listing_of(const struct fetch *f, const struct distribution *d)
{
    bool by_url = str_eq(d->base, d->file->url);

    return by_url ? NULL : facts_listing(f->fetcher->facts, f->pin->project, NULL);
}

static int take_listed(struct fetch *f, const struct distribution *d)
{
    struct str url;

    if (distribution_url(d, &f->fetcher->arena, &url, &f->fault))
        return f->fault.code;
    f->view.version = arena_str(&f->fetcher->arena, d->version.text);
    set_file(f, d->file, url);
    if (f->fetcher->world.goal == GOAL_LOCK)
        fetch_tell_files(f, d, f->answer ? f->answer : listing_of(f, d));
    if (d->file->yanked)
        events_warn(f->fetcher->world.events, &f->view, "%.*s is yanked%s%.*s",
                    STR_ARG(f->view.filename), d->file->yanked_reason.n ? ": " : "",
                    STR_ARG(d->file->yanked_reason));
    return f->fault.code;
}

static int decide_listed(struct fetch *f)
{
    struct candidate_rules rules = { .label = f->wish.label,
                                     .specifiers = &f->wish.specifiers,
                                     .target = f->set->target,
                                     .hashes = f->wish.hashes,
                                     .n_hashes = f->wish.n_hashes,
                                     .allow_wheel = f->wish.allow_wheel,
                                     .allow_sdist = f->wish.allow_sdist,
                                     .prefer_binary = f->wish.prefer_binary,
                                     .before_us = f->wish.before_us,
                                     .pre = f->wish.pre };
    const struct distribution *d =
        candidate_choose(&rules, f->answer->items, f->answer->n, &f->fault);

    return d ? take_listed(f, d) : f->fault.code;
}

static int check_version(struct fetch *f, const struct version *v)
{
    if (!v->text.p || specifier_set_contains(&f->wish.specifiers, v))
        return 0;
    return err_set(&f->fault, ERR_CONFLICT, "the file %.*s is not in %.*s",
                   STR_ARG(f->view.filename), STR_ARG(f->wish.specifiers.text));
}

static int check_wheel(struct fetch *f, const struct wheel_name *w)
{
    const struct target *target = f->set->target;

    if (f->wish.project.p && !str_eq(f->wish.project, w->project))
        return err_set(&f->fault, ERR_CONFLICT, "the file %.*s is of the project %.*s",
                       STR_ARG(f->view.filename), STR_ARG(w->project));
    if (tag_set_rank(target->tags, w) == TAG_NONE)
        return err_set(&f->fault, ERR_NO_MATCH,
                       "the wheel is for %.*s-%.*s-%.*s and does not fit %.*s",
                       STR_ARG(w->python_tags), STR_ARG(w->abi_tags), STR_ARG(w->platform_tags),
                       STR_ARG(target->label));
    return 0;
}

static int decide_direct(struct fetch *f)
{
    struct arena *a = &f->fetcher->arena;
    struct simple_file file = { .size = FETCH_BYTES_UNKNOWN };
    struct version version = { 0 };
    struct wheel_name w;
    struct err e = { 0 };

    simple_file_of_url(a, f->wish.url, &file);
    if (!filename_is_safe(file.filename))
        return err_set(&f->fault, ERR_INPUT,
                       "the URL does not end in a file name that can be used");
    f->view.is_direct = true;
    set_file(f, &file, arena_str(a, file.url));
    if (str_ends(file.filename, STR(".whl"))) {
        if (wheel_name_parse(a, file.filename, &w, &f->fault) || check_wheel(f, &w))
            return f->fault.code;
        f->view.project = arena_str(a, w.project);
        version = w.version;
    } else if (!sdist_ending(file.filename).p) {
        return err_set(&f->fault, ERR_INPUT, "%.*s is neither a wheel nor a source distribution",
                       STR_ARG(file.filename));
    } else if (f->wish.project.p) {
        /* Archives of repositories have names that tell no version: that is fine for a URL. */
        sdist_name_parse(a, file.filename, f->wish.project, &version, &e);
        err_done(&e);
    }
    f->view.version = version.text;
    if (f->fetcher->world.goal == GOAL_LOCK) {
        struct distribution d = { .file = &file, .base = file.url, .version = version };
        d.is_wheel = str_ends(file.filename, STR(".whl"));
        if (f->wish.n_hashes == 1) { /* "#sha256=..." */
            file.digests = arena_copy(a, f->wish.hashes, 1, sizeof(*file.digests));
            file.n_digests = 1;
        }
        fetch_tell_files(f, &d, NULL);
    }
    return f->fault.code ? f->fault.code : check_version(f, &version);
}

int fetch_decide(struct fetch *f)
{
    int code;

    if (f->wish.url.p)
        code = decide_direct(f);
    else
        code = f->pin ? take_listed(f, f->pin->file) : decide_listed(f);

    if (!code)
        code = promise_check_early(&f->promise, &f->fault);
    if (!code && is_local(f->url) && f->fetcher->world.no_local_files)
        code = reader_refuse(f->url, &f->fault);
    f->view.origin = is_local(f->url) ? FETCH_FROM_FILE : FETCH_FROM_NETWORK;
    return code;
}
