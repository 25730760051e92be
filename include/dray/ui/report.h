/* report.h: what a run fetched, as a document in the schema of pip's installation report,
 * version "1", so that its readers work. What pip has no word for stands under "dray": of each
 * file its path, filename, size, origin and state; of the run "version" and "failed". */
#pragma once

#include "dray/job/job.h"

/* Writes it to `path`, whole or not at all; "-" is standard output. Only files that are DONE are
 * in "install". */
int report_write(const char *path, const struct settings *s, const struct job_result *r,
                 struct err *e);
