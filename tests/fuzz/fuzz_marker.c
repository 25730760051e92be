/* Any bytes as a marker: what is accepted has an answer, and its text reads as the same marker with
 * the same answer. */
#include <stdlib.h>

#include "dray/py/marker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct marker_env usual = {
    .implementation_version = { "3.12.4", 6 },
    .os_name = { "posix", 5 },
    .platform_release = { "6.1.0-18-amd64", 14 },
    .python_full_version = { "3.13.0a1+", 9 },
    .python_version = { "3.12", 4 },
    .sys_platform = { "linux", 5 },
};

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct arena a = { 0 };
    const struct marker *m, *again;
    struct err e = { 0 };

    if (marker_parse(&a, text, &m, &e)) {
        check(e.code && err_text(&e)[0]);
    } else {
        bool plain = marker_eval(m, &usual, STR_NONE);
        bool extra = marker_eval(m, &usual, STR("Test_Extra"));
        struct str written = marker_text(&a, m);
        if (str_find(text, '\\') < 0) { /* escapes in its strings are not kept */
            check(marker_parse(&a, written, &again, &e) == 0);
            check(str_eq(written, marker_text(&a, again)));
            check(marker_eval(again, &usual, STR_NONE) == plain);
            check(marker_eval(again, &usual, STR("test-extra")) == extra);
        }
    }
    err_done(&e);
    arena_done(&a);
    return 0;
}
