#include "dray/cli/job_input.h"

#include <stdlib.h>

#include "dray/util/file.h"
#include "dray/util/json_tree.h"
#include "dray/util/limits.h"

static const char *get_variable(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

/* Without a name of its own it can still be told from the others. */
static const char *shown_name(struct str file)
{
    return str_is(file, "-") ? "standard input" : file.p;
}

static struct str directory_of(struct str file)
{
    ptrdiff_t slash = str_rfind(file, '/');

    return slash < 0 ? STR_NONE : str_sub(file, 0, slash ? (size_t)slash : 1);
}

int job_input_read(struct job_input *in, struct str file, struct err *e)
{
    bool is_stdin = str_is(file, "-");

    if (is_stdin ? file_read_stdin(LIMIT_JOB_BYTES, &in->text, e)
                 : file_read(file.p, LIMIT_JOB_BYTES, &in->text, e))
        return e->code;
    in->source = (struct jobfile_source){ .text = buf_str(&in->text),
                                          .name = shown_name(file),
                                          .directory = is_stdin ? STR_NONE : directory_of(file),
                                          .is_json = json_tree_is_name(file),
                                          .variable = get_variable };
    return jobfile_read(&in->source, &in->file, e);
}

void job_input_done(struct job_input *in)
{
    jobfile_done(&in->file);
    buf_done(&in->text);
}
