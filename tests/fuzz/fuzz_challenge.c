/* The value of a WWW-Authenticate: what it says fits together, and a scheme is a token. */
#include <stdlib.h>

#include "dray/net/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct challenge c = challenge_parse((struct str){ (const char *)data, size });

    if (c.given != (c.basic || c.bearer || c.other[0]))
        abort();
    if (challenge_can_be_met(&c) != (!c.given || c.basic || c.bearer))
        abort();
    if (!memchr(c.other, '\0', sizeof(c.other)))
        abort();
    for (const char *p = c.other; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == ',' || *p == '"' || *p == '=')
            abort();
    return 0;
}
