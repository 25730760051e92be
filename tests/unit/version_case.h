/* version_case.h: lines of cases for the tests of versions and specifiers, and for their oracle. A
 * line is fields with " | " (in a .case file) or a tab (in the oracle's protocol) between them; in
 * a field \t \n \\ \xNN stand for a byte and \e for none, so that an empty field and outer blanks
 * can be seen. Lines that begin with # and empty lines are passed over. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "dray/util/arena.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/str.h"

static inline unsigned case_hex(char c)
{
    return str_isdigit(c) ? (unsigned)(c - '0') : (unsigned)(str_lower(c) - 'a' + 10);
}

static inline struct str case_unescape(struct arena *a, struct str s)
{
    char *to = arena_alloc(a, s.n + 1, 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        char next = i + 1 < s.n ? s.p[i + 1] : '\0';
        if (s.p[i] != '\\') {
            to[n++] = s.p[i];
            continue;
        }
        i++;
        if (next == 'x' && i + 2 < s.n) {
            to[n++] = (char)(case_hex(s.p[i + 1]) << 4 | case_hex(s.p[i + 2]));
            i += 2;
        } else if (next != 'e') {
            to[n++] = next;
            to[n - 1] = next == 't' ? '\t' : next == 'n' ? '\n' : next;
        }
    }
    return (struct str){ to, n };
}

/* At most `max` fields, unescaped; their number. */
static inline size_t case_split(struct arena *a, struct str line, const char *between,
                                struct str *fields, size_t max)
{
    size_t n = 0;

    while (n < max) {
        ptrdiff_t at = str_search(line, str_of(between));
        fields[n++] = case_unescape(a, at < 0 ? line : str_sub(line, 0, (size_t)at));
        if (at < 0)
            return n;
        line = str_sub(line, (size_t)at + strlen(between), line.n);
    }
    return n;
}

/* Runs `check` over the cases of a file; it says on stderr what is wrong and returns false then.
 * Returns the failures, or -1 when the file can't be read or has no cases. */
static inline int case_run(const char *path,
                           bool (*check)(const struct str *fields, size_t n, void *with),
                           void *with)
{
    struct buf content = { 0 };
    struct err e = { 0 };
    int failures = 0, line_number = 0, cases = 0;

    if (file_read(path, LIMIT_CONFIG_BYTES, &content, &e))
        fprintf(stderr, "%s\n", err_text(&e));
    for (struct str rest = buf_str(&content); rest.p;) {
        struct str line = str_cut(rest, '\n', &rest), fields[8];
        struct arena a = { 0 };
        line_number++;
        if (line.n && line.p[0] != '#') {
            cases++;
            if (!check(fields, case_split(&a, line, " | ", fields, 8), with)) {
                fprintf(stderr, "%s:%d: %.*s\n", path, line_number, STR_ARG(line));
                failures++;
            }
        }
        arena_done(&a);
    }
    buf_done(&content);
    err_done(&e);
    return cases ? failures : -1;
}
