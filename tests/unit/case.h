/* case.h: walks the *.case files of tests/data. A line is a case: fields with "|" between them,
 * blanks around a "|" are free. Empty lines, and lines that begin with "#", are passed over.
 *
 * In a field \n \t \r \v \f \s (blank) \p ("|") \\ and \xNN stand for a byte, and \e for none, so
 * that an empty field and outer blanks can be seen. Any other escape is a mistake in the file.
 *
 * A case that fails says why and is counted, so that one run shows all that is wrong. */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "dray/util/buf.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"

enum { CASE_FIELDS_MAX = 32 };

struct case_line {
    const char *file;                   /* below tests/data */
    unsigned number;                    /* of the line, from 1 */
    struct str fields[CASE_FIELDS_MAX]; /* unescaped, each followed by a NUL; then STR_NONE */
    size_t n;
    bool failed;
};

/* One case. The fields live until case_each() returns. */
typedef void (*case_fn)(struct case_line *c, void *ctx);

/* The case has failed, for this reason. */
__attribute__((format(printf, 2, 3))) static inline void case_fail(struct case_line *c,
                                                                   const char *format, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%u: ", c->file, c->number);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    c->failed = true;
}

/* Fails unless `ok`; for checks that have said what is wrong, or have but one way to be. */
static inline void case_check(struct case_line *c, bool ok)
{
    if (!ok)
        case_fail(c, "does not hold");
}

/* Fails unless both are the same. */
static inline void case_equal(struct case_line *c, struct str got, struct str want)
{
    if (!str_eq(got, want))
        case_fail(c, "got \"%.*s\", want \"%.*s\"", STR_ARG(got), STR_ARG(want));
}

/* Fails unless `text` contains `part`. */
static inline void case_contains(struct case_line *c, struct str text, struct str part)
{
    if (str_search(text, part) < 0)
        case_fail(c, "got \"%.*s\", want \"%.*s\" in it", STR_ARG(text), STR_ARG(part));
}

/* Fails unless there are `least` to `most` fields; to be asked before they are looked at. */
static inline bool case_has(struct case_line *c, size_t least, size_t most)
{
    if (c->n < least || c->n > most)
        case_fail(c, "has %zu fields, expected %zu to %zu", c->n, least, most);
    return c->n >= least && c->n <= most;
}

static inline int case_hex(char c)
{
    c = str_lower(c);
    return str_isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte of the escape that begins behind the backslash at s.p[0], and its length with the
 * backslash: 0 if it is none. *byte is -1 for "no byte". */
static inline size_t case_escape(struct str s, int *byte)
{
    static const char letters[] = "ntrvfsp\\", bytes[] = "\n\t\r\v\f |\\";
    char letter = s.n > 1 ? s.p[1] : '\0';
    const char *at = letter ? strchr(letters, letter) : NULL;

    *byte = at ? bytes[at - letters] : -1;
    if (letter == 'x' && s.n > 3 && case_hex(s.p[2]) >= 0 && case_hex(s.p[3]) >= 0) {
        *byte = case_hex(s.p[2]) * 16 + case_hex(s.p[3]);
        return 4;
    }
    return at || letter == 'e' ? 2 : 0;
}

/* Unescapes `n` bytes in place, since they only get fewer; false at what is no escape. */
static inline bool case_unescape(char *p, size_t n, struct str *out)
{
    size_t kept = 0;

    for (size_t i = 0; i < n;) {
        int byte = p[i];
        size_t used = byte == '\\' ? case_escape((struct str){ p + i, n - i }, &byte) : 1;
        if (!used)
            return false;
        if (used == 1 || byte >= 0)
            p[kept++] = (char)byte;
        i += used;
    }
    *out = (struct str){ p, kept };
    return true;
}

/* Splits `n` bytes in place. False when there are too many fields, or one that is none. */
static inline bool case_split(struct case_line *c, char *p, size_t n, char between)
{
    struct str rest = { p, n };

    memset(c->fields, 0, sizeof(c->fields));
    for (c->n = 0; rest.p; c->n++) {
        if (c->n == CASE_FIELDS_MAX)
            return false;
        struct str field = str_cut(rest, between, &rest);
        char *start = p + (field.p - p);
        if (between == '|') {
            struct str trimmed = str_trim(field);
            start += trimmed.p - field.p;
            field = trimmed;
        }
        if (!case_unescape(start, field.n, &c->fields[c->n]))
            return false;
        start[c->fields[c->n].n] = '\0'; /* there was an escape, a blank, `between` or the end */
    }
    return true;
}

static inline bool case_line_run(struct case_line *c, char *p, size_t n, case_fn fn, void *ctx)
{
    c->failed = false;
    if (case_split(c, p, n, '|'))
        fn(c, ctx);
    else
        case_fail(c, "has more than %d fields, or an escape that is none", CASE_FIELDS_MAX);
    return !c->failed;
}

/* Calls `fn` for each case of tests/data/<name>. False when one fails, and when there are fewer
 * than `least`, so that an emptied file is noticed. */
__attribute__((warn_unused_result)) static inline bool case_each(const char *name, unsigned least,
                                                                 case_fn fn, void *ctx)
{
    struct buf path = { 0 }, content = { 0 };
    struct err e = { 0 };
    struct case_line c = { .file = name };
    unsigned cases = 0, failed = 0;

    buf_add_f(&path, TEST_DATA "/%s", name);
    if (file_read(buf_z(&path), LIMIT_CONFIG_BYTES, &content, &e))
        fprintf(stderr, "%s\n", err_text(&e));
    for (char *line = content.p, *end; line && *line; line = end) {
        size_t n = strcspn(line, "\n");
        end = line + n + (line[n] == '\n');
        c.number++;
        if (*line == '#' || !str_trim((struct str){ line, n }).n)
            continue;
        cases++;
        failed += !case_line_run(&c, line, n, fn, ctx);
    }
    if (cases < least)
        fprintf(stderr, "%s has %u cases, expected at least %u\n", name, cases, least);
    buf_done(&path);
    buf_done(&content);
    err_done(&e);
    return failed == 0 && cases >= least;
}
