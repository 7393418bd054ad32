/* SPDX-License-Identifier: MIT */
/*
 * bench_calls.c - one kind of call in a loop: bench_calls KIND COUNT. Prints nanoseconds per operation.
 * Calls are made 18 functions deep, so that a stack has about 20 frames.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEPTH 17
#define NOINLINE __attribute__((noinline, noclone))

static int fds[2];
static char byte;

static void send_recv(void)
{
	if (send(fds[1], &byte, 1, 0) != 1 || recv(fds[0], &byte, 1, 0) != 1)
		exit(3);
}

static void eagain(void)
{
	if (recv(fds[0], &byte, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN)
		exit(3);
}

static void open_close(void)
{
	close(open("/dev/null", O_RDONLY));
}

static void socket_close(void)
{
	close(socket(AF_UNIX, SOCK_STREAM, 0));
}

static void set_nonblock(void)
{
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

static void fork_exit(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
}

static NOINLINE long deep(int depth, void (*f)(void), long count)
{
	long r = 0;

	if (depth) {
		r = deep(depth - 1, f, count);
		__asm__ volatile("" : "+r"(r));
		return r + 1;
	}
	for (long i = 0; i < count; i++)
		f();
	return r;
}

static const struct kind {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{"send+recv", send_recv},       {"recv EAGAIN", eagain},
	{"open+close", open_close},     {"socket+close", socket_close},
	{"fcntl F_SETFL", set_nonblock}, {"fork+exit", fork_exit},
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? atol(argv[2]) : 1000;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return 3;
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		double start = now_ns();

		if (strcmp(kinds[i].name, argv[1]))
			continue;
		deep(DEPTH, kinds[i].run, count);
		printf("%.1f\n", (now_ns() - start) / (double)count);
		return 0;
	}
	return 2;
}
