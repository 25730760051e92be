/* What the program keyring wrote: two strings without a NUL, or an error that shows nothing of it.
 */
#include <stdlib.h>

#include "dray/net/keyring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyring_login login = { STR_NONE, STR_NONE };
    struct arena a = { 0 };
    struct err e = { 0 };

    int code = keyring_parse((struct str){ (const char *)data, size }, &a, &login, &e);
    if (code != e.code || (code && login.user.p))
        abort();
    if (!code && (!login.user.p || !login.password.p || strlen(login.user.p) != login.user.n ||
                  strlen(login.password.p) != login.password.n))
        abort();
    arena_done(&a);
    err_done(&e);
    return 0;
}
