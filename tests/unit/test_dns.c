/* net/dns as far as that goes without a name server: literal addresses, localhost, and a hosts
 * file of the test's own, to which CARES_HOSTS points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "dray/net/dns.h"
#include "dray/util/buf.h"

struct asker {
    struct loop *loop;
    struct dns *dns;
    struct buf heard; /* "a,b;" an answer; "!message;" a failure */
    bool again;
    struct dns_query *victim; /* cancelled from within an answer */
    const char *next_host;    /* asked from within an answer */
};

static void on_answer(void *ctx, const struct dns_answer *answer)
{
    struct asker *a = ctx;

    a->again = answer->again;
    assert_true((answer->code == 0) == (answer->n > 0));
    if (answer->code)
        buf_add_f(&a->heard, "!%s", answer->message);
    for (size_t i = 0; i < answer->n; i++)
        buf_add_f(&a->heard, "%s%s", i ? "," : "", answer->addresses[i].text);
    buf_add_c(&a->heard, ';');
    if (a->victim) {
        dns_cancel(a->victim);
        a->victim = NULL;
    }
    if (a->next_host) {
        const char *host = a->next_host;
        a->next_host = NULL;
        dns_start(a->dns, host, on_answer, a);
    }
}

static void asker_open(struct asker *a)
{
    struct err e = { 0 };

    *a = (struct asker){ .loop = loop_open(&e) };
    assert_non_null(a->loop);
    a->dns = dns_open(a->loop, DNS_CARES, &e);
    assert_non_null(a->dns);
}

static void asker_close(struct asker *a)
{
    dns_close(a->dns);
    loop_close(a->loop);
    buf_done(&a->heard);
}

static void expect(struct asker *a, const char *heard)
{
    assert_int_equal(a->heard.n, 0); /* nothing from inside dns_start() */
    assert_false(loop_run(a->loop));
    assert_string_equal(buf_z(&a->heard), heard);
    buf_reset(&a->heard);
}

static void test_literal(void **state)
{
    struct asker a;

    (void)state;
    asker_open(&a);
    dns_start(a.dns, "192.0.2.1", on_answer, &a);
    dns_start(a.dns, "2001:db8::1", on_answer, &a);
    expect(&a, "192.0.2.1;2001:db8::1;");
    asker_close(&a);
}

/* RFC 6761 section 6.3 */
static void test_localhost(void **state)
{
    struct asker a;

    (void)state;
    asker_open(&a);
    dns_start(a.dns, "localhost", on_answer, &a);
    dns_start(a.dns, "a.LOCALHOST.", on_answer, &a);
    expect(&a, "::1,127.0.0.1;::1,127.0.0.1;");
    asker_close(&a);
}

static void test_hosts_file(void **state)
{
    struct asker a;

    (void)state;
    asker_open(&a);
    dns_start(a.dns, "two.example.org", on_answer, &a);
    dns_start(a.dns, "two.example.org", on_answer, &a);
    expect(&a, "127.0.0.2,127.0.0.1;127.0.0.2,127.0.0.1;");
    dns_start(a.dns, "two.example.org", on_answer, &a);
    expect(&a, "127.0.0.2,127.0.0.1;"); /* remembered, and still later */
    asker_close(&a);
}

static void test_demote(void **state)
{
    struct asker a;

    (void)state;
    asker_open(&a);
    dns_demote(a.dns, "two.example.org", "127.0.0.2"); /* never heard of */
    dns_start(a.dns, "two.example.org", on_answer, &a);
    expect(&a, "127.0.0.2,127.0.0.1;");
    dns_demote(a.dns, "two.example.org", "192.0.2.1");
    dns_demote(a.dns, "two.example.org", "127.0.0.2");
    dns_start(a.dns, "two.example.org", on_answer, &a);
    expect(&a, "127.0.0.1,127.0.0.2;");
    asker_close(&a);
}

static void test_cancel(void **state)
{
    struct asker a;

    (void)state;
    asker_open(&a);
    dns_cancel(dns_start(a.dns, "two.example.org", on_answer, &a));
    dns_cancel(dns_start(a.dns, "192.0.2.1", on_answer, &a));
    expect(&a, "");
    dns_start(a.dns, "192.0.2.1", on_answer, &a);
    a.victim = dns_start(a.dns, "192.0.2.1", on_answer, &a);
    a.next_host = "192.0.2.1";
    expect(&a, "192.0.2.1;192.0.2.1;"); /* the first, and the one that it asked for */
    asker_close(&a);
}

static void test_cancel_while_asking(void **state)
{
    struct asker a;

    (void)state;
    asker_open(&a);
    dns_cancel(dns_start(a.dns, "name.invalid", on_answer, &a));
    asker_close(&a); /* c-ares is still asking, or has been refused: no word of it */
    assert_int_equal(a.heard.n, 0);
}

static void test_bad_name(void **state)
{
    struct asker a;
    struct buf name = { 0 };

    (void)state;
    asker_open(&a);
    for (int i = 0; i < 64; i++) /* RFC 1035 section 2.3.4: a label has 63 at most */
        buf_add_c(&name, 'x');
    buf_add_z(&name, ".example.org");
    dns_start(a.dns, buf_z(&name), on_answer, &a);
    assert_false(loop_run(a.loop));
    assert_non_null(strstr(buf_z(&a.heard), "!the name xxx"));
    assert_false(a.again);
    buf_done(&name);
    asker_close(&a);
}

static int write_hosts(void **state)
{
    static char path[] = "/tmp/dray-hosts-XXXXXX";

    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f)
        return -1;
    fputs("127.0.0.2 two.example.org\n127.0.0.1 two.example.org\n", f);
    fclose(f);
    *state = path;
    return setenv("CARES_HOSTS", path, 1);
}

static int remove_hosts(void **state)
{
    return remove(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literal),    cmocka_unit_test(test_localhost),
        cmocka_unit_test(test_hosts_file), cmocka_unit_test(test_demote),
        cmocka_unit_test(test_cancel),     cmocka_unit_test(test_cancel_while_asking),
        cmocka_unit_test(test_bad_name),
    };

    return cmocka_run_group_tests(tests, write_hosts, remove_hosts);
}
