/* Answers questions about pip's caches, one a line on stdin, fields between tabs (escaped as in
 * case.h), so that differential_pip_cache.py can ask pip the same.
 *
 *   record BYTES                            ok STATUS VARIES and seven headers in the order of
 *                                           struct pip_answer, each "-" or "+TEXT"; or no
 *   answer CACHE-DIR URL                    the same, then the body's path and bytes; or no
 *   wheel CACHE-DIR URL ALGORITHM DIGEST SUBDIRECTORY NAME VERSION    the directory
 *   dir HOME XDG SAID                       the directory, or no; each "-" or "+TEXT" */
#include <stdlib.h>

#include "case.h"
#include "dray/store/pip_cache.h"

struct question {
    struct arena *a;
    const struct str *fields; /* STR_NONE where the line ended */
};

static void print_escaped(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\\')
            fputs("\\\\", stdout);
        else if (c < 0x20 || c > 0x7e)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
}

static void print_answer(const struct pip_answer *x)
{
    const struct str headers[] = { x->date,          x->cache_control,    x->expires,       x->etag,
                                   x->last_modified, x->content_encoding, x->content_length };

    printf("ok\t%d\t%d", x->status, x->varies);
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        fputs(headers[i].p ? "\t+" : "\t-", stdout);
        print_escaped(headers[i]);
    }
}

static void answer_record(const struct question *q)
{
    struct pip_answer got = { 0 };
    bool ok = pip_cache_parse(q->a, q->fields[1], &got);

    if (ok)
        print_answer(&got);
    puts(ok ? "" : "no");
}

static void answer_answer(const struct question *q)
{
    struct pip_answer got = { 0 };
    bool ok = pip_cache_answer(q->a, q->fields[1].p, q->fields[2], &got);

    if (ok) {
        print_answer(&got);
        putchar('\t');
        print_escaped(got.body_path);
        printf("\t%llu\n", (unsigned long long)got.body_bytes);
    } else {
        puts("no");
    }
}

static void answer_wheel(const struct question *q)
{
    const struct str *f = q->fields;
    struct digest digest = { 0 };
    struct buf out = { 0 };
    bool has_digest =
        digest_alg_parse(f[3], &digest.alg) && digest_parse(digest.alg, f[4], &digest);
    struct pip_wheel_key key = { .url = f[2],
                                 .digest = has_digest ? &digest : NULL,
                                 .subdirectory = f[5],
                                 .interpreter_name = f[6],
                                 .interpreter_version = f[7] };

    pip_cache_wheel_dir(f[1].p, &key, &out);
    print_escaped(buf_str(&out));
    putchar('\n');
    buf_done(&out);
}

static const char *optional(struct str field)
{
    return str_starts(field, STR("+")) ? field.p + 1 : NULL;
}

static void set_variable(const char *name, const char *value)
{
    if (value ? setenv(name, value, 1) : unsetenv(name))
        abort();
}

static void answer_dir(const struct question *q)
{
    struct buf out = { 0 };

    set_variable("HOME", optional(q->fields[1]));
    set_variable("XDG_CACHE_HOME", optional(q->fields[2]));
    if (pip_cache_dir(str_of(optional(q->fields[3])), &out))
        print_escaped(buf_str(&out));
    else
        fputs("no", stdout);
    putchar('\n');
    buf_done(&out);
}

static const struct {
    const char *name;
    void (*answer)(const struct question *q);
    size_t fields;
} questions[] = {
    { "record", answer_record, 2 },
    { "answer", answer_answer, 3 },
    { "wheel", answer_wheel, 8 },
    { "dir", answer_dir, 4 },
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
        if (!str_is(q.fields[0], questions[i].name) || c.n != questions[i].fields)
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
            fprintf(stderr, "oracle_pip_cache: no such question: %s", line);
            status = 2;
        }
    }
    free(line);
    return status;
}
