/* An HTML page in one piece and in many must give the same: error or
 * listing. The first line is the charset. */
#include "fuzz_simple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body, line = str_cut((struct str){ (const char *)data, size }, '\n', &body);
    struct buf type = { 0 };

    buf_add_f(&type, "text/html; charset=%.*s", STR_ARG(str_sub(line, 0, 40)));
    fuzz_simple(SIMPLE_HTML, buf_str(&type), (const uint8_t *)body.p, body.n);
    buf_done(&type);
    return 0;
}
