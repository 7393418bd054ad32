/* SPDX-License-Identifier: MIT */
/*
 * eagain_recv.c - receives from a socket with nothing in it, three times, and gives it up.
 *
 * eagain_recv nonblock|dontwait|timeout [stream|dgram|seqpacket]
 */
#include <fcntl.h>
#include <sys/socket.h>
#include "target.h"

static NOINLINE void receive_nothing(int fd, int flags)
{
	char c;

	if (recv(fd, &c, 1, flags) >= 0 || errno != EAGAIN)
		target_die("recv");
}

static NOINLINE void set_nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		target_die("fcntl");
}

static NOINLINE void set_timeout(int fd)
{
	const struct timeval ms = { .tv_usec = 40000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ms, sizeof(ms)))
		target_die("SO_RCVTIMEO");
}

int main(int argc, char **argv)
{
	char mode = argc > 1 ? argv[1][0] : 'n', type = argc > 2 ? argv[2][1] : 't';
	int s[2];

	if (socketpair(AF_UNIX, type == 't' ? SOCK_STREAM : type == 'g' ? SOCK_DGRAM :
			SOCK_SEQPACKET, 0, s))
		target_die("socketpair");
	if (mode == 'n')
		set_nonblocking(s[0]);
	if (mode == 't')
		set_timeout(s[0]);
	for (int i = 0; i < 3; i++)
		receive_nothing(s[0], mode == 'd' ? MSG_DONTWAIT : 0);
	close(s[0]);
	return target_ready();
}
