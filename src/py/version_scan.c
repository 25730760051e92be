/* One pass from left to right. No segment has to be taken back: a separator that one takes too many
 * is one that the next would have done without. */
#include "dray/py/version_scan.h"

#include <stdio.h>

#include "dray/util/limits.h"

struct word {
    const char *text;
    unsigned tag; /* not 0 */
};

/* The first that fits counts, so a longer one stands before its own beginning. */
static const struct word pre_words[] = {
    { "alpha", VERSION_A }, { "a", VERSION_A },        { "beta", VERSION_B },
    { "b", VERSION_B },     { "preview", VERSION_RC }, { "pre", VERSION_RC },
    { "c", VERSION_RC },    { "rc", VERSION_RC },      { NULL, 0 },
};
static const struct word post_words[] = { { "post", 1 }, { "rev", 1 }, { "r", 1 }, { NULL, 0 } };
static const struct word dev_words[] = { { "dev", 1 }, { NULL, 0 } };

/* White space beyond ASCII, in UTF-8: U+0085, U+00A0, U+1680, U+2000 to U+200A, U+2028, U+2029,
 * U+202F, U+205F and U+3000. */
static const char *const wide_spaces[] = {
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
    "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
    "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};

/* An input under the scanner. */
struct scan {
    struct str s;
    size_t at;
    const char *expected; /* what was missing where it stopped */
};

size_t version_space(struct str s)
{
    unsigned char c = s.n ? (unsigned char)s.p[0] : 'x';

    /* U+001C to U+001F separate information, and Python counts them as white space. */
    if (str_isspace((char)c) || (c >= 0x1c && c <= 0x1f))
        return 1;
    if (c < 0x80)
        return 0;
    for (size_t i = 0; i < sizeof(wide_spaces) / sizeof(*wide_spaces); i++)
        if (str_starts(s, str_of(wide_spaces[i])))
            return strlen(wide_spaces[i]);
    return 0;
}

static size_t space_at_end(struct str s)
{
    for (size_t n = 1; n <= 3 && n <= s.n; n++)
        if (version_space(str_sub(s, s.n - n, s.n)) == n)
            return n;
    return 0;
}

struct str version_trim(struct str s)
{
    for (size_t n; (n = version_space(s)) > 0;)
        s = str_sub(s, n, s.n);
    for (size_t n; (n = space_at_end(s)) > 0;)
        s.n -= n;
    return s;
}

/* NUL at the end, which no version contains. */
static char scan_peek(const struct scan *in)
{
    return in->at < in->s.n ? in->s.p[in->at] : '\0';
}

static bool scan_char(struct scan *in, char c)
{
    if (in->at == in->s.n || str_lower(in->s.p[in->at]) != c)
        return false;
    in->at++;
    return true;
}

static bool scan_separator(struct scan *in)
{
    return scan_char(in, '.') || scan_char(in, '-') || scan_char(in, '_');
}

static struct str scan_digits(struct scan *in)
{
    size_t from = in->at;

    while (str_isdigit(scan_peek(in)))
        in->at++;
    return str_sub(in->s, from, in->at);
}

/* Separator, word, separator, number: all but the word may be missing. The tag of the word, or 0
 * and not moved. */
static unsigned scan_segment(struct scan *in, const struct word *words, struct str *number)
{
    size_t from = in->at;

    scan_separator(in);
    for (const struct word *w = words; w->text; w++) {
        struct str word = str_of(w->text);
        if (!str_eq_nocase(str_sub(in->s, in->at, in->at + word.n), word))
            continue;
        in->at += word.n;
        scan_separator(in); /* also with nothing behind it: "1.0a." is 1.0a0 */
        *number = scan_digits(in);
        return w->tag;
    }
    in->at = from;
    return 0;
}

/* PEP 440, implicit post releases: "1.0-1" is 1.0.post1. */
static bool scan_implicit_post(struct scan *in, struct str *number)
{
    size_t from = in->at;

    if (scan_char(in, '-') && str_isdigit(scan_peek(in))) {
        *number = scan_digits(in);
        return true;
    }
    in->at = from;
    return false;
}

static bool scan_release(struct scan *in, struct version_segments *out)
{
    size_t from = in->at;
    struct str first = scan_digits(in);

    in->expected = "a number";
    if (first.n == 0)
        return false;
    if (scan_char(in, '!')) {
        out->epoch = first;
        from = in->at;
        if (scan_digits(in).n == 0)
            return false;
    }
    while (scan_peek(in) == '.' && in->at + 1 < in->s.n && str_isdigit(in->s.p[in->at + 1])) {
        in->at++;
        scan_digits(in);
    }
    out->release = str_sub(in->s, from, in->at);
    return true;
}

static bool scan_local(struct scan *in, struct version_segments *out)
{
    if (!scan_char(in, '+'))
        return true;
    size_t from = in->at;
    do {
        size_t start = in->at;
        while (str_isdigit(scan_peek(in)) || str_isalpha(scan_peek(in)))
            in->at++;
        in->expected = "a letter or a digit";
        if (in->at == start)
            return false;
        out->local = str_sub(in->s, from, in->at);
    } while (scan_separator(in));
    return true;
}

static bool scan_all(struct scan *in, struct version_segments *out)
{
    scan_char(in, 'v');
    if (!scan_release(in, out))
        return false;
    out->pre = scan_segment(in, pre_words, &out->pre_n);
    out->post = scan_implicit_post(in, &out->post_n) || scan_segment(in, post_words, &out->post_n);
    out->dev = scan_segment(in, dev_words, &out->dev_n);
    if (!scan_local(in, out))
        return false;
    in->expected =
        out->local.p ? "the end" : "the end or a pre-release, post-release, dev or local segment";
    return in->at == in->s.n;
}

static int scan_refuse(const struct scan *in, size_t trimmed, struct err *e)
{
    char what[16] = "the end";
    unsigned char c = (unsigned char)scan_peek(in);

    /* What was read so far is plain ASCII; the rest may be anything, so none of it is shown. */
    if (in->at < in->s.n)
        snprintf(what, sizeof(what), c > ' ' && c < 0x7f ? "'%c'" : "byte 0x%02x", c);
    return err_set(e, ERR_INPUT, "not a version: %s at column %zu, after \"%.*s\"; expected %s",
                   what, trimmed + in->at + 1, (int)in->at, in->s.p, in->expected);
}

int version_scan(struct str text, struct version_segments *out, struct err *e)
{
    struct scan in = { .s = version_trim(text) };
    struct version_segments found = { 0 };

    if (in.s.n > LIMIT_VERSION_BYTES)
        return err_set(e, ERR_LIMIT, "a version has %zu bytes, at most %d are read", in.s.n,
                       LIMIT_VERSION_BYTES);
    if (in.s.n == 0)
        return err_set(e, ERR_INPUT, "not a version: it is empty; expected a number at column 1");
    if (!scan_all(&in, &found))
        return scan_refuse(&in, (size_t)(in.s.p - text.p), e);
    *out = found;
    return 0;
}
