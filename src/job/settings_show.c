#include "dray/job/settings_show.h"

#include "dray/net/url.h"

#define SCHEME "http://"

void settings_show(struct str text, struct buf *out)
{
    struct buf whole = { 0 }, shown = { 0 };
    bool bare = str_search(text, STR("://")) < 0 && str_find(text, '@') >= 0;

    if (!bare) {
        url_redact(text, out);
        return;
    }
    buf_add_z(&whole, SCHEME);
    buf_add_str(&whole, text);
    url_redact(buf_str(&whole), &shown);
    buf_add_str(out, str_sub(buf_str(&shown), sizeof(SCHEME) - 1, shown.n));
    buf_done(&whole);
    buf_done(&shown);
}
