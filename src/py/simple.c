/* Two readers, JSON and HTML, fill one listing. Here is what does not depend on the format: the
 * front that counts bytes and picks the reader, and the rules for one file (simple_file.h). */
#include "dray/py/simple.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/py/simple_file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct simple_parser {
    size_t fed; /* bytes */
    bool failed;
    struct simple_json *json; /* one of the two, the other is NULL */
    struct simple_html *html;
};

static const struct {
    const char *type;
    enum simple_format format;
} formats[] = {
    { "application/vnd.pypi.simple.v1+json", SIMPLE_JSON },
    { "application/vnd.pypi.simple.v1+html", SIMPLE_HTML },
    { "text/html", SIMPLE_HTML },
};

void simple_digests_reset(struct simple_digests *d)
{
    d->n = 0;
    d->broken = 0;
}

static void digests_remove(struct simple_digests *d, size_t i)
{
    d->n--;
    memmove(&d->items[i], &d->items[i + 1], (d->n - i) * sizeof(d->items[0]));
}

void simple_digests_put(struct simple_digests *d, enum digest_alg alg, struct str hex)
{
    struct digest value;
    size_t i = 0;

    if (hex.n == 0)
        return;
    while (i < d->n && d->items[i].alg != alg)
        i++;
    if (!digest_parse(alg, hex, &value)) {
        d->broken |= 1u << alg;
        if (i < d->n)
            digests_remove(d, i);
        return;
    }
    d->broken &= ~(1u << alg);
    d->items[i] = value;
    d->n += i == d->n;
}

int simple_field_check(struct str text, const char *name, struct err *e)
{
    if (text.n <= LIMIT_LISTING_FIELD_BYTES)
        return 0;
    return err_set(e, ERR_LIMIT, "the page has a %s of %zu bytes, at most %d are accepted", name,
                   text.n, LIMIT_LISTING_FIELD_BYTES);
}

/* PEP 629: Major.Minor. pip does not look at it at all, so a text of another shape is no reason to
 * refuse a page. */
int simple_version_check(struct str version, struct err *e)
{
    struct str minor, major = str_cut(version, '.', &minor);

    for (size_t i = 0; i < major.n; i++)
        if (!str_isdigit(major.p[i]))
            return 0;
    while (major.n > 1 && major.p[0] == '0')
        major = str_sub(major, 1, major.n);
    if (major.n == 0 || str_is(major, "1"))
        return 0;
    return err_set(e, ERR_UNSUPPORTED,
                   "the page speaks version %.*s of the simple API, dray knows 1",
                   STR_ARG(str_sub(version, 0, 40)));
}

/* What urllib.parse.urlsplit and the WHATWG's URL standard drop before they look: leading control
 * characters and blanks, and tabs and line ends anywhere. Borrows `url` when there is none, which
 * is always. */
static struct str url_clean(struct arena *arena, struct str url)
{
    while (url.n && (unsigned char)url.p[0] <= ' ')
        url = str_sub(url, 1, url.n);
    if (str_find(url, '\n') < 0 && str_find(url, '\r') < 0 && str_find(url, '\t') < 0)
        return url;

    char *p = arena_alloc(arena, url.n + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] != '\n' && url.p[i] != '\r' && url.p[i] != '\t')
            p[n++] = url.p[i];
    return (struct str){ p, n };
}

static size_t url_scheme_bytes(struct str url)
{
    ptrdiff_t colon = str_find(url, ':');

    if (colon <= 0 || !str_isalpha(url.p[0]))
        return 0;
    for (ptrdiff_t i = 0; i < colon; i++) {
        char c = url.p[i];
        if (!str_isalpha(c) && !str_isdigit(c) && c != '+' && c != '-' && c != '.')
            return 0;
    }
    return (size_t)colon + 1;
}

/* Bytes before the first `c`, all of them when there is none. */
static size_t bytes_before(struct str s, char c)
{
    ptrdiff_t at = str_find(s, c);

    return at < 0 ? s.n : (size_t)at;
}

/* RFC 3986, 3.3; *rest gets query and fragment with the character that starts them. */
static struct str url_path(struct str url, struct str *rest)
{
    size_t end = bytes_before(url, '#');

    end = bytes_before(str_sub(url, 0, end), '?');
    *rest = str_sub(url, end, url.n);
    url = str_sub(url, 0, end);
    url = str_sub(url, url_scheme_bytes(url), url.n);
    if (!str_starts(url, STR("//")))
        return url;
    url = str_sub(url, 2, url.n);
    return str_sub(url, bytes_before(url, '/'), url.n);
}

static int hex_value(char c)
{
    c = str_lower(c);
    return str_isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct str percent_decode(struct arena *arena, struct str s)
{
    if (str_find(s, '%') < 0)
        return s;
    char *p = arena_alloc(arena, s.n + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
        int low = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;
        if (s.p[i] == '%' && high >= 0 && low >= 0) {
            p[n++] = (char)(high * 16 + low);
            i += 2;
        } else {
            p[n++] = s.p[i];
        }
    }
    return (struct str){ p, n };
}

/* pip decodes first and takes the last part then, so that an escaped "/" separates too
 * (models/link.py). */
static struct str path_filename(struct arena *arena, struct str path)
{
    path = percent_decode(arena, path);
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    return str_sub(path, (size_t)(str_rfind(path, '/') + 1), path.n);
}

/* pip's LinkHash: the leftmost `[#&]alg=value` of the URL, the value going on to the next "&". In
 * the path "&" is quoted by then, so that query and fragment are left. */
static void fragment_digest(struct str rest, struct simple_digests *d)
{
    /* A "#" with nothing behind is gone by then, too. */
    if (rest.n && bytes_before(rest, '#') == rest.n - 1)
        rest.n--;
    for (size_t i = 0; i < rest.n; i++) {
        enum digest_alg alg;
        if (rest.p[i] != '#' && rest.p[i] != '&')
            continue;
        struct str value, name = str_cut(str_sub(rest, i + 1, rest.n), '=', &value);
        if (!value.p || !digest_alg_parse(name, &alg))
            continue;
        struct str behind;
        simple_digests_put(d, alg, str_cut(value, '&', &behind));
        return;
    }
}

void simple_file_set_url(struct simple_file *f, struct arena *arena, struct str href,
                         struct simple_digests *d)
{
    struct str rest;

    f->url = arena_str(arena, str_sub(href, 0, bytes_before(href, '#')));
    f->filename = path_filename(arena, url_path(url_clean(arena, f->url), &rest));
    url_path(url_clean(arena, href), &rest);
    fragment_digest(rest, d);
}

struct str simple_listing_text(struct simple_listing *l, struct str text, struct str last)
{
    return last.p && str_eq(text, last) ? last : arena_str(&l->arena, text);
}

void simple_file_set_requires_python(struct simple_file *f, struct simple_listing *l,
                                     struct str text)
{
    /* The files of one release stand together and all demand the same. */
    struct str last = l->n ? l->files[l->n - 1].requires_python : STR_NONE;

    f->requires_python = text.n ? simple_listing_text(l, text, last) : STR_NONE;
}

/* PEP 658 lets a file have several digests; the strongest is kept. Where only impossible ones are
 * promised pip takes the file and then always refuses it: here it counts as not offered, and the
 * metadata comes from the wheel. */
void simple_file_set_metadata(struct simple_file *f, const struct simple_digests *d)
{
    f->has_metadata = d->n > 0 || !d->broken;
    f->has_metadata_digest = d->n > 0;
    for (size_t i = 0; i < d->n; i++)
        if (i == 0 || d->items[i].alg < f->metadata_digest.alg)
            f->metadata_digest = d->items[i];
}

int simple_listing_add(struct simple_listing *l, struct simple_file *f,
                       const struct simple_digests *d, struct err *e)
{
    if (l->n == LIMIT_LISTING_FILES)
        return err_set(e, ERR_LIMIT, "the page lists more than %d files", LIMIT_LISTING_FILES);
    f->digests = d->n ? arena_copy(&l->arena, d->items, d->n, sizeof(d->items[0])) : NULL;
    f->n_digests = d->n;
    f->has_broken_digest = d->broken != 0;
    l->files = mem_grow(l->files, l->n, &l->cap, sizeof(l->files[0]));
    l->files[l->n++] = *f;
    return 0;
}

void simple_listing_done(struct simple_listing *l)
{
    if (!l)
        return;
    arena_done(&l->arena);
    free(l->files);
    *l = (struct simple_listing){ .files = NULL };
}

bool simple_format_of(struct str content_type, enum simple_format *out)
{
    struct str parameters, type = str_trim(str_cut(content_type, ';', &parameters));

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (str_eq_nocase(type, str_of(formats[i].type))) {
            *out = formats[i].format;
            return true;
        }
    }
    return false;
}

struct simple_parser *simple_parser_create(enum simple_format format, struct str content_type,
                                           struct simple_listing *out)
{
    struct simple_parser *p = mem_new(1, sizeof(*p));

    if (format == SIMPLE_JSON)
        p->json = simple_json_create(out);
    else
        p->html = simple_html_create(content_type, out);
    return p;
}

int simple_parser_feed(struct simple_parser *p, const void *bytes, size_t n, struct err *e)
{
    int code;

    assert(!p->failed);
    if (n == 0)
        return 0;
    if (n > LIMIT_LISTING_BYTES - p->fed)
        code = err_set(e, ERR_LIMIT, "the page has more than %d bytes", LIMIT_LISTING_BYTES);
    else if (p->json)
        code = simple_json_feed(p->json, bytes, n, e);
    else
        code = simple_html_feed(p->html, bytes, n, e);
    p->fed += n;
    p->failed = code != 0;
    return code;
}

int simple_parser_finish(struct simple_parser *p, struct err *e)
{
    assert(!p->failed);
    int code = p->json ? simple_json_finish(p->json, e) : simple_html_finish(p->html, e);
    p->failed = true; /* nothing may follow */
    return code;
}

void simple_parser_destroy(struct simple_parser *p)
{
    if (!p)
        return;
    simple_json_destroy(p->json);
    simple_html_destroy(p->html);
    free(p);
}
