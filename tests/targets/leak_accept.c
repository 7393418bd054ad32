/* SPDX-License-Identifier: MIT */
/* leak_accept.c - a server that never closes its N connections; the client does. leak_accept [N] */
#include <sys/socket.h>
#include <sys/un.h>
#include "target.h"

static const struct sockaddr_un name = { .sun_family = AF_UNIX };
static struct sockaddr_un bound;
static socklen_t bound_bytes = sizeof(bound);

static NOINLINE int make_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* a name of the kernel's choice, in no file system */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&name, sizeof(sa_family_t)) ||
	    listen(fd, 5) || getsockname(fd, (struct sockaddr *)&bound, &bound_bytes))
		target_die("listen");
	return fd;
}

static NOINLINE void accept_and_forget(int listener)
{
	if (accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
		target_die("accept4");
}

static NOINLINE void be_a_client(int listener)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&bound, bound_bytes))
		target_die("connect");
	accept_and_forget(listener);
	close(fd);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 20, listener = make_listener();

	while (n--)
		be_a_client(listener);
	return target_ready();
}
