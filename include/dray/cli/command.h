/* command.h: the commands. Each gets its own part of the command line, argv[0] being its name, and
 * returns the exit status: 0 done, 1 failed, 2 wrong usage, 128 + N ended by signal N. */
#pragma once

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128 };

int cmd_download(int argc, char **argv);
int cmd_install(int argc, char **argv);
int cmd_lock(int argc, char **argv);
int cmd_metadata(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_wheel(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_daemon(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_jobs(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_cancel(int argc, char **argv);
