#!/usr/bin/env python3
"""Functions and constructs that dray does not use, each with what is used instead.

Variable-length arrays are left to the compiler, which knows them better: -Wvla stands in meson.build.
"""

import re

import source

# pattern, why and what instead
BANNED = [
    (r"\b(strcpy|strcat|sprintf|vsprintf|stpcpy|gets)\s*\(", "unbounded; use struct buf or snprintf"),
    (r"\b(strtok|strtok_r)\s*\(", "writes into its input; use struct str"),
    (r"\b(atoi|atol|atoll|atof)\s*\(", "takes any text for a number; use the parsers of util/str.h"),
    (r"\b(strtol|strtoul|strtoll|strtoull|strtod)\s*\(",
     "skips blanks, signs and rests; use the parsers of util/str.h"),
    (r"\balloca\s*\(", "the stack has no way to say no; use an arena"),
    (r"\b(sleep|usleep|nanosleep|uv_sleep)\s*\(", "nothing waits outside the loop"),
    (r"\b(pthread_\w+|thrd_create|uv_thread_\w+|uv_queue_work|uv_getaddrinfo|uv_getnameinfo)\b",
     "dray has one thread; these make others"),
    (r"\b(getaddrinfo|gethostbyname|gethostbyname2|res_query)\s*\(",
     "blocks the loop; use net/dns.h"),
    (r"\b(CURLOPT_RESOLVER_START\w+|CURLOPT_FOLLOWLOCATION\s*,\s*1)",
     "names are resolved and redirects followed by us (net/http.h)"),
    (r"\b(malloc|calloc|realloc|strdup|strndup|asprintf|vasprintf)\s*\(",
     "may fail and is not checked; use util/mem.h"),
    (r"\b(rand|srand|random)\s*\(", "predictable; use getrandom or the clock's jitter"),
    (r"\b(gmtime|localtime|ctime|asctime)\s*\(", "keeps state of its own; use the _r form"),
]

# A pattern that one file is there for.
ALLOWED = {
    "src/net/dns_system.c": {"uv_getaddrinfo"},
    "src/util/mem.c": {"malloc", "calloc", "realloc", "strdup", "strndup"},
    "src/util/str.c": {"strtol", "strtoul", "strtoull"},
}

_EXIT = re.compile(r"\b_?exit\s*\(")
_GOTO = re.compile(r"\bgoto\s+(\w+)\s*;")


def lines_with(text, pattern):
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match


def asynchronous_fs(text):
    """uv_fs_* with a callback runs in libuv's thread pool; with NULL as its last argument it does not."""
    for match in re.finditer(r"\buv_fs_(?!req_cleanup|event|poll|get_)\w+\s*\(", text):
        depth, end = 1, match.end()
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        if text[match.end():end - 1].rsplit(",", 1)[-1].strip() != "NULL":
            yield text.count("\n", 0, match.start()) + 1


def backward_gotos(text):
    for line, match in lines_with(text, _GOTO):
        label = re.compile(rf"^\s*{match.group(1)}:(?!:)", re.MULTILINE)
        function_end = re.compile(r"^}", re.MULTILINE).search(text, match.end())
        end = function_end.start() if function_end else len(text)
        if not label.search(text, match.end(), end):
            yield line, match.group(1)


def problems_of(name, text):
    for pattern, why in BANNED:
        for line, match in lines_with(text, re.compile(pattern)):
            word = re.match(r"\w+", match.group()).group()
            if word not in ALLOWED.get(name, ()):
                yield line, f"{word}: {why}"
    if not name.startswith("src/cli/"):
        for line, _ in lines_with(text, _EXIT):
            yield line, "exit: only cli ends the process; return an error"
    for line in asynchronous_fs(text):
        yield line, "uv_fs_ with a callback runs in a thread; pass NULL"
    for line, label in backward_gotos(text):
        yield line, f"goto {label}: goto only goes forward"


def check():
    problems = []
    files = source.c_files("src", "include")
    for path in files:
        name = source.shown(path)
        text = source.without_comments(path.read_text(errors="replace"), literals=True)
        problems += [f"{name}:{line}: {why}" for line, why in problems_of(name, text)]
    return problems, len(files)


if __name__ == "__main__":
    source.main("check_banned", check)
