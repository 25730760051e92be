/* A job goes through steps: its inputs and its target (side by side), then the machines, then, for
 * install, pip, then the end. A signal or an error ends it at any of them. */
#include "dray/job/run.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/fetch.h"
#include "dray/job/credentials.h"
#include "dray/job/inputs.h"
#include "dray/job/installer.h"
#include "dray/job/pip_env.h"
#include "dray/job/route.h"
#include "dray/job/sets.h"
#include "dray/job/target_choice.h"
#include "dray/job/workshop.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"
#include "dray_config.h"

#ifdef __APPLE__ /* whose unistd.h does not have it */
extern char **environ;
#endif

enum { TICK_MS = 100 };

struct job {
    struct settings *settings;
    struct events *events;
    const struct prompter *prompter;
    struct loop *loop;
    struct route route;
    struct credentials *credentials;
    struct http *http;
    struct loop_timer *ticks;
    struct inputs *inputs;
    struct target_choice *choice;
    struct targets targets;
    struct workshop workshop;
    struct installer *installer;
    const char **trusted_hosts;
    size_t n_trusted_hosts;
    struct sets sets;
    struct fetcher *fetcher;
    bool inputs_ready;
    uint64_t start_us;
    struct job_target *told;
    struct job_result result;
    struct err err;
};

static void job_stop(void *ctx)
{
    struct job *j = ctx;

    loop_stop(j->loop);
}

/* What is on its way into the keyring gets there, but not against the person's will. */
static void job_end(struct job *j)
{
    struct auth *auth = credentials_auth(j->credentials);

    if (auth_is_saving(auth) && !j->result.signal)
        auth_when_saved(auth, job_stop, j);
    else
        job_stop(j);
}

static void job_note(void *ctx, unsigned verbosity, struct str sentence)
{
    struct job *j = ctx;

    events_emit(j->events, &(struct event){ .kind = EVENT_NOTE, .text = sentence, .n = verbosity });
}

/* Settings that a requirements file may change take effect here: it is called again when they have.
 */
static int job_connect(struct job *j)
{
    const struct settings *s = j->settings;
    struct http_options o = { .total = s->connections,
                              .per_host = s->connections_per_host,
                              .limit_rate = s->limit_rate,
                              .timeout_ms = s->timeout_s * 1000,
        .patience = s->retries + 1,
                              .user_agent = "dray/" DRAY_VERSION,
                              .ca_file = j->route.ca_file,
                              .ca_directory = j->route.ca_directory,
                              .proxies = &j->route.proxies,
                              .system_resolver = s->resolver == RESOLVER_SYSTEM,
                              .client_cert = s->client_cert.p,
                              .http1_only = s->no_http2,
                              .note = job_note,
                              .note_ctx = j,
                              .auth = credentials_auth(j->credentials) };

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
    struct strs pins = { 0 }, env = { 0 };

    credentials_hide(j->settings, &j->workshop.arena, &env);
    for (size_t i = 0; i < j->workshop.isolation.n; i++)
        strs_add(&env, j->workshop.isolation.items[i]);
    pip_env_of_proxy(j->settings, &j->workshop.arena, &env);
    for (size_t i = 0; i < j->result.n; i++) {
        const struct fetch_view *v = j->result.fetches[i];
        strs_add(&pins, arena_f(&j->workshop.arena, "%.*s==%.*s", STR_ARG(v->project),
                                STR_ARG(v->version)));
    }
    struct installer_order order = { .python = buf_z(&j->workshop.python),
                                     .wheelhouse = j->workshop.rooms.wheelhouse,
                                     .pins = &pins,
                                     .env = &env,
                                     .options = &j->settings->pip_options };
    j->installer = installer_start(j->loop, &order, job_installed, j, &j->err);
    strs_done(&pins);
    strs_done(&env);
    if (!j->installer)
        job_end(j);
}

static bool all_are_solved(const struct job *j)
{
    bool solved = true;

    for (size_t i = 0; i < j->targets.n && solved; i++)
        solved = !fetcher_unsolved(j->fetcher, i)->code;
    return solved;
}

static void job_fetched(void *ctx)
{
    struct job *j = ctx;
    bool installs = j->settings->command == COMMAND_INSTALL && !j->settings->dry_run;

    j->result.fetches = fetcher_views(j->fetcher, &j->result.n);
    if (installs && j->result.n && !count_failed(j) && all_are_solved(j))
        job_install(j);
    else
        job_end(j);
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
    if (sets_gather(&j->sets, j->settings, j->inputs, &j->targets, j->events, &j->err) ||
        workshop_open(&j->workshop, &site, &j->err) || sets_open(&j->sets, &j->err))
        return j->err.code;
    struct fetch_world w = workshop_world(&j->workshop, j->targets.items[0]);
    j->fetcher = sets_fetcher(&j->sets, &w, job_fetched, j);
    j->result.fetches = fetcher_views(j->fetcher, &j->result.n);
    fetcher_start(j->fetcher);
    return 0;
}

/* One of the two preparations has ended. */
static void job_prepared(struct job *j, struct err *e)
{
    if (e->code && !j->err.code)
        err_move(&j->err, e);
    bool ready = j->inputs_ready && j->targets.n;
    if (j->err.code || (ready && job_start_fetching(j)))
        job_end(j);
}

static void job_inputs_done(void *ctx, struct err *e)
{
    struct job *j = ctx;

    j->inputs_ready = true;
    job_prepared(j, e);
}

static void job_target_done(void *ctx, struct targets *targets, struct err *e)
{
    struct job *j = ctx;

    j->choice = NULL;
    j->targets = *targets;
    if (targets->n)
        j->result.env = &targets->items[0]->env;
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

/* A slip, or of a container that lacks what its host has: certificates may then be refused. */
static void job_warn_of_authorities(struct job *j)
{
    if (j->route.unread)
        events_warn(j->events, NULL,
                    "%s names nothing that can be read: the system's certificate authorities count",
                    j->route.unread);
}

/* wheel and install build and install with it, whatever they fetch for. */
static void job_warn_of_python(struct job *j)
{
    const struct settings *s = j->settings;
    bool runs_it = s->command == COMMAND_WHEEL || s->command == COMMAND_INSTALL;

    if ((s->targets.n || s->target_files.n) && s->python.n && !runs_it)
        events_warn(j->events, NULL, "--target says what to fetch for: --python %.*s is not asked",
                    STR_ARG(s->python));
}

static int job_open_credentials(struct job *j)
{
    j->credentials = credentials_open(j->loop, j->settings, j->events, j->prompter, &j->err);
    return j->err.code;
}

static int job_open(struct job *j)
{
    j->start_us = clock_us();
    j->loop = loop_open(&j->err);
    if (!j->loop || job_watch_signals(j) || job_open_credentials(j) ||
        route_find(j->settings, (const char *const *)environ, &j->route, &j->err) ||
        job_connect(j) || rooms_open_store(&j->workshop.rooms, j->settings, j->events, &j->err))
        return j->err.code;
    j->ticks = loop_timer_create(j->loop, job_tick, j);
    loop_timer_unref(j->ticks);
    loop_timer_start(j->ticks, TICK_MS);
    job_warn_of_authorities(j);
    job_warn_of_python(j);
    j->inputs = inputs_start(j->loop, j->http, j->settings, j->events, job_inputs_done, j);
    j->choice = target_choice_start(j->loop, j->settings, job_target_done, j);
    return 0;
}

static void count_done(struct job_result *r, const struct fetch_view *v)
{
    if (v->repeated) {
        r->repeated++;
        return;
    }
    switch (v->origin) {
    case FETCH_FROM_NETWORK:
    case FETCH_FROM_FILE:
        r->fetched++;
        r->fetched_bytes += v->got_bytes - v->resumed_bytes;
        break;
    case FETCH_FROM_STORE:
    case FETCH_FROM_PIP:
    case FETCH_SHARED:
        r->reused++;
        break;
    case FETCH_KEPT:
        r->kept++;
        break;
    case FETCH_ORIGIN_COUNT:
        break;
    }
}

static void count_targets(struct job *j)
{
    size_t n = j->fetcher ? j->targets.n : 0;

    j->told = mem_new(n, sizeof(*j->told));
    for (size_t i = 0; i < n; i++) {
        struct job_target *t = &j->told[i];
        *t = (struct job_target){ .label = j->targets.items[i]->label,
                                  .env = &j->targets.items[i]->env,
                                  .unsolved = fetcher_unsolved(j->fetcher, i) };
        for (size_t k = 0; k < j->result.n; k++) {
            const struct fetch_view *v = j->result.fetches[k];
            bool mine = n == 1 || str_eq(v->target, t->label);
            t->n += mine;
            t->failed += mine && v->state == FETCH_FAILED;
        }
        if (t->unsolved->code && !j->err.code)
            err_set(&j->err, t->unsolved->code, "%s", err_text(t->unsolved));
    }
    j->result.targets = j->told;
    j->result.n_targets = n;
}

static void job_count(struct job *j)
{
    struct job_result *r = &j->result;

    r->failed = count_failed(j);
    count_targets(j);
    for (size_t i = 0; i < r->n; i++)
        if (r->fetches[i]->state == FETCH_DONE)
            count_done(r, r->fetches[i]);
    r->took_us = clock_us() - j->start_us;
    if (!j->err.code && r->failed)
        err_set(&j->err, ERR_NOT_FOUND, "%zu of %zu requirements failed", r->failed, r->n);
}

struct job *job_create(struct settings *s, struct events *ev, const struct prompter *prompter)
{
    struct job *j = mem_new(1, sizeof(*j));

    j->settings = s;
    j->events = ev;
    j->prompter = prompter;
    return j;
}

int job_run(struct job *j, struct err *e)
{
    events_emit(j->events, &(struct event){ .kind = EVENT_START });
    if (!job_open(j)) {
        bool stopped = loop_run(j->loop);
        assert(stopped);
        (void)stopped;
        j->result.turns = loop_turns(j->loop);
    }
    if (j->fetcher) {
        fetcher_cancel(j->fetcher);
        j->result.fetches = fetcher_views(j->fetcher, &j->result.n);
    }
    if (j->sets.facts)
        j->result.found = facts_count(j->sets.facts);
    sets_close(&j->sets);
    installer_cancel(j->installer);
    j->installer = NULL;
    auth_stop(credentials_auth(j->credentials)); /* the terminal is the summary's */
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
    workshop_done(&j->workshop);
    sets_done(&j->sets);
    inputs_destroy(j->inputs);
    target_choice_cancel(j->choice);
    targets_done(&j->targets);
    loop_timer_destroy(j->ticks);
    http_destroy(j->http);
    credentials_close(j->credentials);
    route_done(&j->route);
    loop_close(j->loop);
    free(j->trusted_hosts);
    free(j->told);
    err_done(&j->err);
    free(j);
}
