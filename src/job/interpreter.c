/* Find the program, look for what it said before, else run the probe and keep its answer. The
 * answer is kept as it was given and read again each time, so there is one reader; a kept one that
 * can't be read is as none.
 *
 * An answer holds for one binary and for what else its facts come from: the kernel
 * (platform_release and platform_version are markers) and the C library. All of that is hashed into
 * the name it is kept under. */
#include "dray/job/interpreter.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "dray/net/child.h"
#include "dray/py/target_probe.h"
#include "dray/util/buf.h"
#include "dray/util/digest.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"
#include "dray/util/tree.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"
enum { PROBE_TIMEOUT_MS = 60 * 1000 };

struct interpreter {
    struct loop *loop;
    struct loop_task answer; /* when it is known without a child */
    struct child *child;     /* while it runs */
    struct buf program;
    struct buf kept; /* path of the kept answer; empty: nothing is kept */
    struct target *target;
    struct err err;
    interpreter_done_fn done;
    void *ctx;
};

static bool is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool find_on_path(const char *name, struct buf *out)
{
    const char *path = getenv("PATH");
    struct str rest = str_of(path ? path : DEFAULT_PATH);

    while (rest.p) {
        struct str directory = str_cut(rest, ':', &rest);
        buf_reset(out);
        buf_add_f(out, "%.*s/%s", STR_ARG(directory.n ? directory : STR(".")), name);
        if (is_program(buf_z(out)))
            return true;
    }
    return false;
}

/* A directory is that of a virtual environment, as for pip's --python. */
int interpreter_find(const char *python, struct buf *out, struct err *e)
{
    if (is_directory(python)) {
        buf_add_f(out, "%s/bin/python", python);
        if (!is_program(buf_z(out)))
            return err_set(e, ERR_NOT_FOUND, "%s is a directory without a Python in bin/python",
                           python);
        return 0;
    }
    if (strchr(python, '/')) {
        buf_add_z(out, python);
        if (!is_program(python))
            return err_set(e, ERR_NOT_FOUND, "there is no program %s", python);
        return 0;
    }
    if (!find_on_path(python, out))
        return err_set(
            e, ERR_NOT_FOUND,
            "no program %s is on PATH; say which Python to fetch for by --python or --target",
            python);
    return 0;
}

static bool is_script(const char *path)
{
    char head[2] = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return true; /* executable but not readable: it can't be told, so it is asked each time */
    ssize_t n = read(fd, head, sizeof(head));
    close(fd);
    return n != 2 || (head[0] == '#' && head[1] == '!');
}

static void add_facts_of_system(struct buf *key)
{
    struct utsname system;

    if (uname(&system) == 0)
        buf_add_f(key, "%s\n%s\n%s\n%s\n", system.sysname, system.release, system.version,
                  system.machine);
#ifdef __GLIBC__
    buf_add_f(key, "glibc %s\n", gnu_get_libc_version());
#endif
}

static void name_kept(const char *program, const char *cache_dir, struct buf *out)
{
    char real[PATH_MAX], hex[DIGEST_HEX_SIZE];
    struct stat st;
    struct buf key = { 0 };

    if (is_script(program) || !realpath(program, real) || stat(real, &st) != 0)
        return;
#ifdef __APPLE__
    struct timespec mtime = st.st_mtimespec;
#else
    struct timespec mtime = st.st_mtim;
#endif
    buf_add_f(&key, "%s\n%lld %lld.%09ld %llu\n", real, (long long)st.st_size,
              (long long)mtime.tv_sec, (long)mtime.tv_nsec, (unsigned long long)st.st_ino);
    add_facts_of_system(&key);
    buf_add_z(&key, target_probe_script);
    struct digest digest = digest_sha256(buf_str(&key));
    buf_done(&key);
    buf_add_f(out, "%s/interpreters/%s.json", cache_dir, digest_hex(&digest, hex));
}

static int read_answer(struct str json, struct target **out, struct err *e)
{
    struct arena a = { 0 };
    struct target_facts facts = { 0 };

    int code = target_facts_parse(&a, json, &facts, e);
    if (!code)
        code = target_from_facts(&facts, out, e);
    arena_done(&a);
    return code;
}

static struct target *read_kept(const char *path)
{
    struct buf json = { 0 };
    struct err e = { 0 };
    struct target *target = NULL;

    if (file_read(path, LIMIT_CHILD_OUTPUT_BYTES, &json, &e) == 0)
        read_answer(buf_str(&json), &target, &e);
    err_done(&e);
    buf_done(&json);
    return target;
}

/* What can't be kept is asked for again next time; that is no reason to fail. */
static void keep(const char *path, struct str json)
{
    struct err e = { 0 };
    struct str directory = str_sub(str_of(path), 0, (size_t)str_rfind(str_of(path), '/'));
    struct arena a = { 0 };

    if (file_make_dir(arena_str(&a, directory).p, &e) == 0)
        file_write(path, json, &e);
    err_done(&e);
    arena_done(&a);
}

static void interpreter_free(struct interpreter *i)
{
    buf_done(&i->program);
    buf_done(&i->kept);
    target_destroy(i->target);
    err_done(&i->err);
    free(i);
}

static void finish(struct interpreter *i)
{
    interpreter_done_fn done = i->done;
    void *ctx = i->ctx;
    struct target *target = i->target;
    struct err e = { 0 };

    i->target = NULL;
    err_move(&e, &i->err);
    interpreter_free(i);
    done(ctx, target, &e);
    err_done(&e);
}

static void answer(void *ctx)
{
    finish(ctx);
}

/* A traceback says in its last line what happened. What is no Python may repeat the whole question.
 */
static struct str last_line(struct str text)
{
    enum { SHOWN_BYTES = 300 };

    text = str_trim(text);
    ptrdiff_t at = str_rfind(text, '\n');
    return str_sub(str_sub(text, (size_t)(at + 1), text.n), 0, SHOWN_BYTES);
}

static int judge(struct interpreter *i, struct child_result *r)
{
    const char *program = buf_z(&i->program);
    struct err why = { 0 };
    int code = 0;

    if (r->err.code) {
        err_move(&i->err, &r->err);
        return err_wrap(&i->err, "can't ask %s what it is", program);
    }
    if (r->exit_status != 0)
        return err_set(&i->err, ERR_CHILD, "can't ask %s what it is: it ended with status %d: %.*s",
                       program, r->exit_status, STR_ARG(last_line(r->errors)));
    if (read_answer(r->output, &i->target, &why))
        code = err_set(&i->err, ERR_CHILD, "%s does not answer as a Python does: %s", program,
                       err_text(&why));
    err_done(&why);
    return code;
}

static void child_done(void *ctx, struct child_result *result)
{
    struct interpreter *i = ctx;

    i->child = NULL;
    if (judge(i, result) == 0 && i->kept.n)
        keep(buf_z(&i->kept), result->output);
    finish(i);
}

struct interpreter *interpreter_start(struct loop *l, const char *python, const char *cache_dir,
                                      interpreter_done_fn done, void *ctx)
{
    struct interpreter *i = mem_new(1, sizeof(*i));

    i->done = done;
    i->ctx = ctx;
    i->loop = l;
    i->answer = (struct loop_task){ .fn = answer, .ctx = i };
    if (interpreter_find(python, &i->program, &i->err) == 0 && cache_dir)
        name_kept(buf_z(&i->program), cache_dir, &i->kept);
    if (i->kept.n)
        i->target = read_kept(buf_z(&i->kept));
    if (i->target || i->err.code) {
        loop_post(l, &i->answer);
        return i;
    }
    const char *const argv[] = { buf_z(&i->program), "-I", "-c", target_probe_script, NULL };
    i->child = child_start(l, argv, PROBE_TIMEOUT_MS, child_done, i);
    return i;
}

void interpreter_cancel(struct interpreter *i)
{
    if (!i)
        return;
    if (i->child)
        child_cancel(i->child);
    else
        loop_unpost(i->loop, &i->answer);
    interpreter_free(i);
}

int interpreter_forget_all(const char *cache_dir, struct err *e)
{
    struct buf dir = { 0 };

    buf_add_f(&dir, "%s/interpreters", cache_dir);
    int code = tree_remove(buf_z(&dir), e);
    buf_done(&dir);
    return code;
}
