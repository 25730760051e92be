/* Answers questions about pip's caches, one a line on stdin, fields between tabs (escaped as in
 * case.h), so that differential_pip_cache.py can ask pip the same.
 *
 *   record BYTES                            ok STATUS VARIES and seven headers in the order of
 *                                           struct pip_answer, each "-" or "+TEXT"; or no
 *   answer CACHE-DIR URL                    the same, then the body's path and bytes; or no
 *   wheel CACHE-DIR URL ALGORITHM DIGEST SUBDIRECTORY NAME VERSION    the directory
 *   dir HOME XDG SAID                       the directory, or no; each "-" or "+TEXT" */
#include "oracle.h"

#include "dray/store/pip_cache.h"

static void print_answer(const struct pip_answer *x)
{
    const struct str headers[] = { x->date,          x->cache_control,    x->expires,       x->etag,
                                   x->last_modified, x->content_encoding, x->content_length };

    printf("ok\t%d\t%d", x->status, x->varies);
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        fputs(headers[i].p ? "\t+" : "\t-", stdout);
        oracle_print(headers[i]);
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
        oracle_print(got.body_path);
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
    oracle_print(buf_str(&out));
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
        oracle_print(buf_str(&out));
    else
        fputs("no", stdout);
    putchar('\n');
    buf_done(&out);
}

int main(void)
{
    static const struct oracle_answer answers[] = {
        { "record", answer_record },
        { "answer", answer_answer },
        { "wheel", answer_wheel },
        { "dir", answer_dir },
    };

    return oracle_run(answers, sizeof(answers) / sizeof(answers[0]));
}
