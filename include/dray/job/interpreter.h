/* interpreter.h: asks a Python for its markers and tags, as a child process of the loop, once: the
 * answer is kept in <cache>/interpreters/ until that binary changes. */
#pragma once

#include "dray/net/loop.h"
#include "dray/py/target.h"
#include "dray/util/buf.h"

struct interpreter;

/* `target` is handed over to the callback (target_destroy), NULL when `err->code` is set:
 * ERR_NOT_FOUND no such program, ERR_CHILD it failed or said nonsense. */
typedef void (*interpreter_done_fn)(void *ctx, struct target *target, struct err *err);

/* `python`: a path or a name on PATH. `cache_dir` NULL: ask always, keep nothing. What is a script
 * rather than a binary (a pyenv shim) is always asked, since it may answer differently each time.
 * `done` runs once, later, from the loop. */
struct interpreter *interpreter_start(struct loop *l, const char *python, const char *cache_dir,
                                      interpreter_done_fn done, void *ctx);
/* `done` will not run. Not to be called once it has. */
void interpreter_cancel(struct interpreter *i);
/* The program that `python` means: a path, a name on PATH, or the directory of a virtual
 * environment. Appended to `out`. ERR_NOT_FOUND says what is not there. */
int interpreter_find(const char *python, struct buf *out, struct err *e);
/* What is kept of all of them goes. ERR_IO: not all of it could be removed. */
int interpreter_forget_all(const char *cache_dir, struct err *e);
