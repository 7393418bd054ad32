/* SPDX-License-Identifier: MIT */
/*
 * swept.c - a small test of a small program that meets each failure in another way; it succeeds
 * when nothing fails.
 *
 * swept        all of it
 * swept good   nothing goes wrong, whatever fails
 * swept pair   two failures that do harm only together
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include "target.h"

/* Well: does without. */
static NOINLINE void with_default(void)
{
	int fd = open("/dev/null", O_RDONLY);

	if (fd >= 0)
		close(fd);
}

/* Well: gives up, says so. */
static NOINLINE void gives_up(void)
{
	int fd = openat(AT_FDCWD, "/dev/zero", O_RDONLY);

	if (fd < 0)
		target_die("/dev/zero");
	close(fd);
}

/* Leaves its fd open when it cannot read. */
static NOINLINE void leaks(void)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char byte;

	if (fd < 0)
		return;
	if (read(fd, &byte, 1) != 1)
		return;
	close(fd);
}

/* Uses what it did not get. */
static NOINLINE void crashes(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	int *volatile number = fd < 0 ? NULL : &fd;

	close(*number);
}

/* Tries again for ever, and forgets that nothing changes. */
static NOINLINE void hangs(void)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		return;
	for (int failed = 0; send(s[0], "a", 1, MSG_NOSIGNAL) != 1 || failed;)
		failed = 1;
	close(s[0]);
	close(s[1]);
}

/* Closes once more on the way out. */
static NOINLINE void closes_twice(void)
{
	int p[2], other;

	if (pipe2(p, O_CLOEXEC))
		return;
	other = dup(p[0]);
	if (other < 0)
		close(p[0]);
	else
		close(other);
	close(p[0]);
	close(p[1]);
}

/* One of two ways is enough. */
static NOINLINE int either(void)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/zero", O_RDONLY);

	if (a < 0 && b < 0)
		abort();
	if (a >= 0)
		close(a);
	if (b >= 0)
		close(b);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "pair"))
		return either();
	with_default();
	if (argc > 1)
		return 0;
	gives_up();
	leaks();
	crashes();
	hangs();
	closes_twice();
	puts("ok");
	return 0;
}
