/* A process that has a queue is killed at any moment, again and again: what it told of is there,
 * and no number of an event is missing or comes twice. */
#include "queue_world.h"

#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "dray/util/clock.h"

enum { ROUNDS = 50, JOBS_MAX = 20000, LIFE_MS = 60, SHORT = 8, LONG = 20000 };

/* What the child tells, once it is so: job `id` is accepted (seq 0), or its events up to `seq`. */
struct told {
    int64_t id, seq;
};

struct book {
    int64_t seq[JOBS_MAX]; /* by id: -1: nothing was told of it */
    int64_t last;          /* the greatest id that was told */
    size_t n;
};

static void tell(int fd, int64_t id, int64_t seq)
{
    struct told told = { id, seq };

    if (write(fd, &told, sizeof(told)) != (ssize_t)sizeof(told)) /* less than PIPE_BUF: whole */
        _exit(2);
}

static int64_t put_one(struct queue *q, int64_t n)
{
    static char text[LONG + 1];
    struct err e = { 0 };
    struct queue_put put = { 0 };

    /* A long one goes over many pages. */
    snprintf(text, sizeof(text), "%0*lld", n % 3 ? SHORT : LONG, (long long)n);
    struct queue_new job = { .text = str_of(text), .name = STR("n") };
    if (queue_put(q, &job, &put, &e))
        _exit(3);
    return put.id;
}

/* Jobs and events of it and of the job before, in batches, until it is killed. */
static void live(const char *directory, int fd)
{
    struct err e = { 0 };
    struct queue *q = queue_open(directory, &e);
    int64_t before = 0;

    alarm(60); /* should the parent fail */
    for (int64_t n = 0; q && n < JOBS_MAX; n++) {
        int64_t ids[] = { put_one(q, n), before }, seqs[] = { 0, 0 };
        tell(fd, ids[0], 0);
        for (int i = 0; i < 40; i++) {
            for (int k = 0; k < (before ? 2 : 1); k++) {
                char text[32];
                int64_t seq = 0;
                if (queue_last_seq(q, ids[k], &seq, &e))
                    _exit(4);
                snprintf(text, sizeof(text), "%lld", (long long)(seqs[k] ? seqs[k] + 1 : seq + 1));
                if (queue_event(q, ids[k], str_of(text), &seqs[k], &e))
                    _exit(5);
            }
            if (i % 8 != 7)
                continue;
            if (queue_flush(q, &e))
                _exit(6);
            for (int k = 0; k < (before ? 2 : 1); k++)
                tell(fd, ids[k], seqs[k]);
        }
        before = ids[0];
    }
    _exit(7);
}

/* A number below `n`. */
static uint64_t chance(uint64_t n)
{
    uint64_t got = 0;

    assert_int_equal(getrandom(&got, sizeof(got), 0), sizeof(got));
    return got % n;
}

static void note(struct book *b, const struct told *told)
{
    assert_true(told->id > 0 && told->id < JOBS_MAX);
    assert_true(told->seq >= b->seq[told->id]);
    b->seq[told->id] = told->seq;
    if (told->id > b->last)
        b->last = told->id;
    b->n++;
}

/* Reads what comes until its end; kills the child after `us`. */
static void watch(struct book *b, int fd, pid_t child, uint64_t us)
{
    uint64_t end = clock_us() + us;
    bool killed = false;
    struct told told;

    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        uint64_t now = clock_us();
        if (!killed && now >= end) {
            assert_int_equal(kill(child, SIGKILL), 0);
            killed = true;
        }
        if (poll(&p, 1, killed ? -1 : (int)((end - now) / 1000)) == 0)
            continue;
        ssize_t n = read(fd, &told, sizeof(told));
        if (n == 0)
            break;
        assert_int_equal(n, sizeof(told));
        note(b, &told);
    }
    assert_true(killed);
}

static void live_and_die(struct book *b, const char *directory)
{
    int fds[2], status = 0;

    assert_int_equal(pipe(fds), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        live(directory, fds[1]);
    }
    close(fds[1]);
    watch(b, fds[0], child, 1000 * chance(LIFE_MS) + chance(1000));
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* All of the events of one, in order; how many. */
static int64_t read_all(struct queue *q, int64_t id)
{
    struct queue_world_seen seen = { .next = 1, .max = SIZE_MAX, .prefix = "" };
    size_t before;

    do {
        struct queue_page p = { .job = id, .since = seen.next - 1, .max = 100 };
        before = seen.n;
        assert_int_equal(queue_events_read(q, &p, queue_world_see, &seen, &(struct err){ 0 }), 0);
    } while (seen.n != before);
    return seen.next - 1;
}

static void check(const struct book *b, struct queue *q, int64_t from)
{
    for (int64_t id = from; id <= b->last; id++) {
        struct buf text = { 0 };
        struct err e = { 0 };
        if (b->seq[id] < 0)
            continue;
        if (queue_text(q, id, &text, &e))
            fail_msg("%s", err_text(&e));
        assert_true(text.n == SHORT || text.n == LONG);
        int64_t n = read_all(q, id);
        if (n < b->seq[id])
            fail_msg("job %lld has %lld events of %lld", (long long)id, (long long)n,
                     (long long)b->seq[id]);
        assert_int_equal(queue_world_last(q, id), n);
        buf_done(&text);
    }
}

static void test_killed(void **state)
{
    struct temp_dir d;
    struct book *b = calloc(1, sizeof(*b));

    (void)state;
    temp_dir_open(&d);
    memset(b->seq, -1, sizeof(b->seq));
    for (int round = 0; round < ROUNDS; round++) {
        int64_t before = b->last;
        live_and_die(b, d.path);
        struct queue *q = queue_world_open(d.path);
        check(b, q, before);
        queue_close(q);
    }
    struct queue *q = queue_world_open(d.path);
    check(b, q, 1);
    assert_true(b->n > ROUNDS && b->last > ROUNDS); /* they did live */
    assert_true(queue_world_put(q, "x", JOB_LOW) > b->last);
    queue_close(q);
    const char *wrong = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
    assert_int_equal(queue_world_sql(d.path, wrong), 0);
    free(b);
    temp_dir_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_killed) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
