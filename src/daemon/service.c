/* What runs is ended in two steps: those that run get time to finish, then they are handed back to
 * the queue, from which the next daemon takes them. */
#include "dray/daemon/service.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/daemon/activation.h"
#include "dray/daemon/api.h"
#include "dray/daemon/crew.h"
#include "dray/daemon/notify.h"
#include "dray/daemon/queue.h"
#include "dray/daemon/roots.h"
#include "dray/daemon/server.h"
#include "dray/daemon/service_check.h"
#include "dray/daemon/terms.h"
#include "dray/store/place.h"
#include "dray/ui/shown.h"
#include "dray/util/clock.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"
#include "dray_config.h"

enum { PARTING_MS = 200, KEPT_MS = 60 * 60 * 1000 }; /* whoever submitted a job has time to look */

struct service {
    const struct service_options *is;
    struct settings settings;    /* as they were read last */
    struct activation inherited; /* taken before anything else could have their numbers */
    struct loop *loop;
    struct engine *engine;
    struct depot *depot; /* held, so that it stays open between jobs */
    struct queue *queue;
    struct roots *roots;
    struct terms terms;
    struct crew *crew;
    struct api *api;
    struct server *server;
    struct loop_timer *patience; /* until those that run are handed back */
    struct loop_timer *parting;  /* until who listens has been told the last of it */
    struct loop_timer *watchdog;
    unsigned watchdog_ms;
    struct loop_task pruning;
    bool is_ending;
};

static void say(void *ctx, const char *text)
{
    struct service *s = ctx;
    struct buf line = { 0 };

    if (s->settings.quiet)
        return;
    shown_add_lines(&line, str_of(text), 4);
    fprintf(stderr, "%s\n", buf_z(&line));
    buf_done(&line);
}

__attribute__((format(printf, 2, 3))) static void say_f(struct service *s, const char *format, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    say(s, buf_z(&text));
    buf_done(&text);
}

/* The service manager, if there is one. */
static void tell(struct service *s, const char *state)
{
    struct err e = { 0 };

    if (notify_send(state, &e))
        say_f(s, "warning: %s", err_text(&e));
    err_done(&e);
}

/* -- what the crew and the api ask -- */

static struct place *open_place(void *ctx, const char *dir, struct err *e)
{
    struct service *s = ctx;
    struct rooted at;

    if (roots_dir(s->roots, str_of(dir), true, &at, e))
        return NULL;
    struct place *p = place_open_at(at.fd, at.path, e);
    free(at.path);
    return p;
}

static int prepare(void *ctx, const struct queue_job *job, struct settings *out, struct err *e)
{
    struct service *s = ctx;
    struct buf text = { 0 };
    int code = queue_text(s->queue, job->id, &text, e);

    if (!code)
        code = terms_apply(
            &s->terms,
            &(struct terms_job){ .text = buf_str(&text), .is_json = job->is_json, .uid = job->uid },
            NULL, out, e);
    buf_done(&text);
    return code;
}

/* A directory that it may not write into is told at once. */
static int check_dest(struct service *s, struct str dest, struct err *e)
{
    struct rooted at;
    int code = roots_dir(s->roots, dest, false, &at, e);

    if (code == ERR_NOT_FOUND) { /* it will be made */
        err_done(e);
        return 0;
    }
    if (!code) {
        close(at.fd);
        free(at.path);
    }
    return code;
}

static int check(void *ctx, struct arena *a, struct queue_new *job, struct err *e)
{
    struct service *s = ctx;
    struct settings settings;
    struct buf name = { 0 };

    settings_init(&settings);
    int code = terms_apply(
        &s->terms,
        &(struct terms_job){ .text = job->text, .is_json = job->is_json, .uid = job->uid }, &name,
        &settings, e);
    if (!code)
        code = check_dest(s, settings.dest, e);
    if (!code) {
        job->name = arena_str(a, buf_str(&name));
        job->priority = (enum job_priority)settings.priority;
    }
    settings_done(&settings);
    buf_done(&name);
    return code;
}

static int metadata(void *ctx, struct str url, bool is_own, struct settings *out, struct err *e)
{
    const struct service *s = ctx;

    return terms_metadata(&s->terms, url, is_own, out, e);
}

static void news(void *ctx, int64_t id)
{
    struct service *s = ctx;

    api_news(s->api, id);
    if (s->is_ending && !crew_running(s->crew))
        loop_timer_start(s->parting, PARTING_MS);
    else
        loop_post(s->loop, &s->pruning);
}

/* -- the end, and reading the configuration again -- */

static void hand_back(void *ctx)
{
    struct service *s = ctx;

    say_f(s, "%zu jobs are handed back to the queue", crew_running(s->crew));
    crew_hand_back(s->crew);
}

static void part(void *ctx)
{
    const struct service *s = ctx;

    loop_stop(s->loop);
}

static void end(struct service *s, int signal)
{
    if (s->is_ending) { /* once more: at once */
        hand_back(s);
        return;
    }
    s->is_ending = true;
    tell(s, "STOPPING=1");
    say_f(s, "%s: ending, %zu jobs run", signal == SIGINT ? "SIGINT" : "SIGTERM",
          crew_running(s->crew));
    crew_drain(s->crew);
    api_drain(s->api);
    if (crew_running(s->crew))
        loop_timer_start(s->patience, (uint64_t)s->settings.stop_timeout_s * 1000);
    else
        loop_stop(s->loop);
}

/* What is wrong with the new configuration leaves the old one as it is. */
static void reload(struct service *s)
{
    struct settings fresh;
    struct err e = { 0 };
    struct roots *roots = NULL;

    settings_init(&fresh);
    if (!s->is->read(s->is->ctx, &fresh, &e) && !service_check(&fresh, &e))
        roots = roots_open(fresh.roots.items, fresh.roots.n, &e);
    if (roots && !terms_read(&s->terms, &e)) {
        roots_close(s->roots);
        s->roots = roots;
        bool later = service_needs_restart(&s->settings, &fresh);
        settings_done(&s->settings);
        s->settings = fresh;
        crew_set_max(s->crew, fresh.max_jobs);
        say_f(s, "SIGHUP: the configuration was read again%s",
              later ? "; what it says of sockets, users, hosts, the token and the state directory "
                      "holds from the next start on"
                    : "");
    } else {
        roots_close(roots);
        settings_done(&fresh);
        say_f(s, "SIGHUP: the configuration stays as it was: %s", err_text(&e));
    }
    err_done(&e);
    tell(s, "READY=1");
}

static void on_signal(void *ctx, int signal)
{
    struct service *s = ctx;

    if (signal == SIGHUP)
        reload(s);
    else
        end(s, signal);
}

static void on_watchdog(void *ctx)
{
    struct service *s = ctx;

    tell(s, "WATCHDOG=1");
    loop_timer_start(s->watchdog, s->watchdog_ms / 2);
}

/* -- opening -- */

static void recovered(void *ctx, const struct queue_job *job)
{
    struct service *s = ctx;

    crew_add(s->crew, job->id, job->priority);
}

static int open_queue(struct service *s, struct err *e)
{
    struct buf directory = { 0 };

    if (!service_state_dir(&s->settings, &directory))
        err_set(e, ERR_USAGE, "there is no home to keep jobs in: say --state-dir DIR");
    else
        s->queue = queue_open(buf_z(&directory), e);
    buf_done(&directory);
    return e->code;
}

static void prune(void *ctx)
{
    struct service *s = ctx;
    struct err e = { 0 };
    bool more = false;

    if (queue_prune(s->queue, s->settings.keep_jobs, clock_unix_ms() - KEPT_MS, &more, &e))
        say_f(s, "warning: %s", err_text(&e));
    if (more)
        loop_post(s->loop, &s->pruning);
    err_done(&e);
}

static int open_store(struct service *s, struct err *e)
{
    struct settings base;

    settings_init(&base);
    if (!s->terms.base(s->terms.ctx, COMMAND_DOWNLOAD, &base, e))
        s->depot = depot_get(s->engine->depots, &base, e);
    settings_done(&base);
    if (!s->depot && !e->code)
        err_set(e, ERR_USAGE, "a daemon needs the store: say --cache-dir DIR");
    return e->code;
}

static int open_crew(struct service *s, struct err *e)
{
    s->roots = roots_open(s->settings.roots.items, s->settings.roots.n, e);
    if (!s->roots)
        return e->code;
    s->crew = crew_create(&(struct crew_options){ .engine = s->engine,
                                                  .queue = s->queue,
                                                  .door = { .open = open_place, .ctx = s },
                                                  .max_running = s->settings.max_jobs,
                                                  .prepare = prepare,
                                                  .news = news,
                                                  .say = say,
                                                  .ctx = s });
    s->api = api_create(&(struct api_options){ .engine = s->engine,
                                               .queue = s->queue,
                                               .crew = s->crew,
                                               .check = check,
                                               .metadata = metadata,
                                               .ctx = s });
    return queue_recover(s->queue, recovered, s, e);
}

static int read_token(struct service *s, struct buf *out, struct err *e)
{
    const struct settings *settings = &s->settings;
    struct stat st;

    if (!settings->token_file.n) {
        if (settings->listen.n)
            return err_set(
                e, ERR_USAGE,
                "--listen needs --token-file FILE: who comes by TCP has to know a token");
        return 0;
    }
    if (stat(settings->token_file.p, &st) == 0 && (st.st_mode & S_IROTH))
        say_f(s, "warning: %s may be read by everybody on this machine: chmod o-r it",
              settings->token_file.p);
    return file_read(settings->token_file.p, LIMIT_DAEMON_TOKEN_BYTES, out, e);
}

/* The directory of the usual socket is made; of one that was named it has to be there. */
static int listen_unix(struct service *s, struct err *e)
{
    struct buf path = { 0 }, directory = { 0 };
    int code = 0;

    if (!service_socket(&s->settings, &path))
        code = err_set(e, ERR_USAGE, "there is no directory for a socket: say --socket PATH");
    buf_add_str(&directory,
                str_sub(buf_str(&path), 0, (size_t)(str_rfind(buf_str(&path), '/') + 1)));
    if (!code && !s->settings.socket.n)
        code = file_make_private_dir(buf_z(&directory), e);
    if (!code)
        code = server_listen_unix(s->server, buf_z(&path), e);
    buf_done(&path);
    buf_done(&directory);
    return code;
}

static int listen_on(struct service *s, struct err *e)
{
    int code = 0;

    for (size_t i = 0; i < s->inherited.n && !code; i++)
        code = server_listen_inherited(s->server, s->inherited.sockets[i].fd, e);
    if (!code && !s->inherited.n)
        code = listen_unix(s, e);
    for (size_t i = 0; i < s->settings.listen.n && !code; i++)
        code = server_listen_tcp(s->server, s->settings.listen.items[i].p, e);
    return code;
}

static int open_server(struct service *s, struct err *e)
{
    const struct settings *from = &s->settings;
    uid_t *uids = mem_new(from->allow_uids.n, sizeof(*uids));
    struct buf token = { 0 };
    int code = 0;

    for (size_t i = 0; i < from->allow_uids.n && !code; i++) {
        uint64_t uid = 0;
        if (!str_to_u64(from->allow_uids.items[i], UINT32_MAX - 1, &uid))
            code = err_set(e, ERR_USAGE, "--allow-uid: expected the number of a user, got \"%.*s\"",
                           STR_ARG(from->allow_uids.items[i]));
        uids[i] = (uid_t)uid;
    }
    if (!code && !read_token(s, &token, e)) {
        s->server = server_open(
            s->loop,
            &(struct server_options){ .handle = api_handle,
                                      .ctx = s->api,
                                      .uids = uids,
                                      .n_uids = from->allow_uids.n,
                                      .token = token.n ? str_trim(buf_str(&token)) : STR_NONE,
                                      .hosts = from->allow_hosts },
            e);
        if (s->server)
            listen_on(s, e);
    }
    free(uids);
    buf_done(&token);
    return e->code;
}

static int watch(struct service *s, struct err *e)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
        if (loop_on_signal(s->loop, signals[i], on_signal, s, e))
            return e->code;
    s->patience = loop_timer_create(s->loop, hand_back, s);
    s->parting = loop_timer_create(s->loop, part, s);
    s->watchdog = loop_timer_create(s->loop, on_watchdog, s);
    s->watchdog_ms = notify_watchdog_ms();
    if (s->watchdog_ms)
        loop_timer_start(s->watchdog, s->watchdog_ms / 2);
    return 0;
}

static int open_all(struct service *s, struct err *e)
{
    const struct settings *from = &s->settings;

    if (service_check(from, e))
        return e->code;
    if (!activation_take(&s->inherited, e))
        s->loop = loop_open(e);
    if (!s->loop)
        return e->code;
    s->engine = engine_create(
        s->loop, &(struct network_limits){ .connections = from->connections,
                                           .connections_per_host = from->connections_per_host,
                                           .limit_rate = from->limit_rate });
    if (watch(s, e) || open_queue(s, e) || open_store(s, e) || open_crew(s, e))
        return e->code;
    return open_server(s, e);
}

static void flush(struct service *s)
{
    struct err e = { 0 };

    if (s->queue && queue_flush(s->queue, &e))
        say_f(s, "warning: %s", err_text(&e));
    err_done(&e);
}

static void close_all(struct service *s)
{
    server_close(s->server);
    if (s->loop)
        loop_unpost(s->loop, &s->pruning);
    api_destroy(s->api);
    crew_destroy(s->crew);
    roots_close(s->roots);
    flush(s);
    queue_close(s->queue);
    loop_timer_destroy(s->patience);
    loop_timer_destroy(s->parting);
    loop_timer_destroy(s->watchdog);
    if (s->engine)
        depot_release(s->engine->depots, s->depot);
    engine_destroy(s->engine);
    loop_close(s->loop);
    activation_done(&s->inherited);
    settings_done(&s->settings);
    terms_done(&s->terms);
}

int service_run(const struct service_options *o, struct err *e)
{
    struct service s = { .is = o, .terms = o->terms };

    s.pruning = (struct loop_task){ .fn = prune, .ctx = &s };

    settings_init(&s.settings);
    if (!o->read(o->ctx, &s.settings, e) && !terms_read(&s.terms, e) && !open_all(&s, e)) {
        for (size_t i = 0; server_where(s.server, i); i++)
            say_f(&s, "dray " DRAY_VERSION " listens on %s", server_where(s.server, i));
        tell(&s, "READY=1");
        loop_run(s.loop);
        say(&s, "ended");
    }
    close_all(&s);
    return e->code;
}
