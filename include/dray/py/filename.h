/* filename.h: what the name of a distribution file tells: wheels (PEP 427, PEP 491, PEP 425) and
 * source distributions (PEP 625 and the older forms that indexes still serve). Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/py/version.h"

/* Borrowed from the arena it was parsed into, but for the three tag texts, which borrow from the
 * file name. */
struct wheel_name {
    struct str project; /* normalised (PEP 503) */
    struct version version;
    bool has_build;
    struct str build_digits; /* PEP 427: sorts first by the leading digits (here without leading
                                zeros; any length) */
    struct str build_rest;   /* then by the rest as text */
    struct str python_tags;  /* compressed sets, "py2.py3"; these three stand behind each other */
    struct str abi_tags;
    struct str platform_tags;
};

/* "name-version(-build)-python-abi-platform.whl"; accepts exactly what
 * packaging.utils.parse_wheel_filename does, but that letters of a project name and of a Python tag
 * are ASCII (core metadata has no others) and that the name has at most LIMIT_FILENAME_BYTES.
 * ERR_INPUT, ERR_LIMIT. */
int wheel_name_parse(struct arena *a, struct str filename, struct wheel_name *out, struct err *e);
/* Order of build tags: none first, then by number, then by rest. */
int wheel_build_cmp(const struct wheel_name *x, const struct wheel_name *y);

/* An sdist of `project` (normalised): cuts a known archive ending (sdist_ending), finds where the
 * project's name ends as pip does ("-" after a prefix that normalises to it) and parses the rest as
 * a version; a trailing
 * "-pyX.Y" is dropped. ERR_INPUT when it is none. */
int sdist_name_parse(struct arena *a, struct str filename, struct str project, struct version *out,
                     struct err *e);
/* The "2.7" of a trailing "-py2.7", STR_NONE when there is none. pip takes such a file only when
 * this is the very text of the target's python_version, and so passes over "-py3" always. Borrows
 * from `filename`. */
struct str sdist_name_python(struct str filename, struct str project);
/* The archive ending of a source distribution, among .zip .tar.gz .tgz .tar .tar.bz2 .tbz .tar.xz
 * .txz .tlz .tar.lz .tar.lzma, without regard to case; STR_NONE when there is none. Borrows from
 * `filename`. */
struct str sdist_ending(struct str filename);

/* May this be the last part of a path that dray writes: one component, no "/" or "\\", no control
 * characters or NUL, no leading ".", at most LIMIT_FILENAME_BYTES bytes, not empty. */
bool filename_is_safe(struct str filename);
