/* target.h: the Python that files are chosen for: marker values and tags. Either the facts of an
 * interpreter that was asked (job/interpreter), or described by words alone. Pure; owns one arena.
 */
#pragma once

#include "dray/py/marker.h"
#include "dray/py/tags.h"
#include "dray/py/version.h"
#include "dray/util/err.h"

/* What an interpreter says of itself; all that tags and markers follow from. */
struct target_facts {
    struct marker_env env;
    unsigned python_major, python_minor;
    struct str ext_suffix; /* sysconfig EXT_SUFFIX; STR_NONE when unset */
    struct str soabi;      /* sysconfig SOABI */
    struct str
        platform; /* sysconfig.get_platform(): "linux-x86_64", "macosx-14.0-arm64", "win-amd64" */
    bool debug_build;                  /* Py_DEBUG */
    bool free_threaded;                /* Py_GIL_DISABLED (PEP 703) */
    bool is_32bit;                     /* of the interpreter, not of the kernel */
    unsigned glibc_major, glibc_minor; /* 0.0: not glibc */
    unsigned musl_major, musl_minor;   /* 0.0: not musl */
    unsigned macos_major, macos_minor; /* platform.mac_ver(); 0.0: not macOS */
    struct str macos_machine;          /* platform.mac_ver()[2] */
    struct str
        elf_abi;      /* "armhf", "i686" or STR_NONE: what the ELF header of the interpreter says */
    bool no_pymalloc; /* sysconfig WITH_PYMALLOC is 0: no "m" in the ABI tag of Python 3.7 and older
                       */
    unsigned android_api;               /* platform.android_ver().api_level; 0: not Android */
    const struct str *manylinux_denied; /* "2_17_x86_64": what the interpreter's _manylinux module
                                           refuses (PEP 600) */
    size_t n_manylinux_denied;
    struct str executable; /* sys.executable */
};

/* pip's --platform, --python-version, --implementation, --abi: empty parts are taken from `base`.
 */
struct target_words {
    const struct str *platforms;
    size_t n_platforms;
    struct str python_version; /* "3", "3.12", "312", "3.12.1"; pip's rules */
    struct str implementation; /* "cp", "pp", "py", ... */
    const struct str *abis;
    size_t n_abis;
};

/* What target_from_words() takes from a base for the words that were not said. */
struct target_base {
    struct str implementation; /* "cp", "pp"; of others the whole name: "graalpy" */
    unsigned python_major, python_minor;
    struct str ext_suffix;
    bool debug_build, free_threaded, no_pymalloc;
    const struct str *platforms; /* all platform tags, best first */
    size_t n_platforms;
};

struct target {
    struct arena arena;
    struct str label; /* "cpython 3.12 on linux x86_64", or the --target text as given */
    struct marker_env env;
    struct version
        python; /* the X.Y.Z of python_full_version; what Requires-Python is compared with (pip
                   takes sys.version_info[:3], so that 3.14.0rc1 counts as 3.14.0) */
    struct tag_set *tags;
    struct target_base base;
};

/* Copies what it keeps. Tags as packaging.tags.sys_tags() would give them in that interpreter.
 * ERR_UNSUPPORTED for iOS and Emscripten: no program can be started there, so nothing could have
 * been asked. */
int target_from_facts(const struct target_facts *facts, struct target **out, struct err *e);
/* `spec` is PYTHON:PLATFORM[+PLATFORM...], "3.12:win_amd64",
 * "cp313t:manylinux_2_28_x86_64+linux_x86_64", "pp310:macosx_11_0_arm64". Needs no Python. A
 * manylinux, musllinux or macosx platform stands for a machine of that version: older ones of the
 * same kind are accepted too. Markers follow the target (pip #11664): python_full_version is X.Y.0
 * unless given, platform_release and platform_version are "". The first platform that names a
 * machine says which. "any" alone takes only pure-Python wheels. ERR_USAGE says what was expected.
 */
int target_from_spec(struct str spec, struct target **out, struct err *e);
/* pip's meaning exactly (pip._internal.utils.compatibility_tags.get_supported): manylinux2014 also
 * stands for 2010 and 1, macosx for older ones, others for themselves alone. `base` gives what the
 * words leave open, and may be NULL when they leave nothing that needs it open: else ERR_USAGE says
 * what to add (of CPython without an ABI the usual build is meant). ERR_LIMIT above
 * LIMIT_TARGET_NUMBER and LIMIT_TARGET_TAGS. Markers follow the words, then the base. */
int target_from_words(const struct target_words *words, const struct target *base,
                      struct target **out, struct err *e);
void target_destroy(struct target *t);
