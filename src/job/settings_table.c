/* The one table of names. Where pip has an option, its name, letter and meaning are pip's; what a
 * requirements file may say is what pip.req.req_file allows there. */
#include "dray/job/settings.h"

enum {
    OURS = SETTING_IN_CLI | SETTING_IN_ENV,
    PIPS = OURS | SETTING_IN_PIP,
    FILES = PIPS | SETTING_IN_REQFILE,
    ALL = COMMAND_DOWNLOAD | COMMAND_WHEEL | COMMAND_INSTALL | COMMAND_METADATA,
    FETCHING = COMMAND_DOWNLOAD | COMMAND_WHEEL | COMMAND_INSTALL,
    PLACING = COMMAND_DOWNLOAD | COMMAND_WHEEL,
    CHOOSING = COMMAND_DOWNLOAD | COMMAND_WHEEL | COMMAND_METADATA, /* for another Python */
    MAX_SECONDS = 24 * 60 * 60,
    MAX_RETRIES = 100,
    MAX_CONNECTIONS = 256,
};

#define AT(field) offsetof(struct settings, field)

const struct setting settings_table[] = {
    { "requirement", 'r', SETTING_LIST, AT(requirement_files), FILES, ALL, 0, "FILE",
      "take requirements from this file or URL" },
    { "constraint", 'c', SETTING_LIST, AT(constraint_files), FILES, ALL, 0, "FILE",
      "hold versions to what this file or URL says" },
    { "no-deps", 0, SETTING_FLAG, AT(no_deps), PIPS, FETCHING, 0, NULL,
      "fetch what is named, not what it depends on" },

    { "index-url", 'i', SETTING_TEXT, AT(index_url), FILES, ALL, 0, "URL",
      "the package index: the root of its simple API" },
    { "extra-index-url", 0, SETTING_LIST, AT(extra_index_urls), FILES, ALL, 0, "URL",
      "one more index beside it" },
    { "no-index", 0, SETTING_FLAG, AT(no_index), FILES, ALL, 0, NULL,
      "ask no index, only what --find-links names" },
    { "find-links", 'f', SETTING_LIST, AT(find_links), FILES, ALL, 0, "URL|DIR",
      "a page of links or a directory that holds distributions" },

    { "only-binary", 0, SETTING_FORMAT, AT(format_control), FILES, ALL, 0, "NAMES",
      "wheels only for these projects: names with commas, :all: or :none:" },
    { "no-binary", 0, SETTING_FORMAT, AT(format_control), FILES, ALL, 0, "NAMES",
      "no wheels for these projects: names with commas, :all: or :none:" },
    { "prefer-binary", 0, SETTING_FLAG, AT(prefer_binary), FILES, ALL, 0, NULL,
      "rather an older wheel than a newer source distribution" },
    { "pre", 0, SETTING_FLAG, AT(pre), FILES, ALL, 0, NULL, "consider pre-releases too" },
    { "require-hashes", 0, SETTING_FLAG, AT(require_hashes), FILES, ALL, 0, NULL,
      "every requirement must be pinned and come with a hash" },
    { "no-require-hashes", 0, SETTING_FLAG, AT(no_require_hashes), FILES, ALL, 0, NULL,
      "some requirements may have hashes and others none" },

    { "python", 0, SETTING_TEXT, AT(python), OURS, ALL, 0, "PYTHON",
      "fetch for this interpreter: path or name (default: python3)" },
    { "target", 0, SETTING_LIST, AT(targets), OURS, CHOOSING, 0, "PYTHON:PLATFORM",
      "fetch for this Python and platform, e.g. 3.12:win_amd64" },
    { "platform", 0, SETTING_LIST, AT(platforms), PIPS, CHOOSING, 0, "PLATFORM",
      "wheels for this platform, e.g. manylinux2014_x86_64" },
    { "python-version", 0, SETTING_TEXT, AT(python_version), PIPS, CHOOSING, 0, "VERSION",
      "wheels for this Python: 3, 3.12, 312 or 3.12.1" },
    { "implementation", 0, SETTING_TEXT, AT(implementation), PIPS, CHOOSING, 0, "NAME",
      "wheels for this implementation: cp, pp, py, ..." },
    { "abi", 0, SETTING_LIST, AT(abis), PIPS, CHOOSING, 0, "ABI",
      "wheels for this ABI, e.g. cp312, abi3" },

    { "dest", 'd', SETTING_PATH, AT(dest), PIPS, COMMAND_DOWNLOAD, 0, "DIR",
      "put the files here (default: .)" },
    { "wheel-dir", 'w', SETTING_PATH, AT(dest), PIPS, COMMAND_WHEEL, 0, "DIR",
      "put the wheels here (default: .)" },
    { "link-mode", 0, SETTING_LINK, AT(link_mode), OURS, PLACING, 0, "MODE",
      "from the store by reflink, hardlink or copy, or what works first: auto (default)" },
    { "cache-dir", 0, SETTING_PATH, AT(cache_dir), OURS, ALL, 0, "DIR",
      "keep what can be used again here" },
    { "cache-size", 0, SETTING_BYTES, AT(cache_bytes), OURS, ALL, 0, "SIZE",
      "keep at most so much (default: 10GiB, or a tenth of the disk if that is less)" },
    { "pip-cache-dir", 0, SETTING_PATH, AT(pip_cache_dir), OURS | SETTING_IN_PIP, ALL, 0, "DIR",
      "look here for what pip has fetched or built already" },
    { "no-cache-dir", 0, SETTING_FLAG, AT(no_cache_dir), PIPS, ALL, 0, NULL,
      "keep nothing for later runs" },

    { "trusted-host", 0, SETTING_LIST, AT(trusted_hosts), FILES, ALL, 0, "HOST[:PORT]",
      "do not verify this host's certificate" },
    { "cert", 0, SETTING_PATH, AT(cert), PIPS, ALL, 0, "FILE",
      "certificate authorities to trust (PEM)" },
    { "client-cert", 0, SETTING_PATH, AT(client_cert), PIPS, ALL, 0, "FILE",
      "certificate and private key to show to servers (PEM)" },
    { "timeout", 0, SETTING_SECONDS, AT(timeout_s), PIPS, ALL, MAX_SECONDS, "SECONDS",
      "give up when nothing moved for so long (default: 15)" },
    { "retries", 0, SETTING_NUMBER, AT(retries), PIPS, ALL, MAX_RETRIES, "N",
      "try again so many times (default: 5)" },
    { "connections", 0, SETTING_NUMBER, AT(connections), OURS, ALL, MAX_CONNECTIONS, "N",
      "requests at once, in all (default: 50)" },

    { "offline", 0, SETTING_FLAG, AT(offline), OURS, ALL, 0, NULL,
      "ask no server: use what is kept, and say what is missing" },

    { "json", 0, SETTING_FLAG, AT(json), OURS, COMMAND_METADATA, 0, NULL,
      "write the metadata as JSON" },
    { "stats", 0, SETTING_FLAG, AT(stats), OURS, COMMAND_METADATA, 0, NULL,
      "say how each was read: requests, bytes" },
    { "dry-run", 0, SETTING_FLAG, AT(dry_run), OURS, FETCHING, 0, NULL,
      "choose the files and say which, fetch none" },
    { "report", 0, SETTING_PATH, AT(report), OURS, FETCHING, 0, "FILE",
      "write what was done as pip's installation report (-: standard output)" },
    { "trace", 0, SETTING_PATH, AT(trace), OURS, ALL, 0, "FILE",
      "write every event as a line of JSON (-: standard output)" },
    { "progress", 0, SETTING_PROGRESS, AT(progress), OURS, ALL, 0, "WHEN",
      "show progress: auto, on, off or json (default: auto)" },
    { "quiet", 'q', SETTING_COUNT_UP, AT(quiet), PIPS, ALL, 3, NULL, "say less; may be repeated" },
    { "verbose", 'v', SETTING_COUNT_UP, AT(verbose), PIPS, ALL, 3, NULL,
      "say more; may be repeated" },
    { NULL, 0, SETTING_FLAG, 0, 0, 0, 0, NULL, NULL },
};

/* pip's other spellings of the same options. */
const struct setting_alias settings_aliases[] = {
    { "no-dependencies", "no-deps" }, { "pypi-url", "index-url" },
    { "destination-dir", "dest" },    { "destination-directory", "dest" },
    { "default-timeout", "timeout" }, { NULL, NULL },
};
