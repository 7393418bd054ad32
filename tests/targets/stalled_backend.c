/* SPDX-License-Identifier: MIT */
/*
 * stalled_backend.c - a server that hangs: listens, takes one connection and never another.
 *
 * stalled_backend PATH BACKLOG
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include "target.h"

static NOINLINE int listen_on(const char *path, int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, backlog) ||
	    chmod(path, 0777))
		target_die("listen");
	return fd;
}

static NOINLINE void accept_once(int listener)
{
	if (accept(listener, NULL, NULL) < 0)
		target_die("accept");
}

static NOINLINE int hang(void)
{
	int status = target_ready();

	KEEP_FRAME();
	return status;
}

int main(int argc, char **argv)
{
	int listener;

	if (argc < 3)
		return 2;
	listener = listen_on(argv[1], atoi(argv[2]));
	printf("listening\n");
	fflush(stdout);
	accept_once(listener);
	return hang();
}
