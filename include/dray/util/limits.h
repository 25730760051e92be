/* limits.h: every cap on what comes from outside, by name. What reaches one is refused with
 * ERR_LIMIT and a sentence that names the thing and the number. */
#pragma once

#define LIMIT_MIB (1024 * 1024)

enum {
    /* Requirements and their files */
    LIMIT_REQUIREMENT_BYTES = 64 * 1024, /* one logical line, hashes included */
    LIMIT_REQFILE_BYTES =
        64 * LIMIT_MIB,       /* one file; a lock of 10,000 projects with 60 hashes each has 50 */
    LIMIT_REQFILE_DEPTH = 32, /* -r within -r */
    LIMIT_REQUIREMENTS = 100000, /* in one run */
    LIMIT_MARKER_DEPTH = 64,     /* parentheses within parentheses */
    LIMIT_VERSION_BYTES = 1024,  /* one version; real ones have under 60 */
    LIMIT_FILENAME_BYTES = 255,  /* NAME_MAX of the usual file systems */

    LIMIT_TARGETS = 1000, /* in one run */
    LIMIT_TARGET_NUMBER =
        200, /* one number of a Python, glibc, musl, macOS, iOS or Android version */
    LIMIT_TARGET_TAGS = 500000, /* of one target; real ones have under 5,000 */

    /* What servers send */
    LIMIT_LISTING_BYTES =
        64 * LIMIT_MIB,           /* one project page, decoded; the largest known has 40 MiB */
    LIMIT_LISTING_FILES = 200000, /* files on one page */
    LIMIT_LISTING_FIELD_BYTES = 64 * 1024, /* one string on it */
    LIMIT_JSON_DEPTH = 64,
    LIMIT_HTML_DEPTH = 2 * LIMIT_LISTING_FILES, /* open elements: a page that closes no <p><a> */
    LIMIT_HTML_TAG_BYTES = 256 * 1024,          /* from one ">" of a page to the next */
    LIMIT_HTML_STEPS =
        256 * LIMIT_MIB,             /* of what costs more than the page is long: simple_html.c */
    LIMIT_HEADER_BYTES = 256 * 1024, /* all headers of one response */
    LIMIT_URL_BYTES = 16 * 1024,
    LIMIT_REDIRECTS = 20,      /* of one request; browsers and curl stop at 20 to 50 */
    LIMIT_RETRY_AFTER_S = 600, /* a server that asks for longer is reported, not waited for */
    LIMIT_IGNORED_BODY_BYTES =
        64 * 1024,         /* read of an answer that is not success, so that its connection stays */
    LIMIT_ADDRESSES = 16,  /* tried for one host name */
    LIMIT_CHALLENGES = 32, /* looked at in one WWW-Authenticate */

    /* Wheels, read from outside in */
    LIMIT_ZIP_STEPS = 16, /* of reading one; a wheel usually takes one or two */
    LIMIT_ZIP_DIRECTORY_BYTES = 16 * LIMIT_MIB, /* a central directory of 100,000 entries */
    LIMIT_METADATA_BYTES =
        16 * LIMIT_MIB, /* inflated; pip has no cap, the largest known has 1 MiB */
    LIMIT_METADATA_FIELDS = 100000,
    LIMIT_SDIST_BYTES = 1024 * LIMIT_MIB, /* inflated, up to PKG-INFO */

    /* Dependencies */
    LIMIT_SOLVE_PROJECTS = 10000, /* of one target; the largest known sets have under 2,000 */
    LIMIT_SOLVE_ROUNDS = 1000000, /* decisions and conflicts; pip gives up after 200,000 */

    /* The store */
    LIMIT_STORE_RECORD_BYTES = 64 * LIMIT_MIB,
    LIMIT_NOTE_BYTES = 16 * 1024,       /* what lies beside a body that was cut */
    LIMIT_PIP_RECORD_BYTES = LIMIT_MIB, /* the headers of one answer in pip's cache */

    /* What children and local files say */
    LIMIT_CHILD_OUTPUT_BYTES = LIMIT_MIB,
    LIMIT_PIP_REPORT_BYTES = 64 * LIMIT_MIB,
    LIMIT_CHILD_TAIL_BYTES = 64 * 1024, /* kept of a child of which only the end counts */
    LIMIT_CHILD_INPUT_BYTES = 4096,     /* what any pipe takes at once */
    LIMIT_KEYRING_BYTES = 64 * 1024,    /* one name and password */
    LIMIT_CONFIG_BYTES = LIMIT_MIB,
    LIMIT_YAML_DEPTH = 16,     /* lists and maps within each other */
    LIMIT_YAML_NODES = 100000, /* of one document */
    LIMIT_INDEXES = 100,       /* that have names */
    LIMIT_INDEX_NAME_BYTES = 64,
    LIMIT_INDEX_PACKAGES = 10000, /* names and patterns that are held to one index */
    LIMIT_NETRC_BYTES = LIMIT_MIB,
    LIMIT_TYPED_BYTES = 4096,          /* one line at a prompt; terminals take no longer one */
    LIMIT_DIRECTORY_ENTRIES = 1000000, /* of one --find-links directory */

    /* Traces of earlier runs */
    LIMIT_TRACE_BYTES = 1024 * LIMIT_MIB, /* a run of 100,000 requirements writes a fifth of it */
    LIMIT_TRACE_LINE_BYTES = LIMIT_MIB,
    LIMIT_TRACE_TEXT_BYTES = 256 * LIMIT_MIB, /* kept of it: names, URLs, why something failed */
    LIMIT_TRACE_RECORDS = 4000000,            /* states that were left, and pages */
    LIMIT_TRACE_NAMES = 64,                   /* of states, of origins */
};
