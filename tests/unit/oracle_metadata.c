/* Answers questions about core metadata, one a line on stdin, fields between tabs (escaped as in
 * case.h), so that differential_metadata.py can ask pip the same.
 *
 *   json TEXT     the JSON form, or no
 *   compare A B   same, differs FIELD, or no when one can't be read */
#include <stdlib.h>

#include "case.h"
#include "dray/py/metadata.h"

struct question {
    struct arena *a;
    const struct str *fields; /* STR_NONE where the line ended */
};

static bool read_metadata(const struct question *q, size_t i, struct metadata *out)
{
    struct err e = { 0 };
    int code = metadata_parse(q->a, q->fields[i], out, &e);

    err_done(&e);
    return code == 0;
}

static void answer_json(const struct question *q)
{
    struct metadata m;
    struct buf text = { 0 };

    if (read_metadata(q, 1, &m)) {
        struct json *j = json_open(&text, false);
        metadata_json(&m, j);
        json_close(j);
        puts(buf_z(&text));
    } else {
        puts("no");
    }
    buf_done(&text);
}

static void say(int code, struct err *e)
{
    struct str rest, field = str_cut(str_of(err_text(e)), ' ', &rest);

    if (code == 0)
        puts("same");
    else if (code == ERR_CONFLICT)
        printf("differs %.*s\n", STR_ARG(field));
    else
        puts("no");
    err_done(e);
}

static void answer_compare(const struct question *q)
{
    struct metadata x, y;
    struct err e = { 0 };

    if (read_metadata(q, 1, &x) && read_metadata(q, 2, &y))
        say(metadata_compare(&x, "one", &y, "other", &e), &e);
    else
        puts("no");
}

static const struct {
    const char *name;
    void (*answer)(const struct question *q);
} questions[] = {
    { "json", answer_json },
    { "compare", answer_compare },
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
            fprintf(stderr, "oracle_metadata: no such question: %s", line);
            status = 2;
        }
    }
    free(line);
    return status;
}
