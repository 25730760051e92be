/* A record of pip's HTTP cache: what is accepted begins with its version, has a status of three
 * digits and no text that is not UTF-8; it is accepted alone, neither cut nor with a byte more, and
 * read the same again. What is refused leaves the answer as it was. */
#include <stdlib.h>
#include <string.h>

#include "dray/store/pip_cache.h"
#include "dray/store/pip_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_text(struct str record, struct str s)
{
    uint32_t code;

    must(!s.n || str_search(record, s) >= 0);
    for (size_t n; s.n; s = str_sub(s, n, s.n)) {
        n = pip_text_next(s, &code);
        must(n > 0);
    }
}

static void check_again(struct arena *a, struct str record, const struct pip_answer *first)
{
    struct pip_answer again = { 0 };

    must(pip_cache_parse(a, record, &again));
    must(again.status == first->status && again.varies == first->varies);
    must(str_eq(again.etag, first->etag) && str_eq(again.date, first->date));
    must(!pip_cache_parse(a, str_sub(record, 0, record.n - 1), &again));
}

static void check_answer(struct arena *a, struct str record, const struct pip_answer *got)
{
    const struct str texts[] = { got->date,          got->cache_control, got->expires,
                                 got->etag,          got->last_modified, got->content_encoding,
                                 got->content_length };

    must(str_starts(record, STR("cc=4,")) && got->status >= 100 && got->status <= 999);
    must(str_find(got->content_length, ',') < 0);
    must(!got->body_path.p && got->body_bytes == 7);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        check_text(record, texts[i]);
    check_again(a, record, got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str record = { (const char *)data, size };
    struct pip_answer got = { .body_bytes = 7, .status = -1 };
    struct arena a = { 0 };

    if (pip_cache_parse(&a, record, &got))
        check_answer(&a, record, &got);
    else
        must(got.status == -1 && got.body_bytes == 7 && !a.bytes);
    arena_done(&a);
    return 0;
}
