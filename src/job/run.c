/* A job goes through steps: its inputs and its target (side by side), then the machines, then, for
 * install, pip, then the end. A signal or an error ends it at any of them. */
#include "dray/job/run.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/fetch.h"
#include "dray/fetch/resolution.h"
#include "dray/job/gather.h"
#include "dray/job/inputs.h"
#include "dray/job/installer.h"
#include "dray/job/target_choice.h"
#include "dray/job/workshop.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"
#include "dray_config.h"

enum { TICK_MS = 100 };

struct job {
    struct settings *settings;
    struct events *events;
    struct loop *loop;
    struct http *http;
    struct loop_timer *ticks;
    struct inputs *inputs;
    struct target_choice *choice;
    struct target *target;
    struct workshop workshop;
    struct installer *installer;
    const char **trusted_hosts;
    size_t n_trusted_hosts;
    struct gathered gathered;
    struct facts *facts; /* NULL with --no-deps */
    struct resolution_input to_resolve;
    struct fetcher *fetcher;
    bool inputs_ready;
    uint64_t start_us;
    struct job_result result;
    struct err err;
};

static void job_end(struct job *j)
{
    loop_stop(j->loop);
}

/* Settings that a requirements file may change take effect here: it is called again when they have.
 */
static int job_connect(struct job *j)
{
    const struct settings *s = j->settings;
    struct http_options o = {
        .total = s->connections,
        .per_host = s->connections, /* one index serves most runs: no lower bound for it */
        .timeout_ms = s->timeout_s * 1000,
        .user_agent = "dray/" DRAY_VERSION,
        .ca_file = s->cert.p,
        .client_cert = s->client_cert.p
    };

    http_destroy(j->http);
    j->n_trusted_hosts = s->trusted_hosts.n;
    j->trusted_hosts = mem_resize(j->trusted_hosts, j->n_trusted_hosts, sizeof(*j->trusted_hosts));
    for (size_t i = 0; i < j->n_trusted_hosts; i++)
        j->trusted_hosts[i] = s->trusted_hosts.items[i].p;
    o.trusted_hosts = j->trusted_hosts;
    o.n_trusted_hosts = j->n_trusted_hosts;
    j->http = http_create(j->loop, &o, &j->err);
    return j->http ? 0 : j->err.code;
}

static size_t count_failed(const struct job *j)
{
    size_t n = 0;

    for (size_t i = 0; i < j->result.n; i++)
        n += j->result.fetches[i]->state == FETCH_FAILED;
    return n;
}

static void job_installed(void *ctx, struct err *e)
{
    struct job *j = ctx;

    j->installer = NULL;
    if (!j->result.signal)
        err_move(&j->err, e);
    job_end(j);
}

/* pip is run when every file is there, and only then. */
static void job_install(struct job *j)
{
    struct strs pins = { 0 };

    for (size_t i = 0; i < j->result.n; i++) {
        const struct fetch_view *v = j->result.fetches[i];
        strs_add(&pins, arena_f(&j->workshop.arena, "%.*s==%.*s", STR_ARG(v->project),
                                STR_ARG(v->version)));
    }
    struct installer_order order = { .python = buf_z(&j->workshop.python),
                                     .wheelhouse = j->workshop.rooms.wheelhouse,
                                     .pins = &pins,
                                     .options = &j->settings->pip_options };
    j->installer = installer_start(j->loop, &order, job_installed, j, &j->err);
    strs_done(&pins);
    if (!j->installer)
        job_end(j);
}

static void job_fetched(void *ctx)
{
    struct job *j = ctx;
    bool installs = j->settings->command == COMMAND_INSTALL && !j->settings->dry_run;
    const struct err *unsolved = fetcher_unsolved(j->fetcher);

    j->result.fetches = fetcher_views(j->fetcher, &j->result.n);
    if (unsolved->code) {
        err_set(&j->err, unsolved->code, "%s", err_text(unsolved));
        j->result.is_unsolved = true;
    }
    if (installs && j->result.n && !count_failed(j))
        job_install(j);
    else
        job_end(j);
}

static bool needs_index(const struct gathered *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (!g->wishes[i].url.p && !g->wishes[i].fault.code)
            return true;
    return false;
}

static int job_gather(struct job *j)
{
    struct gather_input in = { .settings = j->settings, .env = &j->target->env };

    in.wants = inputs_wants(j->inputs, &in.n_wants);
    in.constraints = inputs_constraints(j->inputs, &in.n_constraints);
    gather(&in, &j->gathered);
    for (size_t i = 0; i < j->gathered.ignored.n; i++)
        events_emit(j->events,
                    &(struct event){ .kind = EVENT_SKIPPED, .text = j->gathered.ignored.items[i] });
    return needs_index(&j->gathered) ? settings_check_index(j->settings, &j->err) : 0;
}

/* What `dray metadata` is asked about it is asked about alone. */
static bool resolves(const struct job *j)
{
    return !j->settings->no_deps && j->settings->command != COMMAND_METADATA;
}

static struct resolution_formats formats_of(void *ctx, struct str project)
{
    const struct job *j = ctx;
    struct settings_formats formats = settings_formats_of(j->settings, project);

    return (struct resolution_formats){ formats.wheel, formats.sdist };
}

static void job_resolve(struct job *j, const struct fetch_world *w)
{
    j->facts = facts_create(w);
    j->to_resolve = (struct resolution_input){ .target = j->target,
                                               .wishes = j->gathered.wishes,
                                               .n_wishes = j->gathered.n,
                                               .constraints = j->gathered.constraints,
                                               .n_constraints = j->gathered.n_constraints,
                                               .pre = j->settings->pre,
                                               .prefer_binary = j->settings->prefer_binary,
                                               .need_hash = j->gathered.need_hash,
                                               .formats = formats_of,
                                               .ctx = j };
    fetcher_resolve(j->fetcher, j->facts, &j->to_resolve);
}

static int job_start_fetching(struct job *j)
{
    if (j->settings->trusted_hosts.n != j->n_trusted_hosts && job_connect(j))
        return j->err.code;
    struct workshop_site site = { .loop = j->loop,
                                  .http = j->http,
                                  .events = j->events,
                                  .settings = j->settings,
                                  .trusted_hosts = j->trusted_hosts,
                                  .n_trusted_hosts = j->n_trusted_hosts };
    if (job_gather(j) || workshop_open(&j->workshop, &site, &j->err))
        return j->err.code;
    struct fetch_world w = workshop_world(&j->workshop, j->target);
    j->fetcher = fetcher_create(&w, job_fetched, j);
    for (size_t i = 0; i < j->gathered.n; i++)
        fetcher_add(j->fetcher, &j->gathered.wishes[i]);
    if (resolves(j))
        job_resolve(j, &w);
    j->result.fetches = fetcher_views(j->fetcher, &j->result.n);
    fetcher_start(j->fetcher);
    return 0;
}

/* One of the two preparations has ended. */
static void job_prepared(struct job *j, struct err *e)
{
    if (e->code && !j->err.code)
        err_move(&j->err, e);
    bool ready = j->inputs_ready && j->target;
    if (j->err.code || (ready && job_start_fetching(j)))
        job_end(j);
}

static void job_inputs_done(void *ctx, struct err *e)
{
    struct job *j = ctx;

    j->inputs_ready = true;
    job_prepared(j, e);
}

static void job_target_done(void *ctx, struct target *target, struct err *e)
{
    struct job *j = ctx;

    j->choice = NULL;
    j->target = target;
    if (target)
        j->result.env = &target->env;
    job_prepared(j, e);
}

/* Ctrl-C goes to all that run on the terminal. */
static bool comes_from_terminal(int signal)
{
    return signal == SIGINT && isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* pip, which got the first Ctrl-C too, is left to clear up behind itself. */
static void job_signal(void *ctx, int signal)
{
    struct job *j = ctx;
    bool waits = j->installer && !j->result.signal && comes_from_terminal(signal);

    j->result.signal = signal;
    err_set(&j->err, ERR_INTERRUPTED, "interrupted");
    if (!waits)
        job_end(j);
}

static void job_tick(void *ctx)
{
    struct job *j = ctx;

    events_emit(j->events, &(struct event){ .kind = EVENT_TICK });
    if (j->workshop.rooms.store)
        store_flush(j->workshop.rooms.store);
    loop_timer_start(j->ticks, TICK_MS);
}

/* What ends a run leaves no temporary file behind. nohup's SIGHUP stays ignored, and a file above
 * the size limit is an error of write() (EFBIG), not the end. */
static int job_watch_signals(struct job *j)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction now;

    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        bool ignored = sigaction(ends[i], NULL, &now) == 0 && now.sa_handler == SIG_IGN;
        if (ends[i] == SIGHUP && ignored)
            continue;
        if (loop_on_signal(j->loop, ends[i], job_signal, j, &j->err))
            return j->err.code;
    }
    return 0;
}

/* Better said than found out: where a proxy is the only way out, nothing else would explain it. */
static void job_warn_of_proxy(struct job *j)
{
    static const char *const names[] = { "PIP_PROXY",  "https_proxy", "HTTPS_PROXY", "http_proxy",
                                         "HTTP_PROXY", "all_proxy",   "ALL_PROXY" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (!value || !value[0])
            continue;
        events_warn(j->events, NULL,
                    "%s is set, but proxies are not built in dray yet: "
                    "it connects directly",
                    names[i]);
        return;
    }
}

/* wheel and install build and install with it, whatever they fetch for. */
static void job_warn_of_python(struct job *j)
{
    const struct settings *s = j->settings;
    bool runs_it = s->command == COMMAND_WHEEL || s->command == COMMAND_INSTALL;

    if (s->targets.n && s->python.n && !runs_it)
        events_warn(j->events, NULL, "--target says what to fetch for: --python %.*s is not asked",
                    STR_ARG(s->python));
}

static int job_open(struct job *j)
{
    j->start_us = clock_us();
    j->loop = loop_open(&j->err);
    if (!j->loop || job_watch_signals(j) || job_connect(j) ||
        rooms_open_store(&j->workshop.rooms, j->settings, j->events, &j->err))
        return j->err.code;
    j->ticks = loop_timer_create(j->loop, job_tick, j);
    loop_timer_unref(j->ticks);
    loop_timer_start(j->ticks, TICK_MS);
    job_warn_of_proxy(j);
    job_warn_of_python(j);
    j->inputs = inputs_start(j->loop, j->http, j->settings, j->events, job_inputs_done, j);
    j->choice = target_choice_start(j->loop, j->settings, job_target_done, j);
    return 0;
}

static void count_done(struct job_result *r, const struct fetch_view *v)
{
    switch (v->origin) {
    case FETCH_FROM_NETWORK:
    case FETCH_FROM_FILE:
        r->fetched++;
        r->fetched_bytes += v->got_bytes;
        break;
    case FETCH_FROM_STORE:
    case FETCH_FROM_PIP:
        r->reused++;
        break;
    case FETCH_KEPT:
        r->kept++;
        break;
    case FETCH_ORIGIN_COUNT:
        break;
    }
}

static void job_count(struct job *j)
{
    struct job_result *r = &j->result;

    r->failed = count_failed(j);
    for (size_t i = 0; i < r->n; i++)
        if (r->fetches[i]->state == FETCH_DONE)
            count_done(r, r->fetches[i]);
    r->took_us = clock_us() - j->start_us;
    if (!j->err.code && r->failed)
        err_set(&j->err, ERR_NOT_FOUND, "%zu of %zu requirements failed", r->failed, r->n);
}

struct job *job_create(struct settings *s, struct events *ev)
{
    struct job *j = mem_new(1, sizeof(*j));

    j->settings = s;
    j->events = ev;
    return j;
}

int job_run(struct job *j, struct err *e)
{
    events_emit(j->events, &(struct event){ .kind = EVENT_START });
    if (!job_open(j)) {
        bool stopped = loop_run(j->loop);
        assert(stopped);
        (void)stopped;
    }
    if (j->fetcher) {
        fetcher_cancel(j->fetcher);
        j->result.fetches = fetcher_views(j->fetcher, &j->result.n);
    }
    if (j->facts)
        facts_cancel(j->facts);
    installer_cancel(j->installer);
    j->installer = NULL;
    workshop_done(&j->workshop);
    job_count(j);
    events_emit(j->events, &(struct event){ .kind = EVENT_END, .code = j->err.code });
    return err_move(e, &j->err);
}

const struct job_result *job_result(const struct job *j)
{
    return &j->result;
}

void job_destroy(struct job *j)
{
    if (!j)
        return;
    fetcher_destroy(j->fetcher);
    facts_destroy(j->facts);
    workshop_done(&j->workshop);
    gathered_done(&j->gathered);
    inputs_destroy(j->inputs);
    target_choice_cancel(j->choice);
    target_destroy(j->target);
    loop_timer_destroy(j->ticks);
    http_destroy(j->http);
    loop_close(j->loop);
    free(j->trusted_hosts);
    err_done(&j->err);
    free(j);
}
