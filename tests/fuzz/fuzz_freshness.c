/* The fields of a 200, and behind the first empty line those of a 304: lines as in an answer. */
#include <stdlib.h>
#include <time.h>

#include "dray/net/freshness.h"
#include "dray/net/http_answer.h"

enum { RECEIVED_S = 784111777, YEAR_S = 365 * 24 * 3600 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void read_head(struct http_answer *a, struct str status, struct str *rest)
{
    struct err e = { 0 };

    http_answer_reset(a);
    check(http_answer_line(a, status, &e) == 0);
    while (rest->n > 0 && !a->head_complete) {
        ptrdiff_t end = str_find(*rest, '\n');
        size_t n = end < 0 ? rest->n : (size_t)end + 1;
        struct str line = str_sub(*rest, 0, n);
        *rest = str_sub(*rest, n, rest->n);
        if (!str_starts(line, STR("HTTP/")) && http_answer_line(a, line, &e) < 0)
            break;
    }
    err_done(&e);
}

/* Without quotes a list of directives is what lies between commas. */
static bool has_plainly(struct str list, const char *directive)
{
    if (str_find(list, '"') >= 0)
        return false;
    while (list.p)
        if (str_eq_nocase(str_trim(str_cut(list, ',', &list)), str_of(directive)))
            return true;
    return false;
}

/* Written in the first form it is the same second. */
static void check_date(struct str text)
{
    int64_t seconds = freshness_date(text);
    time_t when = (time_t)seconds;
    struct tm tm;
    char again[64];

    check(seconds >= -1 && seconds <= 253402300800); /* a leap second behind the year 9999 */
    if (seconds < 0 || seconds == 253402300800 || !gmtime_r(&when, &tm))
        return;
    strftime(again, sizeof again, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    check(freshness_date(str_of(again)) == seconds);
}

static void check_bounds(const struct freshness *f, int64_t received_s)
{
    check(f->received_s == received_s && f->fresh_until_s >= received_s);
    check(f->fresh_until_s <= received_s + YEAR_S);
    check(!freshness_is_fresh(f, received_s - 1) && !freshness_is_fresh(f, f->fresh_until_s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size };
    struct http_answer a = { 0 };
    struct http_head head = { .moved_for_now = size % 8 == 7 };
    struct freshness f = { .received_s = RECEIVED_S - YEAR_S, .fresh_until_s = RECEIVED_S };

    read_head(&a, STR("HTTP/1.1 200 OK\r\n"), &rest);
    http_answer_fill(&a, &head);
    check_date(head.date);
    check_date(head.expires);
    if (freshness_of(&head, RECEIVED_S - 3, RECEIVED_S, &f)) {
        check_bounds(&f, RECEIVED_S);
        check(!has_plainly(head.cache_control, "no-store") && !has_plainly(head.vary, "*"));
        if (has_plainly(head.cache_control, "no-cache") || head.moved_for_now)
            check(f.fresh_until_s == RECEIVED_S);
    }
    read_head(&a, STR("HTTP/1.1 304 X\r\n"), &rest);
    http_answer_fill(&a, &head);
    freshness_renew(&head, RECEIVED_S, RECEIVED_S + 1000, &f);
    check_bounds(&f, RECEIVED_S + 1000);
    if (has_plainly(head.cache_control, "no-store") || has_plainly(head.vary, "*"))
        check(f.fresh_until_s == f.received_s);
    http_answer_done(&a);
    return 0;
}
