/* Where pip's caches are, and what is in them. The names of both are SHA-224: of a URL in the HTTP
 * cache, of a small JSON text in that of wheels; so each is made byte for byte as pip makes it. */
#include "dray/store/pip_cache.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/store/pip_text.h"
#include "dray/util/err.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"

enum { READ_BYTES = 16 * 1024, HTTP_LEVELS = 5 };

static const char *sha224(struct str text, char out[static DIGEST_HEX_SIZE])
{
    struct digest digests[DIGEST_COUNT];
    struct hasher h;

    hasher_init(&h, 1u << DIGEST_SHA224);
    hasher_add(&h, text.p, text.n);
    hasher_finish(&h, digests);
    return digest_hex(&digests[DIGEST_SHA224], out);
}

/* Bytes before the first of `ends`. */
static size_t span(struct str s, struct str ends)
{
    size_t n = 0;

    while (n < s.n && str_find(ends, s.p[n]) < 0)
        n++;
    return n;
}

/* cachecontrol's key, CacheController._urlnorm(): scheme and authority in lower case, no fragment,
 * no empty query. False when the URL is not absolute. pip looks up the URL as it is and stores
 * under its key; that the two differ never happens, since its HTTP library lowers both before. */
static bool add_url_key(struct buf *out, struct str url)
{
    struct str query, behind, path;

    url = str_sub(url, 0, span(url, STR("#")));
    size_t scheme = span(url, STR(":/?"));
    behind = str_sub(url, scheme, url.n);
    if (scheme == 0 || !str_starts(behind, STR("://")))
        return false;
    size_t authority = span(str_sub(behind, 3, behind.n), STR("/?"));
    if (authority == 0)
        return false;
    for (size_t i = 0; i < scheme + 3 + authority; i++)
        buf_add_c(out, str_lower(url.p[i]));
    path = str_cut(str_sub(behind, 3 + authority, behind.n), '?', &query);
    buf_add_str(out, path.n ? path : STR("/"));
    buf_add_str(out, query.n ? STR("?") : STR(""));
    buf_add_str(out, query);
    return true;
}

/* The whole of a regular file of at most `max` bytes; anything else is no record. */
static bool read_record(const char *path, size_t max, struct buf *out)
{
    char chunk[READ_BYTES];
    struct err e = { 0 };
    uint64_t bytes;
    ssize_t n = -1;
    int fd;

    int code = file_open_regular(path, &fd, &bytes, &e);
    err_done(&e);
    if (code)
        return false;
    while (out->n <= max && ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)))
        buf_add(out, chunk, n > 0 ? (size_t)n : 0);
    close(fd);
    return n == 0;
}

/* Record and body are two files, written one after the other (psf/cachecontrol issue 324): pip
 * checks that there are both, and fails later when the body has not the length that the record
 * tells. A permanent redirect is kept without its body. */
static bool find_body(const char *path, struct pip_answer *answer)
{
    struct err e = { 0 };
    uint64_t told = 0;
    int fd;

    int code = file_open_regular(path, &fd, &answer->body_bytes, &e);
    err_done(&e);
    if (code)
        return false;
    close(fd);
    return answer->status / 100 == 3 ||
           !str_to_u64(str_trim(answer->content_length), UINT64_MAX, &told) ||
           told == answer->body_bytes;
}

bool pip_cache_answer(struct arena *a, const char *cache_dir, struct str url,
                      struct pip_answer *out)
{
    struct pip_answer got = { 0 };
    struct buf key = { 0 }, path = { 0 }, record = { 0 };
    char hash[DIGEST_HEX_SIZE];

    bool ok = add_url_key(&key, url);
    sha224(buf_str(&key), hash);
    buf_add_f(&path, "%s/http-v2", cache_dir);
    for (int i = 0; i < HTTP_LEVELS; i++)
        buf_add_f(&path, "/%c", hash[i]);
    buf_add_f(&path, "/%s", hash);
    ok = ok && read_record(buf_z(&path), LIMIT_PIP_RECORD_BYTES, &record) &&
         pip_cache_parse(a, buf_str(&record), &got);
    buf_add_z(&path, ".body");
    ok = ok && find_body(buf_z(&path), &got);
    if (ok) {
        got.body_path = arena_str(a, buf_str(&path));
        *out = got;
    }
    buf_done(&key);
    buf_done(&path);
    buf_done(&record);
    return ok;
}

/* UTF-16, as json.dumps(ensure_ascii=True) writes it. */
static void add_unicode(struct buf *out, uint32_t code)
{
    if (code > 0xffff) {
        buf_add_f(out, "\\u%04x", 0xd800 + ((code - 0x10000) >> 10));
        code = 0xdc00 + ((code - 0x10000) & 0x3ff);
    }
    buf_add_f(out, "\\u%04x", code);
}

static void add_json_text(struct buf *out, struct str s)
{
    static const char letters[] = "\"\"\\\\\nn\rr\tt\ff\bb"; /* what is escaped, as what */
    uint32_t code;

    buf_add_c(out, '"');
    for (size_t n; s.n; s = str_sub(s, n, s.n)) {
        n = pip_text_next(s, &code);
        if (n == 0) { /* PEP 383: Python carries a byte that is no text as half a surrogate pair */
            code = 0xdc00u + (unsigned char)s.p[0];
            n = 1;
        }
        const char *letter = letters;
        while (*letter && code != (unsigned char)*letter)
            letter += 2;
        if (*letter)
            buf_add_f(out, "\\%c", letter[1]);
        else if (code >= ' ' && code <= '~')
            buf_add_c(out, (char)code);
        else
            add_unicode(out, code);
    }
    buf_add_c(out, '"');
}

static void add_json_pair(struct buf *out, const char *key, struct str value)
{
    if (!value.p)
        return;
    buf_add_f(out, "%s\"%s\":", out->n > 1 ? "," : "", key);
    add_json_text(out, value);
}

void pip_cache_wheel_dir(const char *cache_dir, const struct pip_wheel_key *key, struct buf *out)
{
    struct buf json = { 0 };
    char hex[DIGEST_HEX_SIZE], hash[DIGEST_HEX_SIZE];

    /* Sorted by key: the names of all algorithms fall between these two neighbours. */
    buf_add_c(&json, '{');
    add_json_pair(&json, "interpreter_name", key->interpreter_name);
    add_json_pair(&json, "interpreter_version", key->interpreter_version);
    if (key->digest)
        add_json_pair(&json, digest_name(key->digest->alg), str_of(digest_hex(key->digest, hex)));
    add_json_pair(&json, "subdirectory", key->subdirectory.n ? key->subdirectory : STR_NONE);
    add_json_pair(&json, "url", key->url);
    buf_add_c(&json, '}');
    sha224(buf_str(&json), hash);
    buf_add_f(out, "%s/wheels/%.2s/%.2s/%.2s/%s", cache_dir, hash, hash + 2, hash + 4, hash + 6);
    buf_done(&json);
}

static struct str home_dir(void)
{
    const char *home = getenv("HOME");
    const struct passwd *me = home && *home ? NULL : getpwuid(getuid());

    return str_of(me ? me->pw_dir : home && *home ? home : NULL);
}

/* platformdirs: the XDG specification has only absolute paths count. */
static struct str xdg_cache_home(void)
{
    struct str path = str_trim(str_of(getenv("XDG_CACHE_HOME")));

    return str_starts(path, STR("/")) ? path : STR_NONE;
}

bool pip_cache_dir(struct str said, struct buf *out)
{
#ifdef __APPLE__
    struct str rest = STR("/Library/Caches/pip");
#else
    struct str rest = STR("/.cache/pip");
#endif
    struct str xdg = xdg_cache_home();

    if (said.n && !str_is(said, "~") && !str_starts(said, STR("~/"))) {
        buf_add_str(out, said);
        return true;
    }
    if (!said.n && xdg.n) {
        buf_add_f(out, "%.*s/pip", STR_ARG(xdg));
        return true;
    }
    struct str home = home_dir();
    if (!home.n)
        return false;
    while (str_ends(home, STR("/")))
        home.n--;
    if (said.n)
        rest = str_sub(said, 1, said.n);
    buf_add_str(out, home);
    buf_add_str(out, home.n || rest.n ? rest : STR("/"));
    return true;
}

bool pip_cache_is_trusted(const char *cache_dir)
{
    struct stat st;

    if (stat(cache_dir, &st) != 0)
        return false;
    return st.st_uid == geteuid() || st.st_uid == 0 ||
           (geteuid() != 0 && access(cache_dir, W_OK) == 0);
}
