/* A queue, and one task that takes the next from it as long as there is room. What a build may not
 * leave behind is its directory: one that is destroyed while pip runs in it lives on, by itself,
 * until pip is dead, for as long as that it may still be writing there. */
#include "dray/fetch/build.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/net/child.h"
#include "dray/py/pip_report.h"
#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"
#include "dray/util/tree.h"

enum { SHOWN_LINES = 30 };

enum build_stage {
    BUILD_QUEUED,
    BUILD_RUNNING,
    BUILD_OVER,      /* done has run */
    BUILD_ABANDONED, /* waits for the end of its child, alone */
};

struct builds {
    struct build_world world;
    unsigned at_once, running;
    bool begun;
    struct build *first, *last; /* the queue */
    struct loop_task turn;
    size_t n; /* not destroyed yet */
};

struct build {
    struct builds *builds; /* NULL once abandoned */
    struct build *next;    /* in the queue */
    enum build_stage stage;
    struct child *child; /* while it runs */
    struct arena arena;  /* of its strings */
    const char *sdist;
    int fd;              /* of the archive, where that has no path; else -1 */
    const char *name;    /* what it is called */
    bool wants_metadata; /* and no wheel */
    struct buf metadata;
    char *dir;       /* NULL until there is one */
    const char *out; /* in it: of wheels, or pip's report */
    build_done_fn done;
    void *ctx;
};

/* pip reads every option from the environment too. Of those, these would make another call of ours
 * than the arguments say, or break what pip itself runs to set up the build's environment, a `pip
 * install --prefix`; nothing is installed for the user here. A value of one blank is an empty list
 * that hides the one of pip.conf (an empty value would count as none). PIP_CONSTRAINT stays: people
 * hold build requirements with it. */
static const char *const pip_changes[] = {
    "PIP_REQUIRE_HASHES=0", /* a path has none */
    "PIP_REQUIREMENT= ",
    "PIP_EDITABLE= ",
    "PIP_GROUP",
    "PIP_REQUIREMENTS_FROM_SCRIPT= ",
    "PIP_ONLY_DEPS=0",
    "PIP_PYTHON",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER=0",
    "PIP_DRY_RUN",
    "PIP_REPORT",
    "PIP_PLATFORM",
    "PIP_PYTHON_VERSION",
    "PIP_IMPLEMENTATION",
    "PIP_ABI",
    "PIP_QUIET=0", /* the reason of a failure is wanted */
};

static void build_free(struct build *b)
{
    struct err ignored = { 0 }; /* the system clears its temporary directory, some day */

    if (b->dir)
        tree_remove(b->dir, &ignored);
    err_done(&ignored);
    free(b->dir);
    buf_done(&b->metadata);
    arena_done(&b->arena);
    free(b);
}

/* Where the last `n` lines of `text` begin. */
static struct str last_lines(struct str text, int n)
{
    size_t at = text.n;

    while (at > 0 && (text.p[at - 1] != '\n' || n-- > 1))
        at--;
    return str_sub(text, at, text.n);
}

/* Of a line that was written over (progress of a download, CR LF) what one saw last. */
static struct str seen_of_line(struct str line)
{
    line = line.n && line.p[line.n - 1] == '\r' ? str_sub(line, 0, line.n - 1) : line;
    return str_sub(line, (size_t)(str_rfind(line, '\r') + 1), line.n);
}

/* Bytes above ASCII are text in some encoding: who shows them knows which the terminal has. */
static void add_plain(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '\t')
            buf_add_z(out, "    ");
        else if (c < ' ' || c == 0x7f)
            buf_add_f(out, "\\x%02x", c);
        else
            buf_add_c(out, text.p[i]);
    }
}

/* Takes over the text of `why`. */
static int fail_with_output(struct err *e, struct buf *why, struct str output)
{
    struct str rest = last_lines(str_trim(output), SHOWN_LINES);

    while (rest.n) {
        buf_add_c(why, '\n');
        add_plain(why, seen_of_line(str_cut(rest, '\n', &rest)));
    }
    int code = err_set(e, ERR_CHILD, "%s", buf_z(why));
    buf_done(why);
    return code;
}

/* How many wheels there are, and the name of one. */
static int count_wheels(struct build *b, const char *path, const char **name)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int n = 0;

    while (dir && (entry = readdir(dir))) {
        struct stat st;
        if (!str_ends(str_of(entry->d_name), STR(".whl")) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        n++;
        *name = arena_str(&b->arena, str_of(entry->d_name)).p;
    }
    if (dir)
        closedir(dir);
    return n;
}

/* True: there is what was wanted; else perhaps why not. */
static bool take_wheel(struct build *b, struct build_result *out, struct buf *why)
{
    const char *name = NULL;
    int n = count_wheels(b, b->out, &name);

    if (n != 1) {
        buf_add_f(why, "pip made %d wheels instead of one", n);
        return false;
    }
    out->filename = name;
    out->wheel = arena_f(&b->arena, "%s/%s", b->out, name).p;
    return true;
}

static bool take_metadata(struct build *b, struct build_result *out, struct buf *why)
{
    struct buf report = { 0 };
    struct err e = { 0 };

    if (file_read(b->out, LIMIT_PIP_REPORT_BYTES, &report, &e) ||
        pip_report_metadata(buf_str(&report), &b->metadata, &e))
        buf_add_f(why, "pip's report is of no use: %s", err_text(&e));
    buf_done(&report);
    out->metadata = buf_str(&b->metadata);
    bool good = !e.code;
    err_done(&e);
    return good;
}

static int judge(struct build *b, struct child_result *r, struct build_result *out)
{
    bool ended_well = !r->err.code && r->exit_status == 0;
    struct buf why = { 0 };

    if (r->err.code)
        buf_add_z(&why, err_text(&r->err));
    else if (!ended_well)
        buf_add_f(&why, "pip ended with status %d", r->exit_status);
    else if (b->wants_metadata ? take_metadata(b, out, &why) : take_wheel(b, out, &why))
        return 0;
    return fail_with_output(&out->err, &why, r->output);
}

/* Tells the owner; `b` may be gone behind it. */
static void build_end(struct build *b, struct build_result *result)
{
    b->stage = BUILD_OVER;
    if (result->err.code)
        err_wrap(&result->err,
                 b->wants_metadata ? "asking pip for the metadata of %s failed"
                                   : "building %s failed",
                 b->name);
    b->done(b->ctx, result);
    err_done(&result->err);
}

static void on_child(void *ctx, struct child_result *r)
{
    struct build *b = ctx;
    struct build_result result = { 0 };

    b->child = NULL;
    if (b->stage == BUILD_ABANDONED) {
        build_free(b);
        return;
    }
    b->builds->running--;
    loop_post(b->builds->world.loop, &b->builds->turn);
    judge(b, r, &result);
    build_end(b, &result);
}

/* "flask-3.0.tar.gz" -> ".tar.gz", by which pip knows an archive. */
static const char *archive_suffix(const char *name)
{
    ptrdiff_t tar = str_search(str_of(name), STR(".tar."));
    ptrdiff_t dot = tar >= 0 ? tar : str_rfind(str_of(name), '.');

    return dot >= 0 ? name + dot : "";
}

/* The archive gets a name that tells no version: the wheel of "NAME-VERSION.tar.gz" would be put
 * into pip's cache under the path of that file, where nobody will look for it again. */
static int prepare(struct build *b, const char **archive, struct err *e)
{
    char real[PATH_MAX];

    if (b->fd < 0 && !realpath(b->sdist, real))
        return err_errno(e, "can't find %s", b->sdist);
    b->dir = tree_make_temp("build", e);
    if (!b->dir)
        return e->code;
    *archive = arena_f(&b->arena, "%s/sdist%s", b->dir, archive_suffix(b->name)).p;
    if (b->fd >= 0 && file_copy(b->fd, *archive, e))
        return e->code;
    if (b->fd < 0 && symlink(real, *archive) != 0)
        return err_errno(e, "can't make %s", *archive);
    b->out = arena_f(&b->arena, "%s/%s", b->dir, b->wants_metadata ? "report" : "out").p;
    return 0;
}

static void run_pip(struct build *b, const char *archive)
{
    const struct build_world *w = &b->builds->world;
    bool asks = b->wants_metadata;
    const char *const argv[] = { w->python,
                                 "-m",
                                 "pip",
                                 asks ? "install" : "wheel",
                                 "--no-deps",
                                 "--disable-pip-version-check",
                                 "--no-input",
                                 "--progress-bar",
                                 "off",
                                 asks ? "--report" : "-w",
                                 b->out,
                                 archive,
                                 asks ? "--dry-run" : NULL,
                                 "--ignore-installed",
                                 "--ignore-requires-python", /* we look at it */
                                 NULL };
    struct strs env = { 0 };
    struct child_options options = { .output = CHILD_TAIL, .env = &env, .kill_rest = true };

    for (size_t i = 0; i < sizeof(pip_changes) / sizeof(*pip_changes); i++)
        strs_add(&env, str_of(pip_changes[i]));
    for (size_t i = 0; w->env && i < w->env->n; i++)
        strs_add(&env, w->env->items[i]);
    strs_add(&env, arena_f(&b->arena, "TMPDIR=%s", b->dir));
    b->stage = BUILD_RUNNING;
    b->builds->running++;
    b->child = child_start_with(w->loop, argv, &options, on_child, b);
    strs_done(&env);
}

static void builds_begin(struct builds *bs)
{
    if (!bs->begun && bs->world.begins)
        bs->world.begins(bs->world.ctx);
    bs->begun = true;
}

static void build_launch(struct build *b)
{
    struct build_result result = { 0 };
    const char *archive = NULL;

    builds_begin(b->builds);
    if (prepare(b, &archive, &result.err) == 0)
        run_pip(b, archive);
    else
        build_end(b, &result);
}

/* One a turn: the owner of one that fails at once may do anything, and so may not be called from
 * the midst of a walk. */
static void builds_turn(void *ctx)
{
    struct builds *bs = ctx;
    struct build *b = bs->first;

    if (!b || bs->running >= bs->at_once)
        return;
    bs->first = b->next;
    if (!bs->first)
        bs->last = NULL;
    else
        loop_post(bs->world.loop, &bs->turn);
    build_launch(b);
}

static unsigned processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 1 ? (unsigned)n : 1;
}

struct builds *builds_create(const struct build_world *w)
{
    struct builds *bs = mem_new(1, sizeof(*bs));

    bs->world = *w;
    bs->at_once = w->at_once ? w->at_once : processors();
    bs->turn = (struct loop_task){ .fn = builds_turn, .ctx = bs };
    return bs;
}

void builds_destroy(struct builds *bs)
{
    if (!bs)
        return;
    assert(bs->n == 0);
    loop_unpost(bs->world.loop, &bs->turn);
    free(bs);
}

static struct build *build_queue(struct builds *bs, const char *sdist, struct str name,
                                 build_done_fn done, void *ctx)
{
    struct build *b = mem_new(1, sizeof(*b));

    *b = (struct build){ .builds = bs, .done = done, .ctx = ctx };
    b->fd = -1;
    b->sdist = arena_str(&b->arena, str_of(sdist)).p;
    b->name = arena_str(&b->arena, name).p;
    if (bs->last)
        bs->last->next = b;
    else
        bs->first = b;
    bs->last = b;
    bs->n++;
    loop_post(bs->world.loop, &bs->turn);
    return b;
}

struct build *build_start(struct builds *bs, const char *sdist, build_done_fn done, void *ctx)
{
    struct str path = str_of(sdist);

    return build_queue(bs, sdist, str_sub(path, (size_t)(str_rfind(path, '/') + 1), path.n), done,
                       ctx);
}

struct build *build_metadata_start(struct builds *bs, const struct build_archive *archive,
                                   build_done_fn done, void *ctx)
{
    struct build *b = build_queue(bs, archive->path, archive->name, done, ctx);

    b->fd = archive->fd;
    b->wants_metadata = true;
    return b;
}

static void queue_remove(struct builds *bs, struct build *b)
{
    struct build **at = &bs->first, *before = NULL;

    for (; *at != b; at = &before->next)
        before = *at;
    *at = b->next;
    if (bs->last == b)
        bs->last = before;
}

static void build_abandon(struct build *b)
{
    struct builds *bs = b->builds;

    bs->running--;
    loop_post(bs->world.loop, &bs->turn);
    b->builds = NULL;
    b->stage = BUILD_ABANDONED;
    child_kill(b->child);
}

void build_destroy(struct build *b)
{
    if (!b)
        return;
    assert(b->stage != BUILD_ABANDONED);
    b->builds->n--;
    switch (b->stage) {
    case BUILD_QUEUED:
        queue_remove(b->builds, b);
        build_free(b);
        break;
    case BUILD_RUNNING:
        build_abandon(b);
        break;
    case BUILD_OVER:
    case BUILD_ABANDONED:
        build_free(b);
        break;
    }
}
