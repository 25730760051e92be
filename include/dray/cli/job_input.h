/* job_input.h: a job file that a command line names. */
#pragma once

#include "dray/job/jobfile.h"
#include "dray/util/buf.h"

/* Zeroed is an empty one. */
struct job_input {
    struct buf text;
    struct jobfile_source source;
    struct jobfile file;
};

/* "-": standard input. Its jobs borrow from `in`. ERR_USAGE, ERR_IO. */
int job_input_read(struct job_input *in, struct str file, struct err *e);
void job_input_done(struct job_input *in);
