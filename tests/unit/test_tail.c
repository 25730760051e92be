/* METADATA by ranges, from a server that answers what the test says. Nothing is believed: what
 * each answer makes of the wheel, of the host, and of the others that wait for its verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/tail.h"
#include "http_server.h"
#include "local_world.h"
#include "small_wheel.h"

enum { TAILS = 4, ROUTES = 8, STEPS_MAX = 400 };

struct scene {
    struct local_world w;
    struct server server;
    struct server_route routes[ROUTES];
    struct buf answers[ROUTES];
    size_t n_routes;
    struct fetch_world world;
    uint64_t wheel_bytes;
    struct asker {
        struct scene *scene;
        struct tail *tail;
        unsigned calls;
        enum tail_outcome outcome;
        unsigned requests;
        struct buf why;
    } askers[TAILS];
    unsigned running;
};

static void scene_open(struct scene *s)
{
    struct buf wheel = { 0 };

    *s = (struct scene){ 0 };
    world_open(&s->w);
    server_open(&s->server, s->w.loop, s->routes, 0);
    s->world = (struct fetch_world){ .loop = s->w.loop,
                                     .http = s->w.http,
                                     .events = &s->w.events,
                                     .readers = s->w.readers,
                                     .retries = 1 };
    s->world.hosts = hosts_create(s->w.loop, &s->world.cache);
    small_wheel_add(&wheel, STR(WHEEL_TEXT), 0);
    s->wheel_bytes = wheel.n;
    buf_done(&wheel);
}

static void forget(struct asker *a)
{
    tail_destroy(a->tail);
    a->tail = NULL;
    buf_done(&a->why);
    *a = (struct asker){ .scene = a->scene };
}

static void scene_close(struct scene *s)
{
    for (size_t i = 0; i < TAILS; i++)
        forget(&s->askers[i]);
    for (size_t i = 0; i < ROUTES; i++)
        buf_done(&s->answers[i]);
    hosts_destroy(s->world.hosts);
    server_close(&s->server);
    world_close(&s->w);
}

/* "WHEEL" in `answer` becomes the wheel, "SIZE" its length, "LAST" that less one. */
static struct server_route *serve(struct scene *s, const char *path, const char *answer)
{
    struct buf *out = &s->answers[s->n_routes];
    struct server_route *r = &s->routes[s->n_routes++];
    struct str text = str_of(answer);

    while (text.n > 0) {
        if (str_starts(text, STR("WHEEL")))
            small_wheel_add(out, STR(WHEEL_TEXT), 0);
        else if (str_starts(text, STR("SIZE")))
            buf_add_f(out, "%ju", (uintmax_t)s->wheel_bytes);
        else if (str_starts(text, STR("LAST")))
            buf_add_f(out, "%ju", (uintmax_t)s->wheel_bytes - 1);
        else
            buf_add_c(out, text.p[0]);
        bool word = str_starts(text, STR("WHEEL")) || str_starts(text, STR("SIZE")) ||
                    str_starts(text, STR("LAST"));
        text = str_sub(text, !word ? 1 : text.p[0] == 'W' ? 5 : 4, text.n);
    }
    *r = (struct server_route){ .path = path, .answer = buf_z(out), .n = out->n };
    s->server.n_routes = s->n_routes;
    return r;
}

static void told(void *ctx, struct tail_result *r)
{
    struct asker *a = ctx;

    assert_int_equal(a->calls++, 0);
    a->outcome = r->outcome;
    a->requests = r->requests;
    assert_int_equal(r->outcome == TAIL_FOUND, r->err.code == 0);
    buf_add_z(&a->why, err_text(&r->err));
    if (r->outcome == TAIL_FOUND)
        assert_true(str_is(r->metadata, WHEEL_TEXT));
    a->scene->running--;
}

static struct str url_of(struct scene *s, const char *path)
{
    return arena_f(&s->w.dir.arena, "http://127.0.0.1:%u%s", s->server.port, path);
}

static void start(struct scene *s, size_t i, const char *path, uint64_t bytes)
{
    struct asker *a = &s->askers[i];

    *a = (struct asker){ .scene = s };
    s->running++;
    a->tail = tail_start(&s->world, url_of(s, path), STR(WHEEL_NAME), bytes, told, a);
    assert_int_equal(a->calls, 0); /* later, never from inside */
}

static void run(struct scene *s)
{
    for (unsigned i = 0; s->running && i < 10 * STEPS_MAX; i++)
        world_step(&s->w);
    assert_int_equal(s->running, 0);
}

static enum host_answer can(struct scene *s, enum host_skill skill)
{
    return host_can(hosts_find(s->world.hosts, url_of(s, "/")), skill);
}

/* -- answers -- */

#define OK_206  "HTTP/1.1 206 Partial Content\r\nContent-Length: SIZE\r\n"
#define RIGHT   OK_206 "Content-Range: bytes 0-LAST/SIZE\r\n\r\nWHEEL"
#define NOTHING "Content-Length: 0\r\n\r\n"

static const struct {
    const char *answer;
    enum tail_outcome outcome;
    unsigned requests, requests_sized;
    const char *why;
} answers[] = {
    { RIGHT, TAIL_FOUND, 1, 1, "" },
    { OK_206 "Content-Range: bytes 0-LAST/*\r\n\r\nWHEEL", TAIL_FOUND, 1, 1, "" },
    { OK_206 "Content-Range: BYTES 0-LAST/SIZE\r\n\r\nWHEEL", TAIL_FOUND, 1, 1, "" },
    { OK_206 "Content-Range: bytes 0-LAST/SIZE\r\nContent-Encoding: identity\r\n\r\nWHEEL",
      TAIL_FOUND, 1, 1, "" },
    { "HTTP/1.1 200 OK\r\nContent-Length: SIZE\r\n\r\nWHEEL", TAIL_FOUND, 1, 1, "" },
    { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nWHEEL", TAIL_UNABLE, 1, 1, "the whole file" },
    { "HTTP/1.1 200 OK\r\nContent-Length: SIZE\r\nContent-Encoding: gzip\r\n\r\nWHEEL", TAIL_UNABLE,
      1, 1, "the whole file" },
    { "HTTP/1.1 200 OK\r\n" NOTHING, TAIL_UNABLE, 1, 1, "the whole file" },
    { OK_206 "\r\nWHEEL", TAIL_UNABLE, 2, 1, "which it is" },
    { OK_206 "Content-Range: bytes */SIZE\r\n\r\nWHEEL", TAIL_UNABLE, 2, 1, "which it is" },
    { OK_206 "Content-Range: bytes LAST-0/SIZE\r\n\r\nWHEEL", TAIL_UNABLE, 2, 1, "which it is" },
    { OK_206 "Content-Range: bytes -9/SIZE\r\n\r\nWHEEL", TAIL_UNABLE, 2, 1, "which it is" },
    { OK_206 "Content-Range: bytes 1-LAST/SIZE\r\n\r\nWHEEL", TAIL_UNABLE, 2, 1, "another part" },
    { OK_206 "Content-Range: bytes 0-5/SIZE\r\n\r\nWHEEL", TAIL_UNABLE, 2, 1, "another part" },
    { OK_206 "Content-Range: bytes 0-LAST/SIZE\r\nContent-Encoding: gzip\r\n\r\nWHEEL", TAIL_UNABLE,
      2, 1, "in an encoding" },
    { "HTTP/1.1 206 Partial Content\r\nConnection: close\r\n"
      "Content-Range: bytes 0-LAST/SIZE\r\n\r\nWHE",
      TAIL_UNABLE, 2, 1, "another length" },
    { "HTTP/1.1 206 Partial Content\r\nContent-Length: 0\r\n"
      "Content-Range: bytes 0-LAST/SIZE\r\n\r\n",
      TAIL_UNABLE, 2, 1, "another length" },
    { OK_206 "Content-Range: bytes 0-LAST/SIZE\r\nConnection: close\r\n\r\nWHE", TAIL_UNABLE, 2, 2,
      "before the end" }, /* twice, for it may be the line */
    { "HTTP/1.1 416 Range Not Satisfiable\r\n" NOTHING, TAIL_UNABLE, 2, 1, "refuses the range" },
    { "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */SIZE\r\n" NOTHING, TAIL_UNABLE,
      2, 1, "refuses the range" },
    { "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */0\r\n" NOTHING, TAIL_UNABLE, 2,
      1, "refuses the range" },
    { "HTTP/1.1 400 Bad Request\r\n" NOTHING, TAIL_UNABLE, 2, 1, "400" },
    { "HTTP/1.1 403 Forbidden\r\n" NOTHING, TAIL_UNABLE, 2, 1, "403" },
    { "HTTP/1.1 404 Not Found\r\n" NOTHING, TAIL_UNABLE, 2, 1, "404" },
    { "HTTP/1.1 405 Method Not Allowed\r\n" NOTHING, TAIL_UNABLE, 2, 1, "405" },
    { "HTTP/1.1 500 Internal\r\n" NOTHING, TAIL_UNABLE, 2, 1, "500" },
    { "HTTP/1.1 501 Not Implemented\r\n" NOTHING, TAIL_UNABLE, 2, 1, "501" },
    { "HTTP/1.1 401 Unauthorized\r\n" NOTHING, TAIL_FAILED, 1, 1, "401" },
    { "HTTP/1.1 410 Gone\r\n" NOTHING, TAIL_FAILED, 1, 1, "410" },
    { "HTTP/1.1 503 Busy\r\n" NOTHING, TAIL_FAILED, 2, 2, "503" },
    { "HTTP/1.1 302 Found\r\nLocation: ftp://example.org/\r\n" NOTHING, TAIL_FAILED, 1, 1, "ftp" },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(answers) / sizeof(*answers); i++) {
        size_t k = i / 2;
        bool sized = i % 2;
        struct scene s;
        scene_open(&s);
        struct server_route *r = serve(&s, "/demo", answers[k].answer);
        r->after = strstr(r->answer, "close") ? CLOSE : KEEP;
        start(&s, 0, "/demo", sized ? s.wheel_bytes : FETCH_BYTES_UNKNOWN);
        run(&s);
        const struct asker *a = &s.askers[0];
        unsigned want = sized ? answers[k].requests_sized : answers[k].requests;
        if (a->outcome != answers[k].outcome || a->requests != want ||
            !strstr(buf_z(&a->why), answers[k].why))
            fail_msg("%s%s\n%d after %u requests: %s", answers[k].answer, sized ? " sized" : "",
                     a->outcome, a->requests, buf_z(&a->why));
        assert_int_equal(s.server.n_requests, want);
        assert_null(strstr(buf_z(&s.server.requests), "HEAD "));
        scene_close(&s);
    }
}

/* What is asked for, by what is known. */
static void test_questions(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, "/demo", RIGHT);
    start(&s, 0, "/demo", FETCH_BYTES_UNKNOWN);
    run(&s);
    assert_non_null(strstr(buf_z(&s.server.requests), "Range: bytes=-16384\r\n"));
    assert_non_null(strstr(buf_z(&s.server.requests), "Accept-Encoding: identity\r\n"));
    forget(&s.askers[0]);
    buf_reset(&s.server.requests);
    start(&s, 0, "/demo", s.wheel_bytes);
    run(&s);
    const char *span =
        arena_f(&s.w.dir.arena, "Range: bytes=0-%ju\r\n", (uintmax_t)s.wheel_bytes - 1).p;
    assert_non_null(strstr(buf_z(&s.server.requests), span));
    assert_int_equal(s.server.n_requests, 2);
    /* An index that says 0 says nothing; and no file of ten bytes is a wheel. */
    forget(&s.askers[0]);
    buf_reset(&s.server.requests);
    start(&s, 0, "/demo", 0);
    run(&s);
    assert_non_null(strstr(buf_z(&s.server.requests), "Range: bytes=-16384\r\n"));
    forget(&s.askers[0]);
    start(&s, 0, "/demo", 10);
    run(&s);
    assert_int_equal(s.askers[0].outcome, TAIL_BROKEN);
    assert_int_equal(s.server.n_requests, 3);
    scene_close(&s);
}

/* -- what is learned -- */

static void test_verdicts(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, "/right", RIGHT);
    serve(&s, "/whole", "HTTP/1.1 200 OK\r\nContent-Length: SIZE\r\n\r\nWHEEL");
    start(&s, 0, "/right", FETCH_BYTES_UNKNOWN);
    run(&s);
    assert_int_equal(can(&s, HOST_SUFFIX), HOST_CAN);
    assert_int_equal(can(&s, HOST_SPAN), HOST_UNKNOWN);
    forget(&s.askers[0]);
    start(&s, 0, "/right", s.wheel_bytes);
    run(&s);
    assert_int_equal(can(&s, HOST_SPAN), HOST_CAN);
    forget(&s.askers[0]);
    start(&s, 0, "/whole", s.wheel_bytes);
    run(&s);
    assert_int_equal(can(&s, HOST_SPAN), HOST_CANNOT);
    forget(&s.askers[0]);
    start(&s, 0, "/whole", s.wheel_bytes); /* not asked any more */
    run(&s);
    assert_int_equal(s.askers[0].outcome, TAIL_UNABLE);
    assert_int_equal(s.askers[0].requests, 0);
    scene_close(&s);
}

/* A refusal may be this file's own: only who has seen the whole file can tell. */
static void test_blame(void **state)
{
    static const char *const bad[] = {
        "HTTP/1.1 404 Not Found\r\n" NOTHING,
        OK_206 "\r\nWHEEL",
        "HTTP/1.1 206 Partial\r\nContent-Length: 5\r\nContent-Range: bytes 0-4/5\r\n\r\nnoise",
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(*bad); i++) {
        bool blamed = i % 2;
        struct scene s;
        scene_open(&s);
        serve(&s, "/bad", bad[i / 2])->after = CLOSE;
        start(&s, 0, "/bad", FETCH_BYTES_UNKNOWN);
        run(&s);
        assert_true(s.askers[0].outcome == TAIL_UNABLE || s.askers[0].outcome == TAIL_BROKEN);
        assert_int_equal(can(&s, HOST_SPAN), HOST_UNKNOWN);
        if (blamed)
            tail_blame_host(s.askers[0].tail);
        forget(&s.askers[0]);
        assert_int_equal(can(&s, HOST_SUFFIX), blamed ? HOST_CANNOT : HOST_UNKNOWN);
        if (i / 2 < 2)
            assert_int_equal(can(&s, HOST_SPAN), blamed ? HOST_CANNOT : HOST_UNKNOWN);
        scene_close(&s);
    }
}

static void test_the_others_wait(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s);
    serve(&s, "/demo", RIGHT)->delay_ms = 60;
    for (size_t i = 0; i < TAILS; i++)
        start(&s, i, "/demo", s.wheel_bytes);
    while (!s.server.n_requests)
        world_step(&s.w);
    world_step(&s.w);
    assert_int_equal(s.server.n_requests, 1);
    run(&s);
    assert_int_equal(s.server.n_requests, TAILS);
    for (size_t i = 0; i < TAILS; i++)
        assert_int_equal(s.askers[i].outcome, TAIL_FOUND);
    scene_close(&s);
}

/* After UNABLE they wait on, until it is known whose fault it was. */
static void test_the_others_wait_for_the_verdict(void **state)
{
    struct scene s;

    (void)state;
    for (unsigned blamed = 0; blamed < 2; blamed++) {
        scene_open(&s);
        serve(&s, "/bad", "HTTP/1.1 404 Not Found\r\n" NOTHING);
        serve(&s, "/demo", RIGHT);
        start(&s, 0, "/bad", FETCH_BYTES_UNKNOWN);
        for (size_t i = 1; i < TAILS; i++)
            start(&s, i, "/demo", FETCH_BYTES_UNKNOWN);
        while (!s.askers[0].calls)
            world_step(&s.w);
        for (unsigned i = 0; i < 3; i++)
            world_step(&s.w);
        assert_int_equal(s.running, TAILS - 1);
        assert_int_equal(s.server.n_requests, 2); /* a suffix and a span */
        if (blamed)
            tail_blame_host(s.askers[0].tail);
        else
            forget(&s.askers[0]);
        run(&s);
        for (size_t i = 1; i < TAILS; i++)
            assert_int_equal(s.askers[i].outcome, blamed ? TAIL_UNABLE : TAIL_FOUND);
        assert_int_equal(s.server.n_requests, blamed ? 2 : 2 + TAILS - 1);
        scene_close(&s);
    }
}

/* -- given up -- */

/* All but `stays` are given up after so many turns: that one ends as it would have alone. Tells
 * whether there was anything left to give up. */
static bool give_up_after(const char *answer, enum server_after after, unsigned turns, size_t stays,
                          bool sized)
{
    struct scene s;
    unsigned calls = 0;

    scene_open(&s);
    serve(&s, "/other", answer)->after = after;
    serve(&s, "/demo", RIGHT);
    for (size_t i = 0; i < TAILS; i++)
        start(&s, i, i == stays ? "/demo" : "/other", sized ? s.wheel_bytes : FETCH_BYTES_UNKNOWN);
    for (unsigned i = 0; i < turns && s.running; i++)
        world_step(&s.w);
    for (size_t i = 0; i < TAILS; i++) {
        calls += s.askers[i].calls;
        if (i == stays)
            continue;
        s.running -= !s.askers[i].calls;
        forget(&s.askers[i]);
    }
    run(&s);
    if (stays < TAILS) {
        assert_int_equal(s.askers[stays].calls, 1);
        assert_int_equal(s.askers[stays].outcome, TAIL_FOUND);
    }
    for (unsigned i = 0; i < 3; i++)
        world_step(&s.w); /* nothing of the others comes any more */
    scene_close(&s);
    return calls < TAILS;
}

static void test_given_up_at_every_step(void **state)
{
    static const struct {
        const char *answer;
        enum server_after after;
        unsigned turns; /* of a scene that would never end */
    } scenes[] = {
        { RIGHT, KEEP, STEPS_MAX },
        { "HTTP/1.1 404 Not Found\r\n" NOTHING, KEEP, 25 },
        { "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n" NOTHING, KEEP, 12 },
        { "HTTP/1.1 206 Partial Content\r\nContent-Length: SIZE\r\n"
          "Content-Range: bytes 0-LAST/SIZE\r\n\r\nPK",
          HANG, 12 },
        { OK_206 "\r\nWHEEL", CLOSE, 25 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
        unsigned turns = 0;
        while (turns < scenes[i].turns && give_up_after(scenes[i].answer, scenes[i].after, turns,
                                                        turns % (TAILS + 1), turns % 2))
            turns++;
        assert_true(turns > 5);
    }
}

static void test_nothing_is_lawful(void **state)
{
    (void)state;
    tail_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_blame),
        cmocka_unit_test(test_the_others_wait),
        cmocka_unit_test(test_the_others_wait_for_the_verdict),
        cmocka_unit_test(test_given_up_at_every_step),
        cmocka_unit_test(test_nothing_is_lawful),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
