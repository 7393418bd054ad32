/* SPDX-License-Identifier: MIT */
/*
 * eagain_send.c - sends to a peer that does not read until EAGAIN, and gives up.
 *
 * eagain_send nonblock|dontwait|timeout [stream|seqpacket|tcp]
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "target.h"

static NOINLINE void send_until_full(int fd, int flags)
{
	static const char message[4000];

	while (send(fd, message, sizeof(message), flags | MSG_NOSIGNAL) > 0)
		;
	if (errno != EAGAIN)
		target_die("send");
}

static NOINLINE void set_nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		target_die("fcntl");
}

static NOINLINE void set_timeout(int fd)
{
	const struct timeval ms = { .tv_usec = 40000 };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ms, sizeof(ms)))
		target_die("SO_SNDTIMEO");
}

static void tcp_pair(int s[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&a, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&a, &len) ||
	    connect(s[0], (struct sockaddr *)&a, len))
		target_die("tcp");
	s[1] = accept(listener, NULL, NULL);
	close(listener);
}

int main(int argc, char **argv)
{
	char mode = argc > 1 ? argv[1][0] : 'n';
	const char *type = argc > 2 ? argv[2] : "stream";
	int s[2];

	if (!strcmp(type, "tcp"))
		tcp_pair(s);
	else if (socketpair(AF_UNIX, !strcmp(type, "stream") ? SOCK_STREAM : SOCK_SEQPACKET, 0, s))
		target_die("socketpair");
	if (mode == 'n')
		set_nonblocking(s[0]);
	if (mode == 't')
		set_timeout(s[0]);
	send_until_full(s[0], mode == 'd' ? MSG_DONTWAIT : 0);
	close(s[0]);
	return target_ready();
}
