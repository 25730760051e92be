#include "dray/py/instant.h"

enum { YEAR_EPOCH = 1970, SECONDS_A_DAY = 24 * 3600, MICROS = 1000 * 1000 };

static bool take_digits(struct str *rest, size_t n, int64_t *out)
{
    uint64_t number;

    if (rest->n < n || !str_to_u64(str_sub(*rest, 0, n), 9999, &number))
        return false;
    *rest = str_sub(*rest, n, rest->n);
    *out = (int64_t)number;
    return true;
}

static bool take_char(struct str *rest, const char *any_of)
{
    if (!rest->n || !rest->p[0] || !strchr(any_of, rest->p[0]))
        return false;
    *rest = str_sub(*rest, 1, rest->n);
    return true;
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t days_before(int64_t year)
{
    return year * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
}

/* Seconds since 1970 at which a day begins. */
static bool take_day(struct str *rest, int64_t *out)
{
    int64_t year, month, day, days;

    if (!take_digits(rest, 4, &year) || !take_char(rest, "-") || !take_digits(rest, 2, &month) ||
        !take_char(rest, "-") || !take_digits(rest, 2, &day))
        return false;
    if (year < YEAR_EPOCH || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
        return false;
    days = days_before(year) - days_before(YEAR_EPOCH) + day - 1;
    for (int64_t m = 1; m < month; m++)
        days += days_in(year, m);
    *out = days * SECONDS_A_DAY;
    return true;
}

/* Microseconds of a second; ".1234567" */
static bool take_fraction(struct str *rest, int64_t *out)
{
    int64_t unit = MICROS / 10;
    bool some = false;

    *out = 0;
    if (!take_char(rest, "."))
        return true;
    for (; rest->n && str_isdigit(rest->p[0]); some = true, unit /= 10) {
        *out += (rest->p[0] - '0') * unit;
        *rest = str_sub(*rest, 1, rest->n);
    }
    return some;
}

/* Seconds that local time is ahead of UTC. */
static bool take_offset(struct str *rest, int64_t *out)
{
    int64_t hours, minutes;
    bool behind = rest->n && rest->p[0] == '-';

    *out = 0;
    if (take_char(rest, "Zz"))
        return true;
    if (!take_char(rest, "+-") || !take_digits(rest, 2, &hours) || !take_char(rest, ":") ||
        !take_digits(rest, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out = (hours * 60 + minutes) * (behind ? -60 : 60);
    return true;
}

bool instant_parse(struct str text, int64_t *out_us)
{
    int64_t day, hour, minute, second, fraction, offset;

    if (!take_day(&text, &day) || !take_char(&text, "Tt ") || !take_digits(&text, 2, &hour) ||
        !take_char(&text, ":") || !take_digits(&text, 2, &minute) || !take_char(&text, ":") ||
        !take_digits(&text, 2, &second) || !take_fraction(&text, &fraction) ||
        !take_offset(&text, &offset))
        return false;
    if (text.n || hour > 23 || minute > 59 || second > 60) /* 60: a leap second */
        return false;
    int64_t seconds = day + (hour * 60 + minute) * 60 + second - offset;
    if (seconds < 0)
        return false;
    *out_us = seconds * MICROS + fraction;
    return true;
}

bool instant_parse_end(struct str text, int64_t *out_us)
{
    struct str rest = text;
    int64_t day;

    if (take_day(&rest, &day) && !rest.n) {
        *out_us = (day + SECONDS_A_DAY) * MICROS;
        return true;
    }
    if (!instant_parse(text, out_us))
        return false;
    ++*out_us;
    return true;
}
