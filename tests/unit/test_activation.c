/* daemon/activation: which descriptors are this process's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dray/daemon/activation.h"

static void test_count(void **state)
{
    static const struct {
        const char *pid, *fds;
        int code;
        unsigned n;
    } cases[] = {
        { NULL, NULL, 0, 0 },        { "7", NULL, 0, 0 },
        { NULL, "1", 0, 0 },         { "7", "1", 0, 1 },
        { "7", "16", 0, 16 },        { "8", "1", 0, 0 },
        { "7", "0", 0, 0 },          { "7", "17", ERR_LIMIT, 0 },
        { "7", "-1", ERR_INPUT, 0 }, { "7", "", ERR_INPUT, 0 },
        { "x", "1", ERR_INPUT, 0 },  { "7", "1 ", ERR_INPUT, 0 },
        { "8", "99", 0, 0 },         { "7", "4294967297", ERR_INPUT, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct err e = { 0 };
        unsigned n;
        assert_int_equal(activation_count(str_of(cases[i].pid), str_of(cases[i].fds), 7, &n, &e),
                         cases[i].code);
        assert_int_equal(n, cases[i].n);
        err_done(&e);
    }
}

/* In a child, as descriptors 3 and 4 are to be taken. */
static int take_in_child(void)
{
    struct activation a;
    struct err e = { 0 };
    char pid[32];
    bool ok = true;

    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    dup2(0, 3);
    dup2(0, 4);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "api", 1);
    ok = ok && activation_take(&a, &e) == 0 && a.n == 2;
    ok = ok && a.sockets[0].fd == 3 && str_is(STR("api"), a.sockets[0].name);
    ok = ok && a.sockets[1].fd == 4 && a.sockets[1].name[0] == '\0';
    ok = ok && (fcntl(3, F_GETFD) & FD_CLOEXEC) && (fcntl(4, F_GETFD) & FD_CLOEXEC);
    ok = ok && !getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && !getenv("LISTEN_FDNAMES");
    activation_done(&a);
    close(4);
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "2", 1);
    ok = ok && activation_take(&a, &e) == ERR_IO && a.n == 0;
    err_done(&e);
    return ok ? 0 : 1;
}

static void test_take(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(take_in_child());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_take),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
