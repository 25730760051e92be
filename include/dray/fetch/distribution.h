/* distribution.h: the files of one project, as their names tell what they are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/py/filename.h"
#include "dray/py/simple.h"

/* Borrowed from the listing it came from and the arena it was parsed into. */
struct distribution {
    const struct simple_file *file;
    struct str base; /* relative URLs of the file start here */
    struct version version;
    struct wheel_name wheel; /* of a wheel */
    struct str sdist_python; /* of an sdist for one Python, "X.Y"; else STR_NONE */
    bool is_wheel;
};

/* What `file` is to `project` (normalised): false when it is neither a wheel nor a source
 * distribution of it, or has a name that must not be written to a disk. */
bool distribution_parse(struct arena *a, const struct simple_file *file, struct str project,
                        struct str base, struct distribution *out);
/* Where it is, absolute, with the credentials of the page that lists it if it is there: never to be
 * shown. In `a`. ERR_INPUT: nowhere that a page may name. */
int distribution_url(const struct distribution *d, struct arena *a, struct str *out, struct err *e);
/* That of a URL by itself, by the name at its end. `project`: STR_NONE when it is to be found out;
 * its name goes to `out_project` either way. ERR_INPUT: it does not tell a project and a version.
 */
int distribution_of_url(struct arena *a, struct str url, struct str project,
                        struct distribution *out, struct str *out_project, struct err *e);
