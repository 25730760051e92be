/* What is found out of projects and files: each asked for once, whoever waits, and what becomes of
 * it when it makes no sense, or can't be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_index.h"
#include "small_wheel.h"

#define FOO_PAGE "/simple/foo/"
#define SIDECAR  "/files/foo-1.0-py3-none-any.whl.metadata"

enum { WAITERS = 3, TURNS = 20 };

struct scene;

struct waiter {
    struct scene *scene;
    char name;
    struct fact_wait wait;
    const char *next; /* the listing that it asks for when it is woken; or NULL */
};

struct scene {
    struct small_index x;
    struct buf woken; /* the names of the waiters, in order */
    unsigned n_woken;
    struct waiter waiters[WAITERS];
};

static void woken(void *ctx)
{
    struct waiter *w = ctx;
    struct scene *s = w->scene;
    const char *next = w->next;

    buf_add_c(&s->woken, w->name);
    s->n_woken++;
    w->next = NULL;
    if (next)
        facts_listing(s->x.facts, str_of(next), &w->wait);
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    small_index_open(&s->x);
    for (size_t i = 0; i < WAITERS; i++)
        s->waiters[i] = (struct waiter){ .scene = s,
                                         .name = (char)('a' + i),
                                         .wait = { .fn = woken, .ctx = &s->waiters[i] } };
}

static void scene_close(struct scene *s)
{
    small_index_close(&s->x);
    buf_done(&s->woken);
}

static const struct source_answer *listing(struct scene *s, const char *project)
{
    const struct source_answer *answer =
        facts_listing(s->x.facts, str_of(project), &s->waiters[0].wait);

    if (answer)
        return answer;
    small_index_run(&s->x, &s->n_woken, s->n_woken + 1);
    answer = facts_listing(s->x.facts, str_of(project), NULL);
    assert_non_null(answer);
    return answer;
}

/* The only file of foo. */
static const struct distribution *file(struct scene *s)
{
    const struct source_answer *answer = listing(s, "foo");

    assert_int_equal(answer->err.code, 0);
    assert_int_equal(answer->n, 1);
    return answer->items[0];
}

static struct file_facts *metadata(struct scene *s, const struct distribution *d)
{
    struct file_facts *said = facts_metadata(s->x.facts, d, STR("foo"), &s->waiters[0].wait);

    if (said)
        return said;
    small_index_run(&s->x, &s->n_woken, s->n_woken + 1);
    said = facts_metadata(s->x.facts, d, STR("foo"), NULL);
    assert_non_null(said);
    return said;
}

/* -- once, and in order -- */

static void test_a_listing_is_asked_for_once(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "foo", "1.0", "");
    small_index_serve(&s.x);
    assert_null(facts_listing(s.x.facts, STR("foo"), NULL));
    for (size_t i = WAITERS; i-- > 0;)
        assert_null(facts_listing(s.x.facts, STR("foo"), &s.waiters[i].wait));
    assert_int_equal(s.n_woken, 0); /* later, from the loop */
    small_index_run(&s.x, &s.n_woken, WAITERS);
    assert_string_equal(buf_z(&s.woken), "cba");

    const struct source_answer *answer = listing(&s, "foo");
    assert_int_equal(answer->n, 1);
    assert_ptr_equal(answer, facts_listing(s.x.facts, STR("foo"), NULL));
    small_index_turn(&s.x, TURNS);
    assert_int_equal(s.n_woken, WAITERS); /* who is answered at once is not called */
    assert_int_equal(small_index_asked(&s.x, FOO_PAGE), 1);
    scene_close(&s);
}

static void test_metadata_is_asked_for_once(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "foo", "1.0", "");
    small_index_serve(&s.x);
    const struct distribution *d = file(&s);
    buf_reset(&s.woken);
    s.n_woken = 0;
    assert_null(facts_metadata(s.x.facts, d, STR("foo"), NULL));
    for (size_t i = 0; i < WAITERS; i++) { /* the listing is known: nobody waits for that, too */
        struct fact_wait *w = &s.waiters[(i + 1) % WAITERS].wait;
        assert_non_null(facts_listing(s.x.facts, STR("foo"), w));
        assert_null(facts_metadata(s.x.facts, d, STR("foo"), w));
        assert_non_null(facts_listing(s.x.facts, STR("foo"), &s.waiters[0].wait));
    }
    assert_int_equal(s.n_woken, 0);
    small_index_run(&s.x, &s.n_woken, WAITERS);
    assert_string_equal(buf_z(&s.woken), "bca");
    const struct file_facts *said = metadata(&s, d);
    assert_ptr_equal(said, facts_metadata(s.x.facts, d, STR("foo"), &s.waiters[0].wait));
    small_index_turn(&s.x, TURNS);
    assert_int_equal(s.n_woken, WAITERS);
    assert_int_equal(small_index_asked(&s.x, SIDECAR), 1);
    scene_close(&s);
}

/* From its callback, for another fact: those behind it are woken all the same, and so is it. */
static void test_one_that_waits_again(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "foo", "1.0", "");
    small_index_wheel(&s.x, "bar", "1.0", "");
    small_index_serve(&s.x);
    s.waiters[0].next = "bar";
    s.waiters[1].next = "bar";
    for (size_t i = 0; i < WAITERS; i++)
        assert_null(facts_listing(s.x.facts, STR("foo"), &s.waiters[i].wait));
    small_index_run(&s.x, &s.n_woken, WAITERS + 2);
    assert_string_equal(buf_z(&s.woken), "abcab");
    assert_int_equal(small_index_asked(&s.x, "/simple/bar/"), 1);
    scene_close(&s);
}

/* -- what is said -- */

static void test_what_metadata_says(void **state)
{
    static const char needs[] = "Requires-Python: >=3.8,<4\n"
                                "Requires-Dist: Bar_Baz[x]>=2; extra == 'y'\n"
                                "Requires-Dist: qux\n";
    struct version python;
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "foo", "1.0", needs);
    small_index_serve(&s.x);
    const struct file_facts *said = metadata(&s, file(&s));
    const struct solve_metadata *m = &said->needs;
    assert_int_equal(said->err.code, 0);
    assert_null(m->unusable.p);
    assert_int_equal(m->n, 2);
    assert_true(str_is(m->dependencies[0].project, "bar-baz"));
    assert_true(str_is(m->dependencies[0].extras[0], "x"));
    assert_true(str_is(m->dependencies[0].specifiers.text, ">=2"));
    assert_false(marker_eval(m->dependencies[0].marker, &s.x.target->env, STR_NONE));
    assert_true(marker_eval(m->dependencies[0].marker, &s.x.target->env, STR("y")));
    assert_true(str_is(m->dependencies[1].project, "qux"));
    assert_null(m->dependencies[1].marker);
    struct err e = { 0 };
    assert_int_equal(version_parse(&s.x.w.dir.arena, STR("3.8"), &python, &e), 0);
    assert_true(specifier_set_contains(m->requires_python, &python));
    assert_int_equal(version_parse(&s.x.w.dir.arena, STR("3.7"), &python, &e), 0);
    assert_false(specifier_set_contains(m->requires_python, &python));
    assert_true(str_search(said->text, str_of(needs)) > 0);
    assert_int_equal(said->rung, METADATA_SIDECAR);
    assert_int_equal(said->requests, 1);
    assert_int_equal(said->bytes, said->text.n);
    assert_null(said->body);
    assert_string_equal(buf_z(&s.x.w.told) + strcspn(buf_z(&s.x.w.told), "\n"), "\n");
    scene_close(&s);
}

/* As pip: a Requires-Python that makes no sense excludes nothing, nor does none at all. */
static void test_python_that_makes_no_sense(void **state)
{
    static const char *const needs[] = { "Requires-Python: nonsense\n", "" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene s;
        scene_open(&s);
        small_index_wheel(&s.x, "foo", "1.0", needs[i]);
        small_index_serve(&s.x);
        const struct file_facts *said = metadata(&s, file(&s));
        assert_int_equal(said->err.code, 0);
        assert_null(said->needs.unusable.p);
        assert_null(said->needs.requires_python);
        scene_close(&s);
    }
}

/* -- what can't be used -- */

static void is_unusable(struct scene *s, const char *why, const char *warning)
{
    small_index_serve(&s->x);
    const struct file_facts *said = metadata(s, file(s));
    assert_int_equal(said->err.code, 0);
    assert_non_null(said->needs.unusable.p);
    if (str_search(said->needs.unusable, str_of(why)) < 0)
        fail_msg("\"%.*s\" does not say \"%s\"", STR_ARG(said->needs.unusable), why);
    const char *told = strstr(buf_z(&s->x.w.told), "warning ");
    if (!warning)
        assert_null(told);
    else if (!told || !str_starts(str_of(told + strlen("warning ")), str_of(warning)))
        fail_msg("\"%s\" does not say \"%s\"", buf_z(&s->x.w.told), warning);
    if (warning) /* said once */
        assert_null(strstr(told + 1, "warning "));
}

static void test_unusable(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "foo", "1.0", "Requires-Dist: qux\nRequires-Dist: bar==\n");
    is_unusable(&s, "Requires-Dist: bar==: ", "foo-1.0-py3-none-any.whl is passed over: ");
    scene_close(&s);

    scene_open(&s);
    small_index_sdist(&s.x, "foo", "1.0", "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n");
    is_unusable(&s, "source distribution", "foo-1.0.tar.gz is passed over: ");
    scene_close(&s);

    scene_open(&s);
    small_index_link(&s.x, "foo", "/files/foo-1.0.zip", "");
    is_unusable(&s, "source distribution", "foo-1.0.zip is passed over: ");
    scene_close(&s);
}

/* At an address that a page may not name: nothing is asked for, and that is known at once. */
static void test_nowhere(void **state)
{
    static const char *const places[] = { "ftp://127.0.0.1/", "file:///" };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene s;
        scene_open(&s);
        struct str href = arena_f(&s.x.w.dir.arena, "%sfoo-1.0-py3-none-any.whl", places[i]);
        small_index_link(&s.x, "foo", href.p, "data-core-metadata='true'");
        is_unusable(&s, "the index lists a file", NULL);
        assert_int_equal(s.n_woken, 1); /* for the listing */
        assert_int_equal(s.x.server.n_requests, 1);
        scene_close(&s);
    }
}

/* -- what can't be had -- */

static void test_no_metadata_to_be_had(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_link(&s.x, "foo", "/files/foo-1.0-py3-none-any.whl", "");
    small_index_route(&s.x, STR("/files/foo-1.0-py3-none-any.whl"), STR(SMALL_INDEX_BUSY));
    small_index_serve(&s.x);
    const struct file_facts *said = metadata(&s, file(&s));
    assert_int_equal(said->err.code, ERR_STATUS);
    assert_non_null(strstr(err_text(&said->err), "503"));
    assert_null(said->needs.unusable.p);
    assert_null(strstr(buf_z(&s.x.w.told), "passed over"));
    unsigned requests = s.x.server.n_requests;
    assert_ptr_equal(metadata(&s, file(&s)), said); /* nor is it asked for again */
    small_index_turn(&s.x, TURNS);
    assert_int_equal(s.x.server.n_requests, requests);
    scene_close(&s);
}

static void test_no_listing_to_be_had(void **state)
{
    static const struct {
        const char *answer;
        int code;
    } faults[] = { { SMALL_INDEX_BUSY, ERR_STATUS }, { SMALL_INDEX_NONE, ERR_NOT_FOUND } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene s;
        scene_open(&s);
        small_index_route(&s.x, STR(FOO_PAGE), str_of(faults[i].answer));
        small_index_serve(&s.x);
        assert_int_equal(listing(&s, "foo")->err.code, faults[i].code);
        assert_int_equal(listing(&s, "foo")->err.code, faults[i].code);
        assert_int_equal(small_index_asked(&s.x, FOO_PAGE), 1);
        scene_close(&s);
    }
}

/* -- what it took -- */

static void counts(struct scene *s, size_t listings, size_t files, size_t unused)
{
    struct facts_count n = facts_count(s->x.facts);

    assert_int_equal(n.listings, listings);
    assert_int_equal(n.metadata, files);
    assert_int_equal(n.unused, unused);
}

static void test_count(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "foo", "1.0", "");
    small_index_wheel(&s.x, "foo", "2.0", "Requires-Dist: bar\n");
    small_index_wheel(&s.x, "bar", "1.0", "");
    small_index_serve(&s.x);
    counts(&s, 0, 0, 0);
    const struct source_answer *foo = listing(&s, "foo"), *bar = listing(&s, "bar");
    counts(&s, 2, 0, 0);
    facts_metadata(s.x.facts, foo->items[0], STR("foo"), NULL);
    facts_metadata(s.x.facts, bar->items[0], STR("bar"), NULL);
    counts(&s, 2, 2, 2);
    assert_int_equal(facts_count(s.x.facts).requests, 0); /* not yet */
    struct file_facts *first = metadata(&s, foo->items[0]);
    first->used = true;
    counts(&s, 2, 2, 1); /* wanted after all */
    struct file_facts *second = metadata(&s, foo->items[1]);
    second->used = true;
    counts(&s, 2, 3, 1);
    while (facts_count(s.x.facts).requests < 3)
        world_step(&s.x.w);
    const struct file_facts *third = facts_metadata(s.x.facts, bar->items[0], STR("bar"), NULL);
    counts(&s, 2, 3, 1);
    assert_int_equal(facts_count(s.x.facts).bytes, first->bytes + second->bytes + third->bytes);
    scene_close(&s);
}

/* -- what is cheap -- */

static bool is_cheap(struct scene *s, const char *base, const char *filename, bool has_metadata)
{
    struct arena *a = &s->x.w.dir.arena;
    struct simple_file f = { .filename = str_of(filename),
                             .url = str_of(filename),
                             .has_metadata = has_metadata };
    struct distribution d;

    assert_true(distribution_parse(a, &f, STR("foo"), str_of(base), &d));
    return facts_is_cheap(s->x.facts, &d);
}

static void test_cheap(void **state)
{
    static const char wheel[] = "foo-1.0-py3-none-any.whl", sdist[] = "foo-1.0.tar.gz";
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_serve(&s.x);
    struct hosts *hosts = s.x.world.hosts;
    host_learn(hosts_find(hosts, STR("http://127.0.0.2/")), HOST_SPAN, HOST_CAN);
    host_learn(hosts_find(hosts, STR("http://127.0.0.3/")), HOST_SPAN, HOST_CANNOT);
    assert_true(is_cheap(&s, "http://127.0.0.1/", wheel, false)); /* perhaps */
    assert_true(is_cheap(&s, "http://127.0.0.2/", wheel, false));
    assert_false(is_cheap(&s, "http://127.0.0.3/", wheel, false));
    assert_true(is_cheap(&s, "http://127.0.0.3/", wheel, true));
    assert_true(is_cheap(&s, "file:///srv/", wheel, false));
    assert_false(is_cheap(&s, "http://127.0.0.2/", sdist, false));
    assert_true(is_cheap(&s, "http://127.0.0.2/", sdist, true));
    assert_false(is_cheap(&s, "file:///srv/", sdist, false));
    scene_close(&s);
}

/* -- given up -- */

/* A page, a metadata file and a whole wheel on their way, and one of each that has come. */
static void add_all(struct scene *s)
{
    struct buf wheel = { 0 };

    small_index_wheel(&s->x, "foo", "1.0", "Requires-Dist: bar\n");
    small_index_wheel(&s->x, "bar", "1.0", "");
    small_index_link(&s->x, "demo", "/files/" WHEEL_NAME, "");
    small_wheel_add(&wheel, STR(WHEEL_TEXT), 70000);
    small_index_ok(&s->x, STR("/files/" WHEEL_NAME), buf_str(&wheel));
    buf_done(&wheel);
    small_index_serve(&s->x);
}

/* A listing, then the metadata of its first file. */
static bool ask(struct scene *s, const char *project, struct fact_wait *w)
{
    const struct source_answer *answer = facts_listing(s->x.facts, str_of(project), w);

    return answer && facts_metadata(s->x.facts, answer->items[0], str_of(project), w);
}

static bool cancel_after(unsigned turns)
{
    static const char *const projects[WAITERS] = { "foo", "bar", "demo" };
    struct scene s;
    bool over = true;

    scene_open(&s);
    add_all(&s);
    for (unsigned turn = 0; turn < turns; turn++) {
        for (size_t i = 0; i < WAITERS; i++)
            ask(&s, projects[i], NULL);
        world_step(&s.x.w);
    }
    for (size_t i = 0; i < WAITERS; i++)
        over &= ask(&s, projects[i], &s.waiters[i].wait);
    s.n_woken = 0;
    struct facts_count n = facts_count(s.x.facts);
    facts_cancel(s.x.facts);
    small_index_turn(&s.x, TURNS);
    assert_int_equal(s.n_woken, 0);
    counts(&s, n.listings, n.metadata, n.unused);
    assert_int_equal(facts_count(s.x.facts).bytes, n.bytes);
    assert_int_equal(temp_dir_count(&s.x.w.dir, "."), 0);
    facts_cancel(s.x.facts); /* always works */
    scene_close(&s);
    return over;
}

static void test_cancelled_at_every_step(void **state)
{
    unsigned turns = 0;

    (void)state;
    while (turns < SMALL_INDEX_STEPS && !cancel_after(turns))
        turns++;
    assert_in_range(turns, 8, SMALL_INDEX_STEPS - 1);
    facts_destroy(NULL);
}

/* What was read of metadata stays; a body goes. */
static void test_what_stays(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    add_all(&s);
    struct file_facts *foo = metadata(&s, file(&s));
    const struct distribution *d = listing(&s, "demo")->items[0];
    assert_null(facts_metadata(s.x.facts, d, STR("demo"), &s.waiters[0].wait));
    small_index_run(&s.x, &s.n_woken, s.n_woken + 1);
    struct file_facts *demo = facts_metadata(s.x.facts, d, STR("demo"), NULL);
    assert_int_equal(demo->rung, METADATA_WHOLE);
    assert_non_null(demo->body);
    assert_int_equal(demo->digests[DIGEST_SHA256].alg, DIGEST_SHA256);
    facts_cancel(s.x.facts);
    assert_null(demo->body);
    assert_true(str_starts(demo->text, STR(WHEEL_TEXT)));
    assert_true(str_is(foo->needs.dependencies[0].project, "bar"));
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_listing_is_asked_for_once),
        cmocka_unit_test(test_metadata_is_asked_for_once),
        cmocka_unit_test(test_one_that_waits_again),
        cmocka_unit_test(test_what_metadata_says),
        cmocka_unit_test(test_python_that_makes_no_sense),
        cmocka_unit_test(test_unusable),
        cmocka_unit_test(test_nowhere),
        cmocka_unit_test(test_no_metadata_to_be_had),
        cmocka_unit_test(test_no_listing_to_be_had),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_cheap),
        cmocka_unit_test(test_cancelled_at_every_step),
        cmocka_unit_test(test_what_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
