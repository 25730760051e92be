#include "dray/job/variables.h"

#include <pwd.h>
#include <unistd.h>

const char *variables_get(const char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; *env; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

struct str variables_home(struct arena *a, const char *const *env)
{
    struct str home = str_of(variables_get(env, "HOME"));
    const struct passwd *me = home.n ? NULL : getpwuid(getuid());

    if (home.n)
        return home;
    return me ? arena_str(a, str_of(me->pw_dir)) : STR_NONE;
}
