/* Answers questions about core metadata, one a line on stdin, fields between tabs (escaped as in
 * case.h), so that differential_metadata.py can ask pip the same.
 *
 *   json TEXT     the JSON form, or no
 *   compare A B   same, differs FIELD, or no when one can't be read */
#include "oracle.h"

#include "dray/py/metadata.h"

static bool read_metadata(const struct question *q, size_t i, struct metadata *out)
{
    return metadata_parse(q->a, q->fields[i], out, q->e) == 0;
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

static void say(int code, const struct err *e)
{
    struct str rest, field = str_cut(str_of(err_text(e)), ' ', &rest);

    if (code == 0)
        puts("same");
    else if (code == ERR_CONFLICT)
        printf("differs %.*s\n", STR_ARG(field));
    else
        puts("no");
}

static void answer_compare(const struct question *q)
{
    struct metadata x, y;

    if (read_metadata(q, 1, &x) && read_metadata(q, 2, &y))
        say(metadata_compare(&x, "one", &y, "other", q->e), q->e);
    else
        puts("no");
}

int main(void)
{
    static const struct oracle_answer answers[] = {
        { "json", answer_json },
        { "compare", answer_compare },
    };

    return oracle_run(answers, sizeof(answers) / sizeof(answers[0]));
}
