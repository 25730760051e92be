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
    LIMIT_SHARE_WEIGHT = 1000, /* of one user of shared connections, against one of weight 1 */

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
    LIMIT_INDEX_PACKAGES = 10000,     /* names and patterns that are held to one index */
    LIMIT_JOB_BYTES = 64 * LIMIT_MIB, /* of a job file: requirements files may stand in it */
    LIMIT_JOBS = 1000,                /* in one file, and in one run */
    LIMIT_JOB_CONTENTS = 1000,        /* files that one brings along */
    LIMIT_JOB_NAME_BYTES = 200,
    LIMIT_NETRC_BYTES = LIMIT_MIB,
    LIMIT_TYPED_BYTES = 4096,          /* one line at a prompt; terminals take no longer one */
    LIMIT_DIRECTORY_ENTRIES = 1000000, /* of one --find-links directory */

    /* What a daemon answers a command */
    LIMIT_CLIENT_ANSWER_BYTES = 256 * LIMIT_MIB,
    LIMIT_CLIENT_MESSAGE_BYTES = 16 * LIMIT_MIB,

    /* The daemon's HTTP side */
    LIMIT_DAEMON_CONNECTIONS = 512,
    LIMIT_DAEMON_SPARE_CONNECTIONS = 32, /* above them, which are only told that it is too many */
    LIMIT_DAEMON_PEER_CONNECTIONS = 256, /* of one user, or of one address */
    LIMIT_DAEMON_PEERS = 4096,           /* users and addresses that are remembered */
    LIMIT_DAEMON_ACCEPTS = 32,           /* connections taken in one turn of the loop */
    LIMIT_DAEMON_HEAD_BYTES = 16 * 1024, /* of a request: its line and headers */
    LIMIT_DAEMON_BODY_BYTES = 64 * LIMIT_MIB,
    LIMIT_DAEMON_BODIES_BYTES = 256 * LIMIT_MIB, /* of all requests that are there at once */
    LIMIT_DAEMON_REFUSED_BYTES = LIMIT_MIB,      /* read and forgotten of who is refused */
    LIMIT_DAEMON_HEAD_MS = 10000,                /* from the connection or the last answer on */
    LIMIT_DAEMON_BODY_MS = 60000,
    LIMIT_DAEMON_ANSWER_MS = 60000, /* for taking an answer that is no stream */
    LIMIT_DAEMON_RATE = 50,         /* requests a second of one address */
    LIMIT_DAEMON_BURST = 200,       /* requests of it at once */
    LIMIT_DAEMON_TOKEN_BYTES = 4096,
    LIMIT_DAEMON_SOCKETS = 16,  /* to listen on */
    LIMIT_DAEMON_METADATA = 64, /* questions for it at once */

    /* What is asked of the daemon */
    LIMIT_PATH_BYTES = 4095, /* PATH_MAX of Linux, less its NUL */
    LIMIT_ROOTS = 100,       /* directories that are open to jobs */
    LIMIT_JOB_KEY_BYTES = 256,
    LIMIT_JOB_EVENTS = 4000000,
    LIMIT_JOB_FILES = 1000000,
    LIMIT_EVENT_BYTES = LIMIT_MIB,           /* one event, or all that is said of one file */
    LIMIT_QUEUE_JOBS = 10000,                /* that have not ended */
    LIMIT_QUEUE_PAGE = 1000,                 /* jobs, events or files that are read at once */
    LIMIT_QUEUE_BATCH_BYTES = 4 * LIMIT_MIB, /* that wait to be written */

    /* Traces of earlier runs */
    LIMIT_TRACE_BYTES = 1024 * LIMIT_MIB, /* a run of 100,000 requirements writes a fifth of it */
    LIMIT_TRACE_LINE_BYTES = LIMIT_MIB,
    LIMIT_TRACE_TEXT_BYTES = 256 * LIMIT_MIB, /* kept of it: names, URLs, why something failed */
    LIMIT_TRACE_RECORDS = 4000000,            /* states that were left, and pages */
    LIMIT_TRACE_NAMES = 64,                   /* of states, of origins */
};
