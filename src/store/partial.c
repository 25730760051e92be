/* A note without its file, or a file without its note, is worth nothing: moving either way, the
 * file goes first and the note last; taking, the note goes first, and who has moved that has the
 * file. The list of what is there is read again when it is a second old: one run asks thousands of
 * times, and mostly there is nothing. */
#include "dray/store/partial.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/store/parts.h"
#include "dray/store/place_parts.h"
#include "dray/util/clock.h"
#include "dray/util/dir.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum {
    KEY_HEX = 40,
    TOKEN_HEX = 16,
    STEM = KEY_HEX + 1 + TOKEN_HEX,
    LISTED_US = 1000 * 1000,
    NOTE_LINES = 4,
};

#define NOTE_MAGIC "dray-partial 1"

struct partial_name {
    char stem[STEM + 1];
    uint64_t bytes;
    int64_t written_s;
};

/* "<stem>.part", "<stem>.note". */
static void name_file(const char *stem, const char *suffix, char out[static PLACE_NAME_SIZE])
{
    snprintf(out, PLACE_NAME_SIZE, "%s%s", stem, suffix);
}

static bool is_hex(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr("0123456789abcdef", text[i]))
            return false;
    return true;
}

/* Is it "<stem><suffix>"? */
static bool has_stem(const char *name, const char *suffix)
{
    struct str s = str_of(name);

    return s.n == STEM + strlen(suffix) && is_hex(name, KEY_HEX) && name[KEY_HEX] == '-' &&
           is_hex(name + KEY_HEX + 1, TOKEN_HEX) && str_is(str_sub(s, STEM, s.n), suffix);
}

static void make_stem(struct str key, char out[static STEM + 1])
{
    struct digest digest = digest_sha256(key);
    char hex[DIGEST_HEX_SIZE];
    uint64_t token;

    if (getentropy(&token, sizeof(token)) != 0)
        token = clock_us();
    snprintf(out, STEM + 1, "%.*s-%016" PRIx64, KEY_HEX, digest_hex(&digest, hex), token);
}

/* -- the list -- */

static void list_all(struct store *s)
{
    struct partials *all = &s->partials;
    int fd = session_parent_fd(s->session);
    DIR *dir = dir_open(fd, ".");
    char part[PLACE_NAME_SIZE];
    struct stat st;

    all->n = 0;
    for (const struct dirent *d; (d = dir_next(dir));) {
        if (!has_stem(d->d_name, ".note"))
            continue;
        struct partial_name name = { 0 };
        memcpy(name.stem, d->d_name, STEM);
        name_file(name.stem, ".part", part);
        if (fstatat(fd, part, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        name.bytes = (uint64_t)st.st_size;
        name.written_s = st.st_mtime;
        all->items = mem_grow(all->items, all->n, &all->cap, sizeof(*all->items));
        all->items[all->n++] = name;
    }
    dir_close(dir);
    all->listed_us = clock_us();
}

static void list(struct store *s)
{
    if (!s->partials.listed_us || clock_us() - s->partials.listed_us > LISTED_US)
        list_all(s);
}

static struct partial_name *longest(struct store *s, struct str key)
{
    struct digest digest = digest_sha256(key);
    struct partial_name *best = NULL;
    char hex[DIGEST_HEX_SIZE];

    digest_hex(&digest, hex);
    for (size_t i = 0; i < s->partials.n; i++) {
        struct partial_name *p = &s->partials.items[i];
        if (memcmp(p->stem, hex, KEY_HEX) == 0 && (!best || p->bytes > best->bytes))
            best = p;
    }
    return best;
}

static void forget(struct store *s, struct partial_name *p)
{
    *p = s->partials.items[--s->partials.n];
}

static bool remove_one(const struct store *s, const struct partial_name *p)
{
    int fd = session_parent_fd(s->session);
    char note[PLACE_NAME_SIZE], part[PLACE_NAME_SIZE];

    name_file(p->stem, ".note", note);
    name_file(p->stem, ".part", part);
    return unlinkat(fd, note, 0) == 0 && unlinkat(fd, part, 0) == 0;
}

/* -- the note -- */

static void note_write(const struct partial_note *note, struct buf *out)
{
    char hex[DIGEST_HEX_SIZE];

    buf_add_f(out, NOTE_MAGIC "\n%s\n", digest_hex(&note->url, hex));
    if (note->total_bytes != PARTIAL_BYTES_UNKNOWN)
        buf_add_f(out, "%" PRIu64, note->total_bytes);
    buf_add_f(out, "\n%.*s\n", STR_ARG(note->validator));
}

static bool note_read(struct str text, struct arena *a, struct partial_note *out)
{
    struct str lines[NOTE_LINES], rest = text;
    uint64_t total = PARTIAL_BYTES_UNKNOWN;

    for (size_t i = 0; i < NOTE_LINES; i++)
        lines[i] = str_cut(rest, '\n', &rest);
    if (!str_is(lines[0], NOTE_MAGIC) || !rest.p || rest.n ||
        !digest_parse(DIGEST_SHA256, lines[1], &out->url) ||
        (lines[2].n && !str_to_u64(lines[2], UINT64_MAX - 1, &total)))
        return false;
    out->total_bytes = total;
    out->validator = lines[3].n ? arena_str(a, lines[3]) : STR_NONE;
    return true;
}

static bool note_load(struct place *in, const char *name, struct arena *a, struct partial_note *out)
{
    struct buf path = { 0 }, text = { 0 };
    struct err e = { 0 };

    buf_add_f(&path, "%s/%s", place_dir(in), name);
    bool ok =
        !file_read(buf_z(&path), LIMIT_NOTE_BYTES, &text, &e) && note_read(buf_str(&text), a, out);
    err_done(&e);
    buf_done(&path);
    buf_done(&text);
    return ok;
}

/* -- taking and keeping -- */

/* NULL: another process was faster, or it is of no use. */
static struct place_file *move_here(struct store *s, const struct partial_name *p, struct arena *a,
                                    struct partial_note *out)
{
    struct place *temp = store_temp(s);
    int from = session_parent_fd(s->session);
    char note[PLACE_NAME_SIZE], part[PLACE_NAME_SIZE];
    struct place_file *f = NULL;

    name_file(p->stem, ".note", note);
    name_file(p->stem, ".part", part);
    if (renameat(from, note, temp->fd, note) != 0)
        return NULL;
    if (renameat(from, part, temp->fd, part) == 0 && note_load(temp, note, a, out))
        f = place_file_reopen(temp, part, note);
    if (!f) {
        unlinkat(temp->fd, part, 0);
        unlinkat(temp->fd, note, 0);
    }
    return f;
}

struct place_file *partial_take(struct store *s, struct str key, struct arena *a,
                                struct partial_note *out)
{
    struct place_file *f = NULL;
    struct partial_name *p;

    if (!s->session)
        return NULL;
    list(s);
    while ((p = longest(s, key)) && !f) {
        f = move_here(s, p, a, out);
        forget(s, p);
    }
    while (f && (p = longest(s, key))) { /* shorter ones are of no use any more */
        remove_one(s, p);
        forget(s, p);
    }
    return f;
}

void partial_guard(struct store *s, struct place_file *f, struct str key,
                   const struct partial_note *note)
{
    char stem[STEM + 1], name[PLACE_NAME_SIZE];
    struct buf text = { 0 };

    (void)s; /* where nothing is asserted */
    assert(f->place == store_temp(s));
    make_stem(key, stem);
    note_write(note, &text);
    name_file(stem, ".note", name);
    if (place_file_put_beside(f, name, buf_str(&text))) {
        name_file(stem, ".part", name);
        if (!place_file_rename(f, name))
            place_file_leave_beside(f);
    }
    buf_done(&text);
}

void partial_keep(struct store *s, struct place_file *f, struct str key,
                  const struct partial_note *note)
{
    partial_guard(s, f, key, note);
    if (f->beside[0] && place_file_park(f, session_parent_fd(s->session)))
        s->partials.listed_us = 0;
}

/* -- as a whole -- */

void partial_count(const struct store *s, uint64_t *files, uint64_t *bytes)
{
    struct buf path = { 0 };
    struct stat st;

    *files = *bytes = 0;
    buf_add_f(&path, "%s/partial", s->root);
    int fd = dir_open_fd(AT_FDCWD, buf_z(&path));
    DIR *dir = fd >= 0 ? dir_open(fd, ".") : NULL;
    for (const struct dirent *d; (d = dir_next(dir));) {
        if (!has_stem(d->d_name, ".part") || fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        *files += 1;
        *bytes += (uint64_t)st.st_size;
    }
    dir_close(dir);
    if (fd >= 0)
        close(fd);
    buf_done(&path);
}

static int by_age(const void *a, const void *b)
{
    const struct partial_name *x = a, *y = b;

    return (x->written_s > y->written_s) - (x->written_s < y->written_s);
}

void partial_prune(struct store *s, int64_t before_s, uint64_t max_bytes, uint64_t *files,
                   uint64_t *bytes)
{
    struct partials *all = &s->partials;
    uint64_t left = 0;

    list_all(s);
    if (all->n)
        qsort(all->items, all->n, sizeof(*all->items), by_age);
    for (size_t i = 0; i < all->n; i++)
        left += all->items[i].bytes;
    for (size_t i = 0; i < all->n; i++) {
        const struct partial_name *p = &all->items[i];
        if (p->written_s >= before_s && left <= max_bytes)
            break;
        left -= p->bytes;
        if (!remove_one(s, p))
            continue;
        *files += 1;
        *bytes += p->bytes;
    }
    all->listed_us = 0;
}

void partial_rescue(int session_fd, int partial_fd)
{
    DIR *dir = dir_open(session_fd, ".");
    char part[PLACE_NAME_SIZE], stem[STEM + 1];

    for (const struct dirent *d; (d = dir_next(dir));) {
        if (!has_stem(d->d_name, ".note"))
            continue;
        snprintf(stem, sizeof(stem), "%.*s", STEM, d->d_name);
        name_file(stem, ".part", part);
        if (renameat(session_fd, part, partial_fd, part) == 0)
            renameat(session_fd, d->d_name, partial_fd, d->d_name);
    }
    dir_close(dir);
}
