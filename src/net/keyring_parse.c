/* yajl's push parser, since its tree is freed by recursion, as deep as the text likes. Of the
 * outermost object two strings count. */
#include <stdlib.h>

#include <yajl/yajl_parse.h>

#include "dray/net/keyring.h"
#include "dray/util/limits.h"

struct reader {
    struct arena *arena;
    struct keyring_login login;
    struct str *field; /* that the next value is for, or NULL */
    unsigned depth;    /* of objects and lists that are open */
    bool is_object;    /* the outermost is one */
};

static int open_object(void *ctx)
{
    struct reader *r = ctx;

    r->is_object |= r->depth == 0;
    r->field = NULL;
    return ++r->depth <= LIMIT_JSON_DEPTH;
}

static int open_list(void *ctx)
{
    struct reader *r = ctx;

    r->field = NULL;
    return ++r->depth <= LIMIT_JSON_DEPTH;
}

static int close_one(void *ctx)
{
    struct reader *r = ctx;

    r->depth--;
    return 1;
}

static int take_key(void *ctx, const unsigned char *text, size_t n)
{
    struct reader *r = ctx;
    struct str key = { (const char *)text, n };

    r->field = NULL;
    if (r->depth == 1 && r->is_object && str_is(key, "username"))
        r->field = &r->login.user;
    else if (r->depth == 1 && r->is_object && str_is(key, "password"))
        r->field = &r->login.password;
    return 1;
}

static int take_text(void *ctx, const unsigned char *text, size_t n)
{
    struct reader *r = ctx;

    if (r->field)
        *r->field = arena_str(r->arena, n ? (struct str){ (const char *)text, n } : STR(""));
    r->field = NULL;
    return 1;
}

/* Numbers, null: no password. */
static int take_other(void *ctx, const char *text, size_t n)
{
    (void)text;
    (void)n;
    ((struct reader *)ctx)->field = NULL;
    return 1;
}

static int take_bool(void *ctx, int value)
{
    (void)value;
    ((struct reader *)ctx)->field = NULL;
    return 1;
}

static int take_null(void *ctx)
{
    ((struct reader *)ctx)->field = NULL;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = take_null,
    .yajl_boolean = take_bool,
    .yajl_number = take_other,
    .yajl_string = take_text,
    .yajl_start_map = open_object,
    .yajl_map_key = take_key,
    .yajl_end_map = close_one,
    .yajl_start_array = open_list,
    .yajl_end_array = close_one,
};

int keyring_parse(struct str json, struct arena *a, struct keyring_login *out, struct err *e)
{
    struct reader r = { .arena = a };

    if (json.n > LIMIT_KEYRING_BYTES)
        return err_set(e, ERR_LIMIT, "its answer has more than %d bytes", LIMIT_KEYRING_BYTES);
    yajl_handle handle = yajl_alloc(&callbacks, NULL, &r);
    if (!handle)
        abort();
    bool valid = yajl_parse(handle, (const unsigned char *)json.p, json.n) == yajl_status_ok &&
                 yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    if (!valid || !r.login.user.p || !r.login.password.p)
        return err_set(e, ERR_INPUT, "its answer is not a JSON object of username and password");
    if (str_find(r.login.user, '\0') >= 0 || str_find(r.login.password, '\0') >= 0)
        return err_set(e, ERR_INPUT, "its answer holds a NUL character");
    *out = r.login;
    return 0;
}
