/* Small, so it is collected whole before it is judged. The digest is that of the text, whatever
 * encoding it came in. */
#include "dray/fetch/sidecar.h"

#include <stdlib.h>

#include "dray/fetch/retry.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct sidecar {
    const struct fetch_world *world;
    struct buf url;
    const struct digest *digest;
    sidecar_done_fn done;
    void *ctx;
    struct http_exchange *exchange;
    struct retry retry;
    struct cache_note note;
    struct buf text;
    struct sidecar_result result;
};

static void ask(void *ctx);

static int take_head(void *ctx, const struct http_head *head, struct err *e)
{
    struct sidecar *s = ctx;

    (void)e;
    cache_note_head(&s->note, head);
    return 0;
}

static int take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct sidecar *s = ctx;

    (void)e;
    s->result.bytes += n;
    buf_add(&s->text, bytes, n);
    return 0;
}

static void check_digest(struct sidecar *s, struct err *e)
{
    struct digest got[DIGEST_COUNT];
    struct hasher h;
    char want_hex[DIGEST_HEX_SIZE], got_hex[DIGEST_HEX_SIZE];

    if (!s->digest)
        return;
    hasher_init(&h, 1u << s->digest->alg);
    hasher_add(&h, buf_z(&s->text), s->text.n);
    hasher_finish(&h, got);
    hasher_done(&h);
    if (!digest_eq(&got[s->digest->alg], s->digest))
        err_set(e, ERR_HASH, "its %s is %s, the index promised %s", digest_name(s->digest->alg),
                digest_hex(&got[s->digest->alg], got_hex), digest_hex(s->digest, want_hex));
}

static void answered(void *ctx, struct http_result *result)
{
    struct sidecar *s = ctx;

    s->exchange = NULL;
    if (retry_later(&s->retry, result))
        return;
    if (!err_move(&s->result.err, &result->err))
        check_digest(s, &s->result.err);
    s->result.text = buf_str(&s->text);
    s->result.note = &s->note;
    s->done(s->ctx, &s->result);
}

static void ask(void *ctx)
{
    struct sidecar *s = ctx;
    struct http_request rq = { .url = buf_z(&s->url),
                               .is_page = true,
                               .rank = UINT64_MAX,
                               .max_bytes = LIMIT_METADATA_BYTES };
    struct http_sink sink = { .head = take_head, .data = take_bytes, .done = answered, .ctx = s };

    s->retry.attempt++;
    s->result.requests++;
    buf_reset(&s->text);
    cache_note_reset(&s->note);
    s->exchange = http_start(s->world->http, &rq, &sink);
}

struct sidecar *sidecar_start(const struct fetch_world *w, struct str url,
                              const struct digest *digest, sidecar_done_fn done, void *ctx)
{
    struct sidecar *s = mem_new(1, sizeof(*s));

    s->world = w;
    buf_add_str(&s->url, url);
    buf_add_z(&s->url, ".metadata");
    s->digest = digest;
    s->retry = (struct retry){
        .loop = w->loop, .events = w->events, .retries = w->retries, .again = ask, .ctx = s
    };
    s->done = done;
    s->ctx = ctx;
    ask(s);
    return s;
}

void sidecar_destroy(struct sidecar *s)
{
    if (!s)
        return;
    if (s->exchange)
        http_cancel(s->exchange);
    retry_done(&s->retry);
    buf_done(&s->url);
    buf_done(&s->text);
    cache_note_done(&s->note);
    err_done(&s->result.err);
    free(s);
}
