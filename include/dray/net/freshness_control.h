/* freshness_control.h: what a Cache-Control says to a private cache (RFC 9111 section 5.2.2). Pure.
 * Private to net/freshness. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/util/str.h"

struct freshness_control {
    bool no_store, no_cache, must_revalidate, immutable;
    /* An invalid max-age, or text that is no list of directives: what it has for restrictions
     * holds, and the answer counts as stale (section 4.2.1). */
    bool malformed;
    int64_t max_age_s; /* -1: none */
};

/* Digits, of any number (RFC 9111 section 1.2.2): what is beyond INT64_MAX becomes that. */
bool freshness_seconds(struct str text, int64_t *out);
/* STR_NONE says nothing. */
struct freshness_control freshness_control_parse(struct str value);
