/* The reader of py/zip, fed from a file. */
#include "dray/fetch/wheel_file.h"

#include <errno.h>
#include <unistd.h>

#include "dray/py/metadata.h"
#include "dray/py/zip.h"

static int feed(struct zip *z, int fd, struct zip_span span, struct buf *piece, struct err *e)
{
    char chunk[16 * 1024];

    buf_reset(piece);
    while (piece->n < span.n) {
        size_t want = span.n - piece->n < sizeof(chunk) ? span.n - piece->n : sizeof(chunk);
        ssize_t got = pread(fd, chunk, want, (off_t)(span.first + piece->n));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(e, "can't read it");
        if (got == 0)
            return err_set(e, ERR_IO, "it became shorter while it was read");
        buf_add(piece, chunk, (size_t)got);
    }
    zip_feed(z, span.first, piece->p, piece->n);
    return 0;
}

int wheel_file_metadata(int fd, uint64_t bytes, struct str filename, struct buf *out, struct err *e)
{
    struct zip_span span = { 0 };
    struct buf piece = { 0 };

    if (!bytes)
        return err_set(e, ERR_INPUT, "it is empty");
    struct zip *z = zip_create(bytes, filename);
    enum zip_step step = zip_step(z, &span, e);
    while (step == ZIP_LACKS && !feed(z, fd, span, &piece, e))
        step = zip_step(z, &span, e);
    if (step == ZIP_FOUND)
        buf_add_str(out, zip_metadata(z));
    zip_destroy(z);
    buf_done(&piece);
    return step == ZIP_FOUND ? 0 : e->code;
}

int wheel_file_check(int fd, uint64_t bytes, struct str filename, struct str known,
                     const char *source, struct err *e)
{
    struct arena a = { 0 };
    struct buf text = { 0 };
    struct metadata was, is;
    int code = wheel_file_metadata(fd, bytes, filename, &text, e);

    if (!code && !str_eq(buf_str(&text), known)) {
        code = metadata_parse(&a, known, &was, e);
        if (!code)
            code = metadata_parse(&a, buf_str(&text), &is, e);
        if (!code)
            code = metadata_compare(&was, source, &is, "the wheel itself", e);
    }
    arena_done(&a);
    buf_done(&text);
    return code;
}
