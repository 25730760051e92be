/* Objects and records are the same whether they wait, are in the index or were read from another
 * process's; and a store survives whatever is done to it. */
#include "store_world.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "case.h"
#include "dray/store/object_file.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"
#include "full_disk.h"

/* How the steps of a case are kept apart. */
enum mode { WAITING, FLUSHED, REOPENED, MODE_COUNT };

static const char *const mode_names[] = { "waiting", "flushed", "reopened" };

struct world {
    struct temp_dir dir;
    const char *root;
    struct store *store;
    enum mode mode;
};

static void world_open(struct world *w, enum mode mode, uint64_t max_bytes)
{
    temp_dir_open(&w->dir);
    w->root = temp_dir_at(&w->dir, "cache/dray");
    w->store = store_world_open(w->root, max_bytes);
    w->mode = mode;
}

static void world_reopen(struct world *w)
{
    store_close(w->store);
    w->store = store_world_open(w->root, 0);
}

static void world_step(struct world *w)
{
    if (w->mode == FLUSHED) {
        assert_true(store_flush(w->store));
        assert_false(store_is_dirty(w->store));
    } else if (w->mode == REOPENED) {
        world_reopen(w);
    }
}

static void world_close(struct world *w)
{
    store_close(w->store);
    temp_dir_close(&w->dir);
}

/* -- records -- */

static struct str said(struct str word)
{
    return str_is(word, "-") ? STR_NONE : str_is(word, "''") ? STR("") : word;
}

static void say(struct buf *out, struct str s)
{
    buf_add_str(out, !s.p ? STR("-") : s.n ? s : STR("''"));
    buf_add_c(out, ' ');
}

static void say_record(struct buf *out, const struct store_record *r)
{
    say(out, r->etag);
    say(out, r->last_modified);
    say(out, r->content);
    buf_add_f(out, "%s%s%s %lld %lld", r->no_stale ? "n" : "", r->immutable ? "i" : "",
              r->no_stale || r->immutable ? "" : "-", (long long)r->received_s,
              (long long)r->fresh_until_s);
}

static void record_step(struct world *w, struct str step, int number)
{
    struct str words[6] = { 0 };
    struct store_record r = { .label = STR("a label"), .base = STR("https://example.org/") };
    struct arena a = { 0 };
    struct str key = STR("https://user:secret@example.org/simple/");

    for (int i = 0; i < 6 && step.p; i++)
        words[i] = str_cut(str_trim(step), ' ', &step);
    bool put = str_is(words[0], "put");
    struct str flags = words[put ? 4 : 3];
    r.received_s = number;
    r.fresh_until_s = number + 10;
    r.etag = said(words[1]);
    r.last_modified = said(words[2]);
    r.content = put ? said(words[3]) : STR_NONE;
    r.no_stale = str_find(flags, 'n') >= 0;
    r.immutable = str_find(flags, 'i') >= 0;
    if (put)
        store_put(w->store, STORE_LISTING, key, &r);
    else if (str_is(words[0], "touch"))
        store_touch(w->store, STORE_LISTING, key, &r);
    else if (str_is(words[0], "forget"))
        store_forget(w->store, STORE_LISTING, key);
    else if (str_is(words[0], "get"))
        store_get(w->store, STORE_LISTING, key, &a, &r);
    else
        fail_msg("no such step: %.*s", STR_ARG(words[0]));
    arena_done(&a);
    world_step(w);
}

static void record_case(struct case_line *c, void *ctx)
{
    struct world w;
    struct arena a = { 0 };
    struct store_record r;
    int number = 1;

    if (!case_has(c, 2, 2))
        return;
    world_open(&w, *(enum mode *)ctx, 0);
    for (struct str rest = c->fields[0]; rest.p; number++)
        record_step(&w, str_cut(rest, ';', &rest), number);
    struct buf got = { 0 };
    if (store_get(w.store, STORE_LISTING, STR("https://user:secret@example.org/simple/"), &a, &r)) {
        say_record(&got, &r);
        case_equal(c, r.label, STR("a label"));
        case_equal(c, r.base, STR("https://example.org/"));
    } else {
        buf_add_z(&got, "none");
    }
    case_equal(c, buf_str(&got), c->fields[1]);
    if (c->failed)
        fprintf(stderr, "    (%s)\n", mode_names[w.mode]);
    case_check(c, !store_get(w.store, STORE_METADATA, /* another kind is another record */
                             STR("https://user:secret@example.org/simple/"), &a, &r));
    buf_done(&got);
    arena_done(&a);
    world_close(&w);
}

static void test_records(void **state)
{
    (void)state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++)
        assert_true(case_each("store/record.case", 20, record_case, &mode));
}

/* Credentials are in keys: they must not be found in any file. */
static void test_keys_are_not_kept(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, FLUSHED, 0);
    store_put(w.store, STORE_LISTING, STR("https://u:swordfish@example.org/"),
              &(struct store_record){ .content = STR("x") });
    world_step(&w);
    store_close(w.store);
    const char *ends[] = { "", "-wal" };
    for (size_t i = 0; i < 2; i++) {
        struct buf name = { 0 }, content = { 0 };
        buf_add_f(&name, "%s/index.sqlite%s", w.root, ends[i]);
        assert_int_equal(file_read(buf_z(&name), SIZE_MAX, &content, &(struct err){ 0 }), 0);
        assert_true(str_search(buf_str(&content), STR("swordfish")) < 0);
        buf_done(&name);
        buf_done(&content);
    }
    temp_dir_close(&w.dir);
}

static void test_large_records(void **state)
{
    enum { BYTES = 9 * LIMIT_MIB };
    char *bytes = mem_new(LIMIT_STORE_RECORD_BYTES + 1, 1);
    struct world w;
    struct store_record r = { .content = { bytes, BYTES } }, got;
    struct arena a = { 0 };

    (void)state;
    world_open(&w, FLUSHED, 0);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(i * 2654435761u >> 24);
    store_put(w.store, STORE_LISTING, STR("1"), &r);
    assert_true(store_is_dirty(w.store));
    store_put(w.store, STORE_LISTING, STR("2"), &r); /* too much waits: the first was written */
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM record"), 1);
    world_step(&w);
    assert_true(store_get(w.store, STORE_LISTING, STR("2"), &a, &got));
    assert_true(str_eq(got.content, r.content));
    r.content.n = LIMIT_STORE_RECORD_BYTES + 1; /* not kept, nor is what it replaces */
    store_put(w.store, STORE_LISTING, STR("1"), &r);
    assert_false(store_get(w.store, STORE_LISTING, STR("1"), &a, &got));
    world_step(&w);
    assert_false(store_get(w.store, STORE_LISTING, STR("1"), &a, &got));
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM content"), 1);
    free(bytes);
    arena_done(&a);
    world_close(&w);
}

/* -- objects -- */

static void file_content(const char *path, struct str content)
{
    int fd = -1;

    unlink(path); /* a new file: others may have links to the old one */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0444);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.p, content.n), content.n);
    close(fd);
}

static const struct str object_content = { "object", 6 };

static void object_step(struct world *w, struct str step)
{
    struct digest sha256 = digest_sha256(object_content);
    const char *path = store_world_path(&w->dir, w->store, &sha256);

    if (str_is(step, "commit"))
        store_world_commit(w->store, object_content);
    else if (str_is(step, "find"))
        store_world_find(w->store, &sha256);
    else if (str_is(step, "vouch"))
        store_vouch(w->store, &sha256);
    else if (str_is(step, "discard"))
        store_discard(w->store, &sha256);
    else if (str_is(step, "lose"))
        assert_int_equal(unlink(path), 0);
    else if (str_is(step, "cut"))
        file_content(path, STR("obj"));
    else if (str_is(step, "forge"))
        file_content(path, STR("OBJECT"));
    else if (str_is(step, "touch"))
        assert_int_equal(utimensat(AT_FDCWD, path, (struct timespec[2]){ { 5, 5 }, { 5, 5 } }, 0),
                         0);
    else if (!str_is(step, "reboot") && !str_is(step, "unlist"))
        fail_msg("no such step: %.*s", STR_ARG(step));
    if (str_is(step, "reboot") || str_is(step, "unlist")) {
        assert_true(store_flush(w->store));
        store_world_sql(w->root, str_is(step, "reboot") ? "UPDATE object SET boot = 'another'"
                                                        : "DELETE FROM object");
    }
    world_step(w);
}

static const char *trust_name(int trust)
{
    return trust == STORE_TRUSTED ? "trusted" : trust == STORE_UNVERIFIED ? "unverified" : "none";
}

/* Trusted only if its bytes are what they should be. */
static bool is_right(struct store *s, const struct digest *sha256)
{
    struct store_object o = { .fd = -1 };
    char bytes[16];

    if (!store_find(s, sha256, &o) || o.trust != STORE_TRUSTED)
        return o.fd < 0 || close(o.fd) == 0;
    ssize_t n = read(o.fd, bytes, sizeof(bytes));
    close(o.fd);
    return n > 0 && str_eq((struct str){ bytes, (size_t)n }, object_content);
}

static void object_case(struct case_line *c, void *ctx)
{
    struct world w;
    struct digest sha256 = digest_sha256(object_content);
    struct store_object o = { .trust = STORE_UNVERIFIED };

    if (!case_has(c, 2, 2))
        return;
    world_open(&w, *(enum mode *)ctx, 0);
    for (struct str rest = c->fields[0]; rest.p;)
        object_step(&w, str_cut(rest, ' ', &rest));
    bool has = store_find(w.store, &sha256, &o);
    case_equal(c, str_of(trust_name(has ? (int)o.trust : WORLD_NONE)), c->fields[1]);
    if (has)
        case_check(c, close(o.fd) == 0 && o.bytes == object_content.n);
    case_check(c, is_right(w.store, &sha256));
    if (c->failed)
        fprintf(stderr, "    (%s)\n", mode_names[w.mode]);
    world_close(&w);
}

static void test_objects(void **state)
{
    (void)state;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++)
        assert_true(case_each("store/object.case", 25, object_case, &mode));
}

static void test_layout(void **state)
{
    struct world w;
    struct stat st;

    (void)state;
    world_open(&w, FLUSHED, 0);
    assert_string_equal(store_root(w.store), w.root);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    const char *path = store_world_path(&w.dir, w.store, &sha256);
    assert_string_equal(
        path, arena_f(&w.dir.arena,
                      "%s/objects/ba/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f200"
                      "15ad",
                      w.root)
                  .p);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0444);
    assert_int_equal(stat(w.root, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(temp_dir_count(&w.dir, "cache/dray/partial"), 1);
    store_close(w.store);
    assert_int_equal(temp_dir_count(&w.dir, "cache/dray/partial"), 0);
    store_close(NULL);
    temp_dir_close(&w.dir);
}

/* A use is noted, and once an hour at most. */
static void test_use(void **state)
{
    struct world w;
    struct arena a = { 0 };
    struct store_record r = { .content = STR("x") };

    (void)state;
    world_open(&w, FLUSHED, 0);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    store_put(w.store, STORE_HOST, STR("k"), &r);
    world_step(&w);
    assert_int_equal(store_world_find(w.store, &sha256), STORE_TRUSTED);
    assert_true(store_get(w.store, STORE_HOST, STR("k"), &a, &r));
    assert_false(store_is_dirty(w.store));
    store_world_sql(w.root, "UPDATE object SET used = used - 4000");
    store_world_sql(w.root, "UPDATE record SET used = used - 4000");
    store_flush(w.store); /* what others write is seen after that */
    store_world_find(w.store, &sha256);
    assert_true(store_is_dirty(w.store));
    world_step(&w);
    assert_true(store_get(w.store, STORE_HOST, STR("k"), &a, &r));
    assert_true(store_is_dirty(w.store));
    world_step(&w);
    assert_true(store_world_sql(w.root, "SELECT min(o.used, r.used) FROM object o, record r") >=
                clock_unix_s() - 60);
    arena_done(&a);
    world_close(&w);
}

/* -- eviction -- */

static bool is_left(struct store *s, char name, struct str content)
{
    struct digest sha256 = digest_sha256(content);
    struct store_record r;
    struct arena a = { 0 };

    if (name < 'a')
        return store_world_find(s, &sha256) != WORLD_NONE;
    bool found = store_get(s, STORE_METADATA, (struct str){ &name, 1 }, &a, &r);
    arena_done(&a);
    return found;
}

struct item {
    char name;
    struct str content;
    uint64_t used_s;
};

static struct item parse_item(struct arena *a, struct str text)
{
    struct item item = { 0 };
    uint64_t bytes = 0;
    struct str rest;
    struct str name = str_cut(text, ':', &rest);
    struct str size = str_cut(rest, ':', &rest);

    assert_true(name.n == 1 && str_to_u64(size, 1000, &bytes) &&
                str_to_u64(rest, 1000, &item.used_s));
    item.name = name.p[0];
    char *content = arena_alloc(a, bytes + 1, 1);
    memset(content, item.name, bytes);
    item.content = (struct str){ content, bytes };
    return item;
}

static void put_item(struct world *w, const struct item *item)
{
    struct buf sql = { 0 };

    if (item->name < 'a')
        store_world_commit(w->store, item->content);
    else
        store_put(w->store, STORE_METADATA, (struct str){ &item->name, 1 },
                  &(struct store_record){ .content = item->content });
    assert_true(store_flush(w->store));
    buf_add_f(&sql, "UPDATE %s SET used = %llu WHERE used > 1000",
              item->name < 'a' ? "object" : "record", (unsigned long long)item->used_s);
    store_world_sql(w->root, buf_z(&sql));
    buf_done(&sql);
}

/* The steps are made under a wide cap; the narrow one is that of the store that is opened then. */
static void evict_case(struct case_line *c, void *ctx)
{
    struct world w;
    struct arena a = { 0 };
    struct item items[16];
    size_t n = 0;
    uint64_t cap = 0;
    struct buf left = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    world_open(&w, FLUSHED, UINT64_MAX);
    for (struct str rest = c->fields[1]; rest.p; n++) {
        items[n] = parse_item(&a, str_cut(rest, ' ', &rest));
        put_item(&w, &items[n]);
    }
    assert_true(str_to_u64(c->fields[0], 1000, &cap));
    store_close(w.store);
    w.store = store_world_open(w.root, cap);
    store_forget(w.store, STORE_HOST, STR("nothing")); /* so that there is something to write */
    assert_true(store_flush(w.store));
    for (size_t i = 0; i < n; i++)
        if (is_left(w.store, items[i].name, items[i].content))
            buf_add_f(&left, "%s%c", left.n ? " " : "", items[i].name);
    case_equal(c, buf_str(&left), c->fields[2]);
    buf_done(&left);
    arena_done(&a);
    world_close(&w);
}

static void test_evict(void **state)
{
    (void)state;
    assert_true(case_each("store/evict.case", 12, evict_case, NULL));
}

/* One turn of the loop removes a few; store_close() all that have to go. */
static void test_evict_many(void **state)
{
    enum { FILES = 1000 };
    struct world w;
    char content[32];

    (void)state;
    world_open(&w, FLUSHED, UINT64_MAX);
    for (int i = 0; i < FILES; i++) {
        snprintf(content, sizeof(content), "%09d,", i);
        store_world_commit(w.store, str_of(content));
    }
    store_close(w.store);
    w.store = store_world_open(w.root, FILES * 10 / 2);
    store_forget(w.store, STORE_HOST, STR("nothing"));
    assert_true(store_flush(w.store));
    assert_true(store_is_dirty(w.store));
    int64_t after_one = store_world_sql(w.root, "SELECT count(*) FROM object");
    assert_true(after_one > FILES / 2 && after_one < FILES);
    store_close(w.store);
    assert_int_equal(store_world_sql(w.root, "SELECT items FROM total WHERE kind = -1"), 450);
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM object"), 450);
    temp_dir_close(&w.dir);
}

/* That there was none of a kind is not believed for longer than to the next flush. */
static void test_records_of_others(void **state)
{
    struct store_record r = { .label = STR("page"), .content = STR("content") }, got;
    struct temp_dir d;
    struct arena a = { 0 };

    (void)state;
    temp_dir_open(&d);
    struct store *ours = store_world_open(d.path, 0), *theirs = store_world_open(d.path, 0);
    assert_false(store_get(ours, STORE_LISTING, STR("key"), &a, &got));
    store_put(theirs, STORE_LISTING, STR("key"), &r);
    assert_true(store_flush(theirs));
    assert_true(store_flush(ours));
    assert_true(store_get(ours, STORE_LISTING, STR("key"), &a, &got));
    assert_true(str_is(got.content, "content"));
    assert_false(store_get(ours, STORE_HOST, STR("key"), &a, &got));
    arena_done(&a);
    store_close(ours);
    store_close(theirs);
    temp_dir_close(&d);
}

/* -- what can be wrong -- */

static void open_fails(const char *root, bool read_only, int code, const char *part)
{
    struct err e = { 0 };

    assert_null(store_open(&(struct store_options){ .root = root, .read_only = read_only }, &e));
    assert_int_equal(e.code, code);
    if (!strstr(err_text(&e), part) || !strstr(err_text(&e), root))
        fail_msg("\"%s\" does not say %s", err_text(&e), part);
    err_done(&e);
}

#define MARK                                                                                       \
    STR("Signature: 8a477f597d28d172789f06886806bc55\n"                                            \
        "# dray keeps here what can be used again; \"dray cache\" looks after it.\n")

/* Somebody's repository has a directory "objects", too. */
static void test_foreign_directory(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "repository/objects/ab/cdef", STR("x"));
    temp_dir_put(&d, "base/index.sqlite", STR("SQLite format 3"));
    temp_dir_put(&d, "cache/CACHEDIR.TAG", STR("Signature: 8a477f597d28d172789f06886806bc55\n"));
    temp_dir_put(&d, "empty/interpreters/a.json", STR("{}")); /* ours, from before there was one */
    for (int read_only = 0; read_only < 2; read_only++) {
        open_fails(temp_dir_at(&d, "repository"), read_only, ERR_INPUT, "\"objects\"");
        open_fails(temp_dir_at(&d, "base"), read_only, ERR_INPUT, "\"index.sqlite\"");
        open_fails(temp_dir_at(&d, "cache"), read_only, ERR_INPUT, "\"CACHEDIR.TAG\"");
    }
    assert_int_equal(temp_dir_count(&d, "repository"), 1);
    assert_true(temp_dir_has(&d, "repository/objects/ab/cdef", STR("x")));
    assert_true(temp_dir_has(&d, "base/index.sqlite", STR("SQLite format 3")));
    temp_dir_put(&d, "empty/CACHEDIR.TAG.x1Y2z3", STR("Sig")); /* of one that was killed */
    open_fails(temp_dir_at(&d, "empty"), true, ERR_NOT_FOUND, "no store");
    store_close(store_world_open(temp_dir_at(&d, "empty"), 0));
    assert_true(temp_dir_has(&d, "empty/CACHEDIR.TAG", MARK));
    store_close(store_world_open(temp_dir_at(&d, "empty"), 0));
    temp_dir_close(&d);
}

static void test_open_fails(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "file", STR("x"));
    temp_dir_put(&d, "odd/CACHEDIR.TAG", MARK);
    temp_dir_put(&d, "odd/objects", STR("x"));
    temp_dir_put(&d, "odd2/CACHEDIR.TAG", MARK);
    temp_dir_put(&d, "odd2/partial", STR("x"));
    open_fails(temp_dir_at(&d, "file"), false, ERR_IO, "--no-cache-dir");
    open_fails(temp_dir_at(&d, "file/below"), false, ERR_IO, "--no-cache-dir");
    open_fails(temp_dir_at(&d, "odd"), false, ERR_IO, "odd/objects");
    open_fails(temp_dir_at(&d, "odd2"), false, ERR_IO, "odd2/partial");
    open_fails(temp_dir_at(&d, "none"), true, ERR_NOT_FOUND, "no store");
    open_fails(temp_dir_at(&d, "odd2"), true, ERR_NOT_FOUND, "no store");
    assert_int_equal(temp_dir_count(&d, "."), 3); /* nothing was made */
    if (geteuid() == 0) {
        assert_int_equal(mkdir(temp_dir_at(&d, "other"), 0777), 0);
        assert_int_equal(chown(temp_dir_at(&d, "other"), 12345, 12345), 0);
        open_fails(temp_dir_at(&d, "other"), false, ERR_IO, "another user");
    }
    if (access("/proc/self", F_OK) == 0)
        open_fails("/proc/self/store", false, ERR_IO, "--cache-dir");
    temp_dir_close(&d);
}

static void test_newer_schema(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, FLUSHED, 0);
    store_close(w.store);
    store_world_sql(w.root, "PRAGMA user_version = 2");
    open_fails(w.root, false, ERR_UNSUPPORTED, "newer dray");
    open_fails(w.root, true, ERR_UNSUPPORTED, "newer dray");
    assert_int_equal(temp_dir_count(&w.dir, "cache/dray/partial"), 0);
    assert_int_equal(store_world_sql(w.root, "PRAGMA user_version"), 2);
    temp_dir_close(&w.dir);
}

static void test_read_only(void **state)
{
    struct world w;
    struct err e = { 0 };
    struct store_record r = { .content = STR("x") };
    struct arena a = { 0 };

    (void)state;
    world_open(&w, FLUSHED, 0);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    store_put(w.store, STORE_HOST, STR("k"), &r);
    store_close(w.store);
    store_world_sql(w.root, "UPDATE object SET used = 1");
    w.store = store_open(&(struct store_options){ .root = w.root, .read_only = true }, &e);
    assert_non_null(w.store);
    assert_null(store_temp(w.store));
    assert_int_equal(store_world_find(w.store, &sha256), STORE_TRUSTED);
    assert_true(store_get(w.store, STORE_HOST, STR("k"), &a, &r));
    store_put(w.store, STORE_HOST, STR("k2"), &r);
    store_forget(w.store, STORE_HOST, STR("k"));
    store_discard(w.store, &sha256);
    assert_false(store_is_dirty(w.store));
    assert_int_equal(store_world_find(w.store, &sha256), STORE_TRUSTED);
    store_close(w.store);
    assert_int_equal(temp_dir_count(&w.dir, "cache/dray/partial"), 0);
    assert_int_equal(store_world_sql(w.root, "SELECT used FROM object"), 1);
    arena_done(&a);
    temp_dir_close(&w.dir);
}

/* Index files of every kind of wrongness; the object is found again and has to be hashed. */
static void test_damaged_index(void **state)
{
    static const char no_head[] = "no database at all, but a text that is long enough to be taken "
                                  "for the head of one, which has a hundred bytes";
    static const char *const wrong[] = { no_head, "x", "SQLite format 3" };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct world w;
        world_open(&w, FLUSHED, 0);
        struct digest sha256 = store_world_commit(w.store, STR("abc"));
        store_close(w.store);
        store_world_sql(w.root, "PRAGMA wal_checkpoint(TRUNCATE)"); /* else the log mends it */
        temp_dir_put(&w.dir, "cache/dray/index.sqlite", str_of(wrong[i]));
        w.store = store_world_open(w.root, 0);
        assert_int_equal(store_world_find(w.store, &sha256), STORE_UNVERIFIED);
        assert_true(store_flush(w.store));
        assert_int_equal(store_world_sql(w.root, "SELECT bytes FROM object"), 3);
        if (i < 1) /* what is shorter than a head is as good as empty to SQLite */
            assert_true(temp_dir_has(&w.dir, "cache/dray/index.sqlite.damaged", str_of(wrong[i])));
        world_close(&w);
    }
}

/* A database of somebody else under our name. */
static void test_foreign_index(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, FLUSHED, 0);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    store_close(w.store);
    store_world_sql(w.root, "PRAGMA application_id = 7");
    w.store = store_world_open(w.root, 0);
    assert_int_equal(store_world_find(w.store, &sha256), STORE_UNVERIFIED);
    store_close(w.store);
    store_world_sql(w.root, "DROP TABLE content"); /* not seen when it is opened */
    w.store = store_world_open(w.root, 0);
    store_put(w.store, STORE_HOST, STR("k"), &(struct store_record){ .content = STR("x") });
    assert_true(store_flush(w.store));
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM content"), 1);
    assert_int_equal(store_world_find(w.store, &sha256), STORE_UNVERIFIED);
    assert_true(store_flush(w.store));
    assert_int_equal(store_world_sql(w.root, "SELECT bytes FROM object"), 3);
    world_close(&w);
}

/* Who had the damaged index open goes on with the new one. */
static void test_replaced_index(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, FLUSHED, 0);
    struct digest one = store_world_commit(w.store, STR("one"));
    world_step(&w);
    assert_int_equal(rename(temp_dir_at(&w.dir, "cache/dray/index.sqlite"),
                            temp_dir_at(&w.dir, "cache/dray/away")),
                     0);
    struct store *other = store_world_open(w.root, 0);
    struct digest two = store_world_commit(w.store, STR("two"));
    world_step(&w);
    assert_true(store_flush(other));
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM object"), 2);
    assert_int_equal(store_world_find(other, &two), STORE_TRUSTED);
    assert_int_equal(store_world_find(other, &one), STORE_UNVERIFIED);
    store_close(other);
    world_close(&w);
}

/* The tree was removed under our feet. */
static void test_removed_root(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, FLUSHED, 0);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    store_put(w.store, STORE_HOST, STR("k"), &(struct store_record){ .content = STR("x") });
    assert_int_equal(nftw(w.root, temp_dir_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
    assert_int_equal(store_world_find(w.store, &sha256), WORLD_NONE);
    assert_true(store_flush(w.store));
    assert_false(store_is_dirty(w.store));
    assert_true(store_world_try(w.store, STR("def")) != 0);
    world_close(&w);
}

/* -- several at once -- */

static void test_busy(void **state)
{
    struct world w;
    sqlite3 *db = NULL;

    (void)state;
    world_open(&w, FLUSHED, 0);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    assert_int_equal(sqlite3_open(temp_dir_at(&w.dir, "cache/dray/index.sqlite"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    uint64_t before = clock_us();
    assert_false(store_flush(w.store));
    assert_true(clock_us() - before < 1000000); /* it has not waited */
    assert_true(store_is_dirty(w.store));
    assert_int_equal(store_world_find(w.store, &sha256), STORE_TRUSTED);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_true(store_flush(w.store));
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM object"), 1);
    sqlite3_close(db);
    world_close(&w);
}

/* Another process is just making a new index, and was stopped while it does. */
static void test_half_made_index(void **state)
{
    struct world w;
    sqlite3 *db = NULL;

    (void)state;
    world_open(&w, FLUSHED, 0);
    const char *path = temp_dir_at(&w.dir, "cache/dray/index.sqlite");
    assert_int_equal(unlink(path), 0);
    unlink(temp_dir_at(&w.dir, "cache/dray/index.sqlite-wal"));
    unlink(temp_dir_at(&w.dir, "cache/dray/index.sqlite-shm"));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    uint64_t before = clock_us();
    assert_false(store_flush(w.store));
    assert_true(clock_us() - before < 1000000); /* it has not waited */
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_true(store_flush(w.store));
    assert_int_equal(store_world_find(w.store, &sha256), STORE_TRUSTED);
    sqlite3_close(db);
    world_close(&w);
}

/* What SQLite's walIndexRecover() holds, in a process of its own; it ends with the pipe `until`. */
static pid_t lock_log(const char *path, const int until[2])
{
    struct flock locks = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 3 };
    int said[2];
    char byte = 0;

    assert_int_equal(pipe(said), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, O_RDWR);
        close(until[1]);
        bool ok = fcntl(fd, F_SETLK, &locks) == 0 && write(said[1], &byte, 1) == 1;
        _exit(ok && read(until[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(said[1]);
    assert_int_equal(read(said[0], &byte, 1), 1);
    close(said[0]);
    return pid;
}

/* Another process is reading the log anew, and was stopped while it does. */
static void test_stopped_recovery(void **state)
{
    struct world w;
    struct store_record r;
    int until[2], status = -1;

    (void)state;
    world_open(&w, FLUSHED, 0);
    store_put(w.store, STORE_HOST, STR("key"), &(struct store_record){ .content = STR("abc") });
    world_reopen(&w);
    const char *path = temp_dir_at(&w.dir, "cache/dray/index.sqlite-shm");
    assert_int_equal(pipe(until), 0);
    pid_t pid = lock_log(path, until);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    char *shared = mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(shared != MAP_FAILED);
    shared[8] ^= 1; /* not the second copy: neither counts */
    uint64_t before = clock_us();
    assert_false(store_get(w.store, STORE_HOST, STR("key"), &w.dir.arena, &r));
    assert_true(clock_us() - before < 1000000); /* it has not waited */
    shared[8] ^= 1;
    assert_true(store_get(w.store, STORE_HOST, STR("key"), &w.dir.arena, &r));
    close(until[0]);
    close(until[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    munmap(shared, 64);
    world_close(&w);
    close(fd); /* not before: it takes the locks of this process along */
}

static void put_many(struct world *w, int n, const char *content)
{
    char key[32];

    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "%d", i);
        store_put(w->store, STORE_METADATA, str_of(key),
                  &(struct store_record){ .content = str_of(content) });
    }
}

/* One turn of the loop writes a few, the first ones first; store_close() all. */
static void test_flush_many(void **state)
{
    enum { RECORDS = 5000, A_TURN = 200 };
    static const char count[] = "SELECT count(*) FROM record";
    struct world w;
    struct store_record r;

    (void)state;
    world_open(&w, FLUSHED, 0);
    put_many(&w, RECORDS, "a");
    assert_true(store_flush(w.store));
    assert_int_equal(store_world_sql(w.root, count), A_TURN);
    put_many(&w, 1, "b"); /* is written already */
    for (int64_t before = A_TURN; store_is_dirty(w.store); before += A_TURN) {
        assert_true(store_get(w.store, STORE_METADATA, STR("0"), &w.dir.arena, &r));
        assert_true(str_is(r.content, "b"));
        assert_true(store_get(w.store, STORE_METADATA, STR("4999"), &w.dir.arena, &r));
        assert_true(store_world_sql(w.root, count) <= before);
        assert_true(store_flush(w.store));
    }
    assert_int_equal(store_world_sql(w.root, count), RECORDS);
    put_many(&w, RECORDS, "cc");
    world_reopen(&w);
    assert_int_equal(store_world_sql(w.root, "SELECT sum(length(content)) FROM content"),
                     2 * RECORDS);
    world_close(&w);
}

/* The clock was ahead for a while: what was used then does not stay for all that comes. */
static void test_clock_was_ahead(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, FLUSHED, 40);
    store_world_commit(w.store, STR("0123456789012345678"));
    store_world_commit(w.store, STR("1123456789012345678"));
    store_close(w.store);
    store_world_sql(w.root, "UPDATE object SET used = used + 1000000000");
    w.store = store_world_open(w.root, 40);
    struct digest young = store_world_commit(w.store, STR("abcdefghijklmnop"));
    assert_true(store_flush(w.store));
    assert_int_equal(store_world_find(w.store, &young), STORE_TRUSTED);
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM object"), 2);
    world_close(&w);
}

/* Times that no clock has: what is damaged, or a file that was touched. */
static void test_odd_times(void **state)
{
    struct timespec far[2] = { { .tv_sec = 15000000000 }, { .tv_sec = 15000000000 } };
    struct world w;
    struct store_record r;

    (void)state;
    world_open(&w, FLUSHED, 0);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    store_put(w.store, STORE_HOST, STR("key"), &(struct store_record){ .content = STR("abc") });
    store_close(w.store);
    store_world_sql(w.root, "UPDATE object SET used = -9223372036854775807 - 1");
    store_world_sql(w.root, "UPDATE record SET used = -9223372036854775807 - 1");
    w.store = store_world_open(w.root, 0);
    assert_int_equal(store_world_find(w.store, &sha256), STORE_TRUSTED);
    assert_true(store_get(w.store, STORE_HOST, STR("key"), &w.dir.arena, &r));
    assert_true(store_is_dirty(w.store)); /* their use is noted */
    utimensat(AT_FDCWD, store_world_path(&w.dir, w.store, &sha256), far, 0);
    assert_int_equal(store_world_find(w.store, &sha256), STORE_UNVERIFIED);
    world_close(&w);
}

struct emptied {
    int objects, found, strangers;
};

/* The others go before they are come to. */
static void empty_it(void *ctx, const char *name, const struct digest *sha256)
{
    struct emptied *d = ctx;

    for (unsigned i = 0; i < 16; i++) {
        char other[OBJECT_NAME_SIZE];
        snprintf(other, sizeof(other), "ab/ab%062x", i);
        if (strcmp(name, other) != 0)
            unlinkat(d->objects, other, 0);
    }
    d->found += sha256 != NULL;
    d->strangers += sha256 == NULL;
}

/* What another process removes during a walk is no stranger. */
static void test_walk_and_evict(void **state)
{
    struct emptied d = { 0 };
    struct temp_dir t;

    (void)state;
    temp_dir_open(&t);
    for (unsigned i = 0; i < 16; i++)
        temp_dir_put(&t, arena_f(&t.arena, "objects/ab/ab%062x", i).p, STR("x"));
    d.objects = open(temp_dir_at(&t, "objects"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    object_file_each(d.objects, empty_it, &d);
    assert_int_equal(d.found, 1);
    assert_int_equal(d.strangers, 0);
    close(d.objects);
    temp_dir_close(&t);
}

/* Two stores of one process are two sessions, as two processes have them. */
static void test_same_object(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, WAITING, 0);
    struct store *other = store_world_open(w.root, 0);
    assert_int_equal(temp_dir_count(&w.dir, "cache/dray/partial"), 2);
    struct digest sha256 = store_world_commit(w.store, STR("abc"));
    assert_int_equal(store_world_find(other, &sha256), STORE_UNVERIFIED);
    store_world_commit(other, STR("abc"));
    assert_int_equal(store_world_find(other, &sha256), STORE_TRUSTED);
    assert_true(store_flush(w.store));
    assert_true(store_flush(other));
    assert_int_equal(store_world_find(w.store, &sha256), STORE_TRUSTED);
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM object"), 1);
    assert_int_equal(store_world_sql(w.root, "SELECT bytes FROM total"), 3);
    store_discard(w.store, &sha256);
    store_world_commit(other, STR("abc")); /* before the row of the other one is gone */
    assert_true(store_flush(other));
    assert_true(store_flush(w.store));
    assert_int_equal(store_world_find(w.store, &sha256), STORE_TRUSTED);
    store_discard(other, &sha256);
    assert_int_equal(store_world_find(w.store, &sha256), WORLD_NONE);
    store_close(other);
    assert_int_equal(store_world_sql(w.root, "SELECT count(*) FROM object"), 0);
    world_close(&w);
}

/* What a process does before it is killed. */
static void die_with_objects(const char *root)
{
    struct store *s = store_world_open(root, 0);

    store_world_commit(s, STR("flushed"));
    assert_true(store_flush(s));
    store_world_commit(s, STR("waiting"));
    struct place_file *f = place_file_create(store_temp(s), &(struct err){ 0 });
    assert_non_null(f);
    assert_int_equal(place_file_write(f, "half", 4, &(struct err){ 0 }), 0);
    raise(SIGKILL);
}

static void fork_and(void (*fn)(const char *root), const char *root)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fn(root);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_dead_session(void **state)
{
    struct temp_dir d;
    struct digest flushed = digest_sha256(STR("flushed"));
    struct digest waiting = digest_sha256(STR("waiting"));

    (void)state;
    temp_dir_open(&d);
    fork_and(die_with_objects, d.path);
    assert_int_equal(temp_dir_count(&d, "partial"), 1);
    assert_int_equal(store_world_sql(d.path, "SELECT count(*) FROM object"), 1);
    struct store *s = store_world_open(d.path, 0);
    assert_int_equal(temp_dir_count(&d, "partial"), 1); /* ours */
    assert_true(store_flush(s));                        /* it is known before anybody asks for it */
    assert_int_equal(store_world_sql(d.path, "SELECT count(*) FROM object"), 2);
    assert_int_equal(store_world_find(s, &flushed), STORE_TRUSTED);
    assert_int_equal(store_world_find(s, &waiting), STORE_UNVERIFIED);
    struct store *other = store_world_open(d.path, 0); /* a live one is left alone */
    assert_int_equal(temp_dir_count(&d, "partial"), 2);
    store_world_commit(s, STR("more"));
    store_close(other);
    store_close(s);
    assert_int_equal(temp_dir_count(&d, "partial"), 0);
    assert_int_equal(store_world_sql(d.path, "SELECT count(*) FROM object"), 3);
    temp_dir_close(&d);
}

/* Half made and half swept sessions, and what is none. */
static void test_odd_sessions(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    store_close(store_world_open(d.path, 0));
    assert_int_equal(mkdir(temp_dir_at(&d, "partial/1-empty"), 0700), 0);
    temp_dir_put(&d, "partial/2-dead/lock", STR(""));
    temp_dir_put(&d, "partial/2-dead/body", STR("half"));
    temp_dir_put(&d, "partial/3-odd/inner/file", STR("x"));
    temp_dir_put(&d, "partial/file", STR("x"));
    store_close(store_world_open(d.path, 0));
    assert_int_equal(temp_dir_count(&d, "partial"), 2);
    assert_true(temp_dir_has(&d, "partial/3-odd/inner/file", STR("x")));
    temp_dir_close(&d);
}

/* -- no room -- */

static bool check_full(bool ok, const char *what)
{
    if (!ok)
        fprintf(stderr, "full disk: %s\n", what);
    return ok;
}

/* In a file system of 64 KiB: commits fail with a code, and what was stored stays. */
static bool fill_store(const char *dir)
{
    static char bytes[FULL_DISK_BYTES];
    struct err e = { 0 };
    struct store *s =
        store_open(&(struct store_options){ .root = dir, .max_bytes = UINT64_MAX }, &e);

    if (!s) { /* not even the index fits */
        bool ok = check_full(e.code == ERR_SPACE, err_text(&e));
        err_done(&e);
        return ok;
    }
    bool ok = check_full(false, "a store fits into 64 KiB: make the test smaller");
    store_world_try(s, (struct str){ bytes, sizeof(bytes) });
    store_close(s);
    return ok;
}

static void test_no_room_at_all(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    int rc = full_disk_run(d.path, fill_store);
    if (rc == FULL_DISK_NONE)
        skip();
    assert_int_equal(rc, 0);
    temp_dir_close(&d);
}

/* Takes what room is left. */
static void fill_up(const char *path)
{
    static const char zeros[4096];
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    temp_dir_check(fd >= 0, path);
    while (write(fd, zeros, sizeof(zeros)) > 0)
        ;
    close(fd);
}

/* A larger one, where a store fits and then runs out of room: it forgets, and goes on reading. */
static bool fill_later(const char *dir)
{
    static char bytes[2 * FULL_DISK_BYTES];
    struct store_record r = { .content = { bytes, sizeof(bytes) } };
    struct digest small = digest_sha256(STR("small"));
    struct arena a = { 0 };
    struct buf ballast = { 0 };

    buf_add_f(&ballast, "%s/ballast", dir);
    temp_dir_check(mount("none", dir, NULL, MS_REMOUNT, "size=512k") == 0, "remount");
    struct store *s = store_world_open(dir, UINT64_MAX);
    store_world_commit(s, STR("small"));
    bool ok = check_full(store_flush(s) && store_world_find(s, &small) == STORE_TRUSTED, "small");
    fill_up(buf_z(&ballast));
    ok = check_full(store_world_try(s, r.content) == ERR_SPACE, "a commit has no room") && ok;
    store_put(s, STORE_LISTING, STR("k"), &r);
    ok = check_full(store_get(s, STORE_LISTING, STR("k"), &a, &r), "what waits is seen") && ok;
    ok = check_full(store_flush(s) && !store_is_dirty(s), "a flush forgets") && ok;
    ok = check_full(!store_get(s, STORE_LISTING, STR("k"), &a, &r), "it is forgotten") && ok;
    ok = check_full(store_world_find(s, &small) == STORE_TRUSTED, "objects are found") && ok;
    store_close(s);
    unlink(buf_z(&ballast));
    struct temp_dir d = { .path = dir };
    ok = check_full(temp_dir_count(&d, "partial") == 1, "the session stays as a sign") && ok;
    s = store_world_open(dir, UINT64_MAX);
    ok = check_full(temp_dir_count(&d, "partial") == 1, "and is understood") && ok;
    arena_done(&d.arena);
    ok = check_full(store_world_find(s, &small) == STORE_TRUSTED, "it can be used again") && ok;
    store_close(s);
    ok = check_full(store_world_sql(dir, "SELECT count(*) FROM object") == 1, "rows") && ok;
    arena_done(&a);
    buf_done(&ballast);
    return ok;
}

static void test_no_room_later(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    int rc = full_disk_run(d.path, fill_later);
    if (rc == FULL_DISK_NONE)
        skip();
    assert_int_equal(rc, 0);
    temp_dir_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_keys_are_not_kept),
        cmocka_unit_test(test_large_records),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_evict),
        cmocka_unit_test(test_evict_many),
        cmocka_unit_test(test_records_of_others),
        cmocka_unit_test(test_foreign_directory),
        cmocka_unit_test(test_open_fails),
        cmocka_unit_test(test_newer_schema),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_damaged_index),
        cmocka_unit_test(test_foreign_index),
        cmocka_unit_test(test_replaced_index),
        cmocka_unit_test(test_removed_root),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_same_object),
        cmocka_unit_test(test_dead_session),
        cmocka_unit_test(test_odd_sessions),
        cmocka_unit_test(test_no_room_at_all),
        cmocka_unit_test(test_no_room_later),
        cmocka_unit_test(test_half_made_index),
        cmocka_unit_test(test_stopped_recovery),
        cmocka_unit_test(test_flush_many),
        cmocka_unit_test(test_clock_was_ahead),
        cmocka_unit_test(test_odd_times),
        cmocka_unit_test(test_walk_and_evict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
