/* The order is that of what is known: first whether the request is for this server at all, then who
 * sends it, only then what it brings. A refusal tells nobody without the token more than that. */
#include "dray/daemon/gate.h"

#include <openssl/crypto.h>

#include "dray/util/limits.h"

enum { TOKEN_MIN_BYTES = 16 };

static int hex_value(char c)
{
    if (str_isdigit(c))
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that an escape at `i` stands for; 0 when it is broken, or NUL. */
static char escaped(struct str text, size_t i)
{
    if (text.n - i < 3)
        return 0;
    int high = hex_value(text.p[i + 1]), low = hex_value(text.p[i + 2]);
    return high < 0 || low < 0 ? 0 : (char)(high * 16 + low);
}

struct str gate_decode(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.n + 1, 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            c = escaped(text, i);
            if (!c)
                return STR_NONE;
            i += 2;
        }
        out[n++] = c;
    }
    return (struct str){ out, n };
}

static bool target_is_sound(struct str target)
{
    for (size_t i = 0; i < target.n; i++) {
        char c = target.p[i];
        if (c <= ' ' || c == 0x7f)
            return false;
        if (c == '%' && !escaped(target, i))
            return false;
    }
    return target.n > 0 && (target.p[0] == '/' || str_is(target, "*"));
}

/* Where the port begins: behind the last ":" that is not within brackets. */
static struct str without_port(struct str host)
{
    ptrdiff_t colon = str_rfind(host, ':');
    ptrdiff_t bracket = str_rfind(host, ']');

    return colon > bracket ? str_sub(host, 0, (size_t)colon) : host;
}

static bool port_is_same(struct str a, struct str b)
{
    return str_eq(str_sub(a, without_port(a).n, a.n), str_sub(b, without_port(b).n, b.n));
}

static bool is_loopback(struct str address)
{
    return str_starts(address, STR("127.")) || str_starts(address, STR("[::1]"));
}

static bool host_is_ours(const struct gate *g, const struct gate_request *r)
{
    struct str host = r->host;

    if (host.n == 0)
        return false;
    if (str_eq_nocase(host, r->reached))
        return true;
    if (is_loopback(r->reached) && str_eq_nocase(without_port(host), STR("localhost")) &&
        port_is_same(host, r->reached))
        return true;
    for (size_t i = 0; i < g->hosts.n; i++) {
        struct str allowed = g->hosts.items[i];
        if (str_eq_nocase(allowed, host) || str_eq_nocase(allowed, without_port(host)))
            return true;
    }
    return false;
}

static bool token_is_right(const struct gate *g, struct str authorization)
{
    struct str token;
    struct str scheme = str_cut(authorization, ' ', &token);

    if (!g->has_token || !str_eq_nocase(scheme, STR("Bearer")))
        return false;
    struct digest got = digest_sha256(str_trim(token));
    return CRYPTO_memcmp(got.bytes, g->token.bytes, digest_size(DIGEST_SHA256)) == 0;
}

/* No form of a web page can send these (they are no "simple" request), and no parameter of theirs
 * changes what they are. */
static bool type_is_data(struct str content_type)
{
    struct str parameters;
    struct str type = str_trim(str_cut(content_type, ';', &parameters));

    return str_eq_nocase(type, STR("application/json")) ||
           str_eq_nocase(type, STR("application/yaml"));
}

static unsigned refuse(struct buf *why, unsigned status, const char *reason)
{
    buf_add_z(why, reason);
    return status;
}

static unsigned refuse_sender(const struct gate *g, const struct gate_request *r, struct buf *why)
{
    if (!r->is_local && !host_is_ours(g, r)) {
        buf_add_f(why,
                  "the request is for the host \"%.*s\", this is %.*s; use that address, or allow "
                  "the name in the daemon's list of hosts",
                  STR_ARG(str_sub(r->host, 0, 100)), STR_ARG(r->reached));
        return 421;
    }
    if (r->origin.p)
        return refuse(why, 403,
                      "the request has an Origin header, so a web page sends it; pages may not ask "
                      "here: use a program that sends none");
    if (!r->is_local && !token_is_right(g, r->authorization))
        return refuse(why, 401,
                      "the token is missing or wrong; send \"Authorization: Bearer TOKEN\" with "
                      "what is in the daemon's token file");
    return 0;
}

unsigned gate_refuse(const struct gate *g, const struct gate_request *r, struct buf *why)
{
    unsigned status = refuse_sender(g, r, why);

    if (status)
        return status;
    if (r->head_bytes > LIMIT_DAEMON_HEAD_BYTES) {
        buf_add_f(why, "the request's headers have %zu bytes, more than %d; send fewer",
                  r->head_bytes, LIMIT_DAEMON_HEAD_BYTES);
        return 431;
    }
    if (!target_is_sound(r->target))
        return refuse(why, 400,
                      "the request's address is no path, or has a \"%\" that begins no escape, or "
                      "an escaped NUL; encode it by RFC 3986");
    if ((r->has_body || r->content_type.p) && !type_is_data(r->content_type))
        return refuse(why, 415,
                      "the body is neither application/json nor application/yaml; say which of "
                      "them it is in Content-Type");
    if (r->body_bytes > LIMIT_DAEMON_BODY_BYTES) {
        buf_add_f(why, "the body has %llu bytes, more than %d; split the work into several jobs",
                  (unsigned long long)r->body_bytes, LIMIT_DAEMON_BODY_BYTES);
        return 413;
    }
    return 0;
}

int gate_init(struct gate *g, struct str token, struct strs hosts, struct err *e)
{
    if (token.p && (token.n < TOKEN_MIN_BYTES || token.n > LIMIT_DAEMON_TOKEN_BYTES))
        return err_set(e, ERR_INPUT,
                       "the daemon's token has %zu bytes; it must have %d to %d, and no one should "
                       "be able to guess it: try `openssl rand -hex 32`",
                       token.n, TOKEN_MIN_BYTES, LIMIT_DAEMON_TOKEN_BYTES);
    for (size_t i = 0; token.p && i < token.n; i++)
        if (token.p[i] <= ' ' || token.p[i] > '~')
            return err_set(e, ERR_INPUT,
                           "the daemon's token has a blank or a character that is not ASCII at "
                           "place %zu; try `openssl rand -hex 32`",
                           i + 1);
    *g = (struct gate){ .has_token = token.p != NULL, .hosts = hosts };
    if (g->has_token)
        g->token = digest_sha256(token);
    return 0;
}
