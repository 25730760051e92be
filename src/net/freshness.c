/* RFC 9111 section 4.2, for a private cache. Whatever is malformed or contradicts itself shortens,
 * never lengthens: at worst an answer is validated once more. What Cache-Control says is in
 * freshness_control.c, what time it is in freshness_date.c. */
#include "dray/net/freshness.h"

#include "dray/net/freshness_control.h"

/* Of a lifetime, and of an age. Files are announced for 365000000 s; a year is as good, since what
 * is fresh for that long is kept by its hash. */
enum { SPAN_MAX_S = 365 * 24 * 3600 };

static int64_t span(int64_t seconds)
{
    if (seconds < 0)
        return 0;
    return seconds < SPAN_MAX_S ? seconds : SPAN_MAX_S;
}

/* The times of one answer. */
struct times {
    int64_t requested_s, received_s;
    int64_t date_s; /* by the server's clock; ours when it doesn't say */
};

static struct times times_of(const struct http_head *head, int64_t requested_s, int64_t received_s)
{
    int64_t date_s = freshness_date(head->date);

    return (struct times){ requested_s, received_s, date_s >= 0 ? date_s : received_s };
}

/* Section 4.2.3: as old as its Date makes it, or as the caches on the way and the way itself do. A
 * list is against the rules, its first member counts; what is no number is passed over (section
 * 5.1). */
static int64_t age_of(const struct http_head *head, const struct times *t)
{
    struct str rest;
    int64_t age_s = 0;

    freshness_seconds(str_trim(str_cut(head->age, ',', &rest)), &age_s);
    int64_t corrected = span(age_s) + span(t->received_s - t->requested_s);
    int64_t apparent = span(t->received_s - t->date_s);
    return corrected > apparent ? corrected : apparent;
}

/* Section 4.2.1. An invalid Expires, "0" above all, means in the past (section 5.3). */
static int64_t lifetime_of(const struct http_head *head, const struct freshness_control *c,
                           const struct times *t)
{
    if (c->no_cache || c->malformed)
        return 0;
    if (c->max_age_s >= 0)
        return span(c->max_age_s);
    int64_t expires_s = freshness_date(head->expires);
    return expires_s < 0 ? 0 : span(expires_s - t->date_s);
}

static bool varies_by_all(struct str vary)
{
    while (vary.p)
        if (str_is(str_trim(str_cut(vary, ',', &vary)), "*"))
            return true;
    return false;
}

static void set_fresh(struct freshness *f, const struct http_head *head, const struct times *t,
                      int64_t lifetime_s)
{
    int64_t left_s = span(lifetime_s - age_of(head, t));

    f->received_s = t->received_s;
    f->fresh_until_s = t->received_s + (head->moved_for_now ? 0 : left_s);
}

bool freshness_of(const struct http_head *head, int64_t requested_s, int64_t received_s,
                  struct freshness *out)
{
    struct freshness_control c = freshness_control_parse(head->cache_control);
    struct times t = times_of(head, requested_s, received_s);
    struct freshness f = { .no_stale = c.no_cache || c.must_revalidate, .immutable = c.immutable };

    if (head->status != 200 || c.no_store || varies_by_all(head->vary))
        return false;
    set_fresh(&f, head, &t, lifetime_of(head, &c, &t));
    *out = f;
    return true;
}

void freshness_renew(const struct http_head *head, int64_t requested_s, int64_t received_s,
                     struct freshness *f)
{
    struct freshness_control c = freshness_control_parse(head->cache_control);
    struct times t = times_of(head, requested_s, received_s);
    bool controlled = f->no_stale || f->immutable; /* there was a Cache-Control: it goes before */
    int64_t lifetime_s = 0;

    if (head->cache_control.p) {
        f->no_stale = c.no_cache || c.no_store || c.must_revalidate;
        f->immutable = c.immutable;
        lifetime_s = c.no_store ? 0 : lifetime_of(head, &c, &t);
    } else if (head->expires.p && !controlled) {
        lifetime_s = lifetime_of(head, &c, &t);
    } else if (f->fresh_until_s > f->received_s) {
        /* What was left of the lifetime then. Its whole is not kept: a 304 is to repeat the fields
         * that the 200 had (RFC 9110 section 15.4.5). Unsigned: it may come from a damaged file. */
        uint64_t left_s = (uint64_t)f->fresh_until_s - (uint64_t)f->received_s;
        lifetime_s = left_s < SPAN_MAX_S ? (int64_t)left_s : SPAN_MAX_S;
    }
    set_fresh(f, head, &t, varies_by_all(head->vary) ? 0 : lifetime_s);
}

bool freshness_is_fresh(const struct freshness *f, int64_t now_s)
{
    return f->received_s <= now_s && now_s < f->fresh_until_s;
}
