/* A list of directives: name, or name=value, or name="value", in which a comma separates nothing.
 * Out of step with the grammar one character is passed over and noted, and what follows is read as
 * a directive again: `public; no-store` must not be kept. */
#include "dray/net/freshness_control.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110 section 5.6.2 */
static bool is_token(char c)
{
    return str_isalpha(c) || str_isdigit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* More than a token: an unknown directive may have what it likes. */
static bool is_value(char c)
{
    return !is_blank(c) && c != ',' && c != ';' && c != '"';
}

static struct str take_while(struct str *rest, bool (*is)(char))
{
    size_t n = 0;

    while (n < rest->n && is(rest->p[n]))
        n++;
    struct str taken = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return taken;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->n == 0 || rest->p[0] != c)
        return false;
    *rest = str_sub(*rest, 1, rest->n);
    return true;
}

/* Behind the opening quote; false, and nothing taken, when there is no other. What is escaped stays
 * so: no value that is looked at holds anything to escape. */
static bool take_quoted(struct str *rest, struct str *out)
{
    for (size_t i = 0; i < rest->n; i++) {
        if (rest->p[i] == '\\') {
            i++;
        } else if (rest->p[i] == '"') {
            *out = str_sub(*rest, 0, i);
            *rest = str_sub(*rest, i + 1, rest->n);
            return true;
        }
    }
    return false;
}

/* Section 4.2.1: the first one of several, or stale. */
static void take_max_age(struct freshness_control *c, struct str value)
{
    int64_t seconds;

    if (!freshness_seconds(value, &seconds))
        c->malformed = true;
    else if (c->max_age_s < 0)
        c->max_age_s = seconds;
}

/* no-cache="Field" is for those fields alone: taken for the whole, as section 5.2.2.4 has it of
 * many caches. s-maxage, private and proxy-revalidate are for shared caches. must-understand lets
 * those who know the status pass over no-store (section 5.2.2.3): they may, need not. */
static void take_directive(struct freshness_control *c, struct str name, struct str value)
{
    if (str_eq_nocase(name, STR("no-store")))
        c->no_store = true;
    else if (str_eq_nocase(name, STR("no-cache")))
        c->no_cache = true;
    else if (str_eq_nocase(name, STR("must-revalidate")))
        c->must_revalidate = true;
    else if (str_eq_nocase(name, STR("immutable")))
        c->immutable = true;
    else if (str_eq_nocase(name, STR("max-age")))
        take_max_age(c, value);
}

/* Blanks around "=" are against the grammar, and harmless; pip takes them too. */
static struct str take_value(struct freshness_control *c, struct str *rest)
{
    struct str value = STR_NONE;

    take_while(rest, is_blank);
    if (!take_char(rest, '='))
        return STR_NONE;
    take_while(rest, is_blank);
    if (!take_char(rest, '"'))
        return take_while(rest, is_value);
    if (!take_quoted(rest, &value))
        c->malformed = true;
    return value;
}

bool freshness_seconds(struct str text, int64_t *out)
{
    uint64_t number = INT64_MAX;

    for (size_t i = 0; i < text.n; i++)
        if (!str_isdigit(text.p[i]))
            return false;
    if (text.n == 0)
        return false;
    *out = str_to_u64(text, INT64_MAX, &number) ? (int64_t)number : INT64_MAX;
    return true;
}

struct freshness_control freshness_control_parse(struct str value)
{
    struct freshness_control c = { .max_age_s = -1 };
    struct str rest = value;

    while (rest.n > 0) {
        take_while(&rest, is_blank);
        if (take_char(&rest, ','))
            continue; /* empty members are nothing: RFC 9110 section 5.6.1 */
        struct str name = take_while(&rest, is_token);
        if (name.n > 0)
            take_directive(&c, name, take_value(&c, &rest));
        take_while(&rest, is_blank);
        if (rest.n == 0 || take_char(&rest, ','))
            continue;
        c.malformed = true;
        if (name.n == 0)
            rest = str_sub(rest, 1, rest.n);
    }
    return c;
}
