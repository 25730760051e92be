/* Runs a command and writes down what it took: wall time, CPU time and peak memory of it and of all
 * its children. A program of its own because Linux counts the memory of whoever forks towards the
 * peak of what is then executed (exec keeps signal->maxrss): a child of a Python process never
 * seems to need less than Python does.
 *
 * usage: measure FILE COMMAND [ARGUMENT...]; FILE gets one line of JSON; exits as the command did.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dray/util/clock.h"

enum { EXIT_NOT_RUN = 127, EXIT_BY_SIGNAL = 128 };

extern char **environ;

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static long peak_kib(const struct rusage *used)
{
#ifdef __APPLE__
    return used->ru_maxrss / 1024; /* bytes there */
#else
    return used->ru_maxrss;
#endif
}

static int write_result(const char *path, double wall_s, const struct rusage *used)
{
    FILE *out = fopen(path, "w");

    if (!out) {
        fprintf(stderr, "measure: %s: %s\n", path, strerror(errno));
        return EXIT_NOT_RUN;
    }
    fprintf(out, "{\"wall_s\": %.6f, \"user_s\": %.6f, \"system_s\": %.6f, \"peak_kib\": %ld}\n",
            wall_s, seconds(used->ru_utime), seconds(used->ru_stime), peak_kib(used));
    return fclose(out) == 0 ? 0 : EXIT_NOT_RUN;
}

int main(int argc, char **argv)
{
    struct rusage used;
    pid_t child;
    int status;

    if (argc < 3) {
        fputs("usage: measure FILE COMMAND [ARGUMENT...]\n", stderr);
        return EXIT_NOT_RUN;
    }
    uint64_t began_us = clock_us();
    int code = posix_spawnp(&child, argv[2], NULL, NULL, argv + 2, environ);
    if (code) {
        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(code));
        return EXIT_NOT_RUN;
    }
    /* What wait4 gives is of this child and of all those that it has waited for. */
    if (wait4(child, &status, 0, &used) != child)
        return EXIT_NOT_RUN;
    code = write_result(argv[1], (double)(clock_us() - began_us) / 1e6, &used);
    if (code)
        return code;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_BY_SIGNAL + WTERMSIG(status);
}
