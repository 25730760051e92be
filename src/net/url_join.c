/* Joining, RFC 3986 section 5. Not by libcurl's parser, which knows no relative file URLs, and
 * cheap, since a listing has a link for each of its files. */
#include "dray/net/url_parts.h"

#include "dray/util/limits.h"

/* RFC 3986 section 5.2.4, for a path that begins with "/". */
static void add_without_dots(struct str path, struct buf *out)
{
    size_t start = out->n;
    struct str rest = str_sub(path, 1, path.n);

    while (rest.p) {
        struct str segment = str_cut(rest, '/', &rest);
        bool up = str_is(segment, "..");
        if (up) {
            ptrdiff_t slash = str_rfind(str_sub(buf_str(out), start, out->n), '/');
            buf_cut(out, start + (slash < 0 ? 0 : (size_t)slash));
        }
        if (!up && !str_is(segment, ".")) {
            buf_add_c(out, '/');
            buf_add_str(out, segment);
        } else if (!rest.p) {
            buf_add_c(out, '/');
        }
    }
}

/* RFC 3986 section 5.2.3: the reference's path behind the last "/" of the base's. */
static void merge_paths(struct str base, struct str ref, struct buf *out)
{
    struct buf merged = { 0 };

    ptrdiff_t slash = str_rfind(base, '/');
    if (slash < 0)
        buf_add_c(&merged, '/');
    else
        buf_add_str(&merged, str_sub(base, 0, (size_t)slash + 1));
    buf_add_str(&merged, ref);
    add_without_dots(buf_str(&merged), out);
    buf_done(&merged);
}

/* RFC 3986 section 5.2.2, less the fragment. */
static void transform(const struct url_parts *base, const struct url_parts *ref, struct buf *out)
{
    bool own_path = ref->scheme.p || ref->authority.p;
    struct str scheme = ref->scheme.p ? ref->scheme : base->scheme;
    struct str authority = own_path ? ref->authority : base->authority;
    struct str query = ref->query;

    for (size_t i = 0; i < scheme.n; i++)
        buf_add_c(out, str_lower(scheme.p[i]));
    buf_add_z(out, "://"); /* file URLs as well, where the authority is empty */
    buf_add_str(out, authority);
    if (own_path || str_starts(ref->path, STR("/"))) {
        merge_paths(STR("/"), str_sub(ref->path, 1, ref->path.n), out);
    } else if (ref->path.n > 0) {
        merge_paths(base->path, ref->path, out);
    } else {
        merge_paths(STR("/"), str_sub(base->path, 1, base->path.n), out);
        query = query.p ? query : base->query;
    }
    if (query.n > 0) {
        buf_add_c(out, '?');
        buf_add_str(out, query);
    }
}

/* Is what was joined of a kind that can be used? Host and port are judged by url_parse(). */
static const char *reason_against(const struct url_parts *ref, const struct url_parts *joined)
{
    bool is_file = str_is(joined->scheme, "file");

    if (!is_file && !str_is(joined->scheme, "http") && !str_is(joined->scheme, "https"))
        return "only http, https and file are understood";
    /* "http:a": a relative path to parsers of before RFC 3986, urllib among them. */
    if (ref->scheme.p && !ref->authority.p && !str_starts(ref->path, STR("/")))
        return "\"//\" is expected behind the scheme";
    if (!is_file && joined->authority.n == 0)
        return "\"//\" and a host are expected behind the scheme";
    if (is_file && joined->authority.n > 0 && !str_eq_nocase(joined->authority, STR("localhost")))
        return "a file URL may name no host but localhost";
    return NULL;
}

int url_join(struct str base, struct str ref, struct buf *out, struct err *e)
{
    struct buf quoted_base = { 0 }, quoted_ref = { 0 }, joined = { 0 };
    int code = 0;

    if (base.n > LIMIT_URL_BYTES || ref.n > LIMIT_URL_BYTES)
        return err_set(e, ERR_LIMIT, "a URL is longer than %d bytes", LIMIT_URL_BYTES);
    url_quote(base, &quoted_base);
    url_quote(ref, &quoted_ref);
    struct url_parts base_parts = url_split(buf_str(&quoted_base));
    struct url_parts ref_parts = url_split(buf_str(&quoted_ref));
    transform(&base_parts, &ref_parts, &joined);
    struct url_parts parts = url_split(buf_str(&joined));
    const char *why = reason_against(&ref_parts, &parts);
    if (why)
        code = url_refuse(ref, why, e);
    else
        buf_add_str(out, buf_str(&joined));
    buf_done(&quoted_base);
    buf_done(&quoted_ref);
    buf_done(&joined);
    return code;
}
