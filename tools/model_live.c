/* SPDX-License-Identifier: MIT */
/* model_live.c - the open fds of a living process, from /proc/PID/fd. Reads names, opens nothing
 * else. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "model.h"
#include "util.h"

int model_live_fds(int pid, void (*each)(int fd, void *arg), void *arg)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	if (!d)
		return -errno;
	while ((e = readdir(d)))
		if (*e->d_name != '.')
			each(atoi(e->d_name), arg);
	closedir(d);
	return 0;
}

static uint8_t kind_of_link(const char *link)
{
	static const struct {
		const char *prefix;
		uint8_t kind;
	} kinds[] = {
		{"socket:", KIND_socket},
		{"pipe:", KIND_fifo},
		{"anon_inode:[eventpoll]", KIND_epoll},
		{"anon_inode:[eventfd]", KIND_eventfd},
		{"anon_inode:[timerfd]", KIND_timerfd},
		{"anon_inode:[signalfd]", KIND_signalfd},
		{"anon_inode:inotify", KIND_inotify},
		{"anon_inode:[io_uring]", KIND_io_uring},
		{"anon_inode:[pidfd]", KIND_pidfd},
		{"anon_inode:", KIND_anon},
		{"/memfd:", KIND_memfd},
		{"/dev/pts/", KIND_tty},
		{"/dev/tty", KIND_tty},
		{"/dev/", KIND_device},
		{"/", KIND_file},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(link, kinds[i].prefix, strlen(kinds[i].prefix)))
			return kinds[i].kind;
	return KIND_unknown;
}

uint8_t model_live_fd(int pid, int fd, char **ret_target)
{
	char path[64], link[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	*ret_target = n > 0 ? util_clean(util_copy(link)) : NULL;
	return kind_of_link(link);
}
