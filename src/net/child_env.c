/* Two passes: what dray has itself and keeps, then what is set. Nobody changes so many variables
 * that walking them for each one would matter. */
#include "dray/net/child_env.h"

#include <stdbool.h>

extern char **environ;

/* Of "NAME=value", and of "NAME". */
static struct str env_name(struct str entry)
{
    struct str value;

    return str_cut(entry, '=', &value);
}

/* Is this variable among changes [from, n)? */
static bool env_is_changed(const struct strs *changes, size_t from, struct str name)
{
    for (size_t i = from; i < changes->n; i++) {
        if (str_eq(env_name(changes->items[i]), name))
            return true;
    }
    return false;
}

char **child_env(struct arena *a, const struct strs *changes)
{
    size_t n = 0, inherited = 0;

    while (environ && environ[inherited])
        inherited++;
    const char **all = arena_alloc(a, inherited + changes->n + 1, sizeof(*all));
    for (size_t i = 0; i < inherited; i++) {
        if (!env_is_changed(changes, 0, env_name(str_of(environ[i]))))
            all[n++] = environ[i];
    }
    for (size_t i = 0; i < changes->n; i++) {
        struct str entry = changes->items[i], name = env_name(entry);
        if (name.n < entry.n && !env_is_changed(changes, i + 1, name))
            all[n++] = arena_str(a, entry).p;
    }
    return (char **)(uintptr_t)all; /* uv_process_options_t is not const here, but libuv is */
}
