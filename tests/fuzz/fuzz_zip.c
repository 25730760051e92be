/* Two bytes that say how long a tail is there from the start, then the file. What is asked for must
 * lie in the file and be missing, the steps must be few, and the answer must be the one that a
 * reader of the whole file gets. */
#include <stdlib.h>

#include "dray/py/zip.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static enum zip_step read_all(struct zip *z, struct str file, size_t tail, struct err *e)
{
    struct zip_span lacks = { 0 };
    enum zip_step step;
    unsigned steps = 0;

    zip_feed(z, file.n - tail, file.p + (file.n - tail), tail);
    while ((step = zip_step(z, &lacks, e)) == ZIP_LACKS) {
        require(lacks.n > 0 && lacks.n <= file.n && lacks.first <= file.n - lacks.n);
        require(tail == 0 || lacks.first < file.n - tail);
        require(++steps <= LIMIT_ZIP_STEPS);
        zip_feed(z, lacks.first, file.p + lacks.first, (size_t)lacks.n);
    }
    require((step == ZIP_FAILED) == (e->code == ERR_INPUT || e->code == ERR_LIMIT));
    return step;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct str file = { (const char *)data + 2, size - 2 };
    size_t tail = (size_t)(data[0] << 8 | data[1]);
    struct zip *parts = zip_create(file.n, STR("foo-1-py3-none-any.whl"));
    struct zip *whole = zip_create(file.n, STR("foo-1-py3-none-any.whl"));
    struct err e = { 0 }, whole_e = { 0 };

    enum zip_step step = read_all(parts, file, tail < file.n ? tail : file.n, &e);
    require(step == read_all(whole, file, file.n, &whole_e));
    require(str_is(str_of(err_text(&e)), err_text(&whole_e)));
    if (step == ZIP_FOUND) {
        require(str_eq(zip_metadata(parts), zip_metadata(whole)));
        require(zip_metadata(parts).n <= LIMIT_METADATA_BYTES);
    }
    zip_destroy(parts);
    zip_destroy(whole);
    err_done(&e);
    err_done(&whole_e);
    return 0;
}
