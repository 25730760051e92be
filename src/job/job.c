/* A job goes through steps: its inputs and its target (side by side), then the machines, then, for
 * install, pip, then the end. A signal or an error ends it at any of them. */
#include "dray/job/job.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/fetch.h"
#include "dray/job/credentials.h"
#include "dray/job/inputs.h"
#include "dray/job/installer.h"
#include "dray/job/pip_env.h"
#include "dray/job/sets.h"
#include "dray/job/target_choice.h"
#include "dray/job/workshop.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

struct job {
    struct engine *engine;
    struct loop *loop;
    struct settings *settings;
    struct events *events;
    const struct prompter *prompter;
    struct rooms_door door;
    unsigned weight;
    struct engine_user user;
    struct credentials *credentials;
    struct network *network;
    struct http *http; /* its part of that */
    struct depot *depot;
    struct inputs *inputs;
    struct target_choice *choice;
    struct targets targets;
    struct workshop workshop;
    struct installer *installer;
    struct sets sets;
    struct fetcher *fetcher;
    bool inputs_ready;
    bool stopped; /* by job_stop() */
    struct loop_task end;
    struct loop_task give_up; /* --on-error stop: something has failed */
    bool ended;               /* `done` has run */
    job_done_fn done;
    void *ctx;
    uint64_t start_us;
    struct job_target *told;
    struct job_result result;
    struct err err;
};

static void job_post_end(void *ctx)
{
    struct job *j = ctx;

    loop_post(j->loop, &j->end);
}

/* What is on its way into the keyring gets there, but not against the person's will. */
static void job_end(struct job *j)
{
    struct auth *auth = credentials_auth(j->credentials);

    if (auth_is_saving(auth) && !j->stopped)
        auth_when_saved(auth, job_post_end, j);
    else
        job_post_end(j);
}

static void job_give_up(void *ctx)
{
    job_end(ctx);
}

/* --on-error stop. The others are cancelled as for a signal: what they have got is kept. */
static void job_heard(void *ctx, const struct event *ev)
{
    struct job *j = ctx;

    if (ev->kind == EVENT_STATE && ev->to == FETCH_FAILED && !j->ended)
        loop_post(j->loop, &j->give_up);
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
    struct network *network = network_get(j->engine->networks, j->settings, &j->err);

    if (!network)
        return j->err.code;
    http_destroy(j->http);
    network_release(j->engine->networks, j->network);
    j->network = network;
    j->http = network_join(j->engine->networks, network, j->settings,
                           &(struct network_user){ .weight = j->weight,
                                                   .auth = credentials_auth(j->credentials),
                                                   .note = job_note,
                                                   .note_ctx = j });
    return 0;
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
    if (!j->stopped)
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
    if (installs && !j->stopped && j->result.n && !count_failed(j) && all_are_solved(j))
        job_install(j);
    else
        job_end(j);
}

static int job_start_fetching(struct job *j)
{
    if (j->settings->trusted_hosts.n != j->network->n_trusted_hosts && job_connect(j))
        return j->err.code;
    struct workshop_site site = { .loop = j->loop,
                                  .http = j->http,
                                  .events = j->events,
                                  .settings = j->settings,
                                  .store = j->depot ? j->depot->store : NULL,
                                  .door = j->door,
                                  .flights = j->depot ? j->depot->flights : NULL,
                                  .trusted_hosts = j->network->trusted_hosts,
                                  .n_trusted_hosts = j->network->n_trusted_hosts };
    if (sets_gather(&j->sets, j->settings, j->inputs, &j->targets, j->events, &j->err) ||
        workshop_open(&j->workshop, &site, &j->err) || sets_open(&j->sets, &j->door, &j->err))
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

static void job_tick(void *ctx)
{
    struct job *j = ctx;

    events_emit(j->events, &(struct event){ .kind = EVENT_TICK });
}

/* A slip, or of a container that lacks what its host has: certificates may then be refused. */
static void job_warn_of_authorities(struct job *j)
{
    if (j->network->unread)
        events_warn(j->events, NULL,
                    "%s names nothing that can be read: the system's certificate authorities count",
                    j->network->unread);
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

/* A store that can't be used is a warning, but with --offline, which is nothing without it. */
static int job_open_store(struct job *j)
{
    struct err why = { 0 };

    j->depot = depot_get(j->engine->depots, j->settings, &why);
    if (!j->depot && j->settings->offline)
        err_set(&j->err, why.code ? why.code : ERR_USAGE, "--offline needs the store%s%s",
                why.code ? ": " : ", which is switched off", err_text(&why));
    else if (why.code)
        events_warn(j->events, NULL, "nothing is kept for later runs: %s", err_text(&why));
    err_done(&why);
    return j->err.code;
}

static void job_open(struct job *j)
{
    if (job_open_credentials(j) || job_connect(j) || job_open_store(j)) {
        job_end(j);
        return;
    }
    job_warn_of_authorities(j);
    job_warn_of_python(j);
    j->inputs = inputs_start(j->loop, j->http, j->settings, j->events, job_inputs_done, j);
    j->choice = target_choice_start(j->loop, j->settings, job_target_done, j);
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
    r->turns = loop_turns(j->loop);
    if (!j->err.code && r->failed)
        err_set(&j->err, ERR_NOT_FOUND, "%zu of %zu requirements failed", r->failed, r->n);
}

/* Nothing is under way any more; what is told of it stays. */
static void job_close(struct job *j)
{
    if (j->fetcher) {
        fetcher_cancel(j->fetcher);
        j->result.fetches = fetcher_views(j->fetcher, &j->result.n);
    }
    if (j->sets.facts)
        j->result.found = facts_count(j->sets.facts);
    sets_close(&j->sets);
    installer_cancel(j->installer);
    j->installer = NULL;
    inputs_cancel(j->inputs);
    target_choice_cancel(j->choice);
    j->choice = NULL;
    auth_stop(credentials_auth(j->credentials)); /* the terminal is the summary's */
    workshop_done(&j->workshop);
    engine_leave(j->engine, &j->user);
}

static void job_finish(void *ctx)
{
    struct job *j = ctx;
    struct err e = { 0 };

    if (j->ended)
        return;
    j->ended = true;
    job_close(j);
    job_count(j);
    events_emit(j->events, &(struct event){ .kind = EVENT_END, .code = j->err.code });
    err_move(&e, &j->err);
    j->done(j->ctx, &e);
    err_done(&e);
}

struct job *job_create(const struct job_options *o)
{
    struct job *j = mem_new(1, sizeof(*j));

    j->engine = o->engine;
    j->loop = o->engine->loop;
    j->settings = o->settings;
    j->events = o->events;
    j->prompter = o->prompter;
    j->door = o->door;
    j->weight = o->weight;
    j->user = (struct engine_user){ .tick = job_tick, .ctx = j };
    j->end = (struct loop_task){ .fn = job_finish, .ctx = j };
    j->give_up = (struct loop_task){ .fn = job_give_up, .ctx = j };
    if (o->settings->on_error == ON_ERROR_STOP)
        events_listen(o->events, job_heard, j);
    return j;
}

void job_start(struct job *j, job_done_fn done, void *ctx)
{
    j->done = done;
    j->ctx = ctx;
    j->start_us = clock_us();
    events_emit(j->events, &(struct event){ .kind = EVENT_START });
    engine_enter(j->engine, &j->user);
    job_open(j);
}

/* Ctrl-C goes to all that run on the terminal. */
static bool comes_from_terminal(int signal)
{
    return signal == SIGINT && isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* pip, which got the first Ctrl-C too, is left to clear up behind itself. */
void job_stop(struct job *j, int signal)
{
    bool waits = j->installer && !j->stopped && comes_from_terminal(signal);

    j->stopped = true;
    j->result.signal = signal;
    err_set(&j->err, ERR_INTERRUPTED, "interrupted");
    if (!waits)
        job_end(j);
}

const struct job_result *job_result(const struct job *j)
{
    return &j->result;
}

void job_destroy(struct job *j)
{
    if (!j)
        return;
    job_close(j);
    loop_unpost(j->loop, &j->end);
    loop_unpost(j->loop, &j->give_up);
    fetcher_destroy(j->fetcher);
    sets_done(&j->sets);
    inputs_destroy(j->inputs);
    targets_done(&j->targets);
    http_destroy(j->http);
    network_release(j->engine->networks, j->network);
    credentials_close(j->credentials);
    depot_release(j->engine->depots, j->depot);
    free(j->told);
    err_done(&j->err);
    free(j);
}
