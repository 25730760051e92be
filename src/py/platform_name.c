/* Reading platform tags. One table says how the tags of each kind of system are shaped, another
 * which machines there are; what a marker says of them follows from both. */
#include "dray/py/platform.h"
#include "dray/util/limits.h"

static const struct platform_shape {
    const char *prefix;
    enum platform_kind kind;
    unsigned major, minor; /* what the prefix itself says: manylinux2014 is glibc 2.17 */
    unsigned numbers;      /* that follow it, each ended by "_" */
} shapes[] = {
    { "win_", PLATFORM_WINDOWS, 0, 0, 0 },
    { "linux_", PLATFORM_LINUX, 0, 0, 0 },
    { "manylinux_", PLATFORM_MANYLINUX, 0, 0, 2 },
    { "manylinux1_", PLATFORM_MANYLINUX, 2, 5, 0 },
    { "manylinux2010_", PLATFORM_MANYLINUX, 2, 12, 0 },
    { "manylinux2014_", PLATFORM_MANYLINUX, 2, 17, 0 },
    { "musllinux_", PLATFORM_MUSLLINUX, 0, 0, 2 },
    { "macosx_", PLATFORM_MACOS, 0, 0, 2 },
    { "ios_", PLATFORM_IOS, 0, 0, 2 },
    { "android_", PLATFORM_ANDROID, 0, 0, 1 },
};

#define KIND(name)  (1u << PLATFORM_##name)
#define KINDS_LINUX (KIND(LINUX) | KIND(MANYLINUX) | KIND(MUSLLINUX))

/* platform.machine() of each; "" where one binary serves several machines. */
static const struct platform_machine {
    const char *arch;
    unsigned kinds;
    const char *machine;
} machines[] = {
    { "32", KIND(WINDOWS), "x86" },
    { "amd64", KIND(WINDOWS), "AMD64" },
    { "arm64", KIND(WINDOWS), "ARM64" },
    { "x86_64", KINDS_LINUX | KIND(MACOS) | KIND(ANDROID), "x86_64" },
    { "i686", KINDS_LINUX, "i686" },
    { "aarch64", KINDS_LINUX, "aarch64" },
    { "armv6l", KIND(LINUX) | KIND(MUSLLINUX), "armv6l" },
    { "armv7l", KINDS_LINUX, "armv7l" },
    { "armv8l", KINDS_LINUX, "armv8l" },
    { "ppc64", KINDS_LINUX, "ppc64" },
    { "ppc64le", KINDS_LINUX, "ppc64le" },
    { "s390x", KINDS_LINUX, "s390x" },
    { "loongarch64", KINDS_LINUX, "loongarch64" },
    { "riscv64", KINDS_LINUX, "riscv64" },
    { "arm64", KIND(MACOS), "arm64" },
    { "i386", KIND(MACOS), "i386" },
    { "ppc", KIND(MACOS), "Power Macintosh" },
    { "ppc64", KIND(MACOS), "Power Macintosh" },
    { "universal2", KIND(MACOS), "" },
    { "universal", KIND(MACOS), "" },
    { "intel", KIND(MACOS), "" },
    { "fat", KIND(MACOS), "" },
    { "fat3", KIND(MACOS), "" },
    { "fat64", KIND(MACOS), "" },
    { "arm64_iphoneos", KIND(IOS), "arm64" },
    { "arm64_iphonesimulator", KIND(IOS), "arm64" },
    { "x86_64_iphonesimulator", KIND(IOS), "x86_64" },
    { "arm64_v8a", KIND(ANDROID), "aarch64" },
    { "armeabi_v7a", KIND(ANDROID), "armv7l" },
    { "x86", KIND(ANDROID), "i686" },
};

static const struct platform_machine *platform_machine_find(const struct platform *p)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (machines[i].kinds & (1u << p->kind) && str_is(p->arch, machines[i].arch))
            return &machines[i];
    return NULL;
}

static bool number_read(struct str text, unsigned *out)
{
    uint64_t n;

    if (!str_to_u64(text, LIMIT_TARGET_NUMBER, &n))
        return false;
    *out = (unsigned)n;
    return true;
}

static bool platform_parse_shape(const struct platform_shape *shape, struct str rest,
                                 struct platform *out)
{
    struct platform p = { .kind = shape->kind, .major = shape->major, .minor = shape->minor };

    if (shape->numbers >= 1 && !number_read(str_cut(rest, '_', &rest), &p.major))
        return false;
    if (shape->numbers >= 2 && !number_read(str_cut(rest, '_', &rest), &p.minor))
        return false;
    if (rest.n == 0)
        return false;
    p.arch = rest;
    *out = p;
    return true;
}

bool platform_parse(struct str tag, struct platform *out)
{
    if (str_is(tag, "any") || str_is(tag, "win32")) {
        bool any = str_is(tag, "any");
        *out = (struct platform){ .kind = any ? PLATFORM_ANY : PLATFORM_WINDOWS,
                                  .arch = any ? STR_NONE : str_sub(tag, 3, tag.n) };
        return true;
    }
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct str prefix = str_of(shapes[i].prefix);
        if (str_starts(tag, prefix))
            return platform_parse_shape(&shapes[i], str_sub(tag, prefix.n, tag.n), out);
    }
    return false;
}

static int platform_bad(struct str tag, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "\"%.*s\" is no platform: expected one like win_amd64, manylinux_2_28_x86_64, "
                   "musllinux_1_2_aarch64, macosx_14_0_arm64, linux_x86_64 or any",
                   STR_ARG(tag));
}

static void platform_expand_kind(const struct platform *p, struct str tag, struct platforms *out)
{
    struct glibc libc = { .major = p->major, .minor = p->minor };

    switch (p->kind) {
    case PLATFORM_ANY:
        return;
    case PLATFORM_WINDOWS:
    case PLATFORM_LINUX:
        platforms_add(out, tag);
        return;
    case PLATFORM_MANYLINUX:
        platforms_manylinux(out, p->arch, &libc);
        platforms_linux(out, p->arch);
        return;
    case PLATFORM_MUSLLINUX:
        platforms_musllinux(out, p->arch, p->major, p->minor);
        platforms_linux(out, p->arch);
        return;
    case PLATFORM_MACOS:
        platforms_macos(out, STR("macosx"), p->major, p->minor, p->arch);
        return;
    case PLATFORM_IOS:
        platforms_ios(out, STR("ios"), p->major, p->minor, p->arch);
        return;
    case PLATFORM_ANDROID:
        platforms_android(out, p->major, p->arch);
        return;
    }
}

int platform_expand(struct str tag, struct platforms *out, struct err *e)
{
    struct platform p;
    struct platforms own = { .arena = out->arena };

    if (!platform_parse(tag, &p) || (p.kind != PLATFORM_ANY && !platform_machine_find(&p)))
        return platform_bad(tag, e);
    platform_expand_kind(&p, tag, &own);
    /* A manylinux tag older than its architecture would leave "linux_" alone. */
    bool nothing =
        own.n == 0 || (p.kind == PLATFORM_MANYLINUX && str_starts(own.tags[0], STR("linux_")));
    if (nothing && p.kind != PLATFORM_ANY)
        return err_set(e, ERR_USAGE,
                       "no wheel can be for \"%.*s\": expected at least glibc 2.5 on x86 and 2.17 "
                       "elsewhere, macOS "
                       "10.0 (Intel: 10.4), iOS 12 or Android API level 16",
                       STR_ARG(tag));
    for (size_t i = 0; i < own.n; i++)
        platforms_add(out, own.tags[i]);
    return 0;
}

/* What pip's pattern (.+)_(\d+)_(\d+)_(.+) finds; its first part is as long as it can be. */
struct apple {
    struct str prefix, major, minor, arch;
};

static bool digits_only(struct str s)
{
    size_t n = 0;

    while (n < s.n && str_isdigit(s.p[n]))
        n++;
    return n > 0 && n == s.n;
}

static bool apple_match(struct str tag, struct apple *out)
{
    for (size_t i = tag.n; i-- > 1;) {
        if (tag.p[i] != '_')
            continue;
        struct str rest = str_sub(tag, i + 1, tag.n);
        out->prefix = str_sub(tag, 0, i);
        out->major = str_cut(rest, '_', &rest);
        out->minor = str_cut(rest, '_', &rest);
        out->arch = rest;
        if (digits_only(out->major) && digits_only(out->minor) && rest.n > 0)
            return true;
    }
    return false;
}

static int number_bad(struct str tag, struct err *e)
{
    return err_set(e, ERR_LIMIT, "platform \"%.*s\" has a version number above %d", STR_ARG(tag),
                   LIMIT_TARGET_NUMBER);
}

static int platform_expand_apple(struct str tag, bool ios, struct platforms *out, struct err *e)
{
    struct apple m;
    unsigned major, minor;

    if (!apple_match(tag, &m)) {
        platforms_add(out, tag);
        return 0;
    }
    if (!number_read(m.major, &major) || !number_read(m.minor, &minor))
        return number_bad(tag, e);
    if (ios)
        platforms_ios(out, m.prefix, major, minor, m.arch);
    else
        platforms_macos(out, m.prefix, major, minor, m.arch);
    return 0;
}

static int platform_expand_android(struct str tag, struct platforms *out, struct err *e)
{
    struct str abi = str_sub(tag, strlen("android_"), tag.n), api = str_cut(abi, '_', &abi);
    unsigned level;

    if (!digits_only(api) || abi.n == 0) {
        platforms_add(out, tag);
        return 0;
    }
    if (!number_read(api, &level))
        return number_bad(tag, e);
    platforms_android(out, level, abi);
    return 0;
}

int platform_expand_pip(struct str tag, struct platforms *out, struct err *e)
{
    struct str arch, prefix = str_cut(tag, '_', &arch);
    bool m2014 = str_is(prefix, "manylinux2014"), m2010 = str_is(prefix, "manylinux2010");
    bool x86 = str_is(arch, "x86_64") || str_is(arch, "i686");

    if (platforms_has(out, tag))
        return 0;
    if (str_starts(tag, STR("macosx")) || str_starts(tag, STR("ios")))
        return platform_expand_apple(tag, tag.p[0] == 'i', out, e);
    if (str_is(prefix, "android") && arch.p)
        return platform_expand_android(tag, out, e);
    platforms_add(out, tag);
    if (m2014 && x86)
        platforms_add(out, arena_f(out->arena, "manylinux2010_%.*s", STR_ARG(arch)));
    /* pip asks for no architecture here, though there is no manylinux1 but on x86. */
    if (m2010 || (m2014 && x86))
        platforms_add(out,
                      arena_f(out->arena, "manylinux1%s%.*s", arch.p ? "_" : "", STR_ARG(arch)));
    return 0;
}

bool platform_markers(struct str tag, struct marker_env *env)
{
    static const struct {
        const char *os_name, *sys_platform, *platform_system;
    } systems[] = {
        [PLATFORM_WINDOWS] = { "nt", "win32", "Windows" },
        [PLATFORM_LINUX] = { "posix", "linux", "Linux" },
        [PLATFORM_MANYLINUX] = { "posix", "linux", "Linux" },
        [PLATFORM_MUSLLINUX] = { "posix", "linux", "Linux" },
        [PLATFORM_MACOS] = { "posix", "darwin", "Darwin" },
        [PLATFORM_IOS] = { "posix", "ios", "iOS" },
        [PLATFORM_ANDROID] = { "posix", "android", "Android" },
    };
    struct platform p;

    if (!platform_parse(tag, &p) || p.kind == PLATFORM_ANY)
        return false;
    const struct platform_machine *known = platform_machine_find(&p);
    env->os_name = str_of(systems[p.kind].os_name);
    env->sys_platform = str_of(systems[p.kind].sys_platform);
    env->platform_system = str_of(systems[p.kind].platform_system);
    env->platform_machine = known ? str_of(known->machine) : p.arch;
    env->platform_release = STR("");
    env->platform_version = STR("");
    return true;
}
