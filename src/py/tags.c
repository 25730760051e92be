/* Each part of a tag is interned: the set knows some 50 Python tags, 5 ABIs and 100 platforms, and
 * a tag is three small numbers. Ranking a wheel looks its parts up first: most wheels of a page are
 * for other Pythons or platforms and end there, and repeated or unknown parts of a compressed set
 * cost nothing in the product that follows. */
#include "dray/py/tags.h"

#include <assert.h>
#include <limits.h>

#include "dray/util/limits.h"

enum { TAG_PARTS = 3, TAG_SLOTS_MIN = 64, TAG_SET_MAX = LIMIT_FILENAME_BYTES / 2 + 1 };

/* Open addressing; a slot holds an index + 1, 0 is free. */
struct tag_words {
    struct str *words;
    uint32_t *slots;
    size_t n, n_slots; /* n_slots is a power of two, at least twice n */
};

struct tag_set {
    struct tag_words parts[TAG_PARTS];
    struct tag *tags;
    uint64_t *keys; /* of each tag: its three word numbers */
    uint32_t *slots;
    size_t n, n_slots;
};

static uint64_t tag_word_hash(struct str word)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < word.n; i++)
        h = (h ^ (unsigned char)str_lower(word.p[i])) * 0x100000001b3u;
    return h ^ (h >> 32);
}

/* Words are kept in lower case and found in any (packaging.tags.Tag lowers all three). */
static uint32_t *tag_word_slot(const struct tag_words *w, struct str word)
{
    for (size_t i = tag_word_hash(word);; i++) {
        uint32_t *slot = &w->slots[i & (w->n_slots - 1)];
        if (!*slot || str_eq_nocase(w->words[*slot - 1], word))
            return slot;
    }
}

static void tag_words_grow(struct arena *a, struct tag_words *w)
{
    struct tag_words bigger = { .n = w->n, .n_slots = w->n_slots ? w->n_slots * 2 : TAG_SLOTS_MIN };

    bigger.slots = arena_alloc(a, bigger.n_slots, sizeof(*bigger.slots));
    bigger.words = arena_alloc(a, bigger.n_slots / 2, sizeof(*bigger.words));
    for (size_t i = 0; i < w->n; i++) {
        bigger.words[i] = w->words[i];
        *tag_word_slot(&bigger, w->words[i]) = (uint32_t)i + 1;
    }
    *w = bigger;
}

static uint32_t tag_word_add(struct arena *a, struct tag_words *w, struct str word)
{
    if (w->n * 2 >= w->n_slots)
        tag_words_grow(a, w);
    uint32_t *slot = tag_word_slot(w, word);
    if (!*slot) {
        char *lower = arena_alloc(a, word.n + 1, 1);
        for (size_t i = 0; i < word.n; i++)
            lower[i] = str_lower(word.p[i]);
        w->words[w->n++] = (struct str){ lower, word.n };
        *slot = (uint32_t)w->n;
    }
    return *slot - 1;
}

static uint64_t tag_key(uint32_t python, uint32_t abi, uint32_t platform)
{
    return (uint64_t)python << 42 | (uint64_t)abi << 21 | platform;
}

static uint32_t *tag_slot(const struct tag_set *s, uint64_t key)
{
    for (size_t i = (key * 0x9e3779b97f4a7c15u) >> 32;; i++) {
        uint32_t *slot = &s->slots[i & (s->n_slots - 1)];
        if (!*slot || s->keys[*slot - 1] == key)
            return slot;
    }
}

static void tag_set_add(struct arena *a, struct tag_set *s, const struct tag *tag)
{
    uint32_t python = tag_word_add(a, &s->parts[0], tag->python);
    uint32_t abi = tag_word_add(a, &s->parts[1], tag->abi);
    uint32_t platform = tag_word_add(a, &s->parts[2], tag->platform);
    uint64_t key = tag_key(python, abi, platform);
    uint32_t *slot = tag_slot(s, key);

    if (*slot)
        return;
    s->keys[s->n] = key;
    s->tags[s->n++] = (struct tag){ s->parts[0].words[python], s->parts[1].words[abi],
                                    s->parts[2].words[platform] };
    *slot = (uint32_t)s->n;
}

struct tag_set *tag_set_create(struct arena *a, const struct tag *tags, size_t n)
{
    struct tag_set *s = arena_alloc(a, 1, sizeof(*s));

    assert(n <= LIMIT_TARGET_TAGS);
    for (s->n_slots = TAG_SLOTS_MIN; s->n_slots < 2 * n;)
        s->n_slots *= 2;
    s->slots = arena_alloc(a, s->n_slots, sizeof(*s->slots));
    s->tags = arena_alloc(a, n, sizeof(*s->tags));
    s->keys = arena_alloc(a, n, sizeof(*s->keys));
    for (size_t i = 0; i < TAG_PARTS; i++)
        tag_words_grow(a, &s->parts[i]);
    for (size_t i = 0; i < n; i++)
        tag_set_add(a, s, &tags[i]);
    return s;
}

size_t tag_set_count(const struct tag_set *s)
{
    return s->n;
}

const struct tag *tag_set_at(const struct tag_set *s, size_t i)
{
    assert(i < s->n);
    return &s->tags[i];
}

/* The numbers of those words of a compressed set that the tag set knows, each once. */
static size_t tag_words_known(const struct tag_words *w, struct str set,
                              uint32_t out[static TAG_SET_MAX])
{
    size_t n = 0;

    assert(set.n <= LIMIT_FILENAME_BYTES);
    while (set.p) {
        uint32_t number = *tag_word_slot(w, str_cut(set, '.', &set));
        bool seen = false;
        for (size_t i = 0; i < n && !seen; i++)
            seen = out[i] == number - 1;
        if (number && !seen)
            out[n++] = number - 1;
    }
    return n;
}

int tag_set_rank(const struct tag_set *s, const struct wheel_name *w)
{
    uint32_t pythons[TAG_SET_MAX], abis[TAG_SET_MAX], platforms[TAG_SET_MAX];
    uint32_t best = UINT32_MAX;
    size_t n_pythons = tag_words_known(&s->parts[0], w->python_tags, pythons);
    size_t n_abis = n_pythons ? tag_words_known(&s->parts[1], w->abi_tags, abis) : 0;
    size_t n_platforms = n_abis ? tag_words_known(&s->parts[2], w->platform_tags, platforms) : 0;
    size_t n = n_pythons * n_abis * n_platforms;

    for (size_t i = 0; i < n; i++) {
        uint32_t platform = platforms[i % n_platforms], abi = abis[i / n_platforms % n_abis];
        uint32_t at = *tag_slot(s, tag_key(pythons[i / n_platforms / n_abis], abi, platform));
        if (at && at < best)
            best = at;
    }
    return best == UINT32_MAX ? TAG_NONE : (int)best - 1;
}
