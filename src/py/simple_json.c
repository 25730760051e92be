/* PEP 691 pages by yajl, pushed in any pieces. yajl calls back for each value; a place in the page
 * and the last key say what the value is. Places nest in one fixed way, so that a parent table
 * stands in for a stack, and everything that is of no use is counted (`skipped`), not looked at. A
 * key resets its field: of duplicates the last wins. */
#include <stdlib.h>
#include <yajl/yajl_parse.h>

#include "dray/py/simple_file.h"
#include "dray/py/simple_text.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum place { PLACE_START, PLACE_PAGE, PLACE_META, PLACE_FILES, PLACE_FILE, PLACE_DIGESTS };

static const enum place parents[] = {
    [PLACE_START] = PLACE_START, [PLACE_PAGE] = PLACE_START, [PLACE_META] = PLACE_PAGE,
    [PLACE_FILES] = PLACE_PAGE,  [PLACE_FILE] = PLACE_FILES, [PLACE_DIGESTS] = PLACE_FILE,
};

/* key, the place it means something in, its name */
#define KEYS(X)                                                                                    \
    X(META, PLACE_PAGE, "meta")                                                                    \
    X(FILES, PLACE_PAGE, "files")                                                                  \
    X(API_VERSION, PLACE_META, "api-version")                                                      \
    X(URL, PLACE_FILE, "url")                                                                      \
    X(HASHES, PLACE_FILE, "hashes")                                                                \
    X(REQUIRES_PYTHON, PLACE_FILE, "requires-python")                                              \
    X(YANKED, PLACE_FILE, "yanked")                                                                \
    X(SIZE, PLACE_FILE, "size")                                                                    \
    X(UPLOAD_TIME, PLACE_FILE, "upload-time")                                                      \
    X(CORE_METADATA, PLACE_FILE, "core-metadata")                                                  \
    X(DIST_INFO_METADATA, PLACE_FILE, "dist-info-metadata")

enum key {
    KEY_OTHER,
#define KEY_ENUM(key, place, name) KEY_##key,
    KEYS(KEY_ENUM)
#undef KEY_ENUM
};

static const struct {
    enum key key;
    enum place place;
    struct str name;
} keys[] = {
#define KEY_ROW(key, place, name) { KEY_##key, place, { name, sizeof(name) - 1 } },
    KEYS(KEY_ROW)
#undef KEY_ROW
};

struct value {
    enum { VALUE_NULL, VALUE_BOOL, VALUE_NUMBER, VALUE_STRING } kind;
    bool truth;      /* as Python sees it, which is what pip asks of `yanked` and `core-metadata` */
    struct str text; /* of a string; of a number as written */
};

/* The value of `core-metadata` or of `dist-info-metadata`. */
struct advert {
    bool present; /* neither missing nor null */
    bool yes;
    struct simple_digests digests;
};

struct simple_json {
    yajl_handle yajl;
    struct simple_listing *out;
    struct err *e; /* of the call that is running */
    int code;      /* what a callback found wrong */
    size_t fed;    /* bytes, without this call's */
    struct utf8 utf8;

    enum place place;
    size_t depth;                   /* open containers */
    size_t skipped;                 /* of them within a value that is of no use */
    enum key key;                   /* the last of PAGE, META or FILE */
    struct simple_digests *digests; /* those that are read: of the file or of an advert */
    int alg;                        /* enum digest_alg of the last key of DIGESTS, or -1 */

    bool has_files;
    struct buf version; /* empty: none */

    struct simple_file file; /* the one that is read */
    bool has_url;
    struct buf url;
    struct simple_digests file_digests;
    struct advert core, dist_info;
};

static int json_fail(struct simple_json *p, int code)
{
    p->code = code;
    return 0; /* ends the parse */
}

static void json_set_yanked(struct simple_json *p, const struct value *v)
{
    p->file.yanked = v->truth; /* "" is false: not yanked, other than in HTML; as pip */
    p->file.yanked_reason = STR_NONE;
    if (v->truth && v->kind == VALUE_STRING)
        p->file.yanked_reason = arena_str(&p->out->arena, v->text);
    else if (v->truth)
        p->file.yanked_reason = STR("");
}

static void json_set_advert(struct advert *a, const struct value *v)
{
    simple_digests_reset(&a->digests);
    a->present = v->kind != VALUE_NULL;
    a->yes = v->truth;
}

/* Gives the field of the last key a value. One of the wrong type leaves it unset, as null does. */
static void json_set_field(struct simple_json *p, const struct value *v)
{
    struct str text = v->kind == VALUE_STRING ? v->text : STR_NONE;

    switch (p->key) {
    case KEY_OTHER:
        break;
    case KEY_META:
        buf_reset(&p->version);
        break;
    case KEY_API_VERSION:
        buf_reset(&p->version);
        buf_add_str(&p->version, text);
        break;
    case KEY_FILES:
        p->has_files = false;
        p->out->n = 0;
        break;
    case KEY_URL:
        p->has_url = v->kind == VALUE_STRING;
        buf_reset(&p->url);
        buf_add_str(&p->url, text);
        break;
    case KEY_HASHES:
        simple_digests_reset(&p->file_digests);
        break;
    case KEY_REQUIRES_PYTHON:
        simple_file_set_requires_python(&p->file, p->out, text);
        break;
    case KEY_YANKED:
        json_set_yanked(p, v);
        break;
    case KEY_SIZE:
        if (v->kind != VALUE_NUMBER || !str_to_u64(v->text, SIMPLE_SIZE_UNKNOWN - 1, &p->file.size))
            p->file.size = SIMPLE_SIZE_UNKNOWN;
        break;
    case KEY_UPLOAD_TIME:
        p->file.upload_time = text.n ? arena_str(&p->out->arena, text) : STR_NONE;
        break;
    case KEY_CORE_METADATA:
        json_set_advert(&p->core, v);
        break;
    case KEY_DIST_INFO_METADATA:
        json_set_advert(&p->dist_info, v);
        break;
    }
}

static int json_scalar(struct simple_json *p, const struct value *v)
{
    if (p->skipped || p->place == PLACE_FILES) /* an entry that is no object is left out */
        return 1;
    if (p->place == PLACE_START)
        return json_fail(p, err_set(p->e, ERR_INPUT, "the page is JSON, but no object"));
    if (p->place == PLACE_DIGESTS) {
        if (p->alg >= 0 && v->kind == VALUE_STRING)
            simple_digests_put(p->digests, (enum digest_alg)p->alg, v->text);
        return 1;
    }
    if (p->key != KEY_OTHER && simple_field_check(v->text, keys[p->key - 1].name.p, p->e))
        return json_fail(p, ERR_LIMIT);
    json_set_field(p, v);
    return 1;
}

static int json_null(void *ctx)
{
    return json_scalar(ctx, &(struct value){ .kind = VALUE_NULL });
}

static int json_boolean(void *ctx, int truth)
{
    return json_scalar(ctx, &(struct value){ .kind = VALUE_BOOL, .truth = truth != 0 });
}

static int json_number(void *ctx, const char *text, size_t n)
{
    bool truth = false;

    for (size_t i = 0; i < n && text[i] != 'e' && text[i] != 'E'; i++)
        truth = truth || (text[i] >= '1' && text[i] <= '9');
    return json_scalar(ctx, &(struct value){ VALUE_NUMBER, truth, { text, n } });
}

static int json_string(void *ctx, const unsigned char *text, size_t n)
{
    return json_scalar(ctx, &(struct value){ VALUE_STRING, n > 0, { (const char *)text, n } });
}

static int json_map_key(void *ctx, const unsigned char *text, size_t n)
{
    struct simple_json *p = ctx;
    struct str name = { (const char *)text, n };
    enum digest_alg alg;

    if (p->skipped)
        return 1;
    if (p->place == PLACE_DIGESTS) {
        p->alg = digest_alg_parse(name, &alg) ? (int)alg : -1;
        return 1;
    }
    p->key = KEY_OTHER;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].place == p->place && str_eq(keys[i].name, name))
            p->key = keys[i].key;
    json_set_field(p, &(struct value){ .kind = VALUE_NULL });
    return 1;
}

/* PEP 714: the new name first; pip asks for the old one only when that is missing or null. */
static int json_file_end(struct simple_json *p)
{
    const struct advert *a = p->core.present ? &p->core : &p->dist_info;

    if (!p->has_url)
        return 1;
    simple_file_set_url(&p->file, &p->out->arena, buf_str(&p->url), &p->file_digests);
    if (a->yes)
        simple_file_set_metadata(&p->file, &a->digests);
    int code = simple_listing_add(p->out, &p->file, &p->file_digests, p->e);
    return code ? json_fail(p, code) : 1;
}

static void json_file_start(struct simple_json *p)
{
    const struct value none = { .kind = VALUE_NULL };

    p->file = (struct simple_file){ .size = SIMPLE_SIZE_UNKNOWN };
    p->has_url = false;
    simple_digests_reset(&p->file_digests);
    json_set_advert(&p->core, &none);
    json_set_advert(&p->dist_info, &none);
}

/* Where a map that starts now leads, or PLACE_START when it is of no use. */
static enum place json_map_place(struct simple_json *p)
{
    struct advert *advert = p->key == KEY_CORE_METADATA ? &p->core : &p->dist_info;

    if (p->place == PLACE_START)
        return PLACE_PAGE;
    if (p->place == PLACE_PAGE && p->key == KEY_META)
        return PLACE_META;
    if (p->place == PLACE_FILES) {
        json_file_start(p);
        return PLACE_FILE;
    }
    if (p->place != PLACE_FILE)
        return PLACE_START;
    if (p->key == KEY_HASHES) {
        p->digests = &p->file_digests;
        return PLACE_DIGESTS;
    }
    if (p->key == KEY_CORE_METADATA || p->key == KEY_DIST_INFO_METADATA) {
        advert->present = advert->yes = true;
        p->digests = &advert->digests;
        return PLACE_DIGESTS;
    }
    return PLACE_START;
}

static int json_container(struct simple_json *p, bool is_map)
{
    enum place to = PLACE_START;

    if (++p->depth > LIMIT_JSON_DEPTH)
        return json_fail(
            p, err_set(p->e, ERR_LIMIT, "the page nests deeper than %d levels", LIMIT_JSON_DEPTH));
    if (p->skipped) {
        p->skipped++;
        return 1;
    }
    if (is_map) {
        to = json_map_place(p);
    } else if (p->place == PLACE_PAGE && p->key == KEY_FILES) {
        p->has_files = true;
        to = PLACE_FILES;
    } else if (p->place == PLACE_START) {
        return json_fail(p, err_set(p->e, ERR_INPUT, "the page is JSON, but no object"));
    }
    if (to == PLACE_START)
        p->skipped = 1;
    else
        p->place = to;
    return 1;
}

static int json_start_map(void *ctx)
{
    return json_container(ctx, true);
}

static int json_start_array(void *ctx)
{
    return json_container(ctx, false);
}

static int json_end(void *ctx)
{
    struct simple_json *p = ctx;
    int go_on = 1;

    p->depth--;
    if (p->skipped) {
        p->skipped--;
        return 1;
    }
    if (p->place == PLACE_FILE)
        go_on = json_file_end(p);
    p->place = parents[p->place];
    return go_on;
}

static const yajl_callbacks callbacks = {
    .yajl_null = json_null,
    .yajl_boolean = json_boolean,
    .yajl_number = json_number, /* as text: a number of any size is no error */
    .yajl_string = json_string,
    .yajl_start_map = json_start_map,
    .yajl_map_key = json_map_key,
    .yajl_end_map = json_end,
    .yajl_start_array = json_start_array,
    .yajl_end_array = json_end,
};

struct simple_json *simple_json_create(struct simple_listing *out)
{
    struct simple_json *p = mem_new(1, sizeof(*p));

    p->out = out;
    p->yajl = yajl_alloc(&callbacks, NULL, p);
    if (!p->yajl)
        abort();
    yajl_config(p->yajl, yajl_dont_validate_strings, 1); /* utf8_check() does */
    return p;
}

static int json_bad(struct simple_json *p, const unsigned char *bytes, size_t n, size_t before)
{
    size_t at = before + yajl_get_bytes_consumed(p->yajl);
    unsigned char *text = yajl_get_error(p->yajl, 0, bytes, n);
    struct str why = str_trim(str_of((const char *)text));

    if (str_ends(why, STR(".")))
        why.n--;
    int code = err_set(p->e, ERR_INPUT, "the page is no JSON: %.*s, at byte %zu", STR_ARG(why), at);
    yajl_free_error(p->yajl, text);
    return code;
}

/* Bytes of a byte order mark in this piece. RFC 8259, 8.1: a parser may ignore one; Python's json
 * does. */
static size_t json_mark_bytes(const struct simple_json *p, const unsigned char *bytes, size_t n)
{
    static const unsigned char mark[] = { 0xef, 0xbb, 0xbf };
    size_t i = 0;

    while (i < n && p->fed + i < sizeof(mark) && bytes[i] == mark[p->fed + i])
        i++;
    return i;
}

int simple_json_feed(struct simple_json *p, const unsigned char *bytes, size_t n, struct err *e)
{
    p->e = e;
    size_t good = utf8_check(&p->utf8, bytes, n);
    size_t mark = json_mark_bytes(p, bytes, good);

    /* What comes before the wrong byte is parsed first, so that the error doesn't depend on how the
     * page was cut. */
    int code = 0;
    yajl_status status = yajl_parse(p->yajl, bytes + mark, good - mark);
    if (status == yajl_status_client_canceled)
        code = p->code;
    else if (status != yajl_status_ok)
        code = json_bad(p, bytes + mark, good - mark, p->fed + mark);
    else if (good < n)
        code =
            err_set(e, ERR_INPUT, "the page is no JSON: byte %zu is not UTF-8", p->fed + good + 1);
    p->fed += n;
    return code;
}

int simple_json_finish(struct simple_json *p, struct err *e)
{
    p->e = e;
    if (yajl_complete_parse(p->yajl) != yajl_status_ok || p->depth)
        return err_set(e, ERR_INPUT, "the page ends in the middle, after %zu bytes", p->fed);
    if (p->version.n && simple_version_check(buf_str(&p->version), e))
        return ERR_UNSUPPORTED;
    if (!p->has_files)
        return err_set(e, ERR_INPUT, "the page is JSON without a list \"files\": no index page");
    return 0;
}

void simple_json_destroy(struct simple_json *p)
{
    if (!p)
        return;
    yajl_free(p->yajl);
    buf_done(&p->version);
    buf_done(&p->url);
    free(p);
}
