/* Places are read side by side, their files kept in order. A file is found by what stands before
 * the first "-" of its name: that is the project of a wheel and of an sdist by PEP 625. An older
 * sdist, "zope-interface-5.0.tar.gz", begins so with a part of it, "zope": a project is asked for
 * by each of its beginnings. By its first word alone, thousands of "company-..." would each be held
 * against all the others. */
#include "dray/fetch/flat.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "dray/net/url.h"
#include "dray/py/filename.h"
#include "dray/py/requirement.h"
#include "dray/util/limits.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

struct spot { /* a place, or a page that a directory holds */
    struct flat *flat;
    struct page *page;
    struct page_answer answer;
};

struct entry {
    struct flat_file file;
    struct entry *next; /* with the same beginning */
};

struct chain {
    struct entry *first, *last;
};

struct flat {
    const struct page_world *world;
    flat_done_fn done;
    void *ctx;
    struct arena arena;
    struct map chains; /* beginning of a name -> struct chain */
    struct spot **spots;
    size_t n, cap, pending;
    struct loop_task finish;
    struct err err;
};

static bool is_separator(char c)
{
    return c == '-' || c == '_' || c == '.';
}

/* What stands before the first "-" of a file's name, normalised. */
static struct str beginning_of(struct arena *a, struct str filename)
{
    ptrdiff_t dash = str_find(filename, '-');
    size_t n = dash < 0 ? filename.n : (size_t)dash;

    while (n > 0 && is_separator(filename.p[n - 1])) /* "foo_-bar" is foo-bar, too */
        n--;
    return project_name_normalize(a, str_sub(filename, 0, n));
}

static void flat_add(struct flat *f, struct flat_file file)
{
    struct str beginning = beginning_of(&f->arena, file.file->filename);
    struct entry *entry = arena_alloc(&f->arena, 1, sizeof(*entry));
    struct chain *chain = map_get(&f->chains, beginning);

    entry->file = file;
    if (!chain) {
        chain = arena_alloc(&f->arena, 1, sizeof(*chain));
        map_put(&f->chains, beginning, chain);
        chain->first = entry;
    } else {
        chain->last->next = entry;
    }
    chain->last = entry;
}

static bool is_distribution(struct str name)
{
    return str_ends(name, STR(".whl")) || sdist_ending(name).p;
}

/* A single file, by its absolute URL. */
static void flat_add_url(struct flat *f, struct str url, bool is_local)
{
    struct simple_file *file = arena_alloc(&f->arena, 1, sizeof(*file));

    simple_file_of_url(&f->arena, url, file);
    flat_add(f, (struct flat_file){ .file = file, .base = file->url, .is_local = is_local });
}

static void flat_add_path(struct flat *f, struct str path)
{
    struct buf url = { 0 };

    url_from_path(path, &url);
    flat_add_url(f, buf_str(&url), true);
    buf_done(&url);
}

static void spot_done(void *ctx, const struct page_answer *answer)
{
    struct spot *spot = ctx;

    spot->answer.listing = answer->listing;
    spot->answer.base = answer->base;
    if (answer->err.code)
        err_set(&spot->answer.err, answer->err.code, "--find-links: %s", err_text(&answer->err));
    if (--spot->flat->pending == 0)
        loop_post(spot->flat->world->loop, &spot->flat->finish);
}

static void flat_add_page(struct flat *f, struct str url)
{
    struct spot *spot = mem_new(1, sizeof(*spot));
    struct str z = arena_str(&f->arena, url); /* ends in NUL */

    spot->flat = f;
    f->spots = mem_grow(f->spots, f->n, &f->cap, sizeof(struct spot *));
    f->spots[f->n++] = spot;
    f->pending++;
    spot->page = page_start(f->world, z.p, spot_done, spot);
}

static int flat_add_file(struct flat *f, struct str path)
{
    if (is_distribution(path)) {
        flat_add_path(f, path);
    } else if (str_ends(path, STR(".html")) || str_ends(path, STR(".htm"))) {
        struct buf url = { 0 };
        url_from_path(path, &url);
        flat_add_page(f, buf_str(&url));
        buf_done(&url);
    } else {
        return 0;
    }
    return 1;
}

static int name_cmp(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* The directory's order is that of its file system; sorted, the same files give the same answer
 * everywhere. */
static int flat_add_directory(struct flat *f, const char *path, struct err *e)
{
    struct strs names = { 0 };
    struct buf full = { 0 };
    DIR *dir = opendir(path);
    int code = 0;

    if (!dir)
        return err_errno(e, "--find-links: can't read %s", path);
    for (struct dirent *d; !code && (d = readdir(dir)) != NULL;) {
        if (names.n == LIMIT_DIRECTORY_ENTRIES)
            code = err_set(e, ERR_LIMIT, "--find-links: %s has more than %d entries", path,
                           LIMIT_DIRECTORY_ENTRIES);
        strs_add(&names, arena_str(&f->arena, str_of(d->d_name)));
    }
    closedir(dir);
    if (names.n)
        qsort(names.items, names.n, sizeof(*names.items), name_cmp);
    for (size_t i = 0; i < names.n && !code; i++) {
        buf_reset(&full);
        buf_add_f(&full, "%s/%.*s", path, STR_ARG(names.items[i]));
        flat_add_file(f, buf_str(&full));
    }
    buf_done(&full);
    strs_done(&names);
    return code;
}

static int flat_add_local(struct flat *f, const char *path, struct err *e)
{
    struct stat st;
    char *real = realpath(path, NULL);
    int code = 0;

    /* pip: a place that isn't there is no error, since pip.conf may name one that only some
     * machines have. */
    if (!real || stat(real, &st) != 0)
        events_warn(f->world->events, NULL, "--find-links %s is ignored: %s", path,
                    strerror(errno));
    else if (S_ISDIR(st.st_mode))
        code = flat_add_directory(f, real, e);
    else if (!flat_add_file(f, str_of(real)))
        events_warn(f->world->events, NULL,
                    "--find-links %s is ignored: it is no directory, HTML page or distribution",
                    path);
    free(real);
    return code;
}

static int flat_add_place(struct flat *f, struct str place, struct err *e)
{
    struct buf path = { 0 };
    const char *home = getenv("HOME");
    int code = 0;

    if (str_starts(place, STR("http:")) || str_starts(place, STR("https:"))) {
        struct buf name = { 0 };
        url_basename(place, &name);
        if (is_distribution(buf_str(&name)))
            flat_add_url(f, place, false);
        else
            flat_add_page(f, place);
        buf_done(&name);
        return 0;
    }
    if (f->world->no_local_files)
        return reader_refuse(place, e);
    if (str_starts(place, STR("file:")))
        code = url_to_path(place, &path, e);
    else if (str_starts(place, STR("~/")) && home)
        buf_add_f(&path, "%s%.*s", home, STR_ARG(str_sub(place, 1, place.n)));
    else
        buf_add_str(&path, place);
    if (!code)
        code = flat_add_local(f, buf_z(&path), e);
    buf_done(&path);
    return code;
}

/* Only now, so that the files of pages stand in the order of the places. */
static void flat_finish(void *ctx)
{
    struct flat *f = ctx;

    for (size_t i = 0; i < f->n && !f->err.code; i++) {
        struct spot *spot = f->spots[i];
        if (spot->answer.err.code)
            err_move(&f->err, &spot->answer.err);
        for (size_t k = 0; spot->answer.listing && k < spot->answer.listing->n; k++)
            flat_add(f, (struct flat_file){ .file = &spot->answer.listing->files[k],
                                            .base = spot->answer.base });
    }
    f->done(f->ctx, &f->err);
}

struct flat *flat_start(const struct page_world *w, const struct strs *places, flat_done_fn done,
                        void *ctx)
{
    struct flat *f = mem_new(1, sizeof(*f));
    int code = 0;

    f->world = w;
    f->done = done;
    f->ctx = ctx;
    f->finish = (struct loop_task){ .fn = flat_finish, .ctx = f };
    for (size_t i = 0; i < places->n && !code; i++)
        code = flat_add_place(f, places->items[i], &f->err);
    if (!f->pending)
        loop_post(w->loop, &f->finish);
    return f;
}

void flat_destroy(struct flat *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++) {
        page_destroy(f->spots[i]->page);
        err_done(&f->spots[i]->answer.err);
        free(f->spots[i]);
    }
    free(f->spots);
    loop_unpost(f->world->loop, &f->finish);
    map_done(&f->chains);
    err_done(&f->err);
    arena_done(&f->arena);
    free(f);
}

/* Does the file's name begin with the project's, normalised? Cheaper than to have thousands of
 * older names with one beginning parsed in vain. */
static bool has_name(struct str filename, struct str project)
{
    size_t at = 0;

    for (size_t i = 0; i < filename.n && at < project.n; i++) {
        char c = str_lower(filename.p[i]);
        bool separates = is_separator(c);
        if (separates && at > 0 && project.p[at - 1] == '-')
            continue;
        if ((separates ? '-' : c) != project.p[at])
            return false;
        at++;
    }
    return at == project.n;
}

void flat_find(const struct flat *f, struct str project, flat_visit_fn visit, void *ctx)
{
    for (size_t n = 1; n <= project.n; n++) {
        if (n < project.n && project.p[n] != '-')
            continue;
        const struct chain *chain = map_get(&f->chains, str_sub(project, 0, n));
        for (const struct entry *e = chain ? chain->first : NULL; e; e = e->next)
            if (has_name(e->file.file->filename, project))
                visit(ctx, &e->file);
    }
}
