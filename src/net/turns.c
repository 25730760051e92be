/* The first cells hold one microsecond each; from 16 on an octave is cut into eight. */
#include "dray/net/turns.h"

enum { CELLS = TURNS_STEPS * TURNS_OCTAVES };

static unsigned cell_of(uint64_t us)
{
    unsigned octave = 0;

    while (us >= 2 * TURNS_STEPS) {
        us /= 2;
        octave++;
    }
    unsigned cell = octave * TURNS_STEPS + (unsigned)us;
    return cell < CELLS ? cell : CELLS - 1;
}

/* The most that is in it. */
static uint64_t cell_end(unsigned cell)
{
    unsigned octave = cell < 2 * TURNS_STEPS ? 0 : cell / TURNS_STEPS - 1;

    return ((uint64_t)(cell - octave * TURNS_STEPS + 1) << octave) - 1;
}

void turns_add(struct turns *t, uint64_t us)
{
    t->count++;
    t->cells[cell_of(us)]++;
    if (us > t->max_us)
        t->max_us = us;
}

uint64_t turns_permille(const struct turns *t, unsigned permille)
{
    uint64_t rank = t->count - t->count * (1000 - permille) / 1000; /* rounded up */
    uint64_t seen = 0;
    unsigned cell = 0;

    if (t->count == 0)
        return 0;
    while (cell < CELLS - 1 && (seen += t->cells[cell]) < (rank ? rank : 1))
        cell++;
    return cell_end(cell) < t->max_us ? cell_end(cell) : t->max_us;
}
