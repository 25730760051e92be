/* The life of a transfer, and libcurl's callbacks. These only record, and pass bytes to the sink:
 * whatever follows from them is decided in the exchange's step, with nothing of libcurl on the
 * stack. */
#include "dray/net/http_transfer.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dray/net/http_request.h"
#include "dray/util/mem.h"

void transfer_moved(const struct http_transfer *t)
{
    struct http_exchange *x = t->owner;
    struct http_host *host = x->ticket.host;

    x->moved_tick = host->moved_tick = x->core->tick;
    if (host->twin)
        host->twin->moved_tick = x->core->tick;
    http_silence_heard(&host->both->silence);
}

/* Puts the URL, fit to be shown, before what went wrong with its answer. */
static int name_url(struct http_exchange *x)
{
    struct buf shown = { 0 };

    url_redact(str_of(x->url.text), &shown);
    int code = err_wrap(&x->result.err, "%s", buf_z(&shown));
    buf_done(&shown);
    return code;
}

static int refuse_size(struct http_exchange *x)
{
    err_set(&x->result.err, ERR_LIMIT, "the answer has more than %llu bytes",
            (unsigned long long)x->max_bytes);
    return name_url(x);
}

static int sink_head(struct http_exchange *x, const struct http_answer *a)
{
    bool decoded = a->encoded && exchange_decodes(x);
    bool unknown = a->chunked || decoded || x->state != HTTP_BODY; /* or nothing is handed on */
    struct http_head head = {
        .body_bytes = unknown ? -1 : a->content_length,
        .url = str_of(x->url.text),
        .encoded = a->encoded && !decoded,
        .moved_for_now = x->moved_for_now,
    };

    http_answer_fill(a, &head);
    if (x->max_bytes && head.body_bytes > 0 && (uint64_t)head.body_bytes > x->max_bytes)
        return refuse_size(x);
    if (!x->sink.head)
        return 0;
    x->core->in_sink = true;
    int code = x->sink.head(x->sink.ctx, &head, &x->result.err);
    x->core->in_sink = false;
    return code;
}

static int sink_data(struct http_exchange *x, const void *bytes, size_t n)
{
    if (x->max_bytes && x->result.body_bytes + n > x->max_bytes)
        return refuse_size(x);
    x->result.body_bytes += n;
    x->core->in_sink = true;
    int code = x->sink.data(x->sink.ctx, bytes, n, &x->result.err);
    x->core->in_sink = false;
    return code;
}

/* Is so much of a body nobody wants to come that a new connection is cheaper? */
static bool is_worth_cutting(const struct http_transfer *t)
{
    const struct http_answer *a = &t->answer;

    return t->ignored_bytes > LIMIT_IGNORED_BODY_BYTES ||
           (!a->chunked && a->content_length > LIMIT_IGNORED_BODY_BYTES);
}

/* CURLOPT_HEADERFUNCTION: one line a call, complete; also of interim answers and trailers. */
static size_t on_header(const char *bytes, size_t one, size_t n, void *ctx)
{
    struct http_transfer *t = ctx;
    struct http_exchange *x = t->owner;
    bool was_complete = t->answer.head_complete;

    (void)one;
    transfer_moved(t);
    if (x->result.err.code)
        return 0;
    if (http_answer_line(&t->answer, (struct str){ bytes, n }, &x->result.err) < 0) {
        name_url(x);
        return 0;
    }
    if (was_complete || !t->answer.head_complete)
        return n;
    x->result.status = t->answer.status;
    bool wanted = exchange_wants(x, t->answer.status);
    if (wanted && (t->answer.status == 200 || t->answer.status == 206))
        exchange_go(x, HTTP_BODY); /* whose entering does nothing, which is all that may be done */
    if (wanted && sink_head(x, &t->answer) < 0)
        return 0;
    return x->state != HTTP_BODY && is_worth_cutting(t) ? 0 : n;
}

/* The bytes of a compressed page are those that came, not what became of them. */
static uint64_t came_since(struct http_transfer *t)
{
    curl_off_t all = 0;

    curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &all);
    uint64_t before = t->counted_bytes;
    if ((uint64_t)all > before)
        t->counted_bytes = (uint64_t)all;
    return t->counted_bytes - before;
}

static void rest(struct http_transfer *t, size_t n)
{
    struct http_exchange *x = t->owner;
    bool is_last = (curl_off_t)x->result.body_bytes == t->answer.content_length;
    bool is_limited = exchange_rate(x) > 0;

    if (is_limited)
        http_rest_count(&x->core->rest, t, came_since(t));
    if (!is_last && (is_limited || !x->is_page))
        http_rest_after(&x->core->rest, t, n);
}

/* CURLOPT_WRITEFUNCTION: at most 16 KiB a call, straight from libcurl's buffer to the sink. */
static size_t on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct http_transfer *t = ctx;
    struct http_exchange *x = t->owner;

    (void)one;
    transfer_moved(t);
    if (x->result.err.code)
        return 0;
    if (x->state == HTTP_BODY) {
        if (sink_data(x, bytes, n) < 0)
            return 0;
        rest(t, n);
        return n;
    }
    t->ignored_bytes += n;
    return is_worth_cutting(t) ? 0 : n;
}

/* CURLOPT_OPENSOCKETFUNCTION, set when there is a socket to be taken over. libcurl may ask once
 * more: when it finds that connection broken, or for another address. */
static curl_socket_t on_socket_wanted(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct http_transfer *t = ctx;

    (void)purpose;
    if (t->socket < 0)
        return socket(to->family, to->socktype, to->protocol);
    t->taken = t->socket;
    t->socket = -1;
    return t->taken;
}

/* CURLOPT_SOCKOPTFUNCTION: children must not keep our connections open. */
static int on_socket_made(void *ctx, curl_socket_t fd, curlsocktype purpose)
{
    struct http_transfer *t = ctx;

    (void)purpose;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (fd != t->taken)
        return CURL_SOCKOPT_OK;
    t->taken = -1;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static void set_callbacks(struct http_transfer *t)
{
    CURL *easy = t->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket_made);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, t);
    if (t->socket >= 0) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket_wanted);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
    }
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->detail);
}

struct http_transfer *transfer_take(struct http_exchange *x, const struct dns_address *address,
                                    int socket)
{
    struct http_transfer *t = x->core->idle;

    if (t) {
        x->core->idle = t->next;
    } else {
        t = mem_new(1, sizeof *t);
        t->easy = curl_easy_init();
        if (!t->easy)
            abort();
    }
    t->next = NULL;
    t->owner = x;
    t->address = *address;
    t->socket = socket;
    t->taken = -1;
    return t;
}

void transfer_start(struct http_transfer *t, bool afresh)
{
    http_answer_reset(&t->answer);
    t->ignored_bytes = t->counted_bytes = 0;
    t->code = CURLE_OK;
    t->detail[0] = '\0';
    set_callbacks(t);
    http_request_set(t, afresh);
    t->broken = t->owner->ticket.host->both->dialect.broken;
    t->owner->moved_tick = t->owner->core->tick;
    http_curl_add(t->owner->core->curl, t->easy, t->streams);
}

void transfer_stop(struct http_transfer *t)
{
    http_rest_forget(&t->owner->core->rest, t);
    http_curl_remove(t->owner->core->curl, t->easy, t->streams);
    /* curl_easy_reset() leaves behind the list of a transfer that was taken back before it began:
     * the next one would read it, freed. */
    curl_easy_setopt(t->easy, CURLOPT_RESOLVE, NULL);
    curl_easy_reset(t->easy);
    if (t->socket >= 0)
        close(t->socket); /* libcurl had a connection already */
    t->socket = t->taken = -1;
    curl_slist_free_all(t->headers);
    curl_slist_free_all(t->resolve);
    t->headers = t->resolve = NULL;
}

void transfer_release(struct http_transfer *t)
{
    if (!t)
        return;
    struct http_core *c = t->owner->core;
    t->owner = NULL;
    t->next = c->idle;
    c->idle = t;
}

void transfer_destroy(struct http_transfer *t)
{
    if (!t)
        return;
    curl_easy_cleanup(t->easy);
    http_answer_done(&t->answer);
    free(t);
}

void transfer_ended(void *private, CURLcode code)
{
    struct http_transfer *t = private;

    t->code = code;
    loop_post(t->owner->core->loop, &t->owner->step);
}
