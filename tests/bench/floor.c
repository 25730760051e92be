/* The floor that dray is measured against: what hashing and writing files that come over HTTP costs
 * at the least. One blocking connection that stays open, one request after another, recv into one
 * buffer, SHA-256, write. No loop, no parser of pages, no retries. It checks each digest, so that
 * the hashing can't be optimised away.
 *
 * usage: floor PORT LIST DIR; a line of LIST is "PATH SHA256 NAME", PATH on http://127.0.0.1:PORT.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dray/util/digest.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

enum { BUFFER_BYTES = 1024 * 1024, WORD_BYTES = 1024, MAX_BODY_BYTES = 1 << 30 };

struct wanted {
    char path[WORD_BYTES], sha256[WORD_BYTES], name[WORD_BYTES];
};

struct floor {
    int port, fd, dir;
    EVP_MD_CTX *hash;
    char buffer[BUFFER_BYTES + 1]; /* and a NUL, for the head */
};

static int fail(struct err *e, const char *what)
{
    return err_set(e, ERR_IO, "%s: %s", what, strerror(errno));
}

static int open_connection(struct floor *f, struct err *e)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)f->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

    f->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (f->fd < 0 || connect(f->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return fail(e, "connecting to the server");
    if (setsockopt(f->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0)
        return fail(e, "TCP_NODELAY");
    return 0;
}

static int send_request(struct floor *f, const char *path, struct err *e)
{
    int n = snprintf(f->buffer, BUFFER_BYTES, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path,
                     f->port);

    if (send(f->fd, f->buffer, (size_t)n, MSG_NOSIGNAL) != n)
        return fail(e, "sending a request");
    return 0;
}

/* Reads up to the end of the head: the body's length, and what of the body came along with it. */
static int read_head(struct floor *f, uint64_t *body_bytes, struct str *first, struct err *e)
{
    static const char field[] = "\r\nContent-Length: "; /* as nginx spells it */
    size_t n = 0;
    char *end = NULL;

    while (!end) {
        ssize_t got = n < BUFFER_BYTES ? recv(f->fd, f->buffer + n, BUFFER_BYTES - n, 0) : 0;
        if (got <= 0)
            return err_set(e, ERR_IO, "the connection ended within the head of an answer");
        n += (size_t)got;
        f->buffer[n] = '\0';
        end = strstr(f->buffer, "\r\n\r\n");
    }
    char *length = strstr(f->buffer, field);
    *first = (struct str){ end + 4, n - (size_t)(end + 4 - f->buffer) };
    if (!str_starts(str_of(f->buffer), STR("HTTP/1.1 200 ")) || !length || length > end)
        return err_set(e, ERR_IO, "expected a 200 with a Content-Length, got %.40s", f->buffer);
    struct str digits = str_of(length + sizeof(field) - 1);
    if (!str_to_u64(str_sub(digits, 0, strcspn(digits.p, "\r")), MAX_BODY_BYTES, body_bytes))
        return err_set(e, ERR_IO, "the Content-Length is no number up to %d", MAX_BODY_BYTES);
    return 0;
}

static int take_bytes(struct floor *f, int out, struct str bytes, struct err *e)
{
    EVP_DigestUpdate(f->hash, bytes.p, bytes.n);
    while (bytes.n) {
        ssize_t wrote = write(out, bytes.p, bytes.n);
        if (wrote < 0)
            return fail(e, "writing a file");
        bytes = str_sub(bytes, (size_t)wrote, bytes.n);
    }
    return 0;
}

static int take_body(struct floor *f, int out, uint64_t body_bytes, struct str first, struct err *e)
{
    int code = take_bytes(f, out, first, e);

    for (uint64_t left = body_bytes - first.n; !code && left;) {
        ssize_t got = recv(f->fd, f->buffer, left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES, 0);
        if (got <= 0)
            return err_set(e, ERR_IO, "the connection ended within a body");
        left -= (uint64_t)got;
        code = take_bytes(f, out, (struct str){ f->buffer, (size_t)got }, e);
    }
    return code;
}

static int check_digest(struct floor *f, const struct wanted *w, struct err *e)
{
    struct digest got = { .alg = DIGEST_SHA256 }, want;

    EVP_DigestFinal_ex(f->hash, got.bytes, NULL);
    if (!digest_parse(DIGEST_SHA256, str_of(w->sha256), &want) || !digest_eq(&got, &want))
        return err_set(e, ERR_HASH, "%s is not what was promised", w->name);
    return 0;
}

static int fetch_one(struct floor *f, const struct wanted *w, struct err *e)
{
    uint64_t body_bytes = 0;
    struct str first = STR_NONE;
    int out = -1;
    int code = send_request(f, w->path, e);

    if (!code)
        code = read_head(f, &body_bytes, &first, e);
    if (code)
        return code;
    out = openat(f->dir, w->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out < 0)
        return fail(e, w->name);
    EVP_DigestInit_ex(f->hash, EVP_sha256(), NULL);
    code = take_body(f, out, body_bytes, first, e);
    if (close(out) < 0 && !code)
        code = fail(e, w->name);
    return code ? code : check_digest(f, w, e);
}

static int fetch_list(struct floor *f, const char *list_path, struct err *e)
{
    FILE *list = fopen(list_path, "r");
    struct wanted w;
    int code = 0;

    if (!list)
        return fail(e, list_path);
    while (!code && fscanf(list, "%1023s %1023s %1023s", w.path, w.sha256, w.name) == 3)
        code = fetch_one(f, &w, e);
    fclose(list);
    return code;
}

static int run(struct floor *f, char **words, struct err *e)
{
    uint64_t port;

    if (!str_to_u64(str_of(words[1]), UINT16_MAX, &port))
        return err_set(e, ERR_USAGE, "%s is no port", words[1]);
    f->port = (int)port;
    f->dir = open(words[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir < 0)
        return fail(e, words[3]);
    int code = open_connection(f, e);
    return code ? code : fetch_list(f, words[2], e);
}

int main(int argc, char **argv)
{
    struct floor f = { .fd = -1, .dir = -1, .hash = EVP_MD_CTX_new() };
    struct err e = { 0 };

    int code = argc == 4 ? run(&f, argv, &e) : err_set(&e, ERR_USAGE, "usage: floor PORT LIST DIR");
    if (code)
        fprintf(stderr, "floor: %s\n", err_text(&e));
    if (f.fd >= 0)
        close(f.fd);
    if (f.dir >= 0)
        close(f.dir);
    EVP_MD_CTX_free(f.hash);
    err_done(&e);
    return code ? 1 : 0;
}
