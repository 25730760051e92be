/* What can be done to the text of a URL without judging it: quoting, taking apart, paths of files,
 * and showing it to people. */
#include "dray/net/url_parts.h"

static int hex_value(char c)
{
    if (str_isdigit(c))
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(char c)
{
    return str_isalpha(c) || str_isdigit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* The brackets too: outside of the host they are not allowed, but nobody quotes them (requests'
 * "safe" set). */
static bool is_reserved(char c)
{
    return c != '\0' && strchr(":/?#[]@!$&'()*+,;=", c);
}

static void add_quoted(struct buf *out, char c)
{
    static const char hex_digits[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)c;

    buf_add_c(out, '%');
    buf_add_c(out, hex_digits[byte >> 4]);
    buf_add_c(out, hex_digits[byte & 15]);
}

/* Is a valid percent-encoded byte at `at`? */
static bool is_escape(struct str s, size_t at)
{
    return at + 2 < s.n && s.p[at] == '%' && hex_value(s.p[at + 1]) >= 0 &&
           hex_value(s.p[at + 2]) >= 0;
}

static ptrdiff_t scheme_length(struct str text)
{
    size_t i = 0;

    if (text.n == 0 || !str_isalpha(text.p[0]))
        return -1;
    while (i < text.n && (str_isalpha(text.p[i]) || str_isdigit(text.p[i]) ||
                          (text.p[i] != '\0' && strchr("+-.", text.p[i]))))
        i++;
    return i > 1 && i < text.n && text.p[i] == ':' ? (ptrdiff_t)i : -1;
}

/* Words in the names of query parameters that let their holder in. */
static bool is_signed(struct str query)
{
    static const char *const words[] = { "sig",  "token", "key",  "cred",
                                         "pass", "pwd",   "auth", "secret" };
    struct buf lower = { 0 };
    bool found = false;

    for (size_t i = 0; i < query.n; i++)
        buf_add_c(&lower, str_lower(query.p[i]));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        found |= str_search(buf_str(&lower), str_of(words[i])) >= 0;
    buf_done(&lower);
    return found;
}

/* Control characters, also the two-byte ones of UTF-8 (U+0080 to U+009F), could drive a terminal.
 */
static void add_shown(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool c1 = c == 0xc2 && i + 1 < text.n && (unsigned char)text.p[i + 1] < 0xa0;
        if (c < ' ' || c == 0x7f || c1)
            add_quoted(out, text.p[i]);
        else
            buf_add_c(out, text.p[i]);
    }
}

/* As pip shows it: a user name alone is often a token, so it is hidden as well. */
static void add_userinfo_hidden(struct str userinfo, struct buf *out)
{
    struct str password;
    struct str user = str_cut(userinfo, ':', &password);

    if (password.p) {
        add_shown(user, out);
        buf_add_c(out, ':');
    }
    buf_add_z(out, "****@");
}

/* Of the text behind "://": the offset of the "@" that ends the user's name and password, or -1. */
static ptrdiff_t userinfo_length(struct str text)
{
    size_t end = 0, digits = 0;
    struct str port;

    while (end < text.n && (text.p[end] == '\0' || !strchr("/?#", text.p[end])))
        end++;
    struct str authority = str_sub(text, 0, end);
    ptrdiff_t at = str_rfind(authority, '@');
    if (at >= 0)
        return at;
    /* "https://me:a/b@host/": a password that should have been quoted. Not to be shown either. */
    str_cut(authority, ':', &port);
    while (digits < port.n && str_isdigit(port.p[digits]))
        digits++;
    return digits < port.n && text.p[0] != '[' ? str_rfind(text, '@') : -1;
}

void url_quote(struct str text, struct buf *out)
{
    size_t from = 0;

    while (from < text.n && (unsigned char)text.p[from] <= ' ')
        from++;
    while (text.n > from && (unsigned char)text.p[text.n - 1] <= ' ')
        text.n--;
    for (size_t i = from; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\t' || c == '\n' || c == '\r')
            continue;
        if (is_unreserved(c) || is_reserved(c) || is_escape(text, i))
            buf_add_c(out, c);
        else
            add_quoted(out, c);
    }
}

void url_unquote(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_escape(text, i)) {
            buf_add_c(out, (char)(hex_value(text.p[i + 1]) * 16 + hex_value(text.p[i + 2])));
            i += 2;
        } else {
            buf_add_c(out, text.p[i]);
        }
    }
}

struct url_parts url_split(struct str text)
{
    struct url_parts out = { STR_NONE, STR_NONE, STR_NONE, STR_NONE };
    struct str fragment;

    text = url_cut_fragment(text, &fragment);
    ptrdiff_t n = scheme_length(text);
    if (n >= 0) {
        out.scheme = str_sub(text, 0, (size_t)n);
        text = str_sub(text, (size_t)n + 1, text.n);
    }
    text = str_cut(text, '?', &out.query);
    if (str_starts(text, STR("//"))) {
        text = str_sub(text, 2, text.n);
        ptrdiff_t slash = str_find(text, '/');
        size_t end = slash < 0 ? text.n : (size_t)slash;
        out.authority = str_sub(text, 0, end);
        text = str_sub(text, end, text.n);
    }
    out.path = text;
    return out;
}

int url_refuse(struct str text, const char *why, struct err *e)
{
    struct buf shown = { 0 };

    url_redact(text, &shown);
    int code =
        err_set(e, ERR_INPUT, "\"%.200s\" is not a URL that dray can use: %s", buf_z(&shown), why);
    buf_done(&shown);
    return code;
}

bool url_has_scheme(struct str text)
{
    return scheme_length(text) >= 0;
}

int url_to_path(struct str url, struct buf *out, struct err *e)
{
    struct url_parts parts = url_split(url);
    struct buf path = { 0 };

    if (!str_eq_nocase(parts.scheme, STR("file")))
        return url_refuse(url, "it must begin with file:", e);
    if (parts.authority.n > 0 && !str_eq_nocase(parts.authority, STR("localhost")))
        return url_refuse(url, "a file URL may name no host but localhost", e);
    if (!str_starts(parts.path, STR("/")))
        return url_refuse(url, "the path of a file URL must be absolute", e);
    url_unquote(parts.path, &path);
    int code = 0;
    if (str_find(buf_str(&path), '\0') >= 0)
        code = url_refuse(url, "a path holds no NUL", e);
    else
        buf_add_str(out, buf_str(&path));
    buf_done(&path);
    return code;
}

void url_from_path(struct str path, struct buf *out)
{
    buf_add_z(out, "file://");
    for (size_t i = 0; i < path.n; i++) {
        if (is_unreserved(path.p[i]) || path.p[i] == '/')
            buf_add_c(out, path.p[i]);
        else
            add_quoted(out, path.p[i]);
    }
}

void url_basename(struct str url, struct buf *out)
{
    struct str path = url_split(url).path;

    url_unquote(str_sub(path, (size_t)(str_rfind(path, '/') + 1), path.n), out);
}

/* Where the text begins that is to be shown by itself: a list of URLs has one behind a blank or
 * comma. The end, when there is none. */
static size_t next_url(struct str text, size_t from)
{
    ptrdiff_t colon = str_search(str_sub(text, from, text.n), STR("://"));
    size_t at = colon < 0 ? 0 : from + (size_t)colon;

    while (at > from && !str_isspace(text.p[at - 1]) && text.p[at - 1] != ',')
        at--;
    return at > from ? at : text.n;
}

/* What is no URL may have been meant as one: "//me:secret@host", "https:/me:secret@host". Of each
 * word what stands between its first ":" and its last "@" goes. */
static void add_words_hidden(struct str text, struct buf *out)
{
    while (text.n) {
        size_t end = 0;
        while (end < text.n && !str_isspace(text.p[end]))
            end++;
        struct str word = str_sub(text, 0, end);
        ptrdiff_t colon = str_find(word, ':'), at = str_rfind(word, '@');
        if (colon >= 0 && colon < at) {
            add_shown(str_sub(word, 0, (size_t)colon), out);
            buf_add_z(out, ":****");
            word = str_sub(word, (size_t)at, word.n);
        }
        add_shown(word, out);
        size_t next = end < text.n ? end + 1 : end;
        add_shown(str_sub(text, end, next), out);
        text = str_sub(text, next, text.n);
    }
}

/* `start`: behind the "://". */
static void redact_one(struct str url, size_t start, struct buf *out)
{
    ptrdiff_t at = userinfo_length(str_sub(url, start, url.n));
    struct str fragment, query;

    add_shown(str_sub(url, 0, start), out);
    if (at >= 0) {
        add_userinfo_hidden(str_sub(url, start, start + (size_t)at), out);
        start += (size_t)at + 1;
    }
    struct str rest = url_cut_fragment(str_sub(url, start, url.n), &fragment);
    add_shown(str_cut(rest, '?', &query), out);
    if (query.p) {
        buf_add_c(out, '?');
        add_shown(is_signed(query) ? STR("...") : query, out);
    }
    if (fragment.p) {
        buf_add_c(out, '#');
        add_shown(fragment, out);
    }
}

void url_redact(struct str url, struct buf *out)
{
    ptrdiff_t colon;

    while ((colon = str_search(url, STR("://"))) >= 0) {
        size_t start = (size_t)colon + 3, end = next_url(url, start);
        while (start < end && url.p[start] == '/')
            start++;
        redact_one(str_sub(url, 0, end), start, out);
        url = str_sub(url, end, url.n);
    }
    add_words_hidden(url, out);
}

struct str url_cut_fragment(struct str text, struct str *fragment)
{
    return str_cut(text, '#', fragment);
}
