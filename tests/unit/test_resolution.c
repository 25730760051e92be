/* A set against a small index: what is chosen, what is said when nothing is, and what is asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/resolution.h"
#include "small_index.h"
#include "small_wheel.h"

enum { WISHES_MAX = 4, TURNS = 20, LATE_MS = 100 }; /* turns: for what is not to happen */

#define WHEEL_PATH "/files/" WHEEL_NAME

struct scene {
    struct small_index x;
    struct fetch_wish wishes[WISHES_MAX], constraints[WISHES_MAX];
    struct resolution_input in;
    struct resolution *resolution;
    unsigned calls;
    const struct resolution_result *got; /* valid until it is destroyed */
    struct buf text;                     /* its pins, or why there are none */
};

static struct resolution_formats any_format(void *ctx, struct str project)
{
    (void)ctx;
    (void)project;
    return (struct resolution_formats){ true, true };
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){ 0 };
    small_index_open(&s->x);
    s->in = (struct resolution_input){ .target = s->x.target,
                                       .wishes = s->wishes,
                                       .constraints = s->constraints,
                                       .formats = any_format };
}

static void forget(struct scene *s)
{
    resolution_destroy(s->resolution);
    s->resolution = NULL;
    s->calls = 0;
    buf_reset(&s->text);
}

static void scene_close(struct scene *s)
{
    forget(s);
    small_index_close(&s->x);
    buf_done(&s->text);
}

static struct fetch_wish wish_of(struct scene *s, const char *text)
{
    struct arena *a = &s->x.w.dir.arena;
    struct requirement *r = arena_alloc(a, 1, sizeof(*r));
    struct err e = { 0 };

    if (requirement_parse(a, str_of(text), r, &e))
        fail_msg("%s: %s", text, err_text(&e));
    return (struct fetch_wish){ .label = arena_str(a, str_of(text)),
                                .project = r->project,
                                .specifiers = r->specifiers,
                                .extras = r->extras,
                                .n_extras = r->n_extras,
                                .url = r->url,
                                .allow_wheel = true,
                                .allow_sdist = true };
}

static struct fetch_wish *require(struct scene *s, const char *text)
{
    s->wishes[s->in.n_wishes] = wish_of(s, text);
    return &s->wishes[s->in.n_wishes++];
}

static void constrain(struct scene *s, const char *text)
{
    s->constraints[s->in.n_constraints++] = wish_of(s, text);
}

/* A file of the index by its URL. */
static const char *url_at(struct scene *s, const char *before, const char *path)
{
    struct arena *a = &s->x.w.dir.arena;
    struct str url = arena_f(a, "http://127.0.0.1:%u%s", s->x.server.port, path);

    return arena_f(a, "%s%.*s", before, STR_ARG(url)).p;
}

static void add_pin(struct scene *s, const struct resolution_pin *pin)
{
    buf_add_f(&s->text, "%s%.*s %.*s", s->text.n ? ", " : "", STR_ARG(pin->project),
              STR_ARG(pin->file->version.text));
    assert_int_equal(pin->is_asked, pin->label.p == NULL);
    if (!pin->is_asked)
        buf_add_f(&s->text, " for %.*s", STR_ARG(pin->label));
}

static void told(void *ctx, const struct resolution_result *result)
{
    struct scene *s = ctx;

    assert_int_equal(s->calls++, 0);
    s->got = result;
    if (result->err.code)
        buf_add_z(&s->text, err_text(&result->err));
    for (size_t i = 0; i < result->n; i++)
        add_pin(s, &result->pins[i]);
}

static void start(struct scene *s)
{
    s->resolution = resolution_start(&s->x.world, s->x.facts, &s->in, told, s);
    assert_int_equal(s->calls, 0); /* later, never from inside */
}

static void run(struct scene *s)
{
    start(s);
    small_index_run(&s->x, &s->calls, 1);
    small_index_turn(&s->x, TURNS); /* `told` sees that it comes once */
}

static void gives(struct scene *s, const char *pins)
{
    run(s);
    assert_string_equal(buf_z(&s->text), pins);
    assert_int_equal(s->got->err.code, 0);
}

static void fails(struct scene *s, int code, const char *text)
{
    run(s);
    assert_string_equal(buf_z(&s->text), text);
    assert_int_equal(s->got->err.code, code);
    assert_int_equal(s->got->n, 0);
}

/* Nothing was asked for twice. */
static void asked_once(struct scene *s)
{
    struct map seen = { 0 };
    struct str rest = buf_str(&s->x.server.log);

    while (rest.n) {
        struct str path = str_cut(rest, '\n', &rest);
        if (map_get(&seen, path))
            fail_msg("%.*s was asked for twice", STR_ARG(path));
        map_put(&seen, path, s);
    }
    map_done(&seen);
}

/* -- what is chosen -- */

/* Extras, markers, a constraint, Requires-Python. */
static void test_a_set(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "a", "2.0",
                      "Requires-Dist: B>=1\n"
                      "Requires-Dist: not-here; sys_platform == 'win32'\n"
                      "Provides-Extra: x\nProvides-Extra: y\n"
                      "Requires-Dist: nor-this; extra == 'y'\n"
                      "Requires-Dist: d; extra == 'x'\n");
    small_index_wheel(&s.x, "a", "3.0", "Requires-Python: >=3.13\n");
    small_index_wheel(&s.x, "b", "1.0", "");
    small_index_wheel(&s.x, "b", "2.0", "");
    small_index_wheel(&s.x, "b", "3.0", "");
    small_index_wheel(&s.x, "d", "1.0", "Requires-Dist: b\n");
    small_index_serve(&s.x);
    require(&s, "a[X]");
    constrain(&s, "b<3");
    constrain(&s, "nowhere==1");
    gives(&s, "a 2.0, b 2.0 for B>=1 (of a), d 1.0 for d (of a)");
    assert_ptr_equal(s.got->of_wish[0], &s.got->pins[0]);
    assert_ptr_equal(s.got->pins[0].wish, &s.wishes[0]);
    assert_ptr_equal(s.got->pins[1].wish, &s.constraints[0]);
    assert_null(s.got->pins[2].wish);
    for (size_t i = 0; i < s.got->n; i++)
        assert_int_equal(s.got->pins[i].facts->rung, METADATA_SIDECAR);
    asked_once(&s);
    scene_close(&s);
}

/* The lowest, pre-releases, files that are excluded. */
static void test_rules(void **state)
{
    static const struct {
        bool pre, lowest, lowest_direct;
        const char *pins;
    } rules[] = {
        { false, false, false, "a 2.0, b 2.0 for b (of a)" },
        { true, false, false, "a 3.0rc1, b 2.0 for b (of a)" },
        { false, true, false, "a 1.0, b 1.0 for b (of a)" },
        { false, false, true, "a 1.0, b 2.0 for b (of a)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        static const char *const versions[] = { "1.0", "2.0", "3.0rc1" };
        struct scene s;
        scene_open(&s);
        for (size_t k = 0; k < 3; k++)
            small_index_wheel(&s.x, "a", versions[k], "Requires-Dist: b\n");
        small_index_wheel(&s.x, "b", "1.0", "");
        small_index_wheel(&s.x, "b", "2.0", "");
        small_index_serve(&s.x);
        require(&s, "a");
        s.in.pre = rules[i].pre;
        s.in.lowest = rules[i].lowest;
        s.in.lowest_direct = rules[i].lowest_direct;
        gives(&s, rules[i].pins);
        scene_close(&s);
    }
}

/* A URL and names ask for one project: its page is not looked at, and they share the pin. */
static void test_a_url_and_a_name(void **state)
{
    struct buf wheel = { 0 };
    struct scene s;

    (void)state;
    small_wheel_add(&wheel, STR(WHEEL_TEXT), 0);
    for (unsigned url_first = 0; url_first < 2; url_first++) {
        scene_open(&s);
        small_index_ok(&s.x, STR(WHEEL_PATH), buf_str(&wheel));
        small_index_wheel(&s.x, "a", "1.0", "Requires-Dist: demo>=1\n");
        small_index_serve(&s.x);
        require(&s, url_first ? url_at(&s, "demo @ ", WHEEL_PATH) : "demo>0.5");
        require(&s, url_first ? "demo>0.5" : url_at(&s, "demo @ ", WHEEL_PATH));
        require(&s, "a");
        gives(&s, "demo 1.0, a 1.0");
        assert_ptr_equal(s.got->of_wish[0], &s.got->pins[0]);
        assert_ptr_equal(s.got->of_wish[1], &s.got->pins[0]);
        assert_ptr_equal(s.got->of_wish[2], &s.got->pins[1]);
        assert_true(str_is(s.got->pins[0].file->file->filename, WHEEL_NAME));
        assert_int_equal(small_index_asked(&s.x, "/simple/demo/"), 0);
        scene_close(&s);
    }
    buf_done(&wheel);
}

/* The name of the file tells the project; where it does not, that is an error. */
static void test_a_url_alone(void **state)
{
    struct buf wheel = { 0 };
    struct scene s;

    (void)state;
    small_wheel_add(&wheel, STR(WHEEL_TEXT), 0);
    scene_open(&s);
    small_index_ok(&s.x, STR(WHEEL_PATH), buf_str(&wheel));
    small_index_serve(&s.x);
    struct fetch_wish *wish = require(&s, url_at(&s, "demo @ ", WHEEL_PATH));
    wish->project = STR_NONE;
    gives(&s, "demo 1.0");
    assert_ptr_equal(s.got->of_wish[0], &s.got->pins[0]);
    scene_close(&s);
    buf_done(&wheel);

    scene_open(&s);
    small_index_wheel(&s.x, "a", "1.0", "");
    small_index_serve(&s.x);
    require(&s, "a");
    wish = require(&s, url_at(&s, "demo @ ", "/files/archive.zip"));
    wish->project = STR_NONE;
    wish->label = STR("archive");
    fails(&s, ERR_INPUT,
          "archive: the name archive.zip does not tell a project and a version, without which "
          "dependencies can't be resolved: add --no-deps");
    scene_close(&s);
}

static void test_a_wish_with_a_fault(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "a", "1.0", "");
    small_index_serve(&s.x);
    struct fetch_wish *bad = require(&s, "nowhere");
    struct fetch_wish *same = require(&s, "a>=2"); /* nor does it keep another from its project */
    require(&s, "a");
    err_set(&bad->fault, ERR_USAGE, "it has a fault");
    err_set(&same->fault, ERR_USAGE, "it has a fault");
    gives(&s, "a 1.0");
    assert_null(s.got->of_wish[0]);
    assert_null(s.got->of_wish[1]);
    assert_ptr_equal(s.got->of_wish[2], &s.got->pins[0]);
    assert_ptr_equal(s.got->pins[0].wish, &s.wishes[2]);
    err_done(&bad->fault);
    err_done(&same->fault);
    scene_close(&s);
}

static void test_nothing_is_asked_for(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_serve(&s.x);
    gives(&s, "");
    scene_close(&s);
}

/* A version that makes no sense, or whose metadata takes a build, is passed over. */
static void test_what_is_passed_over(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_sdist(&s.x, "a", "4.0", SMALL_SDIST_TEXT("a", "4.0", "Dynamic: Requires-Dist\n"));
    small_index_wheel(&s.x, "a", "3.0", "Requires-Dist: ===\n");
    small_index_link(&s.x, "a", "file:///a-2.0-py3-none-any.whl", "");
    small_index_wheel(&s.x, "a", "1.0", "");
    small_index_serve(&s.x);
    require(&s, "a");
    gives(&s, "a 1.0");
    assert_non_null(strstr(buf_z(&s.x.w.told), "a-4.0.tar.gz is passed over"));
    assert_non_null(strstr(buf_z(&s.x.w.told), "a-3.0-py3-none-any.whl is passed over"));
    scene_close(&s);
}

/* PEP 643: what its PKG-INFO says of what it needs is final. */
static void test_a_source_distribution(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_sdist(&s.x, "a", "2.0",
                      SMALL_SDIST_TEXT("a", "2.0", "Dynamic: License\nRequires-Dist: b\n"));
    small_index_wheel(&s.x, "a", "1.0", "");
    small_index_wheel(&s.x, "b", "1.0", "");
    small_index_serve(&s.x);
    require(&s, "a");
    gives(&s, "a 2.0, b 1.0 for b (of a)");
    scene_close(&s);
}

/* -- what can't be -- */

static void test_a_conflict(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "a", "1.0", "Requires-Dist: c>=2\n");
    small_index_wheel(&s.x, "b", "1.0", "Requires-Dist: c<2\n");
    small_index_wheel(&s.x, "c", "1.0", "");
    small_index_wheel(&s.x, "c", "2.0", "");
    small_index_serve(&s.x);
    require(&s, "a");
    require(&s, "b");
    fails(&s, ERR_CONFLICT,
          "this can't all be had together:\n  you ask for a\n  a 1.0 needs c>=2\n"
          "  you ask for b\n  b 1.0 needs c<2");
    asked_once(&s);
    scene_close(&s);
}

/* That is no outage: another version may do without it. */
static void test_no_such_project(void **state)
{
    struct scene s;

    (void)state;
    for (unsigned has_older = 0; has_older < 2; has_older++) {
        scene_open(&s);
        small_index_wheel(&s.x, "a", "2.0", "Requires-Dist: gone\n");
        if (has_older)
            small_index_wheel(&s.x, "a", "1.0", "");
        small_index_route(&s.x, STR("/simple/gone/"), STR(SMALL_INDEX_NONE));
        small_index_serve(&s.x);
        require(&s, "a");
        run(&s);
        assert_int_equal(s.got->err.code, has_older ? 0 : ERR_CONFLICT);
        if (has_older)
            assert_string_equal(buf_z(&s.text), "a 1.0");
        else
            assert_non_null(strstr(buf_z(&s.text), "a 2.0 needs gone"));
        scene_close(&s);
    }
}

/* A page, and a metadata file, that are needed and can't be had: the error of all, with the name.
 */
static void test_an_outage(void **state)
{
    static const char *const names[] = { "b: ", "b-1.0-py3-none-any.whl: " };

    (void)state;
    for (unsigned with_page = 0; with_page < 2; with_page++) {
        struct scene s;
        scene_open(&s);
        small_index_wheel(&s.x, "a", "1.0", "Requires-Dist: b\n");
        small_index_wheel(&s.x, "c", "1.0", "");
        if (with_page)
            small_index_link(&s.x, "b", "/files/b-1.0-py3-none-any.whl", "");
        small_index_route(&s.x,
                          with_page ? STR("/files/b-1.0-py3-none-any.whl") : STR("/simple/b/"),
                          STR(SMALL_INDEX_BUSY));
        small_index_serve(&s.x);
        require(&s, "a");
        require(&s, "c");
        run(&s);
        assert_int_equal(s.got->err.code, ERR_STATUS);
        assert_int_equal(s.got->n, 0);
        if (!str_starts(buf_str(&s.text), str_of(names[with_page])) ||
            !strstr(buf_z(&s.text), "503"))
            fail_msg("\"%s\" does not name %s", buf_z(&s.text), names[with_page]);
        scene_close(&s);
    }
}

/* What is only fetched ahead may be missing, and may come or fail when all is over. */
static void test_an_outage_of_what_nobody_needs(void **state)
{
    (void)state;
    for (unsigned needed_is_late = 0; needed_is_late < 2; needed_is_late++) {
        struct scene s;
        scene_open(&s);
        small_index_wheel(&s.x, "a", "2.0", "Requires-Dist: broken\n");
        small_index_wheel(&s.x, "a", "1.0", "Requires-Dist: c\n");
        small_index_wheel(&s.x, "c", "1.0", "");
        small_index_route(&s.x, STR("/simple/broken/"), STR(SMALL_INDEX_BUSY));
        s.x.routes[s.x.n_routes - 1].delay_ms = needed_is_late ? 0 : LATE_MS;
        small_index_serve(&s.x);
        for (size_t i = 0; i < s.x.n_routes && needed_is_late; i++)
            if (strcmp(s.x.routes[i].path, "/simple/c/") == 0)
                s.x.routes[i].delay_ms = LATE_MS;
        require(&s, "a");
        constrain(&s, "a<2");
        gives(&s, "a 1.0, c 1.0 for c (of a)");
        while (!strstr(buf_z(&s.x.server.log), "broken"))
            world_step(&s.x.w);
        small_index_turn(&s.x, TURNS);
        scene_close(&s);
    }
}

/* That something can't be had is known already when it is needed: told once all the same. */
static void test_a_known_outage(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "a", "1.0", "Requires-Dist: b\n");
    small_index_link(&s.x, "b", "/files/b-1.0-py3-none-any.whl", "");
    small_index_route(&s.x, STR("/files/b-1.0-py3-none-any.whl"), STR(SMALL_INDEX_BUSY));
    small_index_serve(&s.x);
    require(&s, "a");
    for (int again = 0; again < 2; again++) {
        run(&s);
        assert_int_equal(s.got->err.code, ERR_STATUS);
        forget(&s);
    }
    scene_close(&s);
}

static void test_two_urls(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "a", "1.0", "");
    small_index_wheel(&s.x, "a", "2.0", "");
    small_index_serve(&s.x);
    require(&s, url_at(&s, "a @ ", "/files/a-1.0-py3-none-any.whl"));
    require(&s, url_at(&s, "a @ ", "/files/a-2.0-py3-none-any.whl"));
    run(&s);
    assert_int_equal(s.got->err.code, ERR_CONFLICT);
    assert_non_null(strstr(buf_z(&s.text), "name different files for a"));
    scene_close(&s);
}

static void test_a_url_of_a_dependency(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_wheel(&s.x, "a", "1.0", "Requires-Dist: b @ http://127.0.0.1/b-1.0.zip\n");
    small_index_serve(&s.x);
    require(&s, "a");
    fails(&s, ERR_UNSUPPORTED,
          "a dependency asks for b from a URL of its own; name it yourself, as \"b @ URL\"");
    scene_close(&s);
}

/* -- ahead -- */

/* From version to version: of `n` only the first two fit. */
static void add_a_chain(struct scene *s, unsigned n)
{
    struct arena *a = &s->x.w.dir.arena;

    for (unsigned i = 1; i <= n; i++)
        small_index_wheel(&s->x, "a", arena_f(a, "%u.0", i).p,
                          arena_f(a, "Requires-Dist: b==%u.0\n", i > 1 ? i : 2).p);
    for (unsigned i = 1; i <= n; i++)
        small_index_wheel(&s->x, "b", arena_f(a, "%u.0", i).p,
                          i > 2 ? "Requires-Dist: c>=2\n" : "Requires-Dist: c<2\n");
    small_index_wheel(&s->x, "c", "1.0", "");
    small_index_wheel(&s->x, "c", "2.0", "");
    small_index_serve(&s->x);
    require(s, "a");
    require(s, "c<2");
}

/* While the solver waits for one page, what the other will need is fetched, and nothing else. */
static void test_ahead(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    small_index_route(&s.x, STR("/simple/slow/"), STR(""));
    s.x.routes[0].after = HANG;
    small_index_wheel(&s.x, "a", "2.0", "Requires-Dist: not-here\n");
    small_index_wheel(&s.x, "a", "1.0",
                      "Requires-Dist: b\n"
                      "Requires-Dist: not-here; sys_platform == 'win32'\n");
    small_index_wheel(&s.x, "b", "1.0", "Requires-Dist: c[x]\n");
    small_index_wheel(&s.x, "c", "1.0",
                      "Provides-Extra: x\nProvides-Extra: y\n"
                      "Requires-Dist: not-here; extra == 'y'\n"
                      "Requires-Dist: d; extra == 'x'\n");
    small_index_wheel(&s.x, "d", "1.0", "");
    small_index_serve(&s.x);
    require(&s, "slow");
    require(&s, "a<2");
    start(&s);
    for (unsigned i = 0; facts_count(s.x.facts).requests < 4 && i < SMALL_INDEX_STEPS; i++)
        world_step(&s.x.w);
    assert_int_equal(small_index_asked(&s.x, "/files/d-1.0-py3-none-any.whl.metadata"), 1);
    small_index_turn(&s.x, TURNS);
    assert_int_equal(s.x.server.n_requests, 5 + 4);
    assert_int_equal(s.calls, 0);
    asked_once(&s);
    scene_close(&s);
}

/* With all facts at hand the answer is the same, still comes from the loop, and costs nothing. */
static void test_again(void **state)
{
    static const char pins[] = "a 2.0, c 1.0, b 2.0 for b==2.0 (of a)";
    struct scene s;

    (void)state;
    scene_open(&s);
    add_a_chain(&s, 12);
    gives(&s, pins);
    asked_once(&s);
    unsigned requests = s.x.server.n_requests;
    struct facts_count n = facts_count(s.x.facts);
    assert_int_equal(n.listings, 3);
    assert_int_equal(n.metadata + n.listings, requests);
    forget(&s);
    gives(&s, pins);
    assert_int_equal(s.x.server.n_requests, requests);
    scene_close(&s);
}

/* Two at once share what they find. */
static void test_two_at_once(void **state)
{
    struct scene s;
    struct scene other;

    (void)state;
    scene_open(&s);
    add_a_chain(&s, 12);
    other = s;
    other.text = (struct buf){ 0 };
    start(&s);
    other.resolution = resolution_start(&s.x.world, s.x.facts, &s.in, told, &other);
    small_index_run(&s.x, &s.calls, 1);
    small_index_run(&s.x, &other.calls, 1);
    assert_string_equal(buf_z(&s.text), buf_z(&other.text));
    assert_ptr_equal(s.got->pins[0].facts, other.got->pins[0].facts);
    asked_once(&s);
    resolution_destroy(other.resolution);
    buf_done(&other.text);
    scene_close(&s);
}

/* -- given up -- */

/* The facts may go on without the one that asked for them. */
static bool give_up_after(unsigned turns, bool with_conflict, bool facts_go_on)
{
    struct scene s;

    scene_open(&s);
    add_a_chain(&s, 3);
    if (with_conflict)
        constrain(&s, "b!=2.0");
    start(&s);
    for (unsigned i = 0; i < turns && !s.calls; i++)
        world_step(&s.x.w);
    bool over = s.calls > 0;
    resolution_destroy(s.resolution);
    s.resolution = NULL;
    if (!facts_go_on)
        facts_cancel(s.x.facts);
    s.calls = 0;
    small_index_turn(&s.x, facts_go_on ? TURNS : 3);
    assert_int_equal(s.calls, 0); /* nothing comes any more */
    scene_close(&s);
    return !over;
}

static void test_given_up_at_every_step(void **state)
{
    unsigned turns = 0;

    (void)state;
    for (unsigned how = 0; how < 4; how++)
        for (turns = 0; turns < SMALL_INDEX_STEPS && give_up_after(turns, how & 1, how & 2);)
            turns++;
    assert_in_range(turns, 8, SMALL_INDEX_STEPS - 1);
    resolution_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_a_url_and_a_name),
        cmocka_unit_test(test_a_url_alone),
        cmocka_unit_test(test_a_wish_with_a_fault),
        cmocka_unit_test(test_nothing_is_asked_for),
        cmocka_unit_test(test_what_is_passed_over),
        cmocka_unit_test(test_a_source_distribution),
        cmocka_unit_test(test_a_conflict),
        cmocka_unit_test(test_no_such_project),
        cmocka_unit_test(test_an_outage),
        cmocka_unit_test(test_an_outage_of_what_nobody_needs),
        cmocka_unit_test(test_a_known_outage),
        cmocka_unit_test(test_two_urls),
        cmocka_unit_test(test_a_url_of_a_dependency),
        cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_given_up_at_every_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
