#include "dray/util/err.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dray/util/buf.h"

static const char *const names[] = {
#define ERR_NAME(name, text) text,
    ERR_CODES(ERR_NAME)
#undef ERR_NAME
};

_Static_assert(ERR_LAST < 0, "error codes are negative");

void err_done(struct err *e)
{
    if (!e)
        return;
    free(e->text);
    *e = (struct err){ 0 };
}

/* The new text may quote the old one, so that is freed last. */
static int err_put(struct err *e, int code, struct buf *text)
{
    free(e->text);
    e->code = code;
    e->text = buf_take(text);
    return code;
}

int err_set(struct err *e, int code, const char *format, ...)
{
    struct buf text = { 0 };
    va_list ap;

    assert(code > ERR_FIRST && code < ERR_LAST);
    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    return err_put(e, code, &text);
}

int err_wrap(struct err *e, const char *format, ...)
{
    assert(e->code);
    struct buf text = { 0 };
    va_list ap;
    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    buf_add_f(&text, ": %s", err_text(e));
    return err_put(e, e->code, &text);
}

int err_errno(struct err *e, const char *format, ...)
{
    int number = errno;
    int code = number == ENOSPC || number == EDQUOT ? ERR_SPACE : ERR_IO;

    struct buf text = { 0 };
    va_list ap;
    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    buf_add_f(&text, ": %s", strerror(number));
    return err_put(e, code, &text);
}

int err_move(struct err *to, struct err *from)
{
    int code = from->code;

    free(to->text);
    *to = *from;
    *from = (struct err){ 0 };
    return code;
}

const char *err_text(const struct err *e)
{
    return e->text ? e->text : "";
}

const char *err_name(int code)
{
    if (code <= ERR_FIRST || code >= ERR_LAST)
        return code ? "unknown" : "ok";
    return names[code - ERR_FIRST - 1];
}
