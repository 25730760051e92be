/* run.h: what a command runs its jobs on: a loop and an engine, until a job has ended or a signal
 * ends it. */
#pragma once

#include "dray/job/job.h"

struct run;

/* SIGINT, SIGTERM and SIGHUP, unless that is ignored (nohup), end the job that runs, and each that
 * is started after it. NULL: there can be no loop. */
struct run *run_open(struct err *e);
struct engine *run_engine(const struct run *r);
/* Starts `j`, which was created for that engine, and returns when it has ended, with the error that
 * it ended with. */
int run_job(struct run *r, struct job *j, struct err *e);
/* Every job must have been destroyed. NULL is allowed. */
void run_close(struct run *r);
