/* daemon/notify: what the service manager gets to hear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dray/daemon/notify.h"

#include "temp_dir.h"

static void test_path(void **state)
{
    struct temp_dir dir;
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct err e = { 0 };
    char got[64] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    (void)state;
    temp_dir_open(&dir);
    const char *path = temp_dir_at(&dir, "notify");
    memcpy(at.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    assert_int_equal(notify_send("READY=1", &e), 0);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 7);
    assert_string_equal(got, "READY=1");
    close(fd);
    assert_int_equal(notify_send("READY=1", &e), ERR_IO);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(notify_send("READY=1", &e), 0);
    err_done(&e);
    temp_dir_close(&dir);
}

static void test_abstract(void **state)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct err e = { 0 };
    char name[64], got[64] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    (void)state;
    snprintf(name, sizeof(name), "@dray-test-%ld", (long)getpid());
    memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (bind(fd, (struct sockaddr *)&at, n) != 0)
        skip();
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(notify_send("STOPPING=1", &e), 0);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 10);
    close(fd);
    unsetenv("NOTIFY_SOCKET");
    err_done(&e);
}

static void test_wrong(void **state)
{
    static const char *const wrong[] = { "relative", "@", "/", "vsock:2:1" };
    struct err e = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        setenv("NOTIFY_SOCKET", wrong[i], 1);
        assert_int_equal(notify_send("READY=1", &e), ERR_INPUT);
    }
    char text[300];
    memset(text, 'x', sizeof(text) - 1);
    text[0] = '/';
    text[sizeof(text) - 1] = '\0';
    setenv("NOTIFY_SOCKET", text, 1);
    assert_int_equal(notify_send("READY=1", &e), ERR_INPUT);
    unsetenv("NOTIFY_SOCKET");
    err_done(&e);
}

static void test_watchdog(void **state)
{
    char pid[32];

    (void)state;
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(notify_watchdog_ms(), 30000);
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ms(), 30000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_ms(), 0);
    setenv("WATCHDOG_PID", pid, 1);
    static const char *const none[] = { "", "0", "-1", "x", "99999999999999999999999" };
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        setenv("WATCHDOG_USEC", none[i], 1);
        assert_int_equal(notify_watchdog_ms(), 0);
    }
    setenv("WATCHDOG_USEC", "1", 1);
    assert_int_equal(notify_watchdog_ms(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_abstract),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_watchdog),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
