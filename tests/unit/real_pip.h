/* real_pip.h: the pip of this machine, and source distributions that it builds without a network:
 * the first brings its build backend along, and its wheel is that backend for others.
 * One named "broken" can't be built. */
#pragma once

#include "dray/net/child.h"
#include "temp_dir.h"

#define TINY "1.0rc1" /* version of all of them: a pre-release has to be allowed when pinned */

static const char tiny_backend[] =
    "import os, zipfile\n"
    "def build_wheel(directory, config_settings=None, metadata_directory=None):\n"
    "    name = open('name').read()\n"
    "    if name == 'broken': raise Exception('no such compiler')\n"
    "    info = name + '-" TINY ".dist-info/'\n"
    "    file = name + '-" TINY "-py3-none-any.whl'\n"
    "    with zipfile.ZipFile(os.path.join(directory, file), 'w') as z:\n"
    "        z.writestr(name + '_backend.py', open(__file__).read())\n"
    "        z.writestr(info + 'METADATA',\n"
    "                   'Metadata-Version: 2.1\\nName: ' + name + '\\nVersion: " TINY "\\n')\n"
    "        z.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: tiny 1\\n'\n"
    "                   'Root-Is-Purelib: true\\nTag: py3-none-any\\n')\n"
    "        z.writestr(info + 'RECORD', '')\n"
    "    return file\n";

struct real_answer {
    bool ended_well;
    struct buf text;
};

static inline void real_done(void *ctx, struct child_result *r)
{
    struct real_answer *a = ctx;

    a->ended_well = r->err.code == 0 && r->exit_status == 0;
    buf_add_str(&a->text, r->output);
}

/* Runs a program to its end, in a loop of its own; what it says goes to `out` unless that is NULL.
 * False unless it ended with status 0. */
static inline bool real_run(const char *const *argv, const char *directory, struct buf *out)
{
    struct err e = { 0 };
    struct loop *l = loop_open(&e);
    struct real_answer a = { 0 };
    const struct child_options options = { .directory = directory };

    temp_dir_check(l != NULL, "loop_open");
    child_start_with(l, argv, &options, real_done, &a);
    loop_run(l);
    loop_close(l);
    if (out)
        buf_add_str(out, buf_str(&a.text));
    buf_done(&a.text);
    return a.ended_well;
}

/* Says so, when there is none. */
static inline bool real_pip_is_missing(void)
{
    const char *const argv[] = { "python3", "-m", "pip", "--version", NULL };
    bool missing = !real_run(argv, NULL, NULL);

    if (missing)
        fputs("skipped: this machine has no python3 -m pip\n", stderr);
    return missing;
}

/* Makes <name>-1.0rc1.tar.gz in `d`: with its own backend, or, if `requires`, with that project's.
 * Returns its path. */
static inline const char *tiny_sdist(struct temp_dir *d, const char *name, const char *requires)
{
    const char *top = arena_f(&d->arena, "%s-" TINY, name).p;
    const char *archive = arena_f(&d->arena, "%s.tar.gz", top).p;
    const char *const argv[] = { "python3", "-m", "tarfile", "-c", archive, top, NULL };
    struct arena *a = &d->arena;

    temp_dir_put(d, arena_f(a, "%s/name", top).p, str_of(name));
    temp_dir_put(d, arena_f(a, "%s/PKG-INFO", top).p,
                 arena_f(a, "Metadata-Version: 2.1\nName: %s\nVersion: " TINY "\n", name));
    if (requires) {
        temp_dir_put(
            d, arena_f(a, "%s/pyproject.toml", top).p,
            arena_f(a, "[build-system]\nrequires = [\"%s==" TINY "\"]\nbuild-backend = \"%s\"\n",
                    requires, arena_f(a, "%s_backend", requires).p));
    } else {
        temp_dir_put(d, arena_f(a, "%s/pyproject.toml", top).p,
                     STR("[build-system]\nrequires = []\nbuild-backend = \"backend\"\n"
                         "backend-path = [\".\"]\n"));
        temp_dir_put(d, arena_f(a, "%s/backend.py", top).p, str_of(tiny_backend));
    }
    temp_dir_check(real_run(argv, d->path, NULL), "python3 -m tarfile");
    return temp_dir_at(d, archive);
}
