/* URLs: two lines are a base and a reference, one is both. */
#include <stdlib.h>

#include "dray/net/url.h"

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* What was understood is what is requested, and understood the same again. */
static void check_parse(struct str text)
{
    struct err e = { 0 };
    struct url u, again;

    if (url_parse(text, &u, &e) == 0) {
        check(u.host[0] && u.path[0] == '/' && u.port > 0 && u.port < 65536);
        check(!strchr(u.text, ' ') && !strchr(u.text, '#') && !strchr(u.host, '@'));
        check(url_parse(str_of(u.text), &again, &e) == 0);
        check(strcmp(u.text, again.text) == 0 && strcmp(u.host, again.host) == 0);
        check(url_same_origin(&u, &again) && !again.user && !again.password);
        url_done(&again);
        url_done(&u);
    }
    err_done(&e);
}

/* A joined URL is absolute and joins with nothing to itself. */
static void check_join(struct str base, struct str ref)
{
    struct buf out = { 0 }, again = { 0 };
    struct err e = { 0 };

    if (url_join(base, ref, &out, &e) == 0) {
        check(url_has_scheme(buf_str(&out)));
        check(url_join(buf_str(&out), STR(""), &again, &e) == 0);
        check(str_eq(buf_str(&out), buf_str(&again)));
    }
    buf_done(&out);
    buf_done(&again);
    err_done(&e);
}

static void check_texts(struct str text)
{
    struct buf shown = { 0 }, url = { 0 }, path = { 0 }, name = { 0 };
    struct err e = { 0 };

    url_redact(text, &shown);
    for (size_t i = 0; i < shown.n; i++)
        check((unsigned char)shown.p[i] >= ' ');
    url_basename(text, &name);
    url_to_path(text, &path, &e);
    buf_reset(&path);
    if (str_starts(text, STR("/")) && str_find(text, '\0') < 0) {
        url_from_path(text, &url);
        check(url_to_path(buf_str(&url), &path, &e) == 0 && str_eq(text, buf_str(&path)));
    }
    buf_done(&shown);
    buf_done(&url);
    buf_done(&path);
    buf_done(&name);
    err_done(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size }, ref;
    struct str base = str_cut(text, '\n', &ref);

    check_parse(base);
    check_join(base, ref.p ? ref : base);
    check_texts(base);
    return 0;
}
