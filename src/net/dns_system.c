/* uv_getaddrinfo(), in libuv's thread pool. A look-up that has begun can't be taken back: its
 * memory is freed when it ends, and the loop stays until then. */
#include "dray/net/dns_backend.h"

#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <uv.h>

#include "dray/util/mem.h"

struct request {
    uv_getaddrinfo_t uv;
    struct loop *loop;
    struct dns_system *owner; /* NULL: nobody wants to hear of it any more */
    struct request *prev, *next;
    dns_heard_fn heard;
    void *ctx;
};

struct dns_system {
    struct loop *loop;
    struct request *requests;
};

static enum dns_outcome outcome_of(int status)
{
    switch (status) {
    case 0:
        return DNS_ANSWERED;
    case UV_EAI_NONAME:
    case UV_EAI_NODATA:
    case UV_EAI_ADDRFAMILY:
        return DNS_NO_SUCH_NAME;
    case UV_EAI_SERVICE:
    case UV_EINVAL: /* no IDNA name */
        return DNS_MALFORMED;
    default:
        return DNS_FAILED;
    }
}

static void request_unlink(struct request *r)
{
    if (r->next)
        r->next->prev = r->prev;
    if (r->prev)
        r->prev->next = r->next;
    else
        r->owner->requests = r->next;
    r->owner = NULL;
}

static void on_addresses(uv_getaddrinfo_t *uv, int status, struct addrinfo *result)
{
    struct request *r = uv->data;
    /* uv_strerror(0) is a text that leaks. */
    struct dns_found found = { .outcome = outcome_of(status),
                               .why = status < 0 ? uv_strerror(status) : "" };

    for (struct addrinfo *a = result; a; a = a->ai_next)
        dns_found_add(&found, a->ai_addr);
    uv_freeaddrinfo(result);
    loop_release(r->loop);
    if (r->owner) {
        request_unlink(r);
        r->heard(r->ctx, &found);
    }
    free(r);
}

static void system_ask(void *self, const char *host, dns_heard_fn heard, void *ctx)
{
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct dns_system *d = self;
    struct request *r = mem_new(1, sizeof *r);

    *r = (struct request){
        .loop = d->loop, .owner = d, .next = d->requests, .heard = heard, .ctx = ctx
    };
    r->uv.data = r;
    int rc = uv_getaddrinfo(loop_uv(d->loop), &r->uv, on_addresses, host, NULL, &hints);
    if (rc < 0) {
        struct dns_found found = { .outcome = outcome_of(rc), .why = uv_strerror(rc) };
        free(r);
        heard(ctx, &found);
        return;
    }
    loop_hold(d->loop);
    if (r->next)
        r->next->prev = r;
    d->requests = r;
}

static void system_close(void *self)
{
    struct dns_system *d = self;

    while (d->requests) {
        struct request *r = d->requests;
        request_unlink(r);
        uv_cancel((uv_req_t *)&r->uv); /* what has not begun; on_addresses() runs all the same */
    }
    free(d);
}

void dns_system_open(struct loop *l, struct dns_backend *out)
{
    struct dns_system *d = mem_new(1, sizeof *d);

    d->loop = l;
    *out = (struct dns_backend){ .self = d, .ask = system_ask, .close = system_close };
}
