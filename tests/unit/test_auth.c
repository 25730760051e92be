/* net/auth: the index of a URL by the table tests/data/auth/match.case; what is sent, in which
 * order; and what becomes of many requests that wait, with a prompter and a keyring of the test's
 * own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "case.h"
#include "temp_dir.h"

#include "dray/net/auth_parts.h"

enum { MAX_WAITS = 8 };

/* Everything around an auth. The person's answers are given by the test, one by one. */
struct world {
    struct temp_dir dir;
    struct loop *loop;
    struct auth *auth;
    struct strs indexes;
    struct prompter prompter;
    struct buf log; /* what was asked, warned, decided */
    prompter_done_fn answer;
    void *answer_ctx;
    bool held, no_terminal;
};

static void add_indexes(void *ctx, struct strs *out)
{
    const struct world *w = ctx;

    for (size_t i = 0; i < w->indexes.n; i++)
        strs_add(out, w->indexes.items[i]);
}

static void on_warning(void *ctx, const char *text)
{
    struct world *w = ctx;

    buf_add_f(&w->log, "warning: %s\n", text);
}

static bool hold(void *ctx, bool wanted)
{
    struct world *w = ctx;

    w->held = wanted && !w->no_terminal;
    return w->held;
}

static void ask(void *ctx, struct loop *l, const char *text, bool is_secret, prompter_done_fn done,
                void *done_ctx)
{
    struct world *w = ctx;

    (void)l;
    assert_true(w->held);
    assert_null(w->answer);
    buf_add_f(&w->log, "%s%s\n", text, is_secret ? "(secret)" : "");
    w->answer = done;
    w->answer_ctx = done_ctx;
}

static void cancel(void *ctx)
{
    struct world *w = ctx;

    w->answer = NULL;
}

/* Types a line, or ends the input. */
static void type(struct world *w, const char *line)
{
    prompter_done_fn done = w->answer;

    assert_non_null(done);
    w->answer = NULL;
    done(w->answer_ctx, str_of(line));
    loop_run(w->loop);
}

/* The script of a program "keyring", or NULL: none is used. */
static void put_keyring(struct world *w, const char *script)
{
    struct buf text = { 0 };

    buf_add_f(&text, "#!/bin/sh\necho \"$*\" >>\"%s/asked\"\n%s\n", w->dir.path, script);
    temp_dir_put(&w->dir, "keyring", buf_str(&text));
    assert_int_equal(chmod(temp_dir_at(&w->dir, "keyring"), 0755), 0);
    buf_done(&text);
}

static void world_open(struct world *w, const char *keyring, bool prompts)
{
    const char *path = getenv("PATH");
    struct buf places = { 0 };
    struct err e = { 0 };

    *w = (struct world){ 0 };
    temp_dir_open(&w->dir);
    setenv("NETRC", temp_dir_at(&w->dir, "netrc"), 1);
    if (keyring)
        put_keyring(w, keyring);
    buf_add_f(&places, "%s:%s", w->dir.path, path);
    setenv("PATH", buf_z(&places), 1);
    w->loop = loop_open(&e);
    w->prompter = (struct prompter){ .hold = hold, .ask = ask, .cancel = cancel, .ctx = w };
    static const struct auth_token token = { { "token.example.org", 17 }, 0, { "abc", 3 } };
    w->auth = auth_create(&(struct auth_options){ .loop = w->loop,
                                                  .indexes = add_indexes,
                                                  .warn = on_warning,
                                                  .ctx = w,
                                                  .prompter = prompts ? &w->prompter : NULL,
                                                  .uses_keyring = keyring != NULL,
                                                  .tokens = &token,
                                                  .n_tokens = 1 });
    setenv("PATH", path, 1);
    buf_done(&places);
}

static void world_close(struct world *w)
{
    auth_destroy(w->auth);
    loop_close(w->loop);
    strs_done(&w->indexes);
    buf_done(&w->log);
    temp_dir_close(&w->dir);
    unsetenv("NETRC");
}

static void expect_asked(struct world *w, const char *lines)
{
    assert_true(temp_dir_has(&w->dir, "asked", str_of(lines)));
}

/* Which index is whose. */

static void check_match(struct case_line *c, void *ctx)
{
    struct world w;
    struct url u;
    struct err e = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    world_open(&w, NULL, false);
    for (struct str rest = c->fields[0]; rest.p;)
        strs_add(&w.indexes, str_cut(rest, ' ', &rest));
    auth_take_indexes(w.auth);
    assert_int_equal(url_parse(c->fields[1], &u, &e), 0);
    const struct auth_index *i = auth_index_of(w.auth, &u);
    case_equal(c, i ? str_of(i->text) : STR("none"), c->fields[2]);
    url_done(&u);
    world_close(&w);
}

static void test_match(void **state)
{
    (void)state;
    assert_true(case_each("auth/match.case", 15, check_match, NULL));
}

static void test_service(void **state)
{
    static const char *const rows[][2] = {
        { "https://me:x@H.example.org:443/simple", "https://H.example.org:443/simple/" },
        { "https://h.example.org/simple//", "https://h.example.org/simple/" },
        { "https://h.example.org", "https://h.example.org/" },
        { "https://me@h.example.org/a@b/", "https://h.example.org/a@b/" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        world_open(&w, NULL, false);
        strs_add(&w.indexes, str_of(rows[i][0]));
        auth_take_indexes(w.auth);
        assert_string_equal(w.auth->indexes[0]->service, rows[i][1]);
        world_close(&w);
    }
}

/* What is sent: "SOURCE user:password", of tests/data/auth/find.case. */

static const char *const sources[] = {
#define SOURCE_NAME(source, told) #source,
    AUTH_SOURCES(SOURCE_NAME)
#undef SOURCE_NAME
};

static void add_given(struct buf *out, const struct auth_given *g)
{
    buf_add_z(out, sources[g->source]);
    if (g->token)
        buf_add_f(out, " %s", g->token);
    if (g->user)
        buf_add_f(out, " %s:%s", g->user, g->password);
}

static void find(struct world *w, struct str text, struct str first, struct buf *out)
{
    struct url u, f;
    struct err e = { 0 };

    assert_int_equal(url_parse(text, &u, &e), 0);
    assert_int_equal(url_parse(first, &f, &e), 0);
    struct auth_request r = { .url = &u, .first = &f, .moved = !str_eq(text, first) };
    struct auth_given g = auth_find(w->auth, &r);
    add_given(out, &g);
    url_done(&u);
    url_done(&f);
}

static void check_find(struct case_line *c, void *ctx)
{
    struct world w;
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 4, 4))
        return;
    world_open(&w, NULL, false);
    if (c->fields[1].n)
        temp_dir_put(&w.dir, "netrc", c->fields[1]);
    for (struct str rest = c->fields[0].n ? c->fields[0] : STR_NONE; rest.p;)
        strs_add(&w.indexes, str_cut(rest, ' ', &rest));
    struct str first = STR_NONE;
    for (struct str rest = c->fields[2]; rest.p;) { /* several: one after another */
        struct str url = str_cut(rest, ' ', &rest);
        bool moved = str_starts(url, STR(">"));
        url = str_sub(url, moved, url.n);
        if (!moved)
            first = url;
        buf_reset(&got);
        find(&w, url, first, &got);
    }
    case_equal(c, buf_str(&got), c->fields[3]);
    buf_done(&got);
    world_close(&w);
}

static void test_find(void **state)
{
    (void)state;
    assert_true(case_each("auth/find.case", 25, check_find, NULL));
}

/* Requests that wait. */

struct request {
    struct world *world;
    struct url url;
    struct auth_wait wait;
    unsigned n_done;
    bool again;
};

static void on_wait(void *ctx, bool again)
{
    struct request *r = ctx;
    struct auth_given g = auth_find(r->world->auth, &r->wait.request);

    r->n_done++;
    r->again = again;
    buf_add_f(&r->world->log, "%s: %s, ", r->url.path, again ? "again" : "refused");
    add_given(&r->world->log, &g);
    buf_add_c(&r->world->log, '\n');
}

/* A 401 to what was sent. */
static void refuse_what(struct request *r, struct auth_given sent, const char *challenge)
{
    struct auth *a = r->world->auth;

    r->wait.request = (struct auth_request){ .url = &r->url, .first = &r->url };
    r->wait.was_resent = r->wait.was_refused;
    r->wait.was_refused = true;
    r->wait.sent = sent;
    r->wait.challenge = challenge_parse(str_of(challenge));
    r->wait.done = on_wait;
    r->wait.ctx = r;
    auth_wait_start(a, &r->wait);
}

/* A 401 to what would be sent by now. */
static void refuse(struct request *r, const char *challenge)
{
    struct auth_request now = { .url = &r->url, .first = &r->url };

    refuse_what(r, auth_find(r->world->auth, &now), challenge);
}

static void request_open(struct request *r, struct world *w, const char *url)
{
    struct err e = { 0 };

    *r = (struct request){ .world = w };
    assert_int_equal(url_parse(str_of(url), &r->url, &e), 0);
}

static void request_close(struct request *r)
{
    auth_wait_cancel(&r->wait);
    url_done(&r->url);
}

static void test_one_prompt_for_all(void **state)
{
    struct world w;
    struct request r[4];

    (void)state;
    world_open(&w, NULL, true);
    request_open(&r[0], &w, "https://h.example.org/a");
    request_open(&r[1], &w, "https://h.example.org/b");
    request_open(&r[2], &w, "https://h.example.org/not-sent");
    request_open(&r[3], &w, "https://i.example.org/other");
    assert_false(auth_is_asking(w.auth, &r[2].url));
    refuse(&r[0], NULL);
    refuse(&r[1], NULL);
    assert_true(auth_is_asking(w.auth, &r[2].url));
    assert_false(auth_is_asking(w.auth, &r[3].url));
    r[2].wait = (struct auth_wait){ .request = { .url = &r[2].url, .first = &r[2].url },
                                    .done = on_wait,
                                    .ctx = &r[2] };
    auth_wait_start(w.auth, &r[2].wait);
    loop_run(w.loop);
    type(&w, "me");
    type(&w, "secret");
    assert_string_equal(buf_z(&w.log), "User for h.example.org: \nPassword: (secret)\n"
                                       "/a: again, PROMPT me:secret\n/b: again, PROMPT me:secret\n"
                                       "/not-sent: again, PROMPT me:secret\n");
    assert_false(w.held);
    buf_reset(&w.log);
    refuse(&r[0], NULL); /* one resend, one prompt */
    refuse(&r[2], NULL);
    loop_run(w.loop);
    assert_string_equal(buf_z(&w.log),
                        "/a: refused, PROMPT me:secret\n/not-sent: refused, PROMPT me:secret\n");
    for (size_t i = 0; i < 4; i++)
        request_close(&r[i]);
    world_close(&w);
}

/* Two hosts: the second is asked for when the first has been answered. */
static void test_one_question_at_a_time(void **state)
{
    struct world w;
    struct request r[2];

    (void)state;
    world_open(&w, NULL, true);
    request_open(&r[0], &w, "https://h.example.org/a");
    request_open(&r[1], &w, "https://i.example.org:8443/b");
    refuse(&r[0], NULL);
    refuse(&r[1], NULL);
    loop_run(w.loop);
    assert_string_equal(buf_z(&w.log), "User for h.example.org: \n");
    type(&w, "");
    assert_string_equal(buf_z(&w.log), "User for h.example.org: \nUser for i.example.org:8443: \n"
                                       "/a: again, PROMPT :\n");
    type(&w, NULL);
    assert_true(str_ends(buf_str(&w.log), STR("/b: refused, NONE\n")));
    request_close(&r[0]);
    request_close(&r[1]);
    world_close(&w);
}

/* Who has sent something else meanwhile learned sends that again; nobody is asked. */
static void test_learned_meanwhile(void **state)
{
    struct world w;
    struct request late, other;

    (void)state;
    world_open(&w, NULL, true);
    request_open(&late, &w, "https://h.example.org/late");
    request_open(&other, &w, "https://me:secret@h.example.org/other");
    late.wait.request = (struct auth_request){ .url = &late.url, .first = &late.url };
    struct auth_given none = auth_find(w.auth, &late.wait.request);
    auth_find(w.auth, &(struct auth_request){ .url = &other.url, .first = &other.url });
    refuse_what(&late, none, NULL);
    assert_false(auth_is_asking(w.auth, &late.url));
    loop_run(w.loop);
    assert_string_equal(buf_z(&w.log), "/late: again, URL me:secret\n");
    request_close(&late);
    request_close(&other);
    world_close(&w);
}

static void test_nobody_to_ask(void **state)
{
    static const struct {
        const char *url, *challenge;
        bool terminal;
        const char *said;
    } rows[] = {
        { "https://h.example.org/a", NULL, false, "/a: refused, NONE\n" },
        { "https://h.example.org/a", "Digest realm=x", true, "/a: refused, NONE\n" },
        { "https://me:x@h.example.org/a", NULL, true, "/a: refused, URL me:x\n" },
        /* pip: who has a name is not asked for one */
        { "https://me@h.example.org/a", NULL, true, "/a: refused, URL me:\n" },
        { "https://token.example.org/a", NULL, true, "/a: refused, TOKEN abc\n" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        struct request r;
        world_open(&w, NULL, true);
        w.no_terminal = !rows[i].terminal;
        request_open(&r, &w, rows[i].url);
        refuse(&r, rows[i].challenge);
        assert_int_equal(r.n_done, 0);
        loop_run(w.loop);
        assert_string_equal(buf_z(&w.log), rows[i].said);
        request_close(&r);
        world_close(&w);
    }
}

static void test_cancelled(void **state)
{
    struct world w;
    struct request r[2];

    (void)state;
    world_open(&w, NULL, true);
    for (int i = 0; i < 2; i++) {
        request_open(&r[i], &w, "https://h.example.org/a");
        refuse(&r[i], NULL);
    }
    loop_run(w.loop);
    request_close(&r[0]); /* who opened the question goes; it stays open for the other */
    type(&w, "me");
    type(&w, "secret");
    assert_int_equal(r[0].n_done, 0);
    assert_int_equal(r[1].n_done, 1);
    refuse(&r[1], NULL);
    request_close(&r[1]);
    loop_run(w.loop);
    world_close(&w);
}

/* The end of a run, with a question open: nothing is asked any more, the terminal is free. */
static void test_stopped(void **state)
{
    struct world w;
    struct request r;

    (void)state;
    world_open(&w, NULL, true);
    request_open(&r, &w, "https://h.example.org/a");
    refuse(&r, NULL);
    loop_run(w.loop);
    assert_true(w.held);
    auth_stop(w.auth);
    assert_false(w.held);
    assert_null(w.answer);
    loop_run(w.loop);
    assert_int_equal(r.n_done, 0);
    request_close(&r);
    world_close(&w);
}

#define ME "echo '{\"username\": \"me\", \"password\": \"secret\"}'"

static void test_keyring_then_person(void **state)
{
    struct world w;
    struct request r;

    (void)state;
    world_open(&w, "exit 1", true);
    strs_add(&w.indexes, STR("https://h.example.org/simple"));
    request_open(&r, &w, "https://h.example.org/simple/a");
    refuse(&r, "Basic");
    loop_run(w.loop);
    expect_asked(&w, "--mode=creds --output=json get https://h.example.org/simple/\n"
                     "--mode=creds --output=json get h.example.org\n");
    type(&w, " me ");
    expect_asked(&w, "--mode=creds --output=json get https://h.example.org/simple/\n"
                     "--mode=creds --output=json get h.example.org\n"
                     "--mode=creds --output=json get h.example.org me\n");
    type(&w, "secret");
    type(&w, "no");
    assert_string_equal(buf_z(&w.log), "User for h.example.org: \nPassword: (secret)\n"
                                       "Save credentials to keyring [y/N]: \n"
                                       "/simple/a: again, PROMPT me:secret\n");
    struct auth_given sent = auth_find(w.auth, &r.wait.request);
    auth_succeeded(w.auth, &sent);
    assert_false(auth_is_saving(w.auth));
    request_close(&r);
    world_close(&w);
}

static void on_saved(void *ctx)
{
    struct world *w = ctx;

    buf_add_z(&w->log, "saved\n");
}

static void test_saved_when_right(void **state)
{
    struct world w;
    struct request r;

    (void)state;
    world_open(&w, "case $1 in set) cat >>\"$0.kept\" ;; *) exit 1 ;; esac", true);
    request_open(&r, &w, "https://h.example.org:8443/a");
    refuse(&r, NULL);
    loop_run(w.loop);
    type(&w, "me");
    type(&w, "secret");
    type(&w, "Y");
    buf_reset(&w.log);
    struct auth_given sent = auth_find(w.auth, &r.wait.request);
    auth_succeeded(w.auth, &sent);
    auth_succeeded(w.auth, &sent); /* once */
    assert_true(auth_is_saving(w.auth));
    auth_when_saved(w.auth, on_saved, &w);
    loop_run(w.loop);
    assert_false(auth_is_saving(w.auth));
    assert_string_equal(buf_z(&w.log), "saved\n");
    assert_true(temp_dir_has(&w.dir, "keyring.kept", STR("secret\n")));
    request_close(&r);
    world_close(&w);
}

/* The index is more particular than its host; each is asked for once. */
static void test_keyring_by_index(void **state)
{
    struct world w;
    struct request r[3];

    (void)state;
    world_open(&w, "case $4 in */one/) " ME " ;; *) exit 1 ;; esac", false);
    strs_add(&w.indexes, STR("https://h.example.org/one"));
    strs_add(&w.indexes, STR("https://h.example.org/two"));
    request_open(&r[0], &w, "https://h.example.org/one/a");
    request_open(&r[1], &w, "https://h.example.org/two/b");
    request_open(&r[2], &w, "https://h.example.org/one/c");
    for (int i = 0; i < 3; i++)
        refuse(&r[i], NULL);
    loop_run(w.loop);
    expect_asked(&w, "--mode=creds --output=json get https://h.example.org/one/\n"
                     "--mode=creds --output=json get https://h.example.org/two/\n"
                     "--mode=creds --output=json get h.example.org\n");
    assert_string_equal(buf_z(&w.log), "/one/a: again, KEYRING me:secret\n"
                                       "/one/c: again, KEYRING me:secret\n"
                                       "/two/b: refused, NONE\n");
    for (int i = 0; i < 3; i++)
        request_close(&r[i]);
    world_close(&w);
}

/* A name that is known is asked with, and an answer for another is not taken. */
static void test_keyring_by_user(void **state)
{
    struct world w;
    struct request r[2];

    (void)state;
    world_open(&w, "case $5 in me) " ME " ;; *) exit 1 ;; esac", false);
    request_open(&r[0], &w, "https://me@h.example.org/a");
    request_open(&r[1], &w, "https://you@h.example.org/b");
    refuse(&r[0], NULL);
    loop_run(w.loop);
    refuse(&r[1], NULL);
    loop_run(w.loop);
    expect_asked(&w, "--mode=creds --output=json get h.example.org me\n"
                     "--mode=creds --output=json get h.example.org you\n");
    assert_string_equal(buf_z(&w.log), "/a: again, KEYRING me:secret\n/b: refused, URL you:\n");
    request_close(&r[0]);
    request_close(&r[1]);
    world_close(&w);
}

/* Never what the credentials are. */
static void test_explain(void **state)
{
    static const struct {
        enum auth_source source;
        const char *challenge, *said;
    } rows[] = {
        { AUTH_NONE, NULL, "the server wants credentials (401), and there are none for it; put" },
        { AUTH_NONE, "Negotiate", "none for it; it asks for Negotiate, and dray can do only" },
        { AUTH_URL, "Basic", "refuses these credentials (401): those of the URL" },
        { AUTH_INDEX, NULL, "refuses these credentials (401): those of the index URL" },
        { AUTH_NETRC, NULL, "refuses these credentials (401): those of the netrc file" },
        { AUTH_KEYRING, "Digest", "those of the keyring; it asks for Digest, and dray" },
        { AUTH_PROMPT, NULL, "those of the prompt" },
        { AUTH_TOKEN, NULL, "refuses the token of --bearer-token (401)" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct auth_given g = { .source = rows[i].source, .user = "me", .password = "secret" };
        struct challenge c = challenge_parse(str_of(rows[i].challenge));
        struct err e = { 0 };
        assert_int_equal(auth_explain(&g, &c, "https://h.example.org/a", &e), ERR_STATUS);
        assert_true(str_starts(str_of(err_text(&e)), STR("https://h.example.org/a: ")));
        assert_true(str_search(str_of(err_text(&e)), str_of(rows[i].said)) >= 0);
        assert_true(str_search(str_of(err_text(&e)), STR("secret")) < 0);
        err_done(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_one_prompt_for_all),
        cmocka_unit_test(test_one_question_at_a_time),
        cmocka_unit_test(test_learned_meanwhile),
        cmocka_unit_test(test_nobody_to_ask),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_keyring_then_person),
        cmocka_unit_test(test_saved_when_right),
        cmocka_unit_test(test_keyring_by_index),
        cmocka_unit_test(test_keyring_by_user),
        cmocka_unit_test(test_explain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
