/* daemon/listener: whose socket it is, what is replaced, and what is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dray/daemon/listener.h"

#include "temp_dir.h"

static struct temp_dir dir;
static struct err e;

static int open_dir(void **state)
{
    (void)state;
    temp_dir_open(&dir);
    return 0;
}

static int close_dir(void **state)
{
    (void)state;
    err_done(&e);
    temp_dir_close(&dir);
    return 0;
}

static void expect_error(int got, int code, const char *text)
{
    assert_int_equal(got, code);
    if (str_search(str_of(err_text(&e)), str_of(text)) < 0)
        fail_msg("%s", err_text(&e));
    err_done(&e);
}

static void test_mode_and_removal(void **state)
{
    const char *path = temp_dir_at(&dir, "socket");
    struct listener l;
    struct stat st;

    (void)state;
    assert_int_equal(listener_open_unix(&l, path, 0600, &e), 0);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_string_equal(l.where, path);
    listener_close(&l);
    assert_int_equal(lstat(path, &st), -1);
    listener_close(&l);
}

static void test_two_daemons(void **state)
{
    const char *path = temp_dir_at(&dir, "socket");
    struct listener first, second;

    (void)state;
    assert_int_equal(listener_open_unix(&first, path, 0600, &e), 0);
    expect_error(listener_open_unix(&second, path, 0600, &e), ERR_CONFLICT,
                 "a daemon is already listening on ");
    /* One that knows no such lock is found by asking. */
    assert_int_equal(unlink(temp_dir_at(&dir, "socket.lock")), 0);
    expect_error(listener_open_unix(&second, path, 0600, &e), ERR_CONFLICT,
                 "a daemon is already listening on ");
    listener_close(&first);
}

/* As after kill -9: the file is there, and nobody listens. */
static void test_dead_socket(void **state)
{
    const char *path = temp_dir_at(&dir, "socket");
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct listener l;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    memcpy(at.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    assert_int_equal(listener_open_unix(&l, path, 0600, &e), 0);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    /* Another one's, in the place of ours, is left alone. */
    struct listener other;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(temp_dir_at(&dir, "socket.lock")), 0);
    assert_int_equal(listener_open_unix(&other, path, 0600, &e), 0);
    listener_close(&l);
    assert_int_equal(access(path, F_OK), 0);
    listener_close(&other);
}

static void test_places(void **state)
{
    struct listener l;
    struct buf name = { 0 };
    const char *path = temp_dir_at(&dir, "file");

    (void)state;
    assert_int_equal(file_write(path, STR("mine"), &e), 0);
    expect_error(listener_open_unix(&l, path, 0600, &e), ERR_IO, "is no socket");
    assert_int_equal(access(path, F_OK), 0);
    expect_error(listener_open_unix(&l, temp_dir_at(&dir, "none/socket"), 0600, &e), ERR_IO,
                 "none");
    expect_error(listener_open_unix(&l, temp_dir_at(&dir, "file/socket"), 0600, &e), ERR_IO,
                 "no directory");
    expect_error(listener_open_unix(&l, "", 0600, &e), ERR_LIMIT, "shorter");
    for (int i = 0; i < 200; i++)
        buf_add_c(&name, 'x');
    expect_error(listener_open_unix(&l, temp_dir_at(&dir, buf_z(&name)), 0600, &e), ERR_LIMIT,
                 "shorter");
    buf_done(&name);
    assert_int_equal(chmod(dir.path, 0777), 0);
    expect_error(listener_open_unix(&l, temp_dir_at(&dir, "socket"), 0600, &e), ERR_IO,
                 "chmod go-w");
    assert_int_equal(chmod(dir.path, 0770), 0);
    expect_error(listener_open_unix(&l, temp_dir_at(&dir, "socket"), 0600, &e), ERR_IO,
                 "chmod go-w");
    assert_int_equal(chmod(dir.path, 0700), 0);
    assert_int_equal(symlink("nowhere", temp_dir_at(&dir, "link.lock")), 0);
    expect_error(listener_open_unix(&l, temp_dir_at(&dir, "link"), 0600, &e), ERR_IO, "link.lock");
}

static void test_tcp(void **state)
{
    static const char *const wrong[] = { "",
                                         "127.0.0.1",
                                         "localhost:80",
                                         "::1:80",
                                         "127.0.0.1:65536",
                                         "127.0.0.1:",
                                         "[127.0.0.1]:80",
                                         "[::1]",
                                         "[::1]:x",
                                         ":80",
                                         "127.0.0.1:-1" };
    struct listener l, again;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        expect_error(listener_open_tcp(&l, wrong[i], &e), ERR_INPUT, "no address to listen on");
    assert_int_equal(listener_open_tcp(&l, "127.0.0.1:0", &e), 0);
    assert_true(str_starts(str_of(l.where), STR("127.0.0.1:")));
    expect_error(listener_open_tcp(&again, l.where, &e), ERR_CONFLICT, "another port");
    listener_close(&l);
    if (listener_open_tcp(&l, "[::1]:0", &e) == 0)
        assert_true(str_starts(str_of(l.where), STR("[::1]:")));
    listener_close(&l);
    err_done(&e);
}

static void test_inherited(void **state)
{
    const char *path = temp_dir_at(&dir, "theirs");
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    struct listener l;
    int pair[2], fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    memcpy(at.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(listener_take(&l, fd, &e), 0);
    assert_true(l.is_local);
    assert_string_equal(l.where, path);
    assert_true(fcntl(l.fd, F_GETFD) & FD_CLOEXEC);
    listener_close(&l);
    assert_int_equal(access(path, F_OK), 0); /* it stays */
    assert_int_equal(pipe(pair), 0);
    expect_error(listener_take(&l, pair[0], &e), ERR_INPUT, "ListenStream");
    close(pair[1]);
    expect_error(listener_take(&l, socket(AF_UNIX, SOCK_STREAM, 0), &e), ERR_INPUT, "ListenStream");
    expect_error(listener_take(&l, socket(AF_UNIX, SOCK_DGRAM, 0), &e), ERR_INPUT, "ListenStream");
}

#define IN_DIR(test) cmocka_unit_test_setup_teardown(test, open_dir, close_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_DIR(test_mode_and_removal), IN_DIR(test_two_daemons), IN_DIR(test_dead_socket),
        IN_DIR(test_places),           IN_DIR(test_tcp),         IN_DIR(test_inherited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
