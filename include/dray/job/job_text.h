/* job_text.h: settings as a job file, to hand work to another process: what was said, and nothing
 * of the defaults. Not for people: passwords are in it. */
#pragma once

#include "dray/job/settings.h"

/* Appends one job in JSON, named `name` unless that is STR_NONE, of the settings that may stand
 * `where` (SETTING_IN_JOB, SETTING_IN_DAEMON). jobfile_read() of it gives the
 * same settings. Relative paths in them must begin at `s->directory`: of a command line set that to
 * the working directory, of a job file let its source have an absolute one. Of "${NAME}", which a
 * person may have quoted, jobfile_read() must be told that it stands for itself. ERR_USAGE: a
 * requirement that no line of a requirements file can tell. */
int job_text(const struct settings *s, struct str name, unsigned where, struct buf *out,
             struct err *e);
