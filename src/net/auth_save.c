/* What was typed goes into the keyring when it has proved right, and only then. */
#include "dray/net/auth_parts.h"
#include "dray/util/mem.h"

static void on_saved(void *ctx)
{
    struct auth_place *p = ctx;
    struct auth *a = p->auth;

    p->saving = NULL;
    if (--a->n_saving == 0 && a->saved.fn)
        loop_post(a->options.loop, &a->saved);
}

static struct auth_place *place_of_answer(const struct auth *a, unsigned serial)
{
    for (size_t i = 0; i < a->places.n; i++) {
        struct auth_place *p = a->places.entries[i].value;
        if (p->answer.user && p->answer.serial == serial)
            return p;
    }
    return NULL;
}

void auth_succeeded(struct auth *a, const struct auth_given *sent)
{
    struct auth_place *p;

    if (!a || sent->source != AUTH_PROMPT || a->stopped)
        return;
    p = place_of_answer(a, sent->serial);
    if (!p || !p->is_to_be_saved)
        return;
    p->is_to_be_saved = false;
    struct keyring_login login = { str_of(p->answer.user), str_of(p->answer.password) };
    p->saving = keyring_set(a->keyring, p->host, &login, on_saved, p);
    a->n_saving++;
}

bool auth_is_saving(const struct auth *a)
{
    return a && a->n_saving > 0;
}

void auth_when_saved(struct auth *a, loop_fn done, void *ctx)
{
    a->saved.fn = done;
    a->saved.ctx = ctx;
}
