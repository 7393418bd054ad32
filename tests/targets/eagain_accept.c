/* SPDX-License-Identifier: MIT */
/*
 * eagain_accept.c - accepts where nobody connects, and gives up.
 *
 * eagain_accept nonblock|timeout
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "target.h"

static NOINLINE void accept_nobody(int fd)
{
	if (accept(fd, NULL, NULL) >= 0 || errno != EAGAIN)
		target_die("accept");
}

int main(int argc, char **argv)
{
	const struct sockaddr_un name = { .sun_family = AF_UNIX };
	const struct timeval ms = { .tv_usec = 40000 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), on = 1;

	if (bind(fd, (const struct sockaddr *)&name, sizeof(sa_family_t)) || listen(fd, 1))
		target_die("listen");
	if (argc > 1 && argv[1][0] == 't')
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ms, sizeof(ms));
	else
		ioctl(fd, FIONBIO, &on);
	accept_nobody(fd);
	close(fd);
	return target_ready();
}
