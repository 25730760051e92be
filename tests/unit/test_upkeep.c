/* `dray cache`: the index and the disk agree afterwards, whatever was done to either before; also
 * after processes were killed in the midst of everything. */
#include "store_world.h"

#include <sys/wait.h>

#include "case.h"
#include "dray/store/index_sql.h"
#include "dray/store/upkeep.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

enum { DAY_S = 24 * 3600 };

static void ok(int code, struct err *e)
{
    if (code)
        fail_msg("%s", err_text(e));
}

static void count_sentence(void *ctx, const char *sentence)
{
    int *n = ctx;

    assert_true(strlen(sentence) > 10);
    (*n)++;
}

static struct store_verdict verify(struct store *s, int *sentences)
{
    struct err e = { 0 };
    struct store_verdict v;

    *sentences = 0;
    ok(store_verify(s, count_sentence, sentences, &v, &e), &e);
    return v;
}

/* -- info, list -- */

static void put_record(struct store *s, enum store_kind kind, const char *label, struct str content)
{
    store_put(
        s, kind, str_of(label),
        &(struct store_record){ .label = str_of(label), .content = content, .fresh_until_s = 77 });
}

static void test_info(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct store_info info;

    (void)state;
    temp_dir_open(&d);
    struct store *s = store_world_open(d.path, 12345);
    ok(store_info(s, &info, &e), &e);
    assert_int_equal(info.objects + info.object_bytes + info.records[STORE_LISTING], 0);
    assert_int_equal(info.oldest_use_s, 0);
    assert_int_equal(info.max_bytes, 12345);
    store_world_commit(s, STR("abc"));
    struct digest sha256 = store_world_commit(s, STR("defgh"));
    put_record(s, STORE_LISTING, "page", STR("0123456789"));
    put_record(s, STORE_LISTING, "page", STR("01234567")); /* replaces */
    put_record(s, STORE_HOST, "host", STR(""));
    ok(store_info(s, &info, &e), &e); /* what waits is in it */
    assert_int_equal(info.objects, 2);
    assert_int_equal(info.object_bytes, 8);
    assert_int_equal(info.records[STORE_LISTING], 1);
    assert_int_equal(info.record_bytes[STORE_LISTING], 8 + 4);
    assert_int_equal(info.records[STORE_HOST], 1);
    assert_true(info.oldest_use_s >= clock_unix_s() - 60);
    store_discard(s, &sha256);
    store_forget(s, STORE_HOST, STR("host"));
    put_record(s, STORE_LISTING, "page", STR("0"));
    ok(store_info(s, &info, &e), &e);
    assert_int_equal(info.objects, 1);
    assert_int_equal(info.object_bytes, 3);
    assert_int_equal(info.records[STORE_HOST], 0);
    assert_int_equal(info.record_bytes[STORE_LISTING], 1 + 4);
    store_close(s);
    s = store_open(&(struct store_options){ .root = d.path, .read_only = true }, &e);
    assert_non_null(s);
    ok(store_info(s, &info, &e), &e);
    assert_int_equal(info.objects, 1);
    assert_true(info.max_bytes > 0 && info.max_bytes <= UINT64_C(10) << 30);
    store_close(s);
    temp_dir_close(&d);
}

static void say_item(void *ctx, const struct store_item *item)
{
    struct buf *out = ctx;

    buf_add_f(out, "%s %.*s %llu %lld %d\n",
              item->kind < 0 ? "object" : store_kind_name((enum store_kind)item->kind),
              STR_ARG(item->label), (unsigned long long)item->bytes, (long long)item->fresh_until_s,
              item->verified);
}

static void test_list(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct buf got = { 0 };

    (void)state;
    temp_dir_open(&d);
    struct store *s = store_world_open(d.path, 0);
    store_world_commit(s, STR("abc"));
    store_world_commit(s, STR("defgh"));
    put_record(s, STORE_FILE, "url", STR("0123456789abcdef0123456789abcdef"));
    put_record(s, STORE_LISTING, "page", STR("01"));
    assert_true(store_flush(s));
    store_world_sql(d.path, "UPDATE object SET used = bytes, boot = CASE bytes WHEN 5 THEN 'other' "
                            "ELSE boot END");
    store_world_sql(d.path, "UPDATE record SET used = kind + 4");
    ok(store_list(s, say_item, &got, &e), &e);
    assert_string_equal(buf_z(&got), "file url 35 77 0\n"
                                     "object a.whl 5 0 0\n"
                                     "listing page 6 77 0\n"
                                     "object a.whl 3 0 1\n");
    store_close(s);
    buf_done(&got);
    temp_dir_close(&d);
}

/* -- verify -- */

static const struct str content = { "object", 6 };

static void overwrite(const char *path, struct str bytes)
{
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0444);
    assert_true(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    close(fd);
}

/* Zeroes all of the file but its first page, where the schema is. */
static void damage_index(struct temp_dir *d)
{
    static const char zeros[INDEX_PAGE_BYTES];
    const char *path = temp_dir_at(d, "index.sqlite");
    struct stat st;

    store_world_sql(d->path, "PRAGMA wal_checkpoint(TRUNCATE)");
    int fd = open(path, O_WRONLY); /* nobody has it open: closing it drops SQLite's locks */
    assert_true(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > INDEX_PAGE_BYTES);
    for (off_t at = INDEX_PAGE_BYTES; at < st.st_size; at += INDEX_PAGE_BYTES)
        assert_int_equal(pwrite(fd, zeros, INDEX_PAGE_BYTES, at), INDEX_PAGE_BYTES);
    close(fd);
}

static void do_wrong(struct temp_dir *d, struct str what, const char *path)
{
    if (str_is(what, "cut"))
        overwrite(path, STR("obj"));
    else if (str_is(what, "forge"))
        overwrite(path, STR("OBJECT"));
    else if (str_is(what, "lose"))
        assert_int_equal(unlink(path), 0);
    else if (str_is(what, "unlist"))
        store_world_sql(d->path, "DELETE FROM object");
    else if (str_is(what, "resize"))
        store_world_sql(d->path, "UPDATE object SET bytes = 7");
    else if (str_is(what, "reboot"))
        store_world_sql(d->path, "UPDATE object SET boot = 'another'");
    else if (str_is(what, "stray"))
        temp_dir_put(d, "objects/stray", STR("x"));
    else if (str_is(what, "strange"))
        temp_dir_put(d, "objects/zz/strange", STR("x"));
    else if (str_is(what, "directory"))
        assert_int_equal(mkdir(arena_f(&d->arena, "%sx", path).p, 0700), 0);
    else if (str_is(what, "link"))
        assert_true(unlink(path) == 0 && symlink("/dev/null", path) == 0);
    else if (str_is(what, "elsewhere"))
        temp_dir_put(d, arena_f(&d->arena, "objects/zz/%s", strrchr(path, '/') + 1).p, content);
    else if (str_is(what, "damage"))
        damage_index(d);
    else if (!str_is(what, "fine"))
        fail_msg("no such wrong: %.*s", STR_ARG(what));
}

static void verify_case(struct case_line *c, void *ctx)
{
    struct temp_dir d;
    struct buf got = { 0 };
    int sentences = 0;

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    temp_dir_open(&d);
    struct store *s = store_world_open(d.path, 0);
    struct digest sha256 = store_world_commit(s, content);
    const char *path = store_world_path(&d, s, &sha256);
    store_close(s);
    do_wrong(&d, c->fields[0], path);
    s = store_world_open(d.path, 0);
    struct store_verdict v = verify(s, &sentences);
    buf_add_f(&got, "%d %d %d %d", (int)v.checked, (int)v.wrong, (int)v.missing, (int)v.adopted);
    case_equal(c, buf_str(&got), c->fields[1]);
    case_check(c, sentences == (int)(v.wrong + v.missing + v.adopted));
    int trust = store_world_find(s, &sha256);
    case_equal(c,
               trust == WORLD_NONE ? STR("none")
               : trust             ? STR("unverified")
                                   : STR("trusted"),
               c->fields[2]);
    v = verify(s, &sentences);
    case_check(c, v.wrong + v.missing + v.adopted == 0 && sentences == 0);
    case_check(c, v.checked == (trust == WORLD_NONE ? 0 : 1));
    store_close(s);
    buf_done(&got);
    temp_dir_close(&d);
}

static void test_verify(void **state)
{
    (void)state;
    assert_true(case_each("upkeep/verify.case", 13, verify_case, NULL));
}

/* -- prune, purge -- */

struct item {
    char name[2];
    bool immutable;
    uint64_t bytes, used, fresh; /* days ago */
};

static struct item parse_item(struct str text)
{
    struct item i = { 0 };
    struct str name = str_cut(text, ':', &text);

    assert_true(name.n >= 1);
    i.name[0] = name.p[0];
    i.immutable = name.n > 1 && name.p[1] == '*';
    assert_true(str_to_u64(str_cut(text, ':', &text), 1000, &i.bytes));
    assert_true(str_to_u64(str_cut(text, ':', &text), 1000, &i.used));
    assert_true(str_to_u64(text, 1000, &i.fresh));
    return i;
}

static struct str fill(char out[static 64], const struct item *i)
{
    assert_true(i->bytes <= 64);
    memset(out, i->name[0], 64);
    return (struct str){ out, i->bytes };
}

static void put_item(struct temp_dir *d, struct store *s, const struct item *i, int64_t now_s)
{
    char bytes[64];
    struct str filled = fill(bytes, i);
    bool is_object = i->name[0] < 'a';

    if (is_object)
        store_world_commit(s, filled);
    else
        store_put(s, STORE_LISTING, str_of(i->name),
                  &(struct store_record){ .content = filled,
                                          .immutable = i->immutable,
                                          .fresh_until_s = now_s - (int64_t)i->fresh * DAY_S });
    assert_true(store_flush(s));
    store_world_sql(d->path,
                    arena_f(&d->arena, "UPDATE %s SET used = %lld WHERE used > %lld - 60",
                            is_object ? "object" : "record",
                            (long long)(now_s - (int64_t)i->used * DAY_S), (long long)now_s)
                        .p);
}

static bool is_left(struct store *s, const struct item *i)
{
    char bytes[64];
    struct digest sha256 = digest_sha256(fill(bytes, i));
    struct arena a = { 0 };
    struct store_record r;
    bool left = i->name[0] < 'a' ? store_world_find(s, &sha256) != WORLD_NONE
                                 : store_get(s, STORE_LISTING, str_of(i->name), &a, &r);

    arena_done(&a);
    return left;
}

static void prune_case(struct case_line *c, void *ctx)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct item items[8];
    size_t n = 0;
    uint64_t days = 0, max = UINT64_MAX, objects = 0, bytes = 0;
    int64_t now_s = clock_unix_s();
    struct buf left = { 0 }, went = { 0 };

    (void)ctx;
    if (!case_has(c, 5, 5))
        return;
    temp_dir_open(&d);
    struct store *s = store_world_open(d.path, UINT64_MAX);
    for (struct str rest = c->fields[2]; rest.p; n++) {
        items[n] = parse_item(str_cut(rest, ' ', &rest));
        put_item(&d, s, &items[n], now_s);
    }
    bool by_use = str_to_u64(c->fields[0], 1000, &days);
    str_to_u64(c->fields[1], 1000, &max);
    ok(store_prune(s, by_use ? now_s - (int64_t)days * DAY_S : 0, max, &objects, &bytes, &e), &e);
    for (size_t i = 0; i < n; i++)
        if (is_left(s, &items[i]))
            buf_add_f(&left, "%s%s", left.n ? " " : "", items[i].name);
    buf_add_f(&went, "%d %d", (int)objects, (int)bytes);
    case_equal(c, buf_str(&left), c->fields[3]);
    case_equal(c, buf_str(&went), c->fields[4]);
    int sentences = 0;
    verify(s, &sentences);
    case_check(c, sentences == 0);
    store_close(s);
    buf_done(&left);
    buf_done(&went);
    temp_dir_close(&d);
}

static void test_prune(void **state)
{
    (void)state;
    assert_true(case_each("upkeep/prune.case", 12, prune_case, NULL));
}

static void test_purge(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct store_info info;
    uint64_t objects = 0, bytes = 0;

    (void)state;
    temp_dir_open(&d);
    struct store *s = store_world_open(d.path, 0);
    struct store *other = store_world_open(d.path, 0);
    struct place_file *f = place_file_create(store_temp(other), &e);
    ok(place_file_write(f, "in progress", 11, &e), &e);
    struct digest sha256 = store_world_commit(s, STR("abc"));
    char *large = mem_new(LIMIT_MIB, 1);
    put_record(s, STORE_LISTING, "page", (struct str){ large, LIMIT_MIB });
    assert_true(store_flush(s));
    struct digest waiting = store_world_commit(other, STR("de")); /* the index does not know it */
    temp_dir_put(&d, "objects/stray", STR("x"));
    temp_dir_put(&d, "index.sqlite.damaged", STR("x"));
    ok(store_purge(s, &objects, &bytes, &e), &e);
    assert_int_equal(objects, 2);
    assert_int_equal(bytes, 5 + 4 + LIMIT_MIB);
    assert_int_equal(store_world_find(s, &sha256), WORLD_NONE);
    assert_int_equal(store_world_find(other, &waiting), WORLD_NONE);
    ok(store_info(s, &info, &e), &e);
    assert_int_equal(info.objects + info.object_bytes + info.records[STORE_LISTING], 0);
    assert_int_equal(access(temp_dir_at(&d, "index.sqlite.damaged"), F_OK), -1);
    struct stat st;
    assert_int_equal(stat(temp_dir_at(&d, "index.sqlite"), &st), 0);
    assert_true(st.st_size < LIMIT_MIB);
    struct digest later = digest_sha256(STR("in progress"));
    ok(store_commit(other, f, &(struct store_put){ .sha256 = &later, .bytes = 11 }, &e),
       &e); /* its session has stayed */
    place_file_destroy(f);
    store_close(other);
    assert_int_equal(store_world_find(s, &later), STORE_TRUSTED);
    int sentences = 0;
    verify(s, &sentences);
    assert_int_equal(sentences, 0);
    store_close(s);
    free(large);
    temp_dir_close(&d);
}

/* Another process that does not let go is reported, not waited for without end. */
static void test_locked(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    sqlite3 *db = NULL;
    uint64_t objects = 0, bytes = 0;

    (void)state;
    temp_dir_open(&d);
    struct store *s = store_world_open(d.path, 0);
    assert_int_equal(sqlite3_open(temp_dir_at(&d, "index.sqlite"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_purge(s, &objects, &bytes, &e), ERR_TIMEOUT);
    assert_non_null(strstr(err_text(&e), d.path));
    sqlite3_close(db);
    store_close(s);
    err_done(&e);
    temp_dir_close(&d);
}

/* -- killed at any moment -- */

enum { PROCESSES = 4, ROUNDS_US = 3000000, CONTENTS = 60, ROUND_US = 100000 };

static struct str content_of(unsigned n, char out[static 4096])
{
    size_t bytes = 1 + n * 67 % 4000;

    for (size_t i = 0; i < bytes; i++)
        out[i] = (char)(n * 31 + i);
    return (struct str){ out, bytes };
}

/* xorshift: the same ops for the same seed. */
static unsigned next_random(unsigned *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    return *seed ^= *seed << 5;
}

/* What is found must be right: the caller would use it. */
static void check_found(struct store *s, const struct digest *sha256, struct str want)
{
    struct store_object o;
    char got[4096];

    if (!store_find(s, sha256, &o))
        return;
    ssize_t n = read(o.fd, got, sizeof(got));
    close(o.fd);
    if (n < 0 || !str_eq((struct str){ got, (size_t)n }, want))
        _exit(3);
    if (o.trust == STORE_UNVERIFIED)
        store_vouch(s, sha256);
}

static void random_op(struct store *s, unsigned *seed)
{
    char bytes[4096], key[8];
    unsigned n = next_random(seed) % CONTENTS;
    struct str want = content_of(n, bytes);
    struct digest sha256 = digest_sha256(want);
    struct store_record r = { .label = STR("label"), .content = want };
    struct arena a = { 0 };

    snprintf(key, sizeof(key), "%u", n);
    switch (next_random(seed) % 10) {
    case 0:
    case 1:
    case 2:
        store_world_try(s, want);
        break;
    case 3:
    case 4:
        check_found(s, &sha256, want);
        break;
    case 5:
        store_put(s, STORE_LISTING, str_of(key), &r);
        break;
    case 6:
        if (store_get(s, STORE_LISTING, str_of(key), &a, &r) && !str_eq(r.content, want))
            _exit(4);
        break;
    case 7:
        store_touch(s, STORE_LISTING, str_of(key), &r);
        break;
    case 8:
        if (next_random(seed) % 4 == 0)
            store_discard(s, &sha256);
        break;
    case 9:
        store_flush(s);
        break;
    }
    arena_done(&a);
}

static void work(const char *root, unsigned seed)
{
    struct err e = { 0 };
    bool small = seed % 2; /* evicts all the time */

    for (;;) { /* until it is killed */
        struct store *s =
            store_open(&(struct store_options){ .root = root, .max_bytes = small ? 60000 : 0 }, &e);
        if (!s) {
            fprintf(stderr, "%s\n", err_text(&e));
            _exit(2);
        }
        for (unsigned ops = next_random(&seed) % 300; ops; ops--)
            random_op(s, &seed);
        store_close(s);
    }
}

/* Kills each process, one after another, in the midst of what it does; false if one had ended. */
static bool kill_all(const pid_t *children, unsigned *seed)
{
    bool killed = true;

    for (int i = 0; i < PROCESSES; i++) {
        struct timespec pause = { .tv_nsec = next_random(seed) % (ROUND_US / PROCESSES) * 1000 };
        int status = 0;
        pselect(0, NULL, NULL, NULL, &pause, NULL);
        kill(children[i], SIGKILL);
        waitpid(children[i], &status, 0);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
            continue;
        fprintf(stderr, "a process ended by itself: %x\n", (unsigned)status);
        killed = false;
    }
    return killed;
}

static void test_killed(void **state)
{
    struct temp_dir d;
    unsigned seed = 20240229;
    int sentences = 0;
    uint64_t checked = 0, rounds = 0;

    (void)state;
    temp_dir_open(&d);
    for (uint64_t start = clock_us(); clock_us() - start < ROUNDS_US; rounds++) {
        pid_t children[PROCESSES];
        fflush(NULL);
        for (int i = 0; i < PROCESSES; i++) {
            unsigned own = next_random(&seed);
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0) {
                alarm(60); /* should the test itself die */
                work(d.path, own);
            }
        }
        assert_true(kill_all(children, &seed));
        struct store *s = store_world_open(d.path, UINT64_MAX);
        assert_int_equal(temp_dir_count(&d, "partial"), 1); /* ours */
        assert_true(store_flush(s));
        struct store_verdict v = verify(s, &sentences);
        assert_int_equal(sentences, 0);
        checked += v.checked;
        store_close(s);
    }
    assert_true(checked > rounds); /* there was something */
    temp_dir_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),   cmocka_unit_test(test_list),  cmocka_unit_test(test_verify),
        cmocka_unit_test(test_prune),  cmocka_unit_test(test_purge), cmocka_unit_test(test_locked),
        cmocka_unit_test(test_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
