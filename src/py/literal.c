/* Python's rules for a plain '...' or "..." string. The value is never longer than what spells
 * it, so it is written into one allocation of the token's size. */
#include "dray/py/literal.h"

enum { CODE_MAX = 0x10ffff };

struct literal {
    struct str in; /* between the quotes */
    size_t at;
    char *out;
    size_t n;
    size_t column; /* of in.p[0] */
    struct err *e;
};

static int literal_refuse(const struct literal *l, size_t at, const char *what)
{
    return err_set(l->e, ERR_INPUT, "column %zu: %s in a quoted string", l->column + at, what);
}

static void literal_put(struct literal *l, uint32_t c)
{
    if (c < 0x80) {
        l->out[l->n++] = (char)c;
        return;
    }
    if (c < 0x800) {
        l->out[l->n++] = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            l->out[l->n++] = (char)(0xe0 | c >> 12);
        } else {
            l->out[l->n++] = (char)(0xf0 | c >> 18);
            l->out[l->n++] = (char)(0x80 | (c >> 12 & 0x3f));
        }
        l->out[l->n++] = (char)(0x80 | (c >> 6 & 0x3f));
    }
    l->out[l->n++] = (char)(0x80 | (c & 0x3f));
}

static int hex_digit(char c)
{
    if (str_isdigit(c))
        return c - '0';
    c = str_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int literal_hex(struct literal *l, size_t digits)
{
    size_t escape = l->at - 2;
    uint32_t c = 0;

    for (size_t i = 0; i < digits; i++) {
        int digit = l->at < l->in.n ? hex_digit(l->in.p[l->at]) : -1;
        if (digit < 0)
            return literal_refuse(l, escape, "cut escape");
        c = c << 4 | (uint32_t)digit;
        l->at++;
    }
    if (c > CODE_MAX)
        return literal_refuse(l, escape, "character above U+10FFFF");
    literal_put(l, c);
    return 0;
}

static void literal_octal(struct literal *l)
{
    uint32_t c = 0;

    for (size_t i = 0; i < 3 && l->at < l->in.n; i++) {
        char digit = l->in.p[l->at];
        if (digit < '0' || digit > '7')
            break;
        c = c << 3 | (uint32_t)(digit - '0');
        l->at++;
    }
    literal_put(l, c);
}

/* What stands behind a backslash. */
static int literal_escape(struct literal *l)
{
    static const char plain[][2] = {
        { '\\', '\\' }, { '\'', '\'' }, { '"', '"' },  { 'a', '\a' }, { 'b', '\b' },
        { 'f', '\f' },  { 'n', '\n' },  { 'r', '\r' }, { 't', '\t' }, { 'v', '\v' },
    };

    if (l->at == l->in.n)
        return literal_refuse(l, l->at - 1, "backslash before the closing quote");
    char c = l->in.p[l->at];
    if (c >= '0' && c <= '7') {
        literal_octal(l);
        return 0;
    }
    l->at++;
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (plain[i][0] == c) {
            literal_put(l, (unsigned char)plain[i][1]);
            return 0;
        }
    if (c == 'x')
        return literal_hex(l, 2);
    if (c == 'u')
        return literal_hex(l, 4);
    if (c == 'U')
        return literal_hex(l, 8);
    if (c == 'N') /* needs Unicode's table of names: the one thing that Python reads and we don't */
        return literal_refuse(l, l->at - 2, "escape by a character's name");
    if (c == '\r' && l->at < l->in.n && l->in.p[l->at] == '\n')
        l->at++;
    if (c == '\n' || c == '\r') /* a line that goes on */
        return 0;
    l->at--; /* an unknown escape stands for itself, with its backslash */
    literal_put(l, '\\');
    return 0;
}

/* Bytes of the well-formed UTF-8 character at `at`; 0 when it is malformed (RFC 3629). */
static size_t utf8_length(struct str s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.p + at;
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;

    if (n > s.n - at)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool too_long = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] >= 0xa0;
    bool too_large = p[0] == 0xf4 && p[1] >= 0x90;
    return too_long || surrogate || too_large ? 0 : n;
}

static int literal_character(struct literal *l)
{
    char c = l->in.p[l->at];

    if (c == '\\') {
        l->at++;
        return literal_escape(l);
    }
    if (c == '\n' || c == '\r')
        return literal_refuse(l, l->at, "line break");
    if (c == '\0')
        return literal_refuse(l, l->at, "NUL byte");
    size_t n = utf8_length(l->in, l->at);
    if (n == 0)
        return literal_refuse(l, l->at, "byte that is not UTF-8");
    for (size_t i = 0; i < n; i++)
        l->out[l->n++] = l->in.p[l->at++];
    return 0;
}

int literal_decode(struct arena *a, struct str quoted, size_t column, struct str *out,
                   struct err *e)
{
    struct literal l = {
        .in = str_sub(quoted, 1, quoted.n - 1),
        .out = arena_alloc(a, quoted.n, 1),
        .column = column + 1,
        .e = e,
    };

    while (l.at < l.in.n) {
        int code = literal_character(&l);
        if (code)
            return code;
    }
    *out = (struct str){ l.out, l.n };
    return 0;
}
