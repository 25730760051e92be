#include "dray/job/run.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "dray/util/mem.h"

struct run {
    struct loop *loop;
    struct engine *engine;
    struct job *job; /* that runs; or NULL */
    int signal;      /* that came, or 0 */
    struct err err;  /* of the job */
};

static void run_signal(void *ctx, int signal)
{
    struct run *r = ctx;

    r->signal = signal;
    if (r->job)
        job_stop(r->job, signal);
}

/* What ends a run leaves no temporary file behind. nohup's SIGHUP stays ignored, and a file above
 * the size limit is an error of write() (EFBIG), not the end. */
static int watch_signals(struct run *r, struct err *e)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction now;

    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        bool ignored = sigaction(ends[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN;
        if (ends[i] == SIGHUP && ignored)
            continue;
        if (loop_on_signal(r->loop, ends[i], run_signal, r, e))
            return e->code;
    }
    return 0;
}

struct run *run_open(struct err *e)
{
    struct run *r = mem_new(1, sizeof(*r));

    r->loop = loop_open(e);
    if (r->loop)
        r->engine = engine_create(r->loop, &(struct network_limits){ 0 });
    if (r->loop && !watch_signals(r, e))
        return r;
    run_close(r);
    return NULL;
}

struct engine *run_engine(const struct run *r)
{
    return r->engine;
}

static void job_ended(void *ctx, struct err *e)
{
    struct run *r = ctx;

    r->job = NULL;
    err_move(&r->err, e);
    loop_stop(r->loop);
}

int run_job(struct run *r, struct job *j, struct err *e)
{
    r->job = j;
    job_start(j, job_ended, r);
    if (r->signal)
        job_stop(j, r->signal);
    bool stopped = loop_run(r->loop);
    assert(stopped);
    (void)stopped;
    return err_move(e, &r->err);
}

void run_close(struct run *r)
{
    if (!r)
        return;
    engine_destroy(r->engine);
    loop_close(r->loop);
    free(r);
}
