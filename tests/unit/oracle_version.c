/* Answers questions about versions and specifiers, one a line on stdin, fields between tabs
 * (escaped as in case.h), so that differential_version.py can ask `packaging` the same.
 *
 *   version TEXT      ok NORMALISED PRE POST LOCAL (0 or 1 each), or no
 *   cmp A B           -1, 0, 1, or no when one is no version
 *   spec SET VERSION  in, out, or no when the set (or the version) does not parse
 *   pre SET           does it ask for pre-releases: 1, 0, or no
 *   set SET           ok N PINNED TEXT, or no */
#include <stdlib.h>

#include "case.h"
#include "dray/py/specifier.h"

struct question {
    struct arena *a;
    const struct str *fields; /* STR_NONE where the line ended */
};

static bool read_version(const struct question *q, size_t i, struct version *out)
{
    struct err e = { 0 };
    int code = version_parse(q->a, q->fields[i], out, &e);

    err_done(&e);
    return code == 0;
}

static bool read_set(const struct question *q, struct specifier_set *out)
{
    struct err e = { 0 };
    int code = specifier_set_parse(q->a, q->fields[1], out, &e);

    err_done(&e);
    return code == 0;
}

static void answer_version(const struct question *q)
{
    struct version v;

    if (read_version(q, 1, &v))
        printf("ok\t%.*s\t%d\t%d\t%d\n", STR_ARG(v.text), v.pre, v.post, v.local);
    else
        puts("no");
}

static void answer_cmp(const struct question *q)
{
    struct version x, y;

    if (!read_version(q, 1, &x) || !read_version(q, 2, &y)) {
        puts("no");
        return;
    }
    int order = version_cmp(&x, &y);
    printf("%d\n", (order > 0) - (order < 0));
}

static void answer_spec(const struct question *q)
{
    struct specifier_set s;
    struct version v;

    if (!read_set(q, &s) || !read_version(q, 2, &v))
        puts("no");
    else
        puts(specifier_set_contains(&s, &v) ? "in" : "out");
}

static void answer_pre(const struct question *q)
{
    struct specifier_set s;

    if (read_set(q, &s))
        printf("%d\n", specifier_set_wants_pre(&s));
    else
        puts("no");
}

static void answer_set(const struct question *q)
{
    struct specifier_set s;

    if (!read_set(q, &s)) {
        puts("no");
        return;
    }
    printf("ok\t%zu\t%d\t", s.n, specifier_set_is_pinned(&s));
    fwrite(s.text.p, 1, s.text.n, stdout); /* "===" may be followed by a NUL */
    putchar('\n');
}

static const struct {
    const char *name;
    void (*answer)(const struct question *q);
} questions[] = {
    { "version", answer_version }, { "cmp", answer_cmp }, { "spec", answer_spec },
    { "pre", answer_pre },         { "set", answer_set },
};

static bool answer(char *line, size_t n)
{
    struct arena a = { 0 };
    struct case_line c = { .file = "stdin" };
    struct question q = { .a = &a, .fields = c.fields };
    bool known = false;

    if (!case_split(&c, line, n, '\t'))
        return false;
    for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
        if (!str_is(q.fields[0], questions[i].name))
            continue;
        questions[i].answer(&q);
        known = true;
    }
    arena_done(&a);
    return known;
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    int status = 0;

    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
        if (!answer(line, (size_t)n - (line[n - 1] == '\n'))) {
            fprintf(stderr, "oracle_version: no such question: %s", line);
            status = 2;
        }
    }
    free(line);
    return status;
}
