/* One generator for each kind of system, newest version first. Versions are counted down without
 * asking which of them were ever published: that costs a few tags that no wheel has, and needs no
 * table that ages. */
#include "dray/py/platform.h"

#include <limits.h>
#include <stdarg.h>

#include "dray/util/buf.h"

bool platforms_has(const struct platforms *p, struct str tag)
{
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->tags[i], tag))
            return true;
    return false;
}

void platforms_add(struct platforms *p, struct str tag)
{
    if (platforms_has(p, tag))
        return;
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 32;
        struct str *tags = arena_alloc(p->arena, p->cap, sizeof(*tags));
        for (size_t i = 0; i < p->n; i++)
            tags[i] = p->tags[i];
        p->tags = tags;
    }
    p->tags[p->n++] = arena_str(p->arena, tag);
}

__attribute__((format(printf, 2, 3))) static void platforms_add_f(struct platforms *p,
                                                                  const char *format, ...)
{
    struct buf tag = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&tag, format, ap);
    va_end(ap);
    platforms_add(p, buf_str(&tag));
    buf_done(&tag);
}

/* A 64-bit ARM kernel runs 32-bit programs as armv8l, which is armv7l and more. */
static size_t linux_archs(struct str arch, struct str out[static 2])
{
    out[0] = arch;
    out[1] = STR("armv7l");
    return str_is(arch, "armv8l") ? 2 : 1;
}

void platforms_linux(struct platforms *p, struct str arch)
{
    struct str archs[2];
    size_t n = linux_archs(arch, archs);

    for (size_t i = 0; i < n; i++)
        platforms_add_f(p, "linux_%.*s", STR_ARG(archs[i]));
}

/* The older names of PEP 513, 571 and 599 follow the tag that they are another name of. */
static void platforms_add_glibc(struct platforms *p, struct str arch, unsigned major,
                                unsigned minor)
{
    static const struct {
        unsigned minor;
        const char *name;
    } older[] = { { 17, "manylinux2014" }, { 12, "manylinux2010" }, { 5, "manylinux1" } };

    platforms_add_f(p, "manylinux_%u_%u_%.*s", major, minor, STR_ARG(arch));
    for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++)
        if (major == 2 && minor == older[i].minor)
            platforms_add_f(p, "%s_%.*s", older[i].name, STR_ARG(arch));
}

static bool glibc_denied(const struct glibc *libc, struct str arch, unsigned major, unsigned minor)
{
    bool found = false;

    if (!libc->n_denied)
        return false;
    struct buf key = { 0 };
    buf_add_f(&key, "%u_%u_%.*s", major, minor, STR_ARG(arch));
    for (size_t i = 0; i < libc->n_denied && !found; i++)
        found = str_eq(libc->denied[i], buf_str(&key));
    buf_done(&key);
    return found;
}

void platforms_manylinux(struct platforms *p, struct str arch, const struct glibc *libc)
{
    /* packaging guesses where the minor numbers of a major version that has ended stop; 2 has not.
     */
    enum { LAST_MINOR = 50 };
    struct str archs[2];
    size_t n = linux_archs(arch, archs);
    bool x86 = str_is(arch, "x86_64") || str_is(arch, "i686");

    for (size_t i = 0; i < n; i++) {
        for (unsigned major = libc->major; major >= 2; major--) {
            unsigned first = major > 2 ? 0 : x86 ? 5 : 17;
            unsigned last = major == libc->major ? libc->minor : LAST_MINOR;
            for (unsigned minor = last + 1; minor-- > first;)
                if (!glibc_denied(libc, archs[i], major, minor))
                    platforms_add_glibc(p, archs[i], major, minor);
        }
    }
}

void platforms_musllinux(struct platforms *p, struct str arch, unsigned major, unsigned minor)
{
    struct str archs[2];
    size_t n = linux_archs(arch, archs);

    for (size_t i = 0; i < n; i++)
        for (unsigned at = minor + 1; at-- > 0;)
            platforms_add_f(p, "musllinux_%u_%u_%.*s", major, at, STR_ARG(archs[i]));
}

/* Binary formats that hold code for a processor; the oldest Mac OS X with Intel machines is 10.4.
 */
static const struct macos_arch {
    const char *arch;
    unsigned first, last; /* 10.x that has it at all */
    const char *formats[6];
} macos_archs[] = {
    { "x86_64", 4, UINT_MAX, { "intel", "fat64", "fat3", "universal2", "universal", NULL } },
    { "i386", 4, UINT_MAX, { "intel", "fat3", "fat", "universal", NULL } },
    { "ppc64", 4, 5, { "fat64", "universal", NULL } },
    { "ppc", 0, 6, { "fat3", "fat", "universal", NULL } },
    { "arm64", 0, UINT_MAX, { "universal2", NULL } },
    { "intel", 0, UINT_MAX, { "universal", NULL } },
};

static const struct macos_arch *macos_arch_find(struct str arch)
{
    for (size_t i = 0; i < sizeof(macos_archs) / sizeof(macos_archs[0]); i++)
        if (str_is(arch, macos_archs[i].arch))
            return &macos_archs[i];
    return NULL;
}

/* The tags of one version of macOS; `version` is "macosx_10_9". */
static void platforms_add_macos(struct platforms *p, struct str version, unsigned ordinal,
                                struct str arch)
{
    const struct macos_arch *known = macos_arch_find(arch);

    if (known && (ordinal < known->first || ordinal > known->last))
        return;
    platforms_add_f(p, "%.*s_%.*s", STR_ARG(version), STR_ARG(arch));
    for (size_t i = 0; known && known->formats[i]; i++)
        platforms_add_f(p, "%.*s_%s", STR_ARG(version), known->formats[i]);
}

void platforms_macos(struct platforms *p, struct str prefix, unsigned major, unsigned minor,
                     struct str arch)
{
    enum { LAST_10 = 16, FIRST_10 = 4, SINCE_11 = 1000 };
    struct buf version = { 0 };

    /* From 11 on the years count in the first number, and the second one does not matter. */
    for (unsigned at = major; at >= 11; at--) {
        buf_reset(&version);
        buf_add_f(&version, "%.*s_%u_0", STR_ARG(prefix), at);
        platforms_add_macos(p, buf_str(&version), SINCE_11, arch);
    }
    /* macOS 11 runs what was made for 10.x: all of it on Intel. On others only universal2, whose
     * version may be that of its Intel half. */
    unsigned last = major == 10 ? minor : LAST_10, first = major == 10 ? 0 : FIRST_10;
    bool only_universal2 = major > 10 && !str_is(arch, "x86_64");
    for (unsigned at = last + 1; major >= 10 && at-- > first;) {
        buf_reset(&version);
        buf_add_f(&version, "%.*s_10_%u", STR_ARG(prefix), at);
        if (only_universal2)
            platforms_add_f(p, "%s_universal2", buf_z(&version));
        else
            platforms_add_macos(p, buf_str(&version), at, arch);
    }
    buf_done(&version);
}

void platforms_ios(struct platforms *p, struct str prefix, unsigned major, unsigned minor,
                   struct str multiarch)
{
    enum { FIRST = 12, LAST_MINOR = 9 };
    struct str arch = platform_normalise(p->arena, multiarch);

    for (unsigned at = major; at >= FIRST; at--)
        for (unsigned small = (at == major ? minor : LAST_MINOR) + 1; small-- > 0;)
            platforms_add_f(p, "%.*s_%u_%u_%.*s", STR_ARG(prefix), at, small, STR_ARG(arch));
}

void platforms_android(struct platforms *p, unsigned api, struct str abi)
{
    enum { FIRST_API = 16 };
    struct str arch = platform_normalise(p->arena, abi);

    for (unsigned at = api; at >= FIRST_API; at--)
        platforms_add_f(p, "android_%u_%.*s", at, STR_ARG(arch));
}

struct str platform_normalise(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n + 1, 1);

    for (size_t i = 0; i < text.n; i++)
        out[i] = text.p[i] == '-' || text.p[i] == '.' || text.p[i] == ' ' ? '_' : text.p[i];
    return (struct str){ out, text.n };
}
