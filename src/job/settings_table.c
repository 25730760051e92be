/* The one table of names. Where pip has an option, its name, letter and meaning are pip's; what a
 * requirements file may say is what pip.req.req_file allows there. */
#include "dray/job/settings.h"

enum {
    ONE_RUN = SETTING_IN_CLI | SETTING_IN_ENV, /* what is said of one run alone */
    PROCESS = ONE_RUN | SETTING_IN_FILE,       /* what people see of it, not what it does */
    ONE_JOB = ONE_RUN | SETTING_IN_JOB,
    SERVING = SETTING_IN_CLI | SETTING_IN_ENV | SETTING_IN_FILE, /* of the daemon itself */
    OURS = PROCESS | SETTING_IN_JOB, /* in a daemon it says so for all */
    JOBS = OURS | SETTING_IN_DAEMON,
    SEEN = PROCESS | SETTING_IN_PIP,
    PIPS = OURS | SETTING_IN_PIP,
    JOBS_PIPS = PIPS | SETTING_IN_DAEMON,
    FILES = JOBS_PIPS | SETTING_IN_REQFILE,
    WISHES = ONE_JOB | SETTING_IN_DAEMON | SETTING_IN_PIP | SETTING_IN_REQFILE, /* what to fetch */
    SINGLE = COMMAND_DOWNLOAD | COMMAND_WHEEL | COMMAND_INSTALL | COMMAND_METADATA | COMMAND_LOCK,
    ALL = SINGLE | COMMAND_RUN | COMMAND_DAEMON, /* what may be said of all jobs of a process */
    ASKING = COMMAND_SUBMIT | COMMAND_JOBS | COMMAND_WATCH | COMMAND_CANCEL, /* a daemon */
    KEEPING = ALL | COMMAND_CACHE,
    TELLING = KEEPING | COMMAND_CONFIG,
    FETCHING = COMMAND_DOWNLOAD | COMMAND_WHEEL | COMMAND_INSTALL,
    RESOLVING = FETCHING | COMMAND_LOCK,
    PLACING = COMMAND_DOWNLOAD | COMMAND_WHEEL,
    CHOOSING = COMMAND_DOWNLOAD | COMMAND_WHEEL | COMMAND_METADATA | COMMAND_LOCK, /* a Python */
    MAX_SECONDS = 24 * 60 * 60,
    MAX_RETRIES = 100,
    MAX_KEPT = 1000000,
};

#define AT(field) offsetof(struct settings, field)

const struct setting settings_table[] = {
    { "requirement", 'r', SETTING_LIST, AT(requirement_files), WISHES, SINGLE, 0, "FILE",
      "take requirements from this file or URL" },
    { "constraint", 'c', SETTING_LIST, AT(constraint_files), FILES, SINGLE, 0, "FILE",
      "hold versions to what this file or URL says" },
    { "no-deps", 0, SETTING_FLAG, AT(no_deps), JOBS_PIPS, RESOLVING, 0, NULL,
      "fetch what is named, not what it depends on" },

    { "index-url", 'i', SETTING_TEXT, AT(index_url), FILES, ALL, 0, "URL",
      "the package index: the root of its simple API" },
    { "extra-index-url", 0, SETTING_LIST, AT(extra_index_urls), FILES, ALL, 0, "URL",
      "one more index beside it" },
    { "no-index", 0, SETTING_FLAG, AT(no_index), FILES, ALL, 0, NULL,
      "ask no index, only what --find-links names" },
    { "index", 0, SETTING_INDEX, AT(indexes), ONE_RUN, ALL, 0, "NAME=URL",
      "an index with a name; dray.yaml says which packages only it serves" },
    { "index-strategy", 0, SETTING_WORD, AT(index_strategy), JOBS, ALL, 0, "best-match|first-index",
      "of several indexes: the best of all, or the first that has it" },
    { "find-links", 'f', SETTING_LIST, AT(find_links), FILES, ALL, 0, "URL|DIR",
      "a page of links or a directory that holds distributions" },

    { "only-binary", 0, SETTING_FORMAT, AT(format_control), FILES, ALL, 0, "NAMES",
      "wheels only for these projects: names with commas, :all: or :none:" },
    { "no-binary", 0, SETTING_FORMAT, AT(format_control), FILES, ALL, 0, "NAMES",
      "no wheels for these projects: names with commas, :all: or :none:" },
    { "prefer-binary", 0, SETTING_FLAG, AT(prefer_binary), FILES, ALL, 0, NULL,
      "rather an older wheel than a newer source distribution" },
    { "pre", 0, SETTING_FLAG, AT(pre), FILES, ALL, 0, NULL, "consider pre-releases too" },
    { "resolution", 0, SETTING_WORD, AT(resolution), JOBS, RESOLVING, 0,
      "highest|lowest|lowest-direct", "which versions to prefer (default: highest)" },
    { "exclude-newer", 0, SETTING_DATE, AT(exclude_newer), JOBS, ALL, 0, "DATE",
      "leave out what was uploaded after this day or time" },
    { "require-hashes", 0, SETTING_FLAG, AT(require_hashes), FILES, ALL, 0, NULL,
      "every requirement must be pinned and come with a hash" },
    { "no-require-hashes", 0, SETTING_FLAG, AT(no_require_hashes), FILES, ALL, 0, NULL,
      "some requirements may have hashes and others none" },

    { "python", 0, SETTING_TEXT, AT(python), JOBS, ALL, 0, "PYTHON",
      "fetch for this interpreter: path or name (default: python3)" },
    { "target", 0, SETTING_LIST, AT(targets), JOBS, CHOOSING, 0, "PYTHON:PLATFORM",
      "fetch for this Python and platform, e.g. 3.12:win_amd64" },
    { "target-file", 0, SETTING_LIST, AT(target_files), JOBS, CHOOSING, 0, "FILE",
      "targets from this file, one a line" },
    { "layout", 0, SETTING_WORD, AT(layout), JOBS, COMMAND_DOWNLOAD, 0, "flat|target",
      "files of several targets in one directory, or one each" },
    { "platform", 0, SETTING_LIST, AT(platforms), JOBS_PIPS, CHOOSING, 0, "PLATFORM",
      "wheels for this platform, e.g. manylinux2014_x86_64" },
    { "python-version", 0, SETTING_TEXT, AT(python_version), JOBS_PIPS, CHOOSING, 0, "VERSION",
      "wheels for this Python: 3, 3.12, 312 or 3.12.1" },
    { "implementation", 0, SETTING_TEXT, AT(implementation), JOBS_PIPS, CHOOSING, 0, "NAME",
      "wheels for this implementation: cp, pp, py, ..." },
    { "abi", 0, SETTING_LIST, AT(abis), JOBS_PIPS, CHOOSING, 0, "ABI",
      "wheels for this ABI, e.g. cp312, abi3" },

    { "dest", 'd', SETTING_PATH, AT(dest), JOBS_PIPS, COMMAND_DOWNLOAD, 0, "DIR",
      "put the files here (default: .)" },
    { "wheel-dir", 'w', SETTING_PATH, AT(dest), JOBS_PIPS, COMMAND_WHEEL, 0, "DIR",
      "put the wheels here (default: .)" },
    { "link-mode", 0, SETTING_WORD, AT(link_mode), JOBS, PLACING, 0, "auto|reflink|hardlink|copy",
      "how files come from the store (auto: what works first)" },
    { "cache-dir", 0, SETTING_PATH, AT(cache_dir), OURS, KEEPING, 0, "DIR",
      "keep what can be used again here" },
    { "cache-size", 0, SETTING_BYTES, AT(cache_bytes), OURS, KEEPING, 0, "SIZE",
      "keep at most so much (default: 10GiB, or a tenth of the disk if that is less)" },
    { "pip-cache-dir", 0, SETTING_PATH, AT(pip_cache_dir), OURS | SETTING_IN_PIP, ALL, 0, "DIR",
      "look here for what pip has fetched or built already" },
    { "no-cache-dir", 0, SETTING_FLAG, AT(no_cache_dir), PIPS, KEEPING, 0, NULL,
      "keep nothing for later runs" },

    { "trusted-host", 0, SETTING_LIST, AT(trusted_hosts), FILES, ALL, 0, "HOST[:PORT]",
      "do not verify this host's certificate" },
    { "cert", 0, SETTING_PATH, AT(cert), PIPS, ALL, 0, "FILE",
      "certificate authorities to trust: PEM file, or directory" },
    { "client-cert", 0, SETTING_PATH, AT(client_cert), PIPS, ALL, 0, "FILE",
      "certificate and private key to show to servers (PEM)" },
    { "proxy", 0, SETTING_PROXY, AT(proxy), PIPS, ALL, 0, "URL",
      "ask through this proxy: http, https, socks5 or socks4 (\"\": through none)" },
    { "no-proxy-env", 0, SETTING_FLAG, AT(no_proxy_env), PIPS, ALL, 0, NULL,
      "heed no proxy that the environment names" },
    { "resolver", 0, SETTING_WORD, AT(resolver), OURS, ALL, 0, "c-ares|system",
      "who looks up host names (system: in threads, by all that it has)" },
    { "no-input", 0, SETTING_FLAG, AT(no_input), PIPS, ALL, 0, NULL, "ask nobody for a password" },
    { "keyring-provider", 0, SETTING_WORD, AT(keyring_provider), PIPS, ALL, 0,
      "auto|subprocess|import|disabled",
      "ask the program keyring for passwords (import: the same; default: auto)" },
    { "save-credentials", 0, SETTING_FLAG, AT(save_credentials), OURS, ALL, 0, NULL,
      "keep in the keyring what was typed, once it has proved right" },
    { "bearer-token", 0, SETTING_LIST, AT(bearer_tokens), OURS, ALL, 0, "HOST[:PORT]=VARIABLE",
      "send the token in this variable to this host" },
    { "timeout", 0, SETTING_SECONDS, AT(timeout_s), PIPS, ALL, MAX_SECONDS, "SECONDS",
      "give up when nothing moved for so long (default: 15)" },
    { "retries", 0, SETTING_NUMBER, AT(retries), PIPS, ALL, MAX_RETRIES, "N",
      "try again so many times (default: 5)" },
    { "connections", 0, SETTING_NUMBER, AT(connections), JOBS, ALL, SETTINGS_CONNECTIONS_MAX, "N",
      "requests at once, in all (default: 50)" },
    { "connections-per-host", 0, SETTING_NUMBER, AT(connections_per_host), OURS, ALL,
      SETTINGS_CONNECTIONS_MAX, "N", "requests at once to one host (default: --connections)" },
    { "limit-rate", 0, SETTING_RATE, AT(limit_rate), JOBS, ALL, 0, "RATE",
      "read at most so many bytes a second, e.g. 500K or 2M" },

    { "no-http2", 0, SETTING_FLAG, AT(no_http2), OURS, ALL, 0, NULL, "speak HTTP/1.1 only" },

    { "offline", 0, SETTING_FLAG, AT(offline), JOBS, ALL, 0, NULL,
      "ask no server: use what is kept, and say what is missing" },

    { "on-error", 0, SETTING_WORD, AT(on_error), JOBS, ALL, 0, "continue|stop",
      "of a requirement that fails: fetch the others, or end (default: continue)" },
    { "check", 0, SETTING_FLAG, AT(check_only), SETTING_IN_CLI, COMMAND_RUN, 0, NULL,
      "say whether the job files are well-formed, and fetch nothing" },
    { "priority", 0, SETTING_WORD, AT(priority), ONE_JOB | SETTING_IN_DAEMON,
      PLACING | COMMAND_SUBMIT, 0, "low|normal|high",
      "with --daemon: which jobs come first (default: normal)" },
    { "daemon", 0, SETTING_FLAG, AT(to_daemon), ONE_RUN, PLACING, 0, NULL,
      "let the daemon do it, and show it as if it were done here" },
    { "wait", 0, SETTING_FLAG, AT(waits), SETTING_IN_CLI, COMMAND_SUBMIT, 0, NULL,
      "show the jobs until they have ended" },
    { "socket", 0, SETTING_PATH, AT(socket), SERVING, PLACING | COMMAND_DAEMON | ASKING, 0, "PATH",
      "the daemon's socket (default: $XDG_RUNTIME_DIR/dray/dray.sock)" },
    { "root", 0, SETTING_LIST, AT(roots), SERVING, COMMAND_DAEMON, 0, "DIR",
      "jobs may write below this directory" },
    { "state-dir", 0, SETTING_PATH, AT(state_dir), SERVING, COMMAND_DAEMON, 0, "DIR",
      "keep the jobs here (default: $XDG_STATE_HOME/dray)" },
    { "max-jobs", 0, SETTING_NUMBER, AT(max_jobs), SERVING, COMMAND_DAEMON, SETTINGS_JOBS_MAX, "N",
      "jobs that run at once, from 1 (default: 16)" },
    { "keep-jobs", 0, SETTING_NUMBER, AT(keep_jobs), SERVING, COMMAND_DAEMON, MAX_KEPT, "N",
      "remember so many jobs that have ended (default: 1000)" },
    { "stop-timeout", 0, SETTING_SECONDS, AT(stop_timeout_s), SERVING, COMMAND_DAEMON, MAX_SECONDS,
      "SECONDS", "let jobs finish for so long when it ends (default: 10)" },
    { "allow-uid", 0, SETTING_LIST, AT(allow_uids), SERVING, COMMAND_DAEMON, 0, "UID",
      "this user may submit jobs, too" },
    { "listen", 0, SETTING_LIST, AT(listen), SERVING, COMMAND_DAEMON, 0, "ADDRESS:PORT",
      "listen on TCP, too, for those who know the token" },
    { "token-file", 0, SETTING_PATH, AT(token_file), SERVING, COMMAND_DAEMON, 0, "FILE",
      "the token that who comes by TCP must send" },
    { "allow-host", 0, SETTING_LIST, AT(allow_hosts), SERVING, COMMAND_DAEMON, 0, "HOST[:PORT]",
      "one more name by which it is reached on TCP" },
    { "config", 0, SETTING_PATH, AT(config), ONE_RUN, TELLING, 0, "FILE",
      "read this configuration file, and no other dray.yaml" },
    { "isolated", 0, SETTING_FLAG, AT(isolated), SETTING_IN_CLI, TELLING, 0, NULL,
      "heed no DRAY_* and PIP_* variables and no configuration of the user" },
    { "json", 0, SETTING_FLAG, AT(json), OURS, COMMAND_METADATA | COMMAND_CONFIG | COMMAND_JOBS, 0,
      NULL, "write JSON" },
    { "stats", 0, SETTING_FLAG, AT(stats), OURS, ALL, 0, NULL,
      "say what was read: requests, bytes, what was of no use" },
    { "format", 0, SETTING_WORD, AT(lock_format), OURS, COMMAND_LOCK, 0, "requirements|pylock|json",
      "of the lock (default: requirements)" },
    { "only-target", 0, SETTING_FLAG, AT(only_target), OURS, COMMAND_LOCK, 0, NULL,
      "lock only the files that the targets take, not all of a version" },
    { "output", 'o', SETTING_PATH, AT(output), OURS, COMMAND_LOCK, 0, "FILE",
      "write the lock into this file" },
    { "dry-run", 0, SETTING_FLAG, AT(dry_run), ONE_JOB, FETCHING | COMMAND_RUN, 0, NULL,
      "choose the files and say which, fetch none" },
    { "report", 0, SETTING_PATH, AT(report), OURS, FETCHING, 0, "FILE",
      "write what was done as pip's installation report (-: standard output)" },
    { "trace", 0, SETTING_PATH, AT(trace), OURS, SINGLE, 0, "FILE",
      "write every event as a line of JSON (-: standard output)" },
    { "progress", 0, SETTING_WORD, AT(progress), PROCESS, ALL | COMMAND_SUBMIT | COMMAND_WATCH, 0,
      "auto|on|off|json", "show progress (default: auto)" },
    { "quiet", 'q', SETTING_COUNT_UP, AT(quiet), SEEN, ALL | ASKING, 3, NULL,
      "say less; may be repeated" },
    { "verbose", 'v', SETTING_COUNT_UP, AT(verbose), SEEN, ALL | ASKING, 3, NULL,
      "say more; may be repeated" },
    { NULL, 0, SETTING_FLAG, 0, 0, 0, 0, NULL, NULL },
};

/* Other spellings of the same options: pip's, and curl's --http1.1. */
const struct setting_alias settings_aliases[] = {
    { "no-dependencies", "no-deps" },
    { "pypi-url", "index-url" },
    { "destination-dir", "dest" },
    { "destination-directory", "dest" },
    { "default-timeout", "timeout" },
    { "http1.1", "no-http2" },
    { NULL, NULL },
};

size_t settings_row(const struct setting *which)
{
    return (size_t)(which - settings_table);
}

size_t settings_rows(void)
{
    const struct setting *end = settings_table;

    while (end->name)
        end++;
    return settings_row(end);
}
