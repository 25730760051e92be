/* installer.h: the last step of `dray install`: the machine's own pip puts files that are here into
 * an environment. `PYTHON -m pip install --no-index --find-links WHEELHOUSE --no-deps OPTIONS
 * NAME==VERSION...`, on dray's own standard streams, so that pip's output is seen as it comes and
 * its questions can be answered. By name, never by path: of a path pip would record a
 * direct_url.json (PEP 610).
 *
 * What is installed was decided by dray; where and how is pip's own affair, with all that it reads
 * from its options, variables and files: target, prefix, root, user, upgrade, force-reinstall,
 * ignore-installed, break-system-packages, dry-run, report, compile, require-virtualenv, platform
 * and such. What would make another choice than dray's, or let a right call fail, is switched off
 * below, in variables as in pip.conf; installer.c has the list. Only `python` and `group` of a
 * pip.conf can't be. */
#pragma once

#include "dray/net/loop.h"
#include "dray/util/err.h"
#include "dray/util/strs.h"

struct installer;

/* Borrowed by installer_start() only. */
struct installer_order {
    const char *python;      /* its pip is run */
    const char *wheelhouse;  /* a directory with a wheel for each pin; lives until `done`; of many
                                pins a requirements.txt is written into it */
    const struct strs *pins; /* "NAME==VERSION" */
    const struct strs *env;  /* variables besides, as child_options has them; NULL is allowed */
    const struct strs *options; /* of the user to pip, as they are; NULL is allowed */
};

/* ERR_CHILD when pip could not be run or ended with another status than 0: it has said why. */
typedef void (*installer_done_fn)(void *ctx, struct err *err);

/* `done` runs once, later, from the loop, and the installer is gone then. NULL: ERR_IO, ERR_SPACE,
 * when the requirements can't be written; `done` will not run. */
struct installer *installer_start(struct loop *l, const struct installer_order *order,
                                  installer_done_fn done, void *ctx, struct err *e);
/* Ends pip by SIGTERM, half a second later by SIGKILL: loop_close() sees to that at the latest.
 * What it has installed stays. `done` will not run; not to be called once it has. NULL is allowed.
 */
void installer_cancel(struct installer *i);
