/* Answers questions about requirements, markers and names, one a line, for differential_marker.py:
 *
 *     req TEXT                     ok NAME PROJECT EXTRAS SPECIFIERS URL MARKER | no
 *     marker TEXT EXTRA NAME=VALUE...    true | false | no
 *     name TEXT                    NORMALISED valid | NORMALISED invalid
 *
 * Fields are parted by TABs; within one \t, \n, \\ and \xNN stand for bytes, as in
 * case.h. */
#include "oracle.h"

#include "dray/py/requirement.h"
#include "dray/util/buf.h"

static void print_field(struct str s, char behind)
{
    oracle_print(s);
    putchar(behind);
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

static void answer_req(const struct question *q)
{
    struct requirement r;

    if (requirement_parse(q->a, q->fields[1], &r, q->e)) {
        puts("no");
        return;
    }
    fputs("ok\t", stdout);
    print_field(r.name, '\t');
    print_field(r.project, '\t');
    print_field(join(q->a, r.extras, r.n_extras), '\t');
    print_field(specifiers_text(q->a, &r.specifiers), '\t');
    print_field(r.url, '\t');
    print_field(marker_text(q->a, r.marker), '\n');
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
    abort(); /* no such variable */
}

static void answer_marker(const struct question *q)
{
    struct marker_env env = { 0 };
    const struct marker *m;

    if (marker_parse(q->a, q->fields[1], &m, q->e)) {
        puts("no");
        return;
    }
    for (size_t i = 3; i < q->n; i++) {
        struct str value;
        struct str name = str_cut(q->fields[i], '=', &value);
        env_set(&env, arena_str(q->a, name), value);
    }
    puts(marker_eval(m, &env, q->fields[2]) ? "true" : "false");
}

static void answer_name(const struct question *q)
{
    struct str normal = project_name_normalize(q->a, q->fields[1]);

    print_field(normal.n ? normal : STR("-"), '\t');
    puts(project_name_is_valid(q->fields[1]) ? "valid" : "invalid");
}

int main(void)
{
    static const struct oracle_answer answers[] = {
        { "req", answer_req },
        { "marker", answer_marker },
        { "name", answer_name },
    };

    return oracle_run(answers, sizeof(answers) / sizeof(answers[0]));
}
