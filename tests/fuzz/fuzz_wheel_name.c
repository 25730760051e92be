/* Two lines: the name of a file, and a project. What a wheel's parts say must be in its name; a set
 * made of its tags must rank it first; a source distribution's version must be what stands in its
 * name. */
#include <stdlib.h>

#include "dray/py/tags.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static bool within(struct str part, struct str whole)
{
    return part.p >= whole.p && part.p + part.n <= whole.p + whole.n;
}

static void check_rank(struct arena *a, const struct wheel_name *w)
{
    struct str pythons = w->python_tags, abis = w->abi_tags, platforms = w->platform_tags;
    struct tag tags[2] = { { STR("x"), STR("none"), STR("any") } };

    require(pythons.n > 0 && abis.n > 0 && platforms.n > 0);
    tags[1].python = str_cut(pythons, '.', &pythons);
    tags[1].abi = str_cut(abis, '.', &abis);
    tags[1].platform = str_cut(platforms, '.', &platforms);
    int rank = tag_set_rank(tag_set_create(a, tags + 1, 1), w);
    require(rank == 0);
    rank = tag_set_rank(tag_set_create(a, tags, 2), w);
    require(rank == 0 || rank == 1);
    require(tag_set_rank(tag_set_create(a, tags, 0), w) == TAG_NONE);
}

static void check_wheel(struct arena *a, struct str name)
{
    struct wheel_name w, plain;
    struct err e = { 0 };

    int code = wheel_name_parse(a, name, &w, &e);
    require(code == e.code && (code == 0) == (e.text == NULL));
    err_done(&e);
    if (code)
        return;
    require(name.n <= LIMIT_FILENAME_BYTES && str_ends(name, STR(".whl")));
    require(within(w.python_tags, name) && within(w.abi_tags, name) &&
            within(w.platform_tags, name));
    require(str_find(w.project, '_') < 0 && str_search(w.project, STR("--")) < 0);
    require(wheel_build_cmp(&w, &w) == 0);
    plain = w;
    plain.has_build = false;
    plain.build_digits = plain.build_rest = STR_NONE;
    require(wheel_build_cmp(&plain, &w) == (w.has_build ? -1 : 0));
    check_rank(a, &w);
}

static void check_sdist(struct arena *a, struct str name, struct str project)
{
    struct version v;
    struct err e = { 0 };
    struct str ending = sdist_ending(name), python = sdist_name_python(name, project);

    require(!ending.p || (str_ends(name, ending) && ending.n >= 4 && ending.p[0] == '.'));
    require(!python.p || (ending.p && within(python, name) && python.n >= 1 && python.n <= 3));
    int code = sdist_name_parse(a, name, project, &v, &e);
    require(code == e.code && (code == 0) == (e.text == NULL));
    require(code ||
            (ending.p && v.text.n > 0 && name.n > project.n / 2 && name.n <= LIMIT_FILENAME_BYTES));
    err_done(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct str project, name = str_cut((struct str){ (const char *)data, size }, '\n', &project);

    check_wheel(&a, name);
    check_sdist(&a, name, project);
    if (filename_is_safe(name))
        require(name.n > 0 && name.n <= LIMIT_FILENAME_BYTES && str_find(name, '/') < 0 &&
                str_find(name, '\0') < 0);
    arena_done(&a);
    return 0;
}
