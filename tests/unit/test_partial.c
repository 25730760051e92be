/* Files that were cut: one taker each, of the longest; what a killed process had guarded; what
 * nobody asks for goes. */
#include "store_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "dray/store/partial.h"
#include "dray/store/upkeep.h"
#include "dray/util/clock.h"

struct scene {
    struct temp_dir dir;
    struct store *store;
    struct arena arena;
};

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    temp_dir_open(&s->dir);
    s->store = store_world_open(s->dir.path, 1000);
}

static void scene_close(struct scene *s)
{
    store_close(s->store);
    arena_done(&s->arena);
    temp_dir_close(&s->dir);
}

static struct partial_note note_of(const char *url, const char *validator)
{
    return (struct partial_note){ .url = digest_sha256(str_of(url)),
                                  .validator = str_of(validator),
                                  .total_bytes = 100 };
}

static struct place_file *make(struct store *store, const char *content)
{
    struct err e = { 0 };
    struct place_file *f = place_file_create(store_temp(store), &e);

    assert_non_null(f);
    assert_int_equal(place_file_write(f, content, strlen(content), &e), 0);
    return f;
}

static void keep(struct scene *s, const char *key, const char *content,
                 const struct partial_note *note)
{
    struct place_file *f = make(s->store, content);

    partial_keep(s->store, f, str_of(key), note);
    place_file_destroy(f);
}

/* Takes it, and looks what is in it; NULL: there is none. */
static void takes(struct scene *s, const char *key, const char *content, struct partial_note *out)
{
    struct place_file *f = partial_take(s->store, str_of(key), &s->arena, out);
    char got[100] = "";

    assert_int_equal(f != NULL, content != NULL);
    if (!f)
        return;
    assert_int_equal(read(place_file_fd(f), got, sizeof(got)), strlen(content));
    assert_memory_equal(got, content, strlen(content));
    place_file_destroy(f);
}

static uint64_t kept(struct scene *s)
{
    uint64_t files, bytes;

    partial_count(s->store, &files, &bytes);
    return files;
}

static void test_kept_and_taken(void **state)
{
    struct partial_note note = note_of("u", "\"v1\""), out;
    struct scene s;

    (void)state;
    scene_open(&s);
    takes(&s, "a", NULL, &out);
    keep(&s, "a", "0123456789", &note);
    assert_int_equal(kept(&s), 1);
    takes(&s, "b", NULL, &out);
    takes(&s, "a", "0123456789", &out);
    assert_true(digest_eq(&out.url, &note.url));
    assert_true(str_is(out.validator, "\"v1\""));
    assert_int_equal(out.total_bytes, 100);
    assert_int_equal(kept(&s), 0);
    takes(&s, "a", NULL, &out);
    /* Absent facts stay absent. */
    note = (struct partial_note){ .url = note.url, .total_bytes = PARTIAL_BYTES_UNKNOWN };
    keep(&s, "a", "x", &note);
    takes(&s, "a", "x", &out);
    assert_null(out.validator.p);
    assert_true(out.total_bytes == PARTIAL_BYTES_UNKNOWN);
    scene_close(&s);
}

static void test_the_longest(void **state)
{
    struct partial_note note = note_of("u", NULL), out;
    struct scene s;

    (void)state;
    scene_open(&s);
    keep(&s, "a", "012", &note);
    keep(&s, "a", "01234", &note);
    keep(&s, "a", "0", &note);
    assert_int_equal(kept(&s), 3);
    takes(&s, "a", "01234", &out);
    assert_int_equal(kept(&s), 0);
    scene_close(&s);
}

/* It may be kept again, longer, under another note. */
static void test_taken_and_kept(void **state)
{
    struct partial_note note = note_of("u", "\"v1\""), out;
    struct err e = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    keep(&s, "a", "0123", &note);
    struct place_file *f = partial_take(s.store, STR("a"), &s.arena, &out);
    assert_int_equal(lseek(place_file_fd(f), 0, SEEK_END), 4);
    assert_int_equal(place_file_write(f, "45", 2, &e), 0);
    note = note_of("u", "\"v2\"");
    partial_keep(s.store, f, STR("a"), &note);
    place_file_destroy(f);
    takes(&s, "a", "012345", &out);
    assert_true(str_is(out.validator, "\"v2\""));
    scene_close(&s);
}

/* Two stores, as of two processes. */
static void test_one_taker(void **state)
{
    struct partial_note note = note_of("u", NULL), out;
    struct scene s;

    (void)state;
    scene_open(&s);
    struct store *other = store_world_open(s.dir.path, 1000);
    assert_null(partial_take(other, STR("a"), &s.arena, &out));
    keep(&s, "a", "0123", &note);
    store_close(other);
    other = store_world_open(s.dir.path, 1000);
    assert_null(partial_take(other, STR("b"), &s.arena, &out)); /* has seen what there is */
    takes(&s, "a", "0123", &out);
    assert_null(partial_take(other, STR("a"), &s.arena, &out));
    store_close(other);
    scene_close(&s);
}

/* A child guards one file and not the other, and is killed. */
static void test_guarded(void **state)
{
    struct partial_note note = note_of("u", "\"v1\""), out;
    int told[2], status;
    struct scene s;
    char byte;

    (void)state;
    scene_open(&s);
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *own = store_world_open(s.dir.path, 1000);
        struct place_file *f = make(own, "0123");
        make(own, "not guarded");
        partial_guard(own, f, STR("a"), &note);
        note = note_of("u", "\"v2\"");
        partial_guard(own, f, STR("a"), &note); /* the later one counts */
        if (write(told[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(told[0], &byte, 1), 1);
    takes(&s, "a", NULL, &out);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    store_close(s.store);
    s.store = store_world_open(s.dir.path, 1000);
    assert_int_equal(kept(&s), 1);
    takes(&s, "a", "0123", &out);
    assert_true(str_is(out.validator, "\"v2\""));
    assert_int_equal(temp_dir_count(&s.dir, "partial"), 1); /* the session */
    close(told[0]);
    close(told[1]);
    scene_close(&s);
}

/* Guarded, and then finished or given up: nothing is left. */
static void test_guarded_and_ended(void **state)
{
    struct partial_note note = note_of("u", NULL);
    struct scene s;

    (void)state;
    scene_open(&s);
    struct place_file *f = make(s.store, "0123");
    partial_guard(s.store, f, STR("a"), &note);
    struct digest sha256 = digest_sha256(STR("0123"));
    struct err e = { 0 };
    struct store_put put = { .sha256 = &sha256, .bytes = 4, .label = STR("x") };
    assert_int_equal(store_commit(s.store, f, &put, &e), 0);
    place_file_destroy(f);
    f = make(s.store, "4567");
    partial_guard(s.store, f, STR("b"), &note);
    assert_int_equal(place_file_clear(f, &e), 0);
    place_file_destroy(f);
    store_close(s.store);
    assert_int_equal(temp_dir_count(&s.dir, "partial"), 0);
    s.store = store_world_open(s.dir.path, 1000);
    assert_int_equal(kept(&s), 0);
    scene_close(&s);
}

static const char *named(struct scene *s, const char *suffix)
{
    const char *folder = arena_f(&s->dir.arena, "%s/partial", s->dir.path).p, *found = NULL;
    DIR *dir = opendir(folder);

    for (const struct dirent *d; (d = readdir(dir));)
        if (str_ends(str_of(d->d_name), str_of(suffix)))
            found = arena_f(&s->dir.arena, "%s/%s", folder, d->d_name).p;
    closedir(dir);
    assert_non_null(found);
    return found;
}

/* A note that says nothing that can be relied on: the file goes. */
static void test_damaged(void **state)
{
    static const char *const notes[] = {
        "",
        "dray-partial 1\n",
        "dray-partial 2\n%s\n100\n\"v\"\n",
        "dray-partial 1\nxyz\n100\n\n",
        "dray-partial 1\n%s\n-1\n\n",
        "dray-partial 1\n%s\n100\n\"v\"",
        "dray-partial 1\n%s\n100\n\"v\"\nmore\n",
    };
    struct partial_note note = note_of("u", NULL), out;
    char hex[DIGEST_HEX_SIZE];
    struct scene s;

    (void)state;
    scene_open(&s);
    digest_hex(&note.url, hex);
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        keep(&s, "a", "0123", &note);
        struct str format = str_of(notes[i]), behind = STR_NONE;
        struct str before = str_cut(format, '%', &behind);
        struct buf text = { 0 };
        struct err e = { 0 };
        buf_add_str(&text, before);
        if (behind.p)
            buf_add_f(&text, "%s%.*s", hex, STR_ARG(str_sub(behind, 1, behind.n)));
        assert_int_equal(file_write(named(&s, ".note"), buf_str(&text), &e), 0);
        buf_done(&text);
        takes(&s, "a", NULL, &out);
        assert_int_equal(kept(&s), 0);
    }
    scene_close(&s);
}

static void set_age(const char *path, int64_t seconds)
{
    struct timespec when[2] = { { .tv_sec = clock_unix_s() - seconds },
                                { .tv_sec = clock_unix_s() - seconds } };

    assert_int_equal(utimensat(AT_FDCWD, path, when, 0), 0);
}

/* The store's cap is 1,000 bytes: a quarter of it is left, of the newest; two weeks are the end. */
static void test_what_goes(void **state)
{
    struct partial_note note = note_of("u", NULL), out;
    char hundred[101];
    uint64_t files = 0, bytes = 0;
    struct err e = { 0 };
    struct scene s;

    (void)state;
    scene_open(&s);
    memset(hundred, 'x', 100);
    hundred[100] = '\0';
    keep(&s, "old", "0123", &note);
    set_age(named(&s, ".part"), 15 * 24 * 3600);
    store_close(s.store);
    s.store = store_world_open(s.dir.path, 1000);
    assert_int_equal(kept(&s), 0);
    for (int i = 0; i < 4; i++) {
        char key[2] = { (char)('a' + i), '\0' };
        keep(&s, key, hundred, &note);
        struct place_file *f = partial_take(s.store, str_of(key), &s.arena, &out);
        struct timespec when[2] = { { .tv_sec = clock_unix_s() - 100 + i },
                                    { .tv_sec = clock_unix_s() - 100 + i } };
        assert_int_equal(futimens(place_file_fd(f), when), 0);
        partial_keep(s.store, f, str_of(key), &note);
        place_file_destroy(f);
    }
    store_close(s.store);
    s.store = store_world_open(s.dir.path, 1000);
    assert_int_equal(kept(&s), 2);
    takes(&s, "b", NULL, &out);
    takes(&s, "c", hundred, &out);
    assert_int_equal(store_purge(s.store, &files, &bytes, &e), 0);
    assert_int_equal(files, 1);
    assert_int_equal(bytes, 100);
    assert_int_equal(kept(&s), 0);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_and_taken), cmocka_unit_test(test_the_longest),
        cmocka_unit_test(test_taken_and_kept), cmocka_unit_test(test_one_taker),
        cmocka_unit_test(test_guarded),        cmocka_unit_test(test_guarded_and_ended),
        cmocka_unit_test(test_damaged),        cmocka_unit_test(test_what_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
