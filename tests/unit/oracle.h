/* oracle.h: a program that answers the questions of a differential_*.py, one a line on stdin: a
 * name and fields, with tabs between them, escaped as in case.h. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "dray/util/arena.h"

/* Lives until it is answered. */
struct question {
    struct arena *a;
    struct err *e;
    const struct str *fields; /* the name is the first; STR_NONE where the line ended */
    size_t n;
};

struct oracle_answer {
    const char *name;
    void (*print)(const struct question *q); /* one line */
};

/* As case.h reads it, and oracle.py writes it. */
static inline void oracle_print(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c >= 0x7f || c == '\\')
            printf("\\x%02x", c);
        else
            putchar(c);
    }
}

static inline bool oracle_answer_line(const struct oracle_answer *answers, size_t n, char *line,
                                      size_t bytes)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct case_line c = { .file = "stdin" };
    bool known = false;

    if (!case_split(&c, line, bytes, '\t'))
        return false;
    for (size_t i = 0; i < n && !known; i++) {
        known = str_is(c.fields[0], answers[i].name);
        if (known)
            answers[i].print(&(struct question){ &a, &e, c.fields, c.n });
    }
    err_done(&e);
    arena_done(&a);
    return known;
}

/* What main() returns. */
static inline int oracle_run(const struct oracle_answer *answers, size_t n)
{
    char *line = NULL;
    size_t cap = 0;
    int status = 0;

    for (ssize_t got; (got = getline(&line, &cap, stdin)) > 0;) {
        if (!oracle_answer_line(answers, n, line, (size_t)got - (line[got - 1] == '\n'))) {
            fprintf(stderr, "no such question: %s\n", line);
            status = 2;
        }
    }
    free(line);
    return status;
}
