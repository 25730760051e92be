/* curl's callbacks only put bytes into buffers; what they mean is seen to between two steps.
 * Signals come as bytes of a descriptor that is waited for with curl's own, so nothing is
 * interrupted. */
#include "dray/net/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum { TICK_MS = 100, CONNECT_MS = 5000, ASK_MS = 60000 };

struct client {
    struct client_options is;
    CURLM *multi;
    int signals; /* descriptor */
    sigset_t before;
};

/* One request. */
struct asking {
    struct client *client;
    CURL *easy;
    struct curl_slist *headers;
    struct buf *body; /* what came and has not been seen to */
    bool too_long;
    size_t max_bytes;
    CURLcode code;
    long status;
    bool ended;
};

static int watch_signals(struct client *c, struct err *e)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, &c->before);
    c->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return c->signals < 0 ? err_errno(e, "signalfd") : 0;
}

struct client *client_open(const struct client_options *o, struct err *e)
{
    struct client *c = mem_new(1, sizeof(*c));

    c->is = *o;
    signal(SIGPIPE, SIG_IGN);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    c->multi = curl_multi_init();
    if (!c->multi)
        abort();
    if (!watch_signals(c, e))
        return c;
    client_close(c);
    return NULL;
}

void client_close(struct client *c)
{
    if (!c)
        return;
    curl_multi_cleanup(c->multi);
    if (c->signals >= 0)
        close(c->signals);
    sigprocmask(SIG_SETMASK, &c->before, NULL);
    free(c);
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
    struct asking *a = ctx;

    if (a->body->n + size * n > a->max_bytes) {
        a->too_long = true;
        return 0;
    }
    buf_add(a->body, bytes, size * n);
    return size * n;
}

static void add_header(struct asking *a, const char *name, const char *value)
{
    struct buf line = { 0 };

    buf_add_f(&line, "%s: %s", name, value);
    struct curl_slist *more = curl_slist_append(a->headers, buf_z(&line));
    if (!more)
        abort();
    a->headers = more;
    buf_done(&line);
}

static void set_up(struct asking *a, const struct client_request *rq)
{
    const struct client_options *o = &a->client->is;
    struct buf url = { 0 };

    a->easy = curl_easy_init();
    if (!a->easy)
        abort();
    buf_add_f(&url, "%s%s", o->socket ? "http://localhost" : o->url, rq->path);
    if (o->socket)
        curl_easy_setopt(a->easy, CURLOPT_UNIX_SOCKET_PATH, o->socket);
    if (o->token && !o->socket) {
        struct buf bearer = { 0 };
        buf_add_f(&bearer, "Bearer %s", o->token);
        add_header(a, "Authorization", buf_z(&bearer));
        buf_done(&bearer);
    }
    if (rq->type)
        add_header(a, "Content-Type", rq->type);
    if (rq->idempotency)
        add_header(a, "Idempotency-Key", rq->idempotency);
    add_header(a, "Expect", "");
    curl_easy_setopt(a->easy, CURLOPT_URL, buf_z(&url));
    curl_easy_setopt(a->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(a->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(a->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(a->easy, CURLOPT_CUSTOMREQUEST, rq->method);
    curl_easy_setopt(a->easy, CURLOPT_HTTPHEADER, a->headers);
    curl_easy_setopt(a->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(a->easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(a->easy, CURLOPT_WRITEDATA, a);
    if (rq->type) {
        curl_easy_setopt(a->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n);
        curl_easy_setopt(a->easy, CURLOPT_COPYPOSTFIELDS, rq->body.n ? rq->body.p : "");
    }
    curl_multi_add_handle(a->client->multi, a->easy);
    buf_done(&url);
}

static void tear_down(struct asking *a)
{
    curl_multi_remove_handle(a->client->multi, a->easy);
    curl_easy_cleanup(a->easy);
    curl_slist_free_all(a->headers);
}

int client_wait(struct client *c, int ms)
{
    struct curl_waitfd extra = { .fd = c->signals, .events = CURL_WAIT_POLLIN };
    struct signalfd_siginfo info;

    curl_multi_poll(c->multi, &extra, 1, ms, NULL);
    ssize_t n = read(c->signals, &info, sizeof(info));
    return n == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

/* Waits for something to happen, or for a tick. The signal that came, or 0. */
static int step(struct asking *a)
{
    int running = 0, left;

    curl_multi_perform(a->client->multi, &running);
    for (CURLMsg *m; (m = curl_multi_info_read(a->client->multi, &left)) != NULL;)
        if (m->msg == CURLMSG_DONE && m->easy_handle == a->easy) {
            a->ended = true;
            a->code = m->data.result;
        }
    curl_easy_getinfo(a->easy, CURLINFO_RESPONSE_CODE, &a->status);
    if (a->ended)
        return 0;
    return client_wait(a->client, TICK_MS);
}

static int refuse_transfer(const struct asking *a, struct err *e)
{
    const struct client_options *o = &a->client->is;
    const char *where = o->socket ? o->socket : o->url;

    if (a->too_long)
        return err_set(e, ERR_LIMIT, "the daemon's answer is longer than %zu bytes", a->max_bytes);
    if (a->code == CURLE_COULDNT_CONNECT || a->code == CURLE_COULDNT_RESOLVE_HOST)
        return err_set(
            e, ERR_CONNECT,
            "no daemon answers on %s; \"dray daemon\" starts one, --socket names another", where);
    if (a->code == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_NETWORK,
                       "there is a daemon on %s, but it does not answer: is it stopped?", where);
    return err_set(e, ERR_NETWORK, "%s: %s", where, curl_easy_strerror(a->code));
}

int client_ask(struct client *c, const struct client_request *rq, struct client_answer *out,
               struct err *e)
{
    struct asking a = { .client = c, .body = &out->body, .max_bytes = LIMIT_CLIENT_ANSWER_BYTES };
    int signal = 0;

    set_up(&a, rq);
    curl_easy_setopt(a.easy, CURLOPT_TIMEOUT_MS, (long)ASK_MS);
    while (!a.ended && !signal)
        signal = step(&a);
    if (signal)
        err_set(e, ERR_INTERRUPTED, "interrupted");
    else if (a.code != CURLE_OK)
        refuse_transfer(&a, e);
    out->status = (unsigned)a.status;
    tear_down(&a);
    return e->code;
}

static int listen_to(struct asking *a, const struct client_listener *l, struct err *e)
{
    struct sse r = { 0 };
    int code = 0;

    while (!code && !a->ended) {
        int signal = step(a);
        if (a->status == 200)
            code = sse_take(&r, a->body, l->message, l->ctx, e);
        if (!code && signal)
            code = l->signal(l->ctx, signal, e);
        if (!code)
            l->tick(l->ctx);
    }
    if (!code && a->code != CURLE_OK)
        code = refuse_transfer(a, e);
    sse_done(&r);
    return code < 0 ? code : 0;
}

int client_listen(struct client *c, const char *path, const struct client_listener *l,
                  struct client_answer *out, struct err *e)
{
    struct asking a = { .client = c, .body = &out->body, .max_bytes = LIMIT_CLIENT_MESSAGE_BYTES };

    set_up(&a, &(struct client_request){ .method = "GET", .path = path });
    int code = listen_to(&a, l, e);
    out->status = (unsigned)a.status;
    tear_down(&a);
    return code;
}
