/* SPDX-License-Identifier: MIT */
/*
 * eagain_dgram.c - fills a datagram receiver's queue (peer), or with a few big datagrams its own
 * send buffer (own), and gives up. eagain_dgram peer|own DIRECTORY
 */
#include <sys/socket.h>
#include <sys/un.h>
#include "target.h"

static struct sockaddr_un to = { .sun_family = AF_UNIX };

static NOINLINE void send_datagrams(int fd, size_t bytes)
{
	static const char message[16000];

	while (sendto(fd, message, bytes, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) >= 0)
		;
	if (errno != EAGAIN)
		target_die("sendto");
}

int main(int argc, char **argv)
{
	int receiver = socket(AF_UNIX, SOCK_DGRAM, 0), fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	int small = 20000, own = argc > 1 && argv[1][0] == 'o';

	if (argc < 3)
		return 2;
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/dgram", argv[2]);
	if (bind(receiver, (struct sockaddr *)&to, sizeof(to)))
		target_die("bind");
	if (own && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)))
		target_die("SO_SNDBUF");
	send_datagrams(fd, own ? 16000 : 10);
	close(fd);
	target_ready();
	close(receiver);
	return 0;
}
