/* SPDX-License-Identifier: MIT */
/* errno_on_success.c - looks at errno after calls that succeed: they must leave it alone. */
#include <fcntl.h>
#include <sys/socket.h>
#include "target.h"

static int bad;

static void check(const char *what, long r)
{
	if (r < 0 || errno != 4242)
		printf("%s: %ld, errno %d\n", what, r, errno), bad = 1;
	errno = 4242;
}

int main(void)
{
	int s[2], fd;
	char c;

	errno = 4242;
	check("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	check("send", send(s[0], "ab", 2, 0));
	check("recv", recv(s[1], &c, 1, 0));
	check("read", read(s[1], &c, 1));
	check("write", write(s[0], "a", 1));
	fd = open("/etc/passwd", O_RDONLY);
	check("open", fd);
	check("fcntl", fcntl(fd, F_SETFL, O_NONBLOCK));
	check("dup", dup(fd));
	check("dup2", dup2(fd, 100));
	check("close", close(100));
	check("close", close(fd));
	check("pipe", pipe(s));
	printf("%s\n", bad ? "touched" : "untouched");
	return target_ready();
}
