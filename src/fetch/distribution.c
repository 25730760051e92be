#include "dray/fetch/distribution.h"

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
