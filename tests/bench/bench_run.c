/* SPDX-License-Identifier: MIT */
/*
 * bench_run.c - runs a command and prints what it and all its descendants that were waited for
 * took: nanoseconds by the clock, nanoseconds of processor, the most memory that one of them had.
 *
 * bench_run OUT COMMAND...: the line goes to the file OUT, so that the command keeps its own
 * output. Started by the scripts beside it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double ns_of(struct timeval t)
{
	return (double)t.tv_sec * 1e9 + (double)t.tv_usec * 1e3;
}

int main(int argc, char **argv)
{
	double start = now_ns(), wall;
	struct rusage used;
	int status;
	FILE *out;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: bench_run OUT COMMAND...\n");
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		fprintf(stderr, "bench_run: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
		return 1;
	wall = now_ns() - start;
	out = fopen(argv[1], "w");
	if (!out ||
	    fprintf(out, "%.0f %.0f %.0f\n", wall, ns_of(used.ru_utime) + ns_of(used.ru_stime),
		    (double)used.ru_maxrss * 1024) < 0 ||
	    fclose(out))
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
