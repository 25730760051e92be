/* pip's MultiDomainBasicAuth._get_index_url(), but that scheme, host and port have to be the same:
 * the password of an https index is not for a link over http. */
#include <stdlib.h>

#include "dray/net/auth_parts.h"
#include "dray/util/mem.h"

/* The next segment of a path; empty ones and "." don't count (os.path.commonpath). STR_NONE at the
 * end. */
static struct str next_segment(struct str *path)
{
    struct str segment;

    do {
        segment = str_cut(*path, '/', path);
    } while ((segment.n == 0 || str_is(segment, ".")) && path->p);
    return segment.n && !str_is(segment, ".") ? segment : STR_NONE;
}

size_t auth_common_path(struct str a, struct str b)
{
    size_t n = 0;

    for (;;) {
        struct str x = next_segment(&a), y = next_segment(&b);
        if (!x.p || !y.p || !str_eq(x, y))
            return n;
        n += x.n + 1;
    }
}

/* As it was typed, since whoever filled the keyring typed it too. */
static char *service_of(struct str text)
{
    struct buf out = { 0 };
    size_t start = (size_t)(str_search(text, STR("://")) + 3);
    struct str rest = str_sub(text, start, text.n);
    size_t end = 0;

    while (end < rest.n && !strchr("/?#", rest.p[end]))
        end++;
    ptrdiff_t at = str_rfind(str_sub(rest, 0, end), '@');
    rest = str_sub(rest, (size_t)(at + 1), rest.n);
    while (str_ends(rest, STR("/")))
        rest.n--;
    buf_add_str(&out, str_sub(text, 0, start));
    buf_add_str(&out, rest);
    buf_add_c(&out, '/');
    return buf_take(&out);
}

static struct auth_index *index_of_text(struct auth *a, struct str text)
{
    struct auth_index *i = map_get(&a->indexes_by_text, text);
    struct err e = { 0 };
    struct url url;

    if (i)
        return i;
    if (url_parse(text, &url, &e)) { /* file:, or one that is refused elsewhere */
        err_done(&e);
        return NULL;
    }
    i = mem_new(1, sizeof(*i));
    i->url = url;
    i->text = mem_dup(arena_str(&a->arena, text).p);
    i->service = service_of(str_of(i->text));
    map_put(&a->indexes_by_text, str_of(i->text), i);
    return i;
}

void auth_take_indexes(struct auth *a)
{
    struct strs now = { 0 };

    a->options.indexes(a->options.ctx, &now);
    a->n_indexes = 0;
    for (size_t n = 0; n < now.n; n++) {
        struct auth_index *i = index_of_text(a, now.items[n]);
        if (!i)
            continue;
        a->indexes = mem_grow(a->indexes, a->n_indexes, &a->cap_indexes, sizeof(*a->indexes));
        a->indexes[a->n_indexes++] = i;
    }
    strs_done(&now);
}

struct auth_index *auth_index_of(const struct auth *a, const struct url *u)
{
    struct auth_index *best = NULL;
    size_t most = 0;

    for (size_t n = 0; n < a->n_indexes; n++) {
        struct auth_index *i = a->indexes[n];
        if (!url_same_origin(&i->url, u))
            continue;
        size_t common = auth_common_path(str_of(u->path), str_of(i->url.path));
        if (!best || common > most) {
            best = i;
            most = common;
        }
    }
    return best;
}

void auth_index_free(struct auth_index *i)
{
    url_done(&i->url);
    auth_login_done(&i->answer);
    free(i->text);
    free(i->service);
    free(i);
}
