/* case_fields.h: walks a *.case file of tests/data. A line is a case of fields separated by " | " (blanks around a "|"
 * are free); "#" at the beginning is a comment, \n \r \t \v \f \s (blank) \p ("|") \\ and \xNN stand for bytes. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dray/util/buf.h"
#include "dray/util/file.h"
#include "dray/util/strs.h"

struct case_line {
    const char *file;
    unsigned line;
    struct str fields[8]; /* unescaped */
    size_t n;
};

typedef void (*case_fn)(const struct case_line *c);

static inline int case_hex(char c)
{
    return str_isdigit(c) ? c - '0' : str_lower(c) - 'a' + 10;
}

/* In place, since it only ever gets shorter. */
static inline struct str case_unescape(char *p, size_t n)
{
    static const char from[] = "nrtvfsp\\", to[] = "\n\r\t\v\f |\\";
    size_t out = 0;

    for (size_t i = 0; i < n; i++) {
        const char *at = p[i] == '\\' && i + 1 < n ? strchr(from, p[i + 1]) : NULL;
        if (at) {
            p[out++] = to[at - from];
            i++;
        } else if (p[i] == '\\' && i + 3 < n + 0 && p[i + 1] == 'x') {
            p[out++] = (char)(case_hex(p[i + 2]) * 16 + case_hex(p[i + 3]));
            i += 3;
        } else {
            p[out++] = p[i];
        }
    }
    return (struct str){ p, out };
}

static inline void case_split(struct case_line *c, struct str line)
{
    c->n = 0;
    while (line.p && c->n < sizeof(c->fields) / sizeof(c->fields[0])) {
        struct str field = str_trim(str_cut(line, '|', &line));
        c->fields[c->n++] = case_unescape((char *)(uintptr_t)field.p, field.n);
    }
}

/* Calls `fn` for each case; fails when there are fewer than `min`, so that an emptied file is noticed. */
static inline void case_each(const char *name, unsigned min, case_fn fn)
{
    struct buf path = { 0 }, content = { 0 };
    struct err e = { 0 };
    struct case_line c = { 0 };
    unsigned cases = 0;

    buf_add_f(&path, TEST_DATA "/%s", name);
    if (file_read(buf_z(&path), 1u << 20, &content, &e))
        fail_msg("%s", err_text(&e));
    c.file = name;
    for (struct str rest = buf_str(&content), line; rest.p;) {
        line = str_cut(rest, '\n', &rest);
        c.line++;
        if (!str_trim(line).n || line.p[0] == '#')
            continue;
        case_split(&c, line);
        fn(&c);
        cases++;
    }
    if (cases < min)
        fail_msg("%s has %u cases, expected at least %u", name, cases, min);
    buf_done(&path);
    buf_done(&content);
}

/* Fails with file and line when the answer is another. */
static inline void case_equal(const struct case_line *c, struct str got, struct str want)
{
    if (!str_eq(got, want))
        fail_msg("%s:%u: got \"%.*s\", want \"%.*s\"", c->file, c->line, STR_ARG(got), STR_ARG(want));
}
