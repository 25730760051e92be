/* Pages from disk, in slices of a real loop; over http they are tested with servers (tests/flow).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/page.h"
#include "local_world.h"

struct asked {
    struct local_world w;
    const struct page_answer *answer;
    unsigned calls;
};

static void told(void *ctx, const struct page_answer *answer)
{
    struct asked *a = ctx;

    a->answer = answer;
    a->calls++;
    loop_stop(a->w.loop);
}

static struct page *ask(struct asked *a, struct str url)
{
    a->calls = 0;
    struct page *p = page_start(&a->w.pages, url.p, told, a);
    assert_int_equal(a->calls, 0); /* later, never from inside */
    assert_true(world_run(&a->w));
    assert_int_equal(a->calls, 1);
    return p;
}

static void ask_fails(struct asked *a, struct str url, int code, const char *part)
{
    struct page *p = ask(a, url);

    assert_int_equal(a->answer->err.code, code);
    assert_null(a->answer->listing);
    if (!strstr(err_text(&a->answer->err), part))
        fail_msg("\"%s\" does not say \"%s\"", err_text(&a->answer->err), part);
    page_destroy(p);
    assert_non_null(strstr(buf_z(&a->w.told), err_name(code)));
    buf_reset(&a->w.told);
}

static void test_listing(void **state)
{
    static const char html[] = "<a href='x-1.0-py3-none-any.whl#sha256=00'>x</a>"
                               "<a href='../f/x-1.1.tar.gz'>x</a>";
    struct asked a;

    (void)state;
    world_open(&a.w);
    temp_dir_put(&a.w.dir, "simple/x/index.html", str_of(html));
    struct str url = temp_dir_url(&a.w.dir, "simple/x/");
    struct page *p = ask(&a, url);
    assert_int_equal(a.answer->err.code, 0);
    assert_int_equal(a.answer->listing->n, 2);
    assert_true(str_is(a.answer->listing->files[1].filename, "x-1.1.tar.gz"));
    assert_true(str_eq(a.answer->base, url));
    struct str want = arena_f(&a.w.dir.arena, "page ok %zu %s\n", sizeof(html) - 1, url.p);
    assert_string_equal(buf_z(&a.w.told), want.p);
    page_destroy(p);
    world_close(&a.w);
}

static void test_base(void **state)
{
    struct asked a;

    (void)state;
    world_open(&a.w);
    temp_dir_put(&a.w.dir, "p.html", STR("<base href='https://files.example.org/d/'><a href='x'>"));
    temp_dir_put(&a.w.dir, "q.html", STR("<base href='sub/'><a href='x'>"));
    struct page *p = ask(&a, temp_dir_url(&a.w.dir, "p.html"));
    assert_true(str_is(a.answer->base, "https://files.example.org/d/"));
    page_destroy(p);
    p = ask(&a, temp_dir_url(&a.w.dir, "q.html"));
    assert_true(str_eq(a.answer->base, temp_dir_url(&a.w.dir, "sub/")));
    page_destroy(p);
    world_close(&a.w);
}

static void test_failures(void **state)
{
    struct asked a;

    (void)state;
    world_open(&a.w);
    temp_dir_put(&a.w.dir, "new.html",
                 STR("<meta name='pypi:repository-version' content='2.0'><a href='x'>x</a>"));
    temp_dir_put(&a.w.dir, "dir/index.html/x", STR(""));
    ask_fails(&a, temp_dir_url(&a.w.dir, "none/"), ERR_NOT_FOUND, "none/index.html");
    ask_fails(&a, temp_dir_url(&a.w.dir, "dir/"), ERR_IO, "is not a file");
    ask_fails(&a, temp_dir_url(&a.w.dir, "new.html"), ERR_UNSUPPORTED, "new.html");
    ask_fails(&a, STR("file://example.org/x/"), ERR_INPUT, "example.org");
    /* Refused before anything is sent. */
    ask_fails(&a, STR("http://index.example.org/x/"), ERR_USAGE,
              "--trusted-host index.example.org");
    ask_fails(&a, STR("http://127.example.org/x/"), ERR_USAGE, "--trusted-host 127.example.org");
    ask_fails(&a, STR("http://[2001:db8::1]/x/"), ERR_USAGE, "not encrypted");
    temp_dir_put(&a.w.dir, "base.html",
                 STR("<base href='gopher://example.org/'><a href='foo-1.zip'>x</a>"));
    ask_fails(&a, temp_dir_url(&a.w.dir, "base.html"), ERR_INPUT, "base.html");
    ask_fails(&a, STR("ftp://index.example.org/x/"), ERR_INPUT, "ftp");
    ask_fails(&a, STR("http://[::1/"), ERR_INPUT, "::1");
    world_close(&a.w);
}

/* Of many slices: a timer runs in between, and it can be given up half-way. */
static void tick(void *ctx)
{
    loop_stop(ctx);
}

static void test_large_page_in_slices(void **state)
{
    enum { FILES = 40000 };
    struct asked a;
    struct buf html = { 0 };

    (void)state;
    world_open(&a.w);
    for (int i = 0; i < FILES; i++)
        buf_add_f(&html, "<a href='https://files.example.org/x-1.%d-py3-none-any.whl'>x</a>\n", i);
    temp_dir_put(&a.w.dir, "large.html", buf_str(&html));
    struct str url = temp_dir_url(&a.w.dir, "large.html");
    struct loop_timer *timer = loop_timer_create(a.w.loop, tick, a.w.loop);
    a.calls = 0;
    struct page *p = page_start(&a.w.pages, url.p, told, &a);
    loop_timer_start(timer, 0);
    assert_true(world_run(&a.w));
    assert_int_equal(a.calls, 0); /* the timer came first */
    page_destroy(p);
    world_settle(&a.w);
    assert_int_equal(a.calls, 0);
    assert_string_equal(buf_z(&a.w.told), "");

    p = ask(&a, url);
    assert_int_equal(a.answer->listing->n, FILES);
    assert_true(str_is(a.answer->listing->files[FILES - 1].filename, "x-1.39999-py3-none-any.whl"));
    page_destroy(p);
    page_destroy(NULL);
    loop_timer_destroy(timer);
    buf_done(&html);
    world_close(&a.w);
}

static void test_given_up_at_once(void **state)
{
    struct asked a;

    (void)state;
    world_open(&a.w);
    a.calls = 0;
    page_destroy(page_start(&a.w.pages, "file:///nowhere/", told, &a));
    page_destroy(page_start(&a.w.pages, "http://index.example.org/", told, &a));
    world_settle(&a.w);
    assert_int_equal(a.calls, 0);
    world_close(&a.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listing),          cmocka_unit_test(test_base),
        cmocka_unit_test(test_failures),         cmocka_unit_test(test_large_page_in_slices),
        cmocka_unit_test(test_given_up_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
