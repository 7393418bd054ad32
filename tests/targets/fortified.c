/* SPDX-License-Identifier: MIT */
/*
 * fortified.c - built with checks that turn open, read, recv and recvfrom into __open_2,
 * __read_chk, __recv_chk and __recvfrom_chk where sizes are known only at run time. Forgets five
 * files and gets an EAGAIN from each. fortified
 *
 * LIBS: -D_FORTIFY_SOURCE=2
 */
#include <fcntl.h>
#include <sys/socket.h>
#include "target.h"

static NOINLINE void forget_fortified(const char *path, int flags)
{
	if (open(path, flags) < 0)
		target_die("open");
}

static NOINLINE long read_fortified(int fd, size_t n)
{
	char buf[64];

	return read(fd, buf, n);
}

static NOINLINE long recv_fortified(int fd, size_t n)
{
	char buf[64];

	return recv(fd, buf, n, MSG_DONTWAIT);
}

static NOINLINE long recvfrom_fortified(int fd, size_t n)
{
	char buf[64];

	return recvfrom(fd, buf, n, MSG_DONTWAIT, NULL, NULL);
}

int main(int argc, char **argv)
{
	size_t n = (size_t)argc + 9;
	int s[2];

	(void)argv;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s))
		target_die("socketpair");
	for (int i = 0; i < 5; i++)
		forget_fortified("/etc/passwd", argc > 1 ? O_RDWR : O_RDONLY);
	printf("%ld %ld %ld\n", read_fortified(s[0], n), recv_fortified(s[0], n),
	       recvfrom_fortified(s[0], n));
	return target_ready();
}
