/* Answers questions about requirements, markers and names, one a line, for differential_marker.py:
 *
 *     req TEXT                     ok NAME PROJECT EXTRAS SPECIFIERS URL MARKER | no
 *     marker TEXT EXTRA NAME=VALUE...    true | false | no
 *     name TEXT                    NORMALISED valid | NORMALISED invalid
 *
 * Fields are parted by TABs; within one \t, \n, \\ and \xNN stand for bytes, as in
 * case.h. */
#include <stdio.h>
#include <stdlib.h>

#include "case.h"
#include "dray/py/requirement.h"
#include "dray/util/buf.h"

static void die(const char *why, const char *line)
{
    fprintf(stderr, "oracle_marker: %s: %s\n", why, line);
    exit(2);
}

static void put_field(struct buf *out, struct str s)
{
    if (out->n)
        buf_add_c(out, '\t');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c >= 0x7f || c == '\\')
            buf_add_f(out, "\\x%02x", c);
        else
            buf_add_c(out, s.p[i]);
    }
}

static int text_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct str join(struct arena *a, const struct str *items, size_t n)
{
    struct buf joined = { 0 };

    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_c(&joined, ',');
        buf_add_str(&joined, items[i]);
    }
    struct str text = arena_str(a, buf_str(&joined));
    buf_done(&joined);
    return text;
}

/* Sorted as text: packaging keeps no order. */
static struct str specifiers_text(struct arena *a, const struct specifier_set *set)
{
    struct str *texts = arena_alloc(a, set->n, sizeof(*texts));

    for (size_t i = 0; i < set->n; i++) {
        struct str parts[2] = { str_of(specifier_op_text(set->items[i].op)), set->items[i].text };
        char *p = arena_alloc(a, parts[0].n + parts[1].n, 1);
        memcpy(p, parts[0].p, parts[0].n);
        if (parts[1].n)
            memcpy(p + parts[0].n, parts[1].p, parts[1].n);
        texts[i] = (struct str){ p, parts[0].n + parts[1].n };
    }
    if (set->n)
        qsort(texts, set->n, sizeof(*texts), text_order);
    return join(a, texts, set->n);
}

static void answer_req(struct arena *a, const struct case_line *q, struct buf *out)
{
    struct requirement r;
    struct err e = { 0 };

    if (requirement_parse(a, q->fields[1], &r, &e)) {
        put_field(out, STR("no"));
        err_done(&e);
        return;
    }
    put_field(out, STR("ok"));
    put_field(out, r.name);
    put_field(out, r.project);
    put_field(out, join(a, r.extras, r.n_extras));
    put_field(out, specifiers_text(a, &r.specifiers));
    put_field(out, r.url);
    put_field(out, marker_text(a, r.marker));
}

static void env_set(struct marker_env *env, struct str name, struct str value)
{
#define SET_FIELD(field, text)                                                                     \
    if (str_is(name, text)) {                                                                      \
        env->field = value;                                                                        \
        return;                                                                                    \
    }
    MARKER_VARIABLES(SET_FIELD)
#undef SET_FIELD
    die("no such variable", name.p);
}

static void answer_marker(struct arena *a, const struct case_line *q, struct buf *out)
{
    struct marker_env env = { 0 };
    const struct marker *m;
    struct err e = { 0 };

    if (marker_parse(a, q->fields[1], &m, &e)) {
        put_field(out, STR("no"));
        err_done(&e);
        return;
    }
    for (size_t i = 3; i < q->n; i++) {
        struct str value;
        struct str name = str_cut(q->fields[i], '=', &value);
        env_set(&env, arena_str(a, name), value);
    }
    put_field(out, marker_eval(m, &env, q->fields[2]) ? STR("true") : STR("false"));
}

static void answer_name(struct arena *a, const struct case_line *q, struct buf *out)
{
    struct str normal = project_name_normalize(a, q->fields[1]);

    put_field(out, normal.n ? normal : STR("-"));
    put_field(out, project_name_is_valid(q->fields[1]) ? STR("valid") : STR("invalid"));
}

static void answer(char *line, size_t n, struct buf *out)
{
    struct arena a = { 0 };
    struct case_line q = { .file = "stdin" };

    if (!case_split(&q, line, n, '\t'))
        die("not understood", line);
    if (q.n == 2 && str_is(q.fields[0], "req"))
        answer_req(&a, &q, out);
    else if (q.n >= 3 && str_is(q.fields[0], "marker"))
        answer_marker(&a, &q, out);
    else if (q.n == 2 && str_is(q.fields[0], "name"))
        answer_name(&a, &q, out);
    else
        die("not understood", line);
    arena_done(&a);
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    struct buf out = { 0 };
    ssize_t n;

    while ((n = getline(&line, &cap, stdin)) > 0) {
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        buf_reset(&out);
        answer(line, (size_t)n, &out);
        puts(buf_z(&out));
    }
    free(line);
    buf_done(&out);
    return 0;
}
