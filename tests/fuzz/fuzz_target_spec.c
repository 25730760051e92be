/* Lines: a --target, and pip's words PLATFORMS VERSION IMPLEMENTATION ABIS, lists joined by commas.
 * Whatever is taken has tags, the pure ones among them, and a version; words on top of the target
 * must do so too. */
#include <stdlib.h>

#include "dray/py/target.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ITEMS = 4 };

static void require(bool truth)
{
    if (!truth)
        abort();
}

static size_t split(struct str text, struct str out[static ITEMS])
{
    size_t n = 0;

    while (text.n > 0 && n < ITEMS)
        out[n++] = str_cut(text, ',', &text);
    return n;
}

static bool ended(int code, struct err *e)
{
    require(code == e->code && (code == 0) == (e->text == NULL));
    err_done(e);
    return code == 0;
}

/* Mostly the last; "any" among the platforms that are asked for moves them forward. */
static bool has_pure(const struct tag_set *tags, size_t n)
{
    for (size_t i = n; i > 0; i--) {
        const struct tag *tag = tag_set_at(tags, i - 1);
        if (str_starts(tag->python, STR("py")) && str_is(tag->abi, "none") &&
            str_is(tag->platform, "any"))
            return true;
    }
    return false;
}

static void check_target(const struct target *t)
{
    size_t n = tag_set_count(t->tags);

    require(n > 1 && n <= LIMIT_TARGET_TAGS && t->label.n > 0);
    require(has_pure(t->tags, n));
    for (size_t i = 0; i < n; i += 1 + n / 8) {
        const struct tag *tag = tag_set_at(t->tags, i);
        for (size_t at = 0; at < tag->platform.n; at++)
            require(str_lower(tag->platform.p[at]) == tag->platform.p[at]);
    }
    require(t->python.text.n > 0 && str_starts(t->env.python_full_version, t->env.python_version));
    require(t->env.platform_release.n == 0 && t->env.sys_platform.p && t->env.platform_machine.p);
}

static void check_words(struct str text, const struct target *base)
{
    struct str platforms[ITEMS], abis[ITEMS];
    struct target_words words = { .platforms = platforms, .abis = abis };
    struct target *t = NULL;
    struct err e = { 0 };

    words.n_platforms = split(str_cut(text, '\n', &text), platforms);
    words.python_version = str_cut(text, '\n', &text);
    words.implementation = str_cut(text, '\n', &text);
    words.n_abis = split(str_cut(text, '\n', &text), abis);
    if (ended(target_from_words(&words, base, &t, &e), &e))
        check_target(t);
    target_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str words, spec = str_cut((struct str){ (const char *)data, size }, '\n', &words);
    struct target *t = NULL;
    struct err e = { 0 };

    bool made = ended(target_from_spec(spec, &t, &e), &e);
    require(made == (t != NULL));
    if (made)
        check_target(t);
    if (words.p)
        check_words(words, t);
    target_destroy(t);
    return 0;
}
