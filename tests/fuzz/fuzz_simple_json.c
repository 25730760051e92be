/* A JSON page in one piece and in many must give the same: error or listing. */
#include "fuzz_simple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_simple(SIMPLE_JSON, STR(""), data, size);
    return 0;
}
