/* Numbers for people. Sizes follow pip (utils.misc.format_size), so that a line of dray and one
 * of pip say the same of the same file. */
#include "dray/ui/human.h"

#include <inttypes.h>

enum { US_PER_MS = 1000, US_PER_S = 1000000 };

void human_bytes(struct buf *out, uint64_t n)
{
    double bytes = (double)n;

    /* pip's limits: "more than", so 1000 is "1000 bytes"; from 10 kB on cut instead of rounded. */
    if (n > 1000 * UINT64_C(1000000000))
        buf_add_f(out, "%.1f TB", bytes / 1e12);
    else if (n > 1000 * UINT64_C(1000000))
        buf_add_f(out, "%.1f GB", bytes / 1e9);
    else if (n > 1000 * UINT64_C(1000))
        buf_add_f(out, "%.1f MB", bytes / 1000.0 / 1000);
    else if (n > 10 * UINT64_C(1000))
        buf_add_f(out, "%" PRIu64 " kB", n / 1000);
    else if (n > 1000)
        buf_add_f(out, "%.1f kB", bytes / 1000.0);
    else
        human_count(out, n, "byte");
}

void human_rate(struct buf *out, uint64_t bytes_per_s)
{
    human_bytes(out, bytes_per_s);
    buf_add_z(out, "/s");
}

void human_took(struct buf *out, uint64_t us)
{
    /* Rounded before the unit is chosen, else 59.96 s would become "60.0 s". */
    uint64_t tenths = (us + US_PER_S / 20) / (US_PER_S / 10);
    uint64_t seconds = (us + US_PER_S / 2) / US_PER_S;
    uint64_t minutes = (seconds + 30) / 60;

    if (us < 100 * US_PER_MS)
        buf_add_f(out, "%" PRIu64 " ms", us / US_PER_MS);
    else if (tenths < 600)
        buf_add_f(out, "%" PRIu64 ".%" PRIu64 " s", tenths / 10, tenths % 10);
    else if (seconds < 3600)
        buf_add_f(out, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
    else
        buf_add_f(out, "%" PRIu64 " h %" PRIu64 " min", minutes / 60, minutes % 60);
}

void human_left(struct buf *out, uint64_t seconds)
{
    uint64_t hours = seconds / 3600, minutes = seconds / 60 % 60;

    if (hours >= 100 * 24)
        buf_add_z(out, ">99 d");
    else if (hours >= 100)
        buf_add_f(out, "%" PRIu64 " d", hours / 24);
    else if (hours >= 10)
        buf_add_f(out, "%" PRIu64 " h", hours);
    else if (hours)
        buf_add_f(out, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, hours, minutes, seconds % 60);
    else
        buf_add_f(out, "%" PRIu64 ":%02" PRIu64, minutes, seconds % 60);
}

void human_count(struct buf *out, uint64_t n, const char *noun)
{
    buf_add_f(out, "%" PRIu64 " %s%s", n, noun, n == 1 ? "" : "s");
}
