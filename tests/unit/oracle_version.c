/* Answers questions about versions and specifiers, one a line on stdin, fields between tabs
 * (escaped as in case.h), so that differential_version.py can ask `packaging` the same.
 *
 *   version TEXT      ok NORMALISED PRE POST LOCAL (0 or 1 each), or no
 *   cmp A B           -1, 0, 1, or no when one is no version
 *   spec SET VERSION  in, out, or no when the set (or the version) does not parse
 *   pre SET           does it ask for pre-releases: 1, 0, or no
 *   set SET           ok N PINNED TEXT, or no */
#include "oracle.h"

#include "dray/py/specifier.h"

static bool read_version(const struct question *q, size_t i, struct version *out)
{
    return version_parse(q->a, q->fields[i], out, q->e) == 0;
}

static bool read_set(const struct question *q, struct specifier_set *out)
{
    return specifier_set_parse(q->a, q->fields[1], out, q->e) == 0;
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

int main(void)
{
    static const struct oracle_answer answers[] = {
        { "version", answer_version }, { "cmp", answer_cmp }, { "spec", answer_spec },
        { "pre", answer_pre },         { "set", answer_set },
    };

    return oracle_run(answers, sizeof(answers) / sizeof(answers[0]));
}
