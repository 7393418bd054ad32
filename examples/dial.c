/* SPDX-License-Identifier: MIT */
/*
 * dial.c - see dial.h. Built with -DDIAL_LEAKS it has the bug that this sort of code usually has:
 * an error path that nobody ever walked, because a failing connect is hard to come by in a test.
 */
#include "dial.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int try_once(int fd, const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	return connect(fd, (const struct sockaddr *)&a, sizeof(a));
}

int dial(const char *path, int tries)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -1;
	while (try_once(fd, path)) {
		error = errno;
		if (error == EAGAIN && tries-- > 0)
			continue; /* a real one would wait a little */
#ifdef DIAL_LEAKS
		if (error == ECONNREFUSED)
			return -1;
#endif
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}
