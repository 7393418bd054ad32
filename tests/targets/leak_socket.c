/* SPDX-License-Identifier: MIT */
/*
 * leak_socket.c - makes N sockets that it forgets, connected to its own listener. leak_socket [N]
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include "target.h"

static struct sockaddr_in listen_here(int *ret_fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&a, len) || listen(fd, 128) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		target_die("listen");
	*ret_fd = fd;
	return a;
}

static NOINLINE void connect_and_forget(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)))
		target_die("connect");
}

static NOINLINE void accept_and_close(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		target_die("accept");
	close(fd);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 20, listener;
	struct sockaddr_in a = listen_here(&listener);

	while (n--) {
		connect_and_forget(&a);
		accept_and_close(listener);
	}
	return target_ready();
}
