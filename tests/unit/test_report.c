/* Two made-up runs and the whole documents that they must give:
 * tests/data/report/{run,dry_run}.json. In them @VERSION@ stands for the version of this build. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dray/ui/report.h"
#include "dray/util/file.h"
#include "dray_config.h"

enum { DOCUMENT_BYTES_MAX = 1 << 20 };

static void read_file(const char *path, struct buf *out)
{
    struct err e = { 0 };

    if (file_read(path, DOCUMENT_BYTES_MAX, out, &e))
        fail_msg("%s", err_text(&e));
}

static void read_wanted(const char *name, struct buf *out)
{
    struct buf path = { 0 }, raw = { 0 };
    ptrdiff_t at;

    buf_add_f(&path, TEST_DATA "/report/%s", name);
    read_file(buf_z(&path), &raw);
    struct str rest = buf_str(&raw);
    while ((at = str_search(rest, STR("@VERSION@"))) >= 0) {
        buf_add_str(out, str_sub(rest, 0, (size_t)at));
        buf_add_z(out, DRAY_VERSION);
        rest = str_sub(rest, (size_t)at + strlen("@VERSION@"), rest.n);
    }
    buf_add_str(out, rest);
    buf_done(&path);
    buf_done(&raw);
}

static void expect(const struct settings *s, const struct job_result *r, const char *name)
{
    char dir[] = "/tmp/dray-report-XXXXXX";
    struct buf path = { 0 }, got = { 0 }, want = { 0 };
    struct err e = { 0 };

    assert_non_null(mkdtemp(dir));
    buf_add_f(&path, "%s/report.json", dir);
    assert_int_equal(report_write(buf_z(&path), s, r, &e), 0);
    read_file(buf_z(&path), &got);
    read_wanted(name, &want);
    unlink(buf_z(&path));
    rmdir(dir);
    if (!str_eq(buf_str(&got), buf_str(&want))) {
        fprintf(stderr, "%s", buf_z(&got));
        fail_msg("the document is not that of %s", name);
    }
    buf_done(&path);
    buf_done(&got);
    buf_done(&want);
}

static struct digest digest_of(enum digest_alg alg, unsigned char byte)
{
    struct digest d = { .alg = alg };

    memset(d.bytes, byte, digest_size(alg));
    return d;
}

static void test_run(void **state)
{
    const struct marker_env cpython = {
        .implementation_name = STR("cpython"),
        .implementation_version = STR("3.12.1"),
        .os_name = STR("posix"),
        .platform_machine = STR("x86_64"),
        .platform_python_implementation = STR("CPython"),
        .platform_release = STR("6.1.0"),
        .platform_system = STR("Linux"),
        .platform_version = STR("#1 SMP"),
        .python_full_version = STR("3.12.1"),
        .python_version = STR("3.12"),
        .sys_platform = STR("linux"),
    };
    struct fetch_view fetched = {
        .label = STR("flask>=3"),
        .project = STR("flask"),
        .version = STR("3.0.2"),
        .filename = STR("flask-3.0.2-py3-none-any.whl"),
        .url = STR("https://files.example.org/flask-3.0.2-py3-none-any.whl"),
        .path = STR("wheels/flask-3.0.2-py3-none-any.whl"),
        .yanked_reason = STR(""),
        .state = FETCH_DONE,
        .body_bytes = 101300,
        .got_bytes = 101300,
        .sha256 = digest_of(DIGEST_SHA256, 0xab),
    };
    struct fetch_view kept = {
        .label = STR("./caf\xe9 \"1\".tar.gz"),
        .project = STR("cafe"),
        .version = STR("1"),
        .filename = STR("cafe-1.tar.gz"),
        .url = STR("file:///cafe-1.tar.gz"),
        .path = STR("cafe-1.tar.gz"),
        .is_direct = true,
        .state = FETCH_DONE,
        .origin = FETCH_KEPT,
        .body_bytes = FETCH_BYTES_UNKNOWN,
        .sha256 = digest_of(DIGEST_SHA256, 0x01),
    };
    struct fetch_view failed = { .label = STR("nosuch"), .state = FETCH_FAILED };
    struct fetch_view cut_off = { .label = STR("big"), .state = FETCH_BODY };
    const struct fetch_view *fetches[] = { &fetched, &failed, &kept, &cut_off };
    struct job_result r = { .fetches = fetches, .n = 4, .env = &cpython };

    (void)state;
    err_set(&failed.err, ERR_NOT_FOUND, "no such project\non https://index.example.org/");
    expect(&(struct settings){ 0 }, &r, "run.json");
    err_done(&failed.err);
}

/* Nothing is here yet: the promised digests, but not those of which the file will have only one. */
static void test_dry_run(void **state)
{
    const struct digest promised[] = {
        digest_of(DIGEST_MD5, 0x05),
        digest_of(DIGEST_SHA512, 0x51),
        digest_of(DIGEST_SHA256, 0x25),
        digest_of(DIGEST_SHA256, 0x25),
    };
    const struct digest allowed[] = { digest_of(DIGEST_SHA256, 0x01),
                                      digest_of(DIGEST_SHA256, 0x02),
                                      digest_of(DIGEST_SHA1, 0x03) };
    struct fetch_view one = {
        .project = STR("one"),
        .version = STR("1"),
        .filename = STR("one-1.tar.gz"),
        .url = STR("https://files.example.org/one-1.tar.gz"),
        .state = FETCH_DONE,
        .body_bytes = 7,
        .digests = promised,
        .n_digests = 4,
    };
    struct fetch_view several = one, none = one;
    const struct fetch_view *fetches[] = { &one, &several, &none };
    struct job_result r = { .fetches = fetches, .n = 3 };

    (void)state;
    several.digests = allowed;
    several.n_digests = 3;
    none.n_digests = 0;
    none.body_bytes = FETCH_BYTES_UNKNOWN;
    none.version = STR_NONE;
    expect(&(struct settings){ .dry_run = true }, &r, "dry_run.json");
}

static void test_cannot_write(void **state)
{
    struct job_result r = { 0 };
    struct err e = { 0 };

    (void)state;
    assert_int_equal(report_write("/nonexistent/report.json", &(struct settings){ 0 }, &r, &e),
                     ERR_IO);
    assert_non_null(strstr(err_text(&e), "/nonexistent/report.json"));
    err_done(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_cannot_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
