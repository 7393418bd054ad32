/* SPDX-License-Identifier: MIT */
/*
 * bench_fakekernel.c - calls that answer without asking the kernel: preloaded below the shim,
 * so that its own nanoseconds and instructions are seen and not the kernel's hundreds.
 *
 * Only what the bench makes is faked, and only as it makes it. fds from FIRST on are invented.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define FIRST 64

/* The last number closed is given out again, as the kernel would. */
static atomic_int next = FIRST, unused;

static int born(void)
{
	int fd = atomic_load_explicit(&unused, memory_order_relaxed);

	if (!fd)
		return atomic_fetch_add(&next, 1);
	atomic_store_explicit(&unused, 0, memory_order_relaxed);
	return fd;
}

ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	(void)fd, (void)buf, (void)flags;
	return (ssize_t)n;
}

ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	(void)fd, (void)buf;
	if (!(flags & MSG_DONTWAIT))
		return (ssize_t)n;
	errno = EAGAIN;
	return -1;
}

int open(const char *path, int flags, ...)
{
	(void)path, (void)flags;
	return born();
}

int socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return born();
}

int dup(int fd)
{
	(void)fd;
	return born();
}

int close(int fd)
{
	atomic_store_explicit(&unused, fd, memory_order_relaxed);
	return 0;
}

int fcntl(int fd, int command, ...)
{
	(void)fd, (void)command;
	return 0;
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	(void)fd, (void)events, (void)n, (void)timeout;
	return 0;
}
