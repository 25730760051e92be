/* The three forms of RFC 9110 section 5.6.7 as patterns. Not strptime(), which knows the locale's
 * names and takes blanks as they come, nor curl_getdate(), which guesses. Case does not matter,
 * zones other than GMT do (RFC 9111 section 4.2). */
#include "dray/net/freshness.h"

enum { YEAR_EPOCH = 1970, SECONDS_A_DAY = 24 * 3600 };

/* a, A: name of a day, short and long; b: of a month; d: two digits of a day, e: the same with a
 * blank for 0; Y: four digits of a year, y: two; H, M, S. Between "{" and "}". */
static const char *const forms[] = {
    "{a}, {d} {b} {Y} {H}:{M}:{S} GMT", "{A}, {d}-{b}-{y} {H}:{M}:{S} GMT", /* RFC 850 */
    "{a} {b} {e} {H}:{M}:{S} {Y}",                                          /* asctime() */
};

static const char *const days[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
                                    "Friday", "Saturday", "Sunday" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

struct parts {
    int year, month, day; /* month from 0 */
    int hour, minute, second;
};

static bool take_text(struct str *rest, struct str text)
{
    if (!str_eq_nocase(str_sub(*rest, 0, text.n), text))
        return false;
    *rest = str_sub(*rest, text.n, rest->n);
    return true;
}

/* One of `names`, of each only the first `most` letters; -1: none of them. */
static int take_name(struct str *rest, const char *const *names, int n, size_t most)
{
    for (int i = 0; i < n; i++)
        if (take_text(rest, str_sub(str_of(names[i]), 0, most)))
            return i;
    return -1;
}

static bool take_digits(struct str *rest, size_t n, int *out)
{
    uint64_t number;

    if (rest->n < n || !str_to_u64(str_sub(*rest, 0, n), 9999, &number))
        return false;
    *rest = str_sub(*rest, n, rest->n);
    *out = (int)number;
    return true;
}

/* Two digits: RFC 9110 has the most recent year that is not more than 50 years ahead, for which one
 * had to know what time it is. Nothing is older than 1970 here, and what is meant to come after
 * 2069 is taken for past, which is the side to err on. */
static bool take_short_year(struct str *rest, int *year)
{
    if (!take_digits(rest, 2, year))
        return false;
    *year += *year < YEAR_EPOCH % 100 ? 2000 : 1900;
    return true;
}

static bool take_part(struct str *rest, char part, struct parts *p)
{
    switch (part) {
    case 'a':
        return take_name(rest, days, 7, 3) >= 0; /* which one is of no use */
    case 'A':
        return take_name(rest, days, 7, SIZE_MAX) >= 0;
    case 'b':
        return (p->month = take_name(rest, months, 12, 3)) >= 0;
    case 'e':
        return take_digits(rest, take_text(rest, STR(" ")) ? 1 : 2, &p->day);
    case 'd':
        return take_digits(rest, 2, &p->day);
    case 'Y':
        return take_digits(rest, 4, &p->year);
    case 'y':
        return take_short_year(rest, &p->year);
    case 'H':
        return take_digits(rest, 2, &p->hour);
    case 'M':
        return take_digits(rest, 2, &p->minute);
    default:
        return take_digits(rest, 2, &p->second);
    }
}

static bool take_form(struct str text, const char *form, struct parts *p)
{
    for (; *form; form++) {
        bool is_part = *form == '{';
        if (is_part ? !take_part(&text, form[1], p) : !take_text(&text, (struct str){ form, 1 }))
            return false;
        if (is_part)
            form += 2;
    }
    return text.n == 0;
}

static int days_of_month(int year, int month)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return lengths[month] + (month == 1 && leap);
}

static int64_t seconds_of(const struct parts *p)
{
    int before = p->year - 1;
    int64_t day = (before - (YEAR_EPOCH - 1)) * 365 + (before / 4 - (YEAR_EPOCH - 1) / 4) -
                  (before / 100 - (YEAR_EPOCH - 1) / 100) + (before / 400 - (YEAR_EPOCH - 1) / 400);

    for (int month = 0; month < p->month; month++)
        day += days_of_month(p->year, month);
    return (day + p->day - 1) * SECONDS_A_DAY + p->hour * 3600 + p->minute * 60 + p->second;
}

int64_t freshness_date(struct str text)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct parts p = { 0 };
        if (!take_form(text, forms[i], &p))
            continue;
        bool exists = p.year >= YEAR_EPOCH && p.day >= 1 &&
                      p.day <= days_of_month(p.year, p.month) && p.hour < 24 && p.minute < 60 &&
                      p.second <= 60; /* a leap second */
        return exists ? seconds_of(&p) : -1;
    }
    return -1;
}
