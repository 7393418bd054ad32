/* SPDX-License-Identifier: MIT */
/*
 * emfile_accept.c - a server at its limit of open files: it forgets every connection until accept()
 * fails with EMFILE, and then tries N times more. emfile_accept [N]
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
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

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 50, listener = make_listener(), accepted = 0;
	const struct rlimit limit = { LIMIT, LIMIT };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		target_die("setrlimit");
	while (!be_a_client())
		accepted += accept_another(listener) >= 0;
	close(LIMIT - 1); /* room for one client more, none for its connection */
	if (be_a_client())
		target_die("connect");
	while (n--)
		if (accept_another(listener) >= 0 || errno != EMFILE)
			target_die("accept");
	printf("accepted %d\n", accepted);
	return target_ready();
}
