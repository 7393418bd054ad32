/* SPDX-License-Identifier: MIT */
/*
 * bench_scale.c - what grows: bench_scale fds N | threads N | stacks N | events N prints
 * nanoseconds for a call.
 *
 * fds: opens N, then measures send+recv and open+close among them and stays until stdin ends, so
 * that its record can be looked at. Started by the scripts beside it. LIBS: -lpthread
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS 200000u
#define THREADS_MAX 64
#define NOINLINE __attribute__((noinline))

static void die(const char *what)
{
	fprintf(stderr, "bench_scale: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- fds ------------------------------------------------------------------------------------ */

static double measure_io(const int fds[2])
{
	double start = now_ns();
	char c = 0;

	for (unsigned i = 0; i < CALLS; i++)
		if (send(fds[0], &c, 1, 0) != 1 || recv(fds[1], &c, 1, 0) != 1)
			die("send and recv");
	return (now_ns() - start) / CALLS;
}

static double measure_open(void)
{
	double start = now_ns();

	for (unsigned i = 0; i < CALLS; i++) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd < 0 || close(fd))
			die("open and close");
	}
	return (now_ns() - start) / CALLS;
}

/* Where the limit is lower, as many as it allows. */
static long open_many(long n)
{
	struct rlimit files;
	long made = 0;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	while (made < n && open("/dev/null", O_RDONLY) >= 0)
		made++;
	return made;
}

/* Prints: fds made, ns of making one, ns of send+recv, ns of open+close; "ready"; waits. */
static int fds(long n)
{
	int pair[2];
	double start, io, birth;
	long made;
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		die("socketpair");
	start = now_ns();
	made = open_many(n);
	birth = (now_ns() - start) / (double)made;
	close(3 + 2); /* room for one more */
	io = measure_io(pair);
	printf("%ld %.2f %.2f %.2f ready\n", made - 1, birth, io, measure_open());
	fflush(stdout);
	return read(0, &c, 1) < 0;
}

/* ---- threads -------------------------------------------------------------------------------- */

static void *thread(void *unused)
{
	int pair[2];

	(void)unused;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		die("socketpair");
	measure_io(pair);
	return NULL;
}

/* Prints ns of one send+recv as the whole process does them. */
static int threads(long n)
{
	pthread_t id[THREADS_MAX];
	double start = now_ns();

	if (n > THREADS_MAX)
		n = THREADS_MAX;
	for (long i = 0; i < n; i++)
		if (pthread_create(&id[i], NULL, thread, NULL))
			die("thread");
	for (long i = 0; i < n; i++)
		pthread_join(id[i], NULL);
	printf("%.2f\n", (now_ns() - start) / (double)(n * CALLS));
	return 0;
}

/* ---- stacks --------------------------------------------------------------------------------- */

static int pair_of_stacks[2];

static NOINLINE void fail_at_left(unsigned path, unsigned depth);

static NOINLINE void fail_at_right(unsigned path, unsigned depth)
{
	char c;

	if (!depth)
		recv(pair_of_stacks[0], &c, 1, MSG_DONTWAIT);
	else if (path & 1)
		fail_at_right(path >> 1, depth - 1);
	else
		fail_at_left(path >> 1, depth - 1);
	__asm__ volatile("" ::: "memory");
}

static NOINLINE void fail_at_left(unsigned path, unsigned depth)
{
	char c;

	if (!depth)
		recv(pair_of_stacks[0], &c, 1, MSG_DONTWAIT);
	else if (path & 1)
		fail_at_right(path >> 1, depth - 1);
	else
		fail_at_left(path >> 1, depth - 1);
	__asm__ volatile("" ::: "memory");
}

/* Prints ns of one EAGAIN when N stacks take turns, all seen before; waits for stdin. */
static int stacks(long n)
{
	double start;
	char c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair_of_stacks))
		die("socketpair");
	for (unsigned i = 0; i < (unsigned)n; i++)
		fail_at_left(i, 17);
	start = now_ns();
	for (unsigned i = 0; i < CALLS; i++)
		fail_at_left(i % (unsigned)n, 17);
	printf("%.2f ready\n", (now_ns() - start) / CALLS);
	fflush(stdout);
	return read(0, &c, 1) < 0;
}

/* ---- events --------------------------------------------------------------------------------- */

static NOINLINE double fail_often(const int fds[2], unsigned long n)
{
	double start = now_ns();
	char c;

	for (unsigned long i = 0; i < n; i++)
		recv(fds[0], &c, 1, MSG_DONTWAIT);
	return (now_ns() - start) / (double)n;
}

/*
 * Prints ns of one EAGAIN over N of them; "ready"; for each line from stdin the same again with N
 * more, and of one send+recv, until stdin ends.
 */
static int events(long n)
{
	int fds[2];
	double ns;
	int c;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		die("socketpair");
	ns = fail_often(fds, (unsigned long)n);
	do {
		printf("%.2f %.2f ready\n", ns, measure_io(fds));
		fflush(stdout);
		do {
			c = getchar();
		} while (c != '\n' && c != EOF);
		ns = c == EOF ? 0 : fail_often(fds, (unsigned long)n);
	} while (c != EOF);
	return 0;
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[2]) : 0;

	if (n > 0 && !strcmp(argv[1], "fds"))
		return fds(n);
	if (n > 0 && !strcmp(argv[1], "threads"))
		return threads(n);
	if (n > 0 && !strcmp(argv[1], "stacks"))
		return stacks(n);
	if (n > 0 && !strcmp(argv[1], "events"))
		return events(n);
	fprintf(stderr, "usage: bench_scale fds|threads|stacks|events N\n");
	return 2;
}
