/* pip_report.h: what pip says of one distribution that it would install: its installation report
 * (version "1" of the schema), as `pip install --dry-run --report` writes it. Pure. */
#pragma once

#include "dray/util/buf.h"
#include "dray/util/err.h"

/* The metadata of the one item of `report`, appended to `out` as a METADATA file has it. ERR_INPUT
 * when there is not one, or it is no such report. */
int pip_report_metadata(struct str report, struct buf *out, struct err *e);
