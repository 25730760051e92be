/* The directory is listed first and the mark read second: who creates a store writes the mark
 * before all else, so whatever is seen of it has its mark by then. */
#include "dray/store/mark.h"

#include <string.h>

#include "dray/util/buf.h"
#include "dray/util/dir.h"
#include "dray/util/file.h"

#define SIGNATURE "Signature: 8a477f597d28d172789f06886806bc55\n"
#define OURS      "# dray keeps here what can be used again; \"dray cache\" looks after it.\n"

enum { MARK_BYTES_MAX = 4096 };

static const char mark[] = SIGNATURE OURS;

#define NAME "CACHEDIR.TAG"

/* Written before there is a store, or there on an empty file system; or a mark that is just being
 * written, maybe by one that was killed. */
static bool is_harmless(const char *name)
{
    return strcmp(name, "interpreters") == 0 || strcmp(name, "lost+found") == 0 ||
           strncmp(name, NAME ".", sizeof(NAME)) == 0;
}

/* The name of one that is not harmless, or "". */
static void find_stranger(const char *root, struct buf *out)
{
    DIR *list = opendir(root); /* which may be a link */

    for (const struct dirent *d; !out->n && (d = dir_next(list));)
        if (!is_harmless(d->d_name))
            buf_add_z(out, d->d_name);
    dir_close(list);
}

static bool is_marked(const char *path)
{
    struct buf text = { 0 };
    struct err e = { 0 };
    bool marked =
        file_read(path, MARK_BYTES_MAX, &text, &e) == 0 && str_starts(buf_str(&text), str_of(mark));

    err_done(&e);
    buf_done(&text);
    return marked;
}

int mark_check(const char *root, bool read_only, struct err *e)
{
    struct buf path = { 0 }, stranger = { 0 };
    int code = 0;

    buf_add_f(&path, "%s/" NAME, root);
    find_stranger(root, &stranger);
    if (is_marked(buf_z(&path)))
        code = 0;
    else if (stranger.n)
        code = err_set(e, ERR_INPUT, "it holds \"%s\" and is no store of dray", buf_z(&stranger));
    else if (read_only)
        code = err_set(e, ERR_NOT_FOUND, "it is empty");
    else
        code = file_write(buf_z(&path), str_of(mark), e);
    buf_done(&path);
    buf_done(&stranger);
    return code;
}
