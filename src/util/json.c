#include "dray/util/json.h"

#include <assert.h>
#include <stdlib.h>
#include <yajl/yajl_gen.h>

#include "dray/util/mem.h"

struct json {
    yajl_gen gen;
    struct buf text; /* of one string that had to be mended */
};

static void json_print(void *ctx, const char *text, size_t n)
{
    buf_add(ctx, text, n);
}

struct json *json_open(struct buf *out, bool pretty)
{
    struct json *j = mem_new(1, sizeof(*j));

    j->gen = yajl_gen_alloc(NULL);
    if (!j->gen)
        abort();
    yajl_gen_config(j->gen, yajl_gen_print_callback, json_print, out);
    yajl_gen_config(j->gen, yajl_gen_beautify, pretty ? 1 : 0);
    yajl_gen_config(j->gen, yajl_gen_indent_string, "  ");
    return j;
}

void json_close(struct json *j)
{
    if (!j)
        return;
    yajl_gen_free(j->gen);
    buf_done(&j->text);
    free(j);
}

static void json_check(yajl_gen_status status)
{
    assert(status == yajl_gen_status_ok || status == yajl_gen_generation_complete);
    (void)status;
}

void json_map(struct json *j)
{
    json_check(yajl_gen_map_open(j->gen));
}

void json_map_end(struct json *j)
{
    json_check(yajl_gen_map_close(j->gen));
}

void json_list(struct json *j)
{
    json_check(yajl_gen_array_open(j->gen));
}

void json_list_end(struct json *j)
{
    json_check(yajl_gen_array_close(j->gen));
}

void json_key(struct json *j, const char *key)
{
    json_str(j, str_of(key));
}

/* Bytes of the well-formed UTF-8 character (RFC 3629, table in section 4) at the start of s; 0 if
 * there is none. */
static size_t utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;

    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || outside ? 0 : n;
}

static struct str json_mend(struct json *j, struct str s)
{
    buf_reset(&j->text);
    while (s.n) {
        size_t n = utf8_length(s);
        if (n)
            buf_add(&j->text, s.p, n);
        else
            buf_add_z(&j->text, "\xef\xbf\xbd"); /* U+FFFD */
        s = str_sub(s, n ? n : 1, s.n);
    }
    return buf_str(&j->text);
}

void json_str(struct json *j, struct str s)
{
    if (!s.p) {
        json_null(j);
        return;
    }
    s = json_mend(j, s);
    json_check(yajl_gen_string(j->gen, (const unsigned char *)s.p, s.n));
}

void json_int(struct json *j, int64_t n)
{
    json_check(yajl_gen_integer(j->gen, n));
}

void json_bool(struct json *j, bool b)
{
    json_check(yajl_gen_bool(j->gen, b));
}

void json_null(struct json *j)
{
    json_check(yajl_gen_null(j->gen));
}
