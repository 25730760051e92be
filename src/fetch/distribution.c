#include "dray/fetch/distribution.h"

#include "dray/net/url.h"
#include "dray/py/requirement.h"
#include "dray/util/buf.h"

static bool parse_wheel(struct arena *a, struct str project, struct distribution *d)
{
    struct err e = { 0 };
    int code = wheel_name_parse(a, d->file->filename, &d->wheel, &e);

    err_done(&e);
    d->is_wheel = true;
    d->version = d->wheel.version;
    return !code && str_eq(d->wheel.project, project);
}

static bool parse_sdist(struct arena *a, struct str project, struct distribution *d)
{
    struct err e = { 0 };
    int code = sdist_name_parse(a, d->file->filename, project, &d->version, &e);

    err_done(&e);
    d->sdist_python = sdist_name_python(d->file->filename, project);
    return !code;
}

bool distribution_parse(struct arena *a, const struct simple_file *file, struct str project,
                        struct str base, struct distribution *out)
{
    *out = (struct distribution){ .file = file, .base = base };
    if (!filename_is_safe(file->filename))
        return false;
    if (str_ends(file->filename, STR(".whl")))
        return parse_wheel(a, project, out);
    return sdist_ending(file->filename).p && parse_sdist(a, project, out);
}

static bool is_local(struct str url)
{
    return str_starts(url, STR("file:"));
}

int distribution_url(const struct distribution *d, struct arena *a, struct str *out, struct err *e)
{
    struct buf joined = { 0 }, url = { 0 };
    int code = url_join(d->base, d->file->url, &joined, e);

    url_lend_userinfo(d->base, buf_str(&joined), &url);
    if (code)
        err_wrap(e, "the index lists a file at an address that can't be used");
    else if (is_local(buf_str(&url)) && !is_local(d->base))
        code = err_set(e, ERR_INPUT,
                       "the index lists a file on this machine, %s; that is not its to give",
                       buf_z(&url));
    else
        *out = arena_str(a, buf_str(&url));
    buf_done(&joined);
    buf_done(&url);
    return code;
}

/* "foo-bar-1.0.tar.gz": the longest beginning behind which a version stands. */
static bool guess_project(struct arena *a, struct str filename, struct distribution *d,
                          struct str *out)
{
    for (size_t end = filename.n; end-- > 1;) {
        if (filename.p[end] != '-')
            continue;
        *out = project_name_normalize(a, str_sub(filename, 0, end));
        if (parse_sdist(a, *out, d))
            return true;
    }
    return false;
}

int distribution_of_url(struct arena *a, struct str url, struct str project,
                        struct distribution *out, struct str *out_project, struct err *e)
{
    struct simple_file *file = arena_alloc(a, 1, sizeof(*file));

    simple_file_of_url(a, url, file);
    file->size = SIMPLE_SIZE_UNKNOWN;
    *out = (struct distribution){ .file = file, .base = file->url };
    if (!filename_is_safe(file->filename))
        return err_set(e, ERR_INPUT, "the URL does not end in a file name that can be used");
    if (str_ends(file->filename, STR(".whl"))) {
        out->is_wheel = true;
        if (wheel_name_parse(a, file->filename, &out->wheel, e))
            return e->code;
        out->version = out->wheel.version;
        *out_project = out->wheel.project;
        return 0;
    }
    *out_project = project;
    bool told = sdist_ending(file->filename).p &&
                (project.p ? parse_sdist(a, project, out)
                           : guess_project(a, file->filename, out, out_project));
    if (told)
        return 0;
    return err_set(e, ERR_INPUT,
                   "the name %.*s does not tell a project and a version, without which "
                   "dependencies can't be resolved: add --no-deps",
                   STR_ARG(file->filename));
}
