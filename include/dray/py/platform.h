/* platform.h: platform tags, the last part of a compatibility tag: what a machine of a known kind
 * and version accepts (PEP 425, 513, 571, 599, 600 for glibc, PEP 656 for musl, PEP 730 and 738 for
 * iOS and Android), and what the text of one such tag says. Pure. The order is that of
 * packaging.tags. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/py/marker.h"
#include "dray/util/arena.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

/* A growing list of platform tags, each once; `struct platforms p = { .arena = a }` is an empty
 * one. */
struct platforms {
    struct arena *arena;
    struct str *tags;
    size_t n, cap;
};

bool platforms_has(const struct platforms *p, struct str tag);
/* Appends a tag that isn't in the list; copies it. */
void platforms_add(struct platforms *p, struct str tag);

/* "linux_<arch>"; armv8l also stands for armv7l. */
void platforms_linux(struct platforms *p, struct str arch);
/* What a machine of glibc `major`.`minor` accepts, with the older names of PEP 513, 571 and 599.
 * `denied` are "major_minor_arch" that are left out. */
struct glibc {
    unsigned major, minor;
    const struct str *denied;
    size_t n_denied;
};
void platforms_manylinux(struct platforms *p, struct str arch, const struct glibc *libc);
void platforms_musllinux(struct platforms *p, struct str arch, unsigned major, unsigned minor);
/* `prefix` is "macosx", `arch` what platform.mac_ver() says or a multi-architecture format. */
void platforms_macos(struct platforms *p, struct str prefix, unsigned major, unsigned minor,
                     struct str arch);
/* `prefix` is "ios", `multiarch` "arm64_iphoneos". Nothing below iOS 12. */
void platforms_ios(struct platforms *p, struct str prefix, unsigned major, unsigned minor,
                   struct str multiarch);
/* Nothing below API level 16. */
void platforms_android(struct platforms *p, unsigned api, struct str abi);
/* `text` with "_" for each of "-", "." and blank, in `a`. */
struct str platform_normalise(struct arena *a, struct str text);

enum platform_kind {
    PLATFORM_ANY,
    PLATFORM_WINDOWS,
    PLATFORM_LINUX,
    PLATFORM_MANYLINUX,
    PLATFORM_MUSLLINUX,
    PLATFORM_MACOS,
    PLATFORM_IOS,
    PLATFORM_ANDROID
};

/* What one platform tag says. Borrows from its text. */
struct platform {
    enum platform_kind kind;
    unsigned major, minor; /* of glibc, musl, macOS, iOS; Android's API level is major */
    struct str arch;       /* of Windows "32", "amd64", "arm64" */
};

/* Reads the shape of a tag; false for none of the kinds above, or a number above
 * LIMIT_TARGET_NUMBER. */
bool platform_parse(struct str tag, struct platform *out);
/* Appends all that `--target`'s meaning of the tag accepts: a machine of that version. ERR_USAGE.
 */
int platform_expand(struct str tag, struct platforms *out, struct err *e);
/* Appends what pip's --platform means by it: macOS, iOS and Android of that version and older,
 * manylinux2014 and 2010 with the older names, all else for itself. ERR_LIMIT for versions above
 * LIMIT_TARGET_NUMBER. */
int platform_expand_pip(struct str tag, struct platforms *out, struct err *e);
/* Sets the marker values that follow from a platform; false and unchanged when none do (`any`,
 * unknown ones). The machine is "" where one binary serves several. */
bool platform_markers(struct str tag, struct marker_env *env);
