/* A target from an interpreter's own facts. Each way to make one fills in the base and the marker
 * values, then has the tags made of a plan (target_tags); words are in target_words.c, --target
 * texts in target_spec.c. */
#include "dray/py/target.h"

#include <stdlib.h>

#include "dray/py/platform.h"
#include "dray/py/target_tags.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

void target_destroy(struct target *t)
{
    if (!t)
        return;
    arena_done(&t->arena);
    free(t);
}

static int facts_check(const struct target_facts *f, struct err *e)
{
    const unsigned numbers[] = { f->python_major, f->python_minor, f->glibc_major,
                                 f->glibc_minor,  f->musl_major,   f->musl_minor,
                                 f->macos_major,  f->macos_minor,  f->android_api };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i] > LIMIT_TARGET_NUMBER)
            return err_set(e, ERR_LIMIT,
                           "the interpreter reports the version number %u; expected at most %d",
                           numbers[i], LIMIT_TARGET_NUMBER);
    return 0;
}

/* The architecture of the interpreter, which on a 64-bit kernel may be a 32-bit one. */
static struct str linux_arch(const struct target_facts *f, struct str platform)
{
    struct str arch = str_sub(platform, strlen("linux_"), platform.n);

    if (f->is_32bit && str_is(arch, "x86_64"))
        return STR("i686");
    if (f->is_32bit && str_is(arch, "aarch64"))
        return STR("armv8l");
    return arch;
}

/* PEP 513 and PEP 600 are for certain machines; on 32-bit ones also for a certain ABI. */
static bool linux_has_manylinux(const struct target_facts *f, struct str arch)
{
    static const char *const archs[] = { "x86_64", "aarch64",     "ppc64",  "ppc64le",
                                         "s390x",  "loongarch64", "riscv64" };

    if (str_is(arch, "armv7l") || str_is(arch, "armv8l"))
        return str_is(f->elf_abi, "armhf");
    if (str_is(arch, "i686"))
        return str_is(f->elf_abi, "i686");
    for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++)
        if (str_is(arch, archs[i]))
            return true;
    return false;
}

static void platforms_of_linux(const struct target_facts *f, struct str platform,
                               struct platforms *out)
{
    struct glibc libc = { f->glibc_major, f->glibc_minor, f->manylinux_denied,
                          f->n_manylinux_denied };

    if (!str_starts(platform, STR("linux_"))) {
        platforms_add(out, platform);
        return;
    }
    struct str arch = linux_arch(f, platform);
    platforms_linux(out, arch);
    if (linux_has_manylinux(f, arch))
        platforms_manylinux(out, arch, &libc);
    if (f->musl_major)
        platforms_musllinux(out, arch, f->musl_major, f->musl_minor);
}

static struct str macos_arch(const struct target_facts *f)
{
    if (!f->is_32bit)
        return f->macos_machine;
    return str_starts(f->macos_machine, STR("ppc")) ? STR("ppc") : STR("i386");
}

static int platforms_of_facts(const struct target_facts *f, struct platforms *out, struct err *e)
{
    struct str system = f->env.platform_system,
               platform = platform_normalise(out->arena, f->platform);

    if (str_is(system, "iOS") || str_is(system, "Emscripten"))
        return err_set(e, ERR_UNSUPPORTED,
                       "an interpreter on %.*s is not supported: describe it with --platform",
                       STR_ARG(system));
    if (str_is(system, "Darwin")) {
        platforms_macos(out, STR("macosx"), f->macos_major, f->macos_minor, macos_arch(f));
    } else if (str_is(system, "Android")) {
        ptrdiff_t dash = str_rfind(f->platform, '-');
        platforms_android(out, f->android_api,
                          str_sub(f->platform, (size_t)(dash + 1), f->platform.n));
    } else if (str_is(system, "Linux")) {
        platforms_of_linux(f, platform, out);
    } else {
        platforms_add(out, platform);
    }
    return 0;
}

static void env_copy(struct arena *a, struct marker_env *to, const struct marker_env *from)
{
#define ENV_COPY(field, name) to->field = arena_str(a, from->field);
    MARKER_VARIABLES(ENV_COPY)
#undef ENV_COPY
}

static struct target *target_of_facts(const struct target_facts *f)
{
    struct target *t = mem_new(1, sizeof(*t));

    env_copy(&t->arena, &t->env, &f->env);
    t->label = arena_f(&t->arena, "%.*s %.*s on %.*s %.*s", STR_ARG(t->env.implementation_name),
                       STR_ARG(t->env.python_version), STR_ARG(t->env.sys_platform),
                       STR_ARG(t->env.platform_machine));
    t->base.implementation = target_implementation_tag(t->env.implementation_name);
    t->base.python_major = f->python_major;
    t->base.python_minor = f->python_minor;
    t->base.ext_suffix = arena_str(&t->arena, f->ext_suffix);
    t->base.debug_build = f->debug_build;
    t->base.free_threaded = f->free_threaded;
    t->base.no_pymalloc = f->no_pymalloc;
    return t;
}

int target_from_facts(const struct target_facts *facts, struct target **out, struct err *e)
{
    int code = facts_check(facts, e);
    if (code)
        return code;
    struct target *t = target_of_facts(facts);
    struct platforms platforms = { .arena = &t->arena };
    code = platforms_of_facts(facts, &platforms, e);
    t->base.platforms = platforms.tags;
    t->base.n_platforms = platforms.n;
    if (!code)
        code = target_set_python(t, e);
    if (!code)
        code = target_sys_tags(t, e);
    if (code)
        target_destroy(t);
    else
        *out = t;
    return code;
}
