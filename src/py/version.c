/* The segments of a version are written twice: as the normalised text and as the key, which is
 *
 *   number   the count of its digits, then the digits without leading zeros: any length sorts
 *   epoch    number
 *   release  numbers without trailing zeros, then END below every number: 1.0 = 1 < 1.0.1
 *   pre      a byte of PRE_*, for a segment also its number; a lone dev segment sorts below all
 *   post     a byte of POST_*, for a segment also its number
 *   dev      a byte of DEV_*, for a segment also its number
 *   local    of each piece LOCAL_WORD and its bytes, or LOCAL_NUMBER and number
 *
 * No public key begins another one, since its parts end by themselves, and without a local part
 * there is nothing behind it: local versions sort right behind their own. */
#include "dray/py/version.h"

#include <assert.h>

#include "dray/py/version_scan.h"
#include "dray/util/limits.h"

/* Bytes of keys; within a group the order of the values is the order of versions. */
enum { END = 0, NUMBER_MIN = 1, NUMBER_LONG = 0xff };
enum { PRE_DEV_ONLY = 1, PRE_A, PRE_B, PRE_RC, PRE_NONE };
enum { POST_NONE = 1, POST_SOME };
enum { DEV_SOME = 1, DEV_NONE };
enum { LOCAL_WORD = 1, LOCAL_NUMBER };

/* Nothing written is longer than twice what was read, plus the implied zeros and the tags. */
struct writer {
    char bytes[2 * LIMIT_VERSION_BYTES + 64];
    size_t n;
};

static void write_bytes(struct writer *w, struct str s)
{
    assert(s.n <= sizeof(w->bytes) - w->n);
    if (s.n)
        memcpy(w->bytes + w->n, s.p, s.n);
    w->n += s.n;
}

static void write_byte(struct writer *w, int c)
{
    char byte = (char)c;

    write_bytes(w, (struct str){ &byte, 1 });
}

static void write_lower(struct writer *w, struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        write_byte(w, str_lower(s.p[i]));
}

/* The empty string for zero. */
static struct str without_zeros(struct str digits)
{
    while (digits.n && digits.p[0] == '0')
        digits = str_sub(digits, 1, digits.n);
    return digits;
}

static void write_number_text(struct writer *w, struct str digits)
{
    struct str s = without_zeros(digits);

    write_bytes(w, s.n ? s : STR("0"));
}

static void write_number_key(struct writer *w, struct str digits)
{
    struct str s = without_zeros(digits);

    if (s.n < NUMBER_LONG - NUMBER_MIN) {
        write_byte(w, NUMBER_MIN + (int)s.n);
    } else {
        write_byte(w, NUMBER_LONG);
        write_byte(w, (int)(s.n >> 8));
        write_byte(w, (int)(s.n & 0xff));
    }
    write_bytes(w, s);
}

/* The next piece of a local part, and whether it is a number. */
static struct str local_cut(struct str *rest, bool *number)
{
    size_t n = 0;

    assert(rest->p);
    *number = true;
    for (; n < rest->n && (str_isdigit(rest->p[n]) || str_isalpha(rest->p[n])); n++)
        *number = *number && str_isdigit(rest->p[n]);
    struct str piece = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n + 1, rest->n);
    return piece;
}

static void write_local_text(struct writer *w, struct str local)
{
    for (char mark = '+'; local.n; mark = '.') {
        bool number;
        struct str piece = local_cut(&local, &number);
        write_byte(w, mark);
        if (number)
            write_number_text(w, piece);
        else
            write_lower(w, piece);
    }
}

/* PEP 440, local version identifiers: words sort without regard to case and below numbers. */
static void write_local_key(struct writer *w, struct str local)
{
    while (local.n) {
        bool number;
        struct str piece = local_cut(&local, &number);
        write_byte(w, number ? LOCAL_NUMBER : LOCAL_WORD);
        if (number)
            write_number_key(w, piece);
        else
            write_lower(w, piece); /* ended by the next tag, which is below letters and digits */
    }
}

static struct str write_release_text(struct writer *w, const struct version_segments *in)
{
    if (without_zeros(in->epoch).n) {
        write_number_text(w, in->epoch);
        write_byte(w, '!');
    }
    size_t from = w->n;
    for (struct str rest = in->release; rest.p;) {
        write_number_text(w, str_cut(rest, '.', &rest));
        if (rest.p)
            write_byte(w, '.');
    }
    return (struct str){ w->bytes + from, w->n - from };
}

static void write_release_key(struct writer *w, const struct version_segments *in)
{
    size_t zeros = 0; /* held back until another number follows */

    write_number_key(w, in->epoch);
    for (struct str rest = in->release; rest.p;) {
        struct str number = str_cut(rest, '.', &rest);
        if (without_zeros(number).n == 0) {
            zeros++;
            continue;
        }
        for (; zeros; zeros--)
            write_number_key(w, STR("0"));
        write_number_key(w, number);
    }
    write_byte(w, END);
}

static void write_suffix_text(struct writer *w, const struct version_segments *in)
{
    static const char *const names[] = { "", "a", "b", "rc" };

    if (in->pre) {
        write_bytes(w, str_of(names[in->pre]));
        write_number_text(w, in->pre_n);
    }
    if (in->post) {
        write_bytes(w, STR(".post"));
        write_number_text(w, in->post_n);
    }
    if (in->dev) {
        write_bytes(w, STR(".dev"));
        write_number_text(w, in->dev_n);
    }
}

static void write_suffix_key(struct writer *w, const struct version_segments *in)
{
    static const char tags[] = { PRE_NONE, PRE_A, PRE_B, PRE_RC };

    /* PEP 440: 1.0.dev1 sorts below 1.0a1, but 1.0.post1.dev1 right below 1.0.post1. */
    write_byte(w, in->dev && !in->pre && !in->post ? PRE_DEV_ONLY : tags[in->pre]);
    if (in->pre)
        write_number_key(w, in->pre_n);
    write_byte(w, in->post ? POST_SOME : POST_NONE);
    if (in->post)
        write_number_key(w, in->post_n);
    write_byte(w, in->dev ? DEV_SOME : DEV_NONE);
    if (in->dev)
        write_number_key(w, in->dev_n);
}

static void version_put_text(struct arena *a, const struct version_segments *in,
                             struct version *out)
{
    struct writer w;

    w.n = 0;
    struct str release = write_release_text(&w, in);
    write_suffix_text(&w, in);
    write_local_text(&w, in->local);
    out->text = arena_str(a, (struct str){ w.bytes, w.n });
    out->release = (struct str){ out->text.p + (release.p - w.bytes), release.n };
}

static void version_put_key(struct arena *a, const struct version_segments *in, struct version *out)
{
    struct writer w;

    w.n = 0;
    write_release_key(&w, in);
    size_t release_end = w.n;
    write_suffix_key(&w, in);
    size_t public_end = w.n;
    write_local_key(&w, in->local);
    out->key = arena_str(a, (struct str){ w.bytes, w.n });
    out->public_key = str_sub(out->key, 0, public_end);
    out->release_key = str_sub(out->key, 0, release_end);
}

int version_parse(struct arena *a, struct str text, struct version *out, struct err *e)
{
    struct version_segments found;
    int code = version_scan(text, &found, e);

    if (code)
        return code;
    *out = (struct version){
        .pre = found.pre || found.dev,
        .post = found.post,
        .dev = found.dev,
        .local = found.local.p != NULL,
    };
    version_put_text(a, &found, out);
    version_put_key(a, &found, out);
    return 0;
}

int version_cmp(const struct version *a, const struct version *b)
{
    return str_cmp(a->key, b->key);
}

bool version_below(const struct version *v, const struct version *than)
{
    if (str_cmp(v->key, than->key) >= 0)
        return false;
    if (than->pre)
        return true;
    /* Among the lower ones only pre-releases share this beginning: of the post-release all but
     * DEV_NONE, of a final release all but its suffix. */
    struct str own =
        than->post ? str_sub(than->public_key, 0, than->public_key.n - 1) : than->release_key;
    return !str_starts(v->key, own);
}

bool version_above(const struct version *v, const struct version *than)
{
    if (str_cmp(v->public_key, than->public_key) <= 0)
        return false;
    if (than->post || than->dev)
        return true;
    /* Its post-releases share all but POST_NONE and DEV_NONE. */
    return !str_starts(v->key, str_sub(than->public_key, 0, than->public_key.n - 2));
}

/* Writes the key of the decimal number that is one more. */
static void write_successor_key(struct writer *w, struct str digits)
{
    char next[LIMIT_VERSION_BYTES + 1];
    size_t n = digits.n, at = n;

    assert(n < sizeof(next));
    memcpy(next + 1, digits.p, n);
    next[0] = '0';
    while (next[at] == '9')
        next[at--] = '0';
    next[at]++;
    write_number_key(w, (struct str){ next, n + 1 });
}

struct str version_series_end(struct arena *a, const struct version *v, size_t drop)
{
    struct str epoch = str_sub(v->text, 0, (size_t)(v->release.p - v->text.p));
    struct str rest = v->release;
    struct writer w;

    for (; drop; drop--) {
        ptrdiff_t dot = str_rfind(rest, '.');
        assert(dot > 0);
        rest.n = (size_t)dot;
    }
    w.n = 0;
    write_number_key(&w, str_sub(epoch, 0, epoch.n ? epoch.n - 1 : 0)); /* without "!" */
    while (rest.p) {
        struct str number = str_cut(rest, '.', &rest);
        if (rest.p)
            write_number_key(&w, number);
        else
            write_successor_key(&w, number);
    }
    write_byte(&w, END);
    return arena_str(a, (struct str){ w.bytes, w.n });
}
