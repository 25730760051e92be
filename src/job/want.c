/* The same questions in the same order as pip asks them: is it a URL, is it a path, else it is a
 * PEP 508 line. */
#include "dray/job/want.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/fetch/reader.h"
#include "dray/net/url.h"
#include "dray/py/filename.h"
#include "dray/py/simple.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"
#include "dray/util/path.h"

static const char *const url_schemes[] = { "http:", "https:", "file:" };
static const char *const foreign_schemes[] = { "git+", "hg+",  "svn+",  "bzr+", "git:",
                                               "ssh:", "ftp:", "sftp:", "svn:", "lp:" };

static bool starts_with_any(struct str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct str prefix = str_of(list[i]);
        if (str_eq_nocase(str_sub(s, 0, prefix.n), prefix))
            return true;
    }
    return false;
}

static bool is_url(struct str s)
{
    return starts_with_any(s, url_schemes, sizeof(url_schemes) / sizeof(url_schemes[0]));
}

static int check_foreign(struct str s, struct err *e)
{
    if (!starts_with_any(s, foreign_schemes, sizeof(foreign_schemes) / sizeof(foreign_schemes[0])))
        return 0;
    return err_set(
        e, ERR_UNSUPPORTED,
        "dray fetches finished distributions by http, https or from a file; build a wheel first");
}

static bool looks_like_path(struct str s)
{
    return str_find(s, '/') >= 0 || str_starts(s, STR("."));
}

static bool is_archive(struct str s)
{
    return str_ends(s, STR(".whl")) || sdist_ending(s).p;
}

/* "./x.whl[extra]": pip allows extras behind a path. */
static struct str strip_extras(struct str s, struct str *extras)
{
    ptrdiff_t open = str_rfind(s, '[');
    bool has = open > 0 && str_ends(s, STR("]")) && (size_t)open + 2 < s.n;

    *extras = has ? str_sub(s, (size_t)open, s.n) : STR_NONE;
    return has ? str_trim(str_sub(s, 0, (size_t)open)) : s;
}

static int set_extras(struct arena *a, struct str extras, struct want *w, struct err *e)
{
    struct requirement r;

    if (!extras.p)
        return 0;
    if (requirement_parse(a, arena_f(a, "x%.*s", STR_ARG(extras)), &r, e))
        return err_wrap(e, "in the extras \"%.*s\"", STR_ARG(extras));
    w->extras = r.extras;
    w->n_extras = r.n_extras;
    return 0;
}

/* The project that a wheel's name tells; an sdist's may or may not end where its version begins. */
static int set_direct(struct arena *a, struct str url, struct want *w, struct err *e)
{
    struct simple_file file;
    struct wheel_name wheel;

    simple_file_of_url(a, url, &file);
    w->url = file.url;
    if (!str_ends(file.filename, STR(".whl")))
        return 0;
    if (wheel_name_parse(a, file.filename, &wheel, e))
        return e->code;
    if (w->project.p && !str_eq(w->project, wheel.project))
        return err_set(e, ERR_CONFLICT, "the URL is that of %.*s, not of %.*s",
                       STR_ARG(wheel.project), STR_ARG(w->project));
    w->project = wheel.project;
    return 0;
}

/* One file has one URL, by which two mentions of it are known as one. */
static int set_absolute_path(struct arena *a, struct str path, struct want *w, struct err *e)
{
    struct buf clean = { 0 }, url = { 0 };

    path_normalize(path, &clean);
    url_from_path(buf_str(&clean), &url);
    int code = set_direct(a, buf_str(&url), w, e);
    buf_done(&clean);
    buf_done(&url);
    return code;
}

/* `path` begins at the working directory. */
static int set_path(struct arena *a, struct str path, struct want *w, struct err *e)
{
    struct buf full = { 0 };
    char *cwd = path.p[0] == '/' ? mem_dup("") : getcwd(NULL, 0);

    if (!cwd)
        return err_errno(e, "can't tell the working directory");
    path_join(str_of(cwd), path, &full);
    int code = set_absolute_path(a, buf_str(&full), w, e);
    free(cwd);
    buf_done(&full);
    return code;
}

static int add_fragment_hashes(struct arena *a, struct str fragment, struct want *w, struct err *e)
{
    struct simple_file file;
    struct digest *all;
    struct str url = arena_f(a, "file:///x#%.*s", STR_ARG(fragment));

    simple_file_of_url(a, url, &file);
    if (file.has_broken_digest)
        return err_set(e, ERR_INPUT,
                       "the hash behind \"#\" is not one: expected ALGORITHM=HEX of "
                       "the algorithm's length");
    all = arena_alloc(a, w->n_hashes + file.n_digests, sizeof(*all));
    for (size_t i = 0; i < w->n_hashes; i++)
        all[i] = w->hashes[i];
    for (size_t i = 0; i < file.n_digests; i++)
        all[w->n_hashes + i] = file.digests[i];
    w->hashes = all;
    w->n_hashes += file.n_digests;
    return 0;
}

static int set_url(struct arena *a, struct str url, struct want *w, struct err *e)
{
    struct url parsed;
    struct buf path = { 0 };
    struct str fragment;
    int code;

    url = url_cut_fragment(url, &fragment);
    if (str_eq_nocase(str_sub(url, 0, 5), STR("file:"))) {
        code = url_to_path(url, &path, e);
        if (!code)
            code = set_absolute_path(a, buf_str(&path), w, e);
        buf_done(&path);
    } else {
        code = url_parse(url, &parsed, e);
        if (!code) {
            url_done(&parsed);
            code = set_direct(a, url, w, e);
        }
    }
    return !code && fragment.p ? add_fragment_hashes(a, fragment, w, e) : code;
}

enum path_kind { PATH_NONE, PATH_FILE, PATH_DIRECTORY, PATH_MISSING };

/* "name @ https://.../x.whl" ends like an archive, and has slashes, too. */
static bool names_project(struct str text)
{
    struct str rest, before = str_cut(text, '@', &rest);

    return rest.p && !looks_like_path(before);
}

/* `path`, from `directory`, as the working directory sees it. */
static struct str path_from(struct arena *a, struct str directory, struct str path)
{
    struct buf full = { 0 };

    path_join(directory, path, &full);
    struct str out = arena_str(a, buf_str(&full));
    buf_done(&full);
    return out;
}

/* `text` is what `path` was written as. */
static enum path_kind path_kind(struct str text, struct str path)
{
    struct stat st;
    bool exists = stat(path.p, &st) == 0;

    if (looks_like_path(text) && exists && S_ISDIR(st.st_mode))
        return PATH_DIRECTORY;
    if (!is_archive(path))
        return PATH_NONE;
    if (exists && S_ISREG(st.st_mode))
        return PATH_FILE;
    return names_project(text) ? PATH_NONE : PATH_MISSING;
}

static int set_requirement(struct arena *a, struct str text, const struct want_text *from,
                           struct want *w, struct err *e)
{
    struct requirement r;

    if (requirement_parse(a, text, &r, e)) {
        bool is_path = looks_like_path(text) && str_search(text, STR("://")) < 0;
        if (from->no_local_files)
            return e->code;
        if (is_path && access(path_from(a, from->directory, text).p, F_OK) == 0)
            err_set(e, e->code, "this file is neither a wheel nor a source distribution");
        else if (is_path)
            err_set(e, e->code, "%s (it looks like a path, but there is no such file)",
                    err_text(e));
        return e->code;
    }
    w->project = r.project;
    w->specifiers = r.specifiers;
    w->extras = r.extras;
    w->n_extras = r.n_extras;
    if (!r.url.p)
        return 0;
    if (check_foreign(r.url, e))
        return e->code;
    return set_url(a, r.url, w, e);
}

static int parse_path(struct arena *a, struct str text, const struct want_text *from,
                      struct want *w, struct err *e)
{
    struct str extras, written = strip_extras(text, &extras);
    struct str path = path_from(a, from->directory, written);

    switch (path_kind(text, path)) {
    case PATH_FILE:
    case PATH_MISSING: /* told when it is looked for, so that the others are fetched all the same */
        return set_extras(a, extras, w, e) ? e->code : set_path(a, path, w, e);
    case PATH_DIRECTORY:
        return err_set(e, ERR_UNSUPPORTED,
                       "this is a directory; dray fetches finished distributions: build a wheel "
                       "of it first");
    case PATH_NONE:
        break;
    }
    return set_requirement(a, text, from, w, e);
}

static int parse_kind(struct arena *a, struct str text, const struct want_text *from,
                      struct want *w, struct err *e)
{
    if (is_url(text))
        return set_url(a, text, w, e);
    if (check_foreign(text, e))
        return e->code;
    if (!from->no_local_files)
        return parse_path(a, text, from, w, e);
    struct str extras, written = strip_extras(text, &extras);
    if ((looks_like_path(written) || is_archive(written)) && !names_project(text))
        return reader_refuse(w->label, e); /* unseen, so that nothing tells what is there */
    return set_requirement(a, text, from, w, e);
}

/* pip: a marker begins at "; " behind a URL, which may contain semicolons, and at any ";"
 * otherwise. */
static struct str cut_marker(struct str text, struct str *marker)
{
    ptrdiff_t at = str_search(text, is_url(text) ? STR("; ") : STR(";"));

    *marker = at < 0 ? STR_NONE : str_trim(str_sub(text, (size_t)at + 1, text.n));
    return at < 0 ? text : str_trim(str_sub(text, 0, (size_t)at));
}

static int want_parse_parts(struct arena *a, struct str text, const struct want_text *from,
                            struct want *w, struct err *e)
{
    struct str marker;
    struct str main = cut_marker(text, &marker);

    if (text.n > LIMIT_REQUIREMENT_BYTES)
        return err_set(e, ERR_LIMIT, "a requirement has more than %d bytes",
                       LIMIT_REQUIREMENT_BYTES);
    if (!main.n)
        return err_set(e, ERR_INPUT, "column 1: expected a requirement");
    if (memchr(text.p, '\0', text.n))
        return err_set(e, ERR_INPUT, "a requirement can't contain a NUL byte");
    if (parse_kind(a, main, from, w, e))
        return e->code;
    if (marker.n && marker_parse(a, marker, &w->marker, e))
        return err_wrap(e, "in the marker behind \";\"");
    return 0;
}

/* Where a URL's scheme begins, or the end. */
static size_t find_url(struct str text)
{
    ptrdiff_t at = str_search(text, STR("://"));

    if (at < 0)
        return text.n;
    while (at > 0 && (str_isalpha(text.p[at - 1]) || strchr("+-.", text.p[at - 1])))
        at--;
    return (size_t)at;
}

struct str want_label(struct arena *a, struct str text)
{
    struct buf label = { 0 };

    while (text.n) {
        size_t from = find_url(text);
        size_t to = from;
        while (to < text.n && !str_isspace(text.p[to]))
            to++;
        buf_add_str(&label, str_sub(text, 0, from));
        if (to > from)
            url_redact(str_sub(text, from, to), &label);
        text = str_sub(text, to, text.n);
    }
    struct str out = arena_str(a, buf_str(&label));
    buf_done(&label);
    return out;
}

int want_parse(struct arena *a, const struct want_text *from, struct want *out, struct err *e)
{
    struct str text = str_trim(from->text);
    struct want w = { .origin = arena_str(a, from->origin),
                      .label = want_label(a, text),
                      .hashes = from->hashes,
                      .n_hashes = from->n_hashes,
                      .has_hash_option = from->n_hashes > 0 };

    if (want_parse_parts(a, arena_str(a, text), from, &w, e)) {
        if (from->origin.p)
            return err_wrap(e, "%.*s: \"%.*s\"", STR_ARG(from->origin), STR_ARG(w.label));
        return err_wrap(e, "requirement \"%.*s\"", STR_ARG(w.label));
    }
    *out = w;
    return 0;
}
