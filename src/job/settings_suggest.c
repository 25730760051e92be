/* Which word was meant by a mistyped one. */
#include "dray/job/settings.h"

/* Distance of two names by insertions, deletions, replacements and swaps of neighbours (optimal
 * string alignment). */
enum { NAME_MAX_BYTES = 40 };

static unsigned name_distance(struct str a, struct str b)
{
    unsigned rows[3][NAME_MAX_BYTES + 1];

    for (size_t j = 0; j <= b.n; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        unsigned *now = rows[i % 3], *above = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.n; j++) {
            unsigned best = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                older[j - 2] + 1 < best)
                best = older[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a.n % 3][b.n];
}

void suggestion_init(struct suggestion *g, struct str name)
{
    /* Further away is another word, not a slip. */
    *g = (struct suggestion){ .name = name, .distance = (unsigned)name.n / 3 + 1 };
}

void suggestion_offer(struct suggestion *g, const char *word)
{
    char text[NAME_MAX_BYTES];

    if (g->name.n == 0 || g->name.n > sizeof(text))
        return;
    for (size_t i = 0; i < g->name.n; i++)
        text[i] = g->name.p[i] == '_' ? '-' : str_lower(g->name.p[i]);
    unsigned distance = name_distance((struct str){ text, g->name.n }, str_of(word));
    if (distance < g->distance || (distance == g->distance && !g->found)) {
        g->distance = distance;
        g->found = word;
    }
}

const char *settings_suggest(struct str name)
{
    struct suggestion g;

    suggestion_init(&g, name);
    for (const struct setting *w = settings_table; w->name; w++)
        suggestion_offer(&g, w->name);
    return g.found;
}
