/* Commas stand between challenges and also between the parameters of one: an element that begins
 * with a token which no "=" follows begins a challenge. Servers write all sorts of things there, so
 * what is understood counts and the rest is passed over. */
#include "dray/net/challenge.h"

#include "dray/util/limits.h"

/* RFC 9110 section 5.6.2 */
static bool is_token_char(char c)
{
    return str_isalpha(c) || str_isdigit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t skip_blanks(struct str s, size_t at)
{
    while (at < s.n && is_blank(s.p[at]))
        at++;
    return at;
}

/* Where the element that begins at `at` ends: a comma within quotes is none. */
static size_t element_end(struct str s, size_t at)
{
    bool quoted = false;

    for (; at < s.n && (quoted || s.p[at] != ','); at++) {
        if (quoted && s.p[at] == '\\' && at + 1 < s.n)
            at++;
        else if (s.p[at] == '"')
            quoted = !quoted;
    }
    return at;
}

/* The scheme that an element begins with, or STR_NONE for a parameter. */
static struct str scheme_of(struct str element)
{
    size_t n = 0;

    while (n < element.n && is_token_char(element.p[n]))
        n++;
    size_t behind = skip_blanks(element, n);
    bool is_parameter = behind < element.n && element.p[behind] == '=';
    bool is_cut = behind == n && n < element.n; /* "Basic/x": no token */
    return n && !is_parameter && !is_cut ? str_sub(element, 0, n) : STR_NONE;
}

static void take(struct challenge *c, struct str scheme)
{
    c->given = true;
    if (str_eq_nocase(scheme, STR("Basic"))) {
        c->basic = true;
    } else if (str_eq_nocase(scheme, STR("Bearer"))) {
        c->bearer = true;
    } else if (!c->other[0]) {
        scheme = str_sub(scheme, 0, sizeof(c->other) - 1);
        memcpy(c->other, scheme.p, scheme.n);
    }
}

struct challenge challenge_parse(struct str value)
{
    struct challenge c = { 0 };
    size_t at = 0;

    for (unsigned i = 0; at < value.n && i < LIMIT_CHALLENGES; i++) {
        at = skip_blanks(value, at);
        size_t end = element_end(value, at);
        struct str scheme = scheme_of(str_sub(value, at, end));
        if (scheme.p)
            take(&c, scheme);
        at = end + 1;
    }
    return c;
}

bool challenge_can_be_met(const struct challenge *c)
{
    return !c->given || c->basic || c->bearer;
}
