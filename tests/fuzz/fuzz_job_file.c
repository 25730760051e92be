/* A job file, by its first byte YAML or JSON: an error is one line that names the file; what was
 * taken is, written down, read as the same again, as often as one likes. */
#include <stdlib.h>

#include "dray/job/job_text.h"
#include "dray/job/jobfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of all variables, which stand for themselves, so that what is read is written as it was. */
static const char *variable(void *ctx, const char *name)
{
    struct buf *out = ctx;

    buf_reset(out);
    buf_add_f(out, "${%s}", name);
    return buf_z(out);
}

static void check_error(const struct err *e)
{
    if (e->code != ERR_USAGE || err_text(e)[0] != 'f' || strchr(err_text(e), '\n'))
        abort();
}

/* Appends the text of each job; false when there is an error. */
static bool read_jobs(const struct jobfile_source *from, struct buf *out, size_t *n)
{
    struct jobfile f = { 0 };
    struct err e = { 0 };

    if (jobfile_read(from, &f, &e))
        check_error(&e);
    bool fine = !e.code;
    for (size_t i = 0; i < f.n && fine; i++) {
        struct settings s;
        settings_init(&s);
        s.command = f.jobs[i].command;
        if (jobfile_apply(&f.jobs[i], &s, &e) ||
            job_text(&s, f.jobs[i].name, SETTING_IN_JOB, out, &e))
            abort(); /* what was read can be applied, and has no words that a line can't tell */
        buf_add_c(out, '\n');
        settings_done(&s);
    }
    *n = f.n;
    err_done(&e);
    jobfile_done(&f);
    return fine;
}

/* Paths are absolute from the first time on. */
static void check_again(struct str text, struct buf *scratch)
{
    while (text.n) {
        struct jobfile_source from = { .text = str_cut(text, '\n', &text),
                                       .name = "f",
                                       .is_json = true,
                                       .variable = variable,
                                       .ctx = scratch };
        struct buf got = { 0 };
        size_t n;
        if (!read_jobs(&from, &got, &n) || n != 1 ||
            !str_eq(str_sub(buf_str(&got), 0, got.n - 1), from.text))
            abort();
        buf_done(&got);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = { 0 }, scratch = { 0 };
    size_t n;

    if (!size)
        return 0;
    struct jobfile_source from = { .text = { (const char *)data + 1, size - 1 },
                                   .name = "f",
                                   .directory = STR("/dir"),
                                   .is_json = data[0] == 'j',
                                   .variable = variable,
                                   .ctx = &scratch };
    if (read_jobs(&from, &out, &n))
        check_again(buf_str(&out), &scratch);
    from.variable = NULL;
    buf_reset(&out);
    read_jobs(&from, &out, &n);
    buf_done(&out);
    buf_done(&scratch);
    return 0;
}
