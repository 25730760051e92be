/* What an interpreter answered to the probe. What is read makes a target or says why not. */
#include <stdlib.h>

#include "dray/py/target_probe.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void check_target(const struct target_facts *facts)
{
    struct target *t = NULL;
    struct err e = { 0 };

    int code = target_from_facts(facts, &t, &e);
    require(code == e.code && (code == 0) == (t != NULL));
    if (t) {
        const struct tag *last = tag_set_at(t->tags, tag_set_count(t->tags) - 1);
        require(str_is(last->abi, "none") && str_is(last->platform, "any"));
        require(t->base.python_minor == facts->python_minor);
        require(str_eq(t->env.os_name, facts->env.os_name));
    }
    target_destroy(t);
    err_done(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = { 0 };
    struct target_facts facts = { .android_api = UINT32_MAX };
    struct err e = { 0 };

    int code = target_facts_parse(&a, (struct str){ (const char *)data, size }, &facts, &e);
    require(code == e.code && (code == 0) == (e.text == NULL));
    require(code == 0 ? facts.android_api <= LIMIT_TARGET_NUMBER : facts.android_api == UINT32_MAX);
    if (code == 0)
        check_target(&facts);
    err_done(&e);
    arena_done(&a);
    return 0;
}
