/* Answers questions about file names, tags and targets, one a line on stdin, fields between tabs
 * (escaped as in case.h), so that differential_tags.py can ask `packaging` and pip the same. Lists
 * in a field end each item with a comma; tags are answered with blanks between them.
 *
 *   wheel FILENAME               ok PROJECT VERSION BUILD TAGS (sorted, each once), or no
 *   build FILENAME FILENAME      -1, 0, 1: the order of their build tags, or no
 *   sdist FILENAME PROJECT       ok VERSION PYTHON (of "-pyX.Y"), or no
 *   ending FILENAME              the ending of a source distribution, or no
 *   words PLATFORMS VERSION IMPLEMENTATION ABIS [FACTS]   TAGS in order, or no
 *   wordsenv, the same           marker values as of env, or no
 *   facts FACTS                  TAGS in order, or no
 *   env FACTS                    marker values in the order of marker.h, then the Python's version
 *   spec TARGET                  TAGS in order, or no
 *   specenv TARGET               marker values as of env
 *   rank TARGET FILENAME         the rank of a wheel, none, or no
 *   probe                        the script that gathers FACTS, as a JSON string */
#include "oracle.h"

#include "dray/py/target.h"
#include "dray/py/target_probe.h"
#include "dray/util/json.h"
#include "dray/util/mem.h"

enum { ITEMS = 32 };

static int tag_order(const void *x, const void *y)
{
    const struct str *a = x, *b = y;

    return str_cmp(*a, *b);
}

static void print(struct str s)
{
    fwrite(s.p ? s.p : "", 1, s.n, stdout); /* any byte, NUL too, which "%.*s" stops at */
}

static struct str tag_text(struct arena *a, struct tag tag)
{
    struct buf text = { 0 };

    buf_add_str(&text, tag.python);
    buf_add_c(&text, '-');
    buf_add_str(&text, tag.abi);
    buf_add_c(&text, '-');
    buf_add_str(&text, tag.platform);
    struct str out = arena_str(a, buf_str(&text));
    buf_done(&text);
    return out;
}

static void print_texts(const struct str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            putchar(' ');
        print(texts[i]);
    }
    putchar('\n');
}

static struct str *tag_texts(struct arena *a, const struct tag_set *set)
{
    struct str *texts = arena_alloc(a, tag_set_count(set), sizeof(*texts));

    for (size_t i = 0; i < tag_set_count(set); i++)
        texts[i] = tag_text(a, *tag_set_at(set, i));
    return texts;
}

/* Expands the compressed sets through a tag set: so its lowering and dropping of doubles is seen
 * too. */
static void print_wheel_tags(struct arena *a, const struct wheel_name *w)
{
    struct tag *tags = NULL;
    size_t n = 0, cap = 0;

    for (struct str ps = w->python_tags; ps.p;) {
        struct str python = str_cut(ps, '.', &ps);
        for (struct str as = w->abi_tags; as.p;) {
            struct str abi = str_cut(as, '.', &as);
            for (struct str fs = w->platform_tags; fs.p;) {
                tags = mem_grow(tags, n, &cap, sizeof(*tags));
                tags[n++] = (struct tag){ python, abi, str_cut(fs, '.', &fs) };
            }
        }
    }
    struct tag_set *set = tag_set_create(a, tags, n);
    struct str *texts = tag_texts(a, set);
    qsort(texts, tag_set_count(set), sizeof(*texts), tag_order);
    print_texts(texts, tag_set_count(set));
    free(tags);
}

static void answer_wheel(const struct question *q)
{
    struct wheel_name w = { 0 };

    if (wheel_name_parse(q->a, q->fields[1], &w, q->e)) {
        puts("no");
        return;
    }
    printf("ok\t%.*s\t%.*s\t", STR_ARG(w.project), STR_ARG(w.version.text));
    if (w.has_build) {
        print(w.build_digits.n ? w.build_digits : STR("0"));
        putchar('|');
        print(w.build_rest);
    }
    putchar('\t');
    print_wheel_tags(q->a, &w);
}

static void answer_build(const struct question *q)
{
    struct wheel_name x = { 0 }, y = { 0 };

    if (wheel_name_parse(q->a, q->fields[1], &x, q->e) ||
        wheel_name_parse(q->a, q->fields[2], &y, q->e)) {
        puts("no");
        return;
    }
    int order = wheel_build_cmp(&x, &y);
    printf("%d\n", (order > 0) - (order < 0));
}

static void answer_sdist(const struct question *q)
{
    struct version v = { 0 };

    if (sdist_name_parse(q->a, q->fields[1], q->fields[2], &v, q->e)) {
        puts("no");
        return;
    }
    struct str python = sdist_name_python(q->fields[1], q->fields[2]);
    printf("ok\t%.*s\t%.*s\n", STR_ARG(v.text), STR_ARG(python));
}

static void answer_ending(const struct question *q)
{
    struct str ending = sdist_ending(q->fields[1]);

    if (ending.p)
        print_texts(&ending, 1);
    else
        puts("no");
}

static size_t read_list(struct str text, struct str out[static ITEMS])
{
    size_t n = 0;

    while (text.n > 0 && n < ITEMS)
        out[n++] = str_cut(text, ',', &text);
    return n;
}

static struct target *read_facts(const struct question *q, struct str json)
{
    struct target_facts facts;
    struct target *t = NULL;

    if (!target_facts_parse(q->a, json, &facts, q->e))
        target_from_facts(&facts, &t, q->e);
    return t;
}

static struct target *read_words(const struct question *q)
{
    struct str platforms[ITEMS], abis[ITEMS];
    struct target_words words = { .platforms = platforms,
                                  .n_platforms = read_list(q->fields[1], platforms),
                                  .python_version = q->fields[2],
                                  .implementation = q->fields[3],
                                  .abis = abis,
                                  .n_abis = read_list(q->fields[4], abis) };
    struct target *base = q->fields[5].p ? read_facts(q, q->fields[5]) : NULL, *t = NULL;

    if (!q->fields[5].p || base)
        target_from_words(&words, base, &t, q->e);
    target_destroy(base);
    return t;
}

static struct target *read_spec(const struct question *q)
{
    struct target *t = NULL;

    target_from_spec(q->fields[1], &t, q->e);
    return t;
}

static void print_target_tags(const struct question *q, struct target *t)
{
    if (t)
        print_texts(tag_texts(q->a, t->tags), tag_set_count(t->tags));
    else
        puts("no");
    target_destroy(t);
}

static void print_target_env(struct target *t)
{
    if (!t) {
        puts("no");
        return;
    }
#define PRINT_FIELD(field, name) printf("%.*s\t", STR_ARG(t->env.field));
    MARKER_VARIABLES(PRINT_FIELD)
#undef PRINT_FIELD
    printf("%.*s\n", STR_ARG(t->python.text));
    target_destroy(t);
}

static void answer_words(const struct question *q)
{
    print_target_tags(q, read_words(q));
}

static void answer_wordsenv(const struct question *q)
{
    print_target_env(read_words(q));
}

static void answer_facts(const struct question *q)
{
    print_target_tags(q, read_facts(q, q->fields[1]));
}

static void answer_env(const struct question *q)
{
    print_target_env(read_facts(q, q->fields[1]));
}

static void answer_spec(const struct question *q)
{
    print_target_tags(q, read_spec(q));
}

static void answer_specenv(const struct question *q)
{
    print_target_env(read_spec(q));
}

static void answer_rank(const struct question *q)
{
    struct wheel_name w;
    struct target *t = read_spec(q);

    if (!t || wheel_name_parse(q->a, q->fields[2], &w, q->e))
        puts("no");
    else if (tag_set_rank(t->tags, &w) == TAG_NONE)
        puts("none");
    else
        printf("%d\n", tag_set_rank(t->tags, &w));
    target_destroy(t);
}

static void answer_probe(const struct question *q)
{
    struct buf text = { 0 };
    struct json *j = json_open(&text, false);

    (void)q;
    json_str(j, str_of(target_probe_script));
    json_close(j);
    printf("%.*s\n", STR_ARG(str_trim(buf_str(&text))));
    buf_done(&text);
}

int main(void)
{
    static const struct oracle_answer answers[] = {
        { "wheel", answer_wheel },   { "build", answer_build },     { "sdist", answer_sdist },
        { "ending", answer_ending }, { "words", answer_words },     { "wordsenv", answer_wordsenv },
        { "facts", answer_facts },   { "env", answer_env },         { "spec", answer_spec },
        { "rank", answer_rank },     { "specenv", answer_specenv }, { "probe", answer_probe },
    };

    return oracle_run(answers, sizeof(answers) / sizeof(answers[0]));
}
