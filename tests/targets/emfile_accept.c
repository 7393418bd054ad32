/* SPDX-License-Identifier: MIT */
/*
 * emfile_accept.c - a server at its limit of open files: it forgets every connection until accept()
 * fails with EMFILE, and then tries N times more. emfile_accept [N [MS [keep]]]: with MS until N
 * times and so many milliseconds are over, whenever poll() says that there is a connection to
 * accept; with `keep` the limit is 40 already.
 */
#include <poll.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include "target.h"

#define LIMIT 40

static struct sockaddr_un bound;
static socklen_t bound_bytes = sizeof(bound);

static int make_listener(void)
{
	const struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof(sa_family_t)) ||
	    listen(fd, 100) || getsockname(fd, (struct sockaddr *)&bound, &bound_bytes))
		target_die("listen");
	return fd;
}

static NOINLINE int accept_another(int listener)
{
	int fd = accept(listener, NULL, NULL);

	KEEP_FRAME();
	return fd;
}

static NOINLINE int be_a_client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	return connect(fd, (const struct sockaddr *)&bound, bound_bytes);
}

static NOINLINE void lower_the_limit(void)
{
	const struct rlimit limit = { LIMIT, LIMIT };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		target_die("setrlimit");
	KEEP_FRAME();
}

static long ms_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void fail_to_accept(int listener)
{
	if (accept_another(listener) >= 0 || errno != EMFILE)
		target_die("accept");
}

static NOINLINE void serve(int listener, int n, long ms)
{
	long end = ms_now() + ms;

	while (n-- > 0 || ms_now() < end) {
		struct pollfd p = { listener, POLLIN, 0 };

		if (poll(&p, 1, -1) != 1)
			target_die("poll");
		fail_to_accept(listener);
	}
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 50, listener = make_listener(), accepted = 0;

	if (argc < 4)
		lower_the_limit();
	while (!be_a_client())
		accepted += accept_another(listener) >= 0;
	close(LIMIT - 1); /* room for one client more, none for its connection */
	if (be_a_client())
		target_die("connect");
	if (argc > 2 && atoi(argv[2]))
		serve(listener, n, atoi(argv[2]));
	else
		while (n--)
			fail_to_accept(listener);
	printf("accepted %d\n", accepted);
	return target_ready();
}
