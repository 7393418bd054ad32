/* SPDX-License-Identifier: MIT */
/*
 * bench_pass.c - a preload that stands between a program and libc and does nothing there: what any
 * wrapper costs. Above a real kernel that is more than its few instructions: a system call leaves
 * the processor without what it knew of returns and branches. Loaded by the scripts beside it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define NO_TAIL() __asm__ volatile("" ::: "memory") /* a call and a return, not a jump */

#define PASS(ret, name, params, args)                                                   \
	static ret(*real_##name) params;                                                \
	static __attribute__((constructor)) void find_##name(void)                      \
	{                                                                               \
		real_##name = (ret(*) params)(__UINTPTR_TYPE__)dlsym(RTLD_NEXT, #name); \
	}                                                                               \
	ret name params;                                                                \
	ret name params                                                                 \
	{                                                                               \
		ret r = real_##name args;                                               \
		NO_TAIL();                                                              \
		return r;                                                               \
	}

PASS(ssize_t, send, (int fd, const void *buf, size_t n, int flags), (fd, buf, n, flags))
PASS(ssize_t, recv, (int fd, void *buf, size_t n, int flags), (fd, buf, n, flags))
PASS(ssize_t, write, (int fd, const void *buf, size_t n), (fd, buf, n))
PASS(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n))
PASS(int, epoll_wait, (int fd, struct epoll_event *ev, int n, int ms), (fd, ev, n, ms))
PASS(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
PASS(int, connect, (int fd, const struct sockaddr *to, socklen_t n), (fd, to, n))
PASS(int, close, (int fd), (fd))
PASS(int, dup, (int fd), (fd))

static int (*real_open)(const char *path, int flags, ...);
static int (*real_fcntl)(int fd, int cmd, ...);

static __attribute__((constructor)) void find_others(void)
{
	real_open = (int (*)(const char *, int, ...))(__UINTPTR_TYPE__)dlsym(RTLD_NEXT, "open");
	real_fcntl = (int (*)(int, int, ...))(__UINTPTR_TYPE__)dlsym(RTLD_NEXT, "fcntl");
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	int r;

	va_start(ap, flags);
	r = real_open(path, flags, va_arg(ap, int));
	va_end(ap);
	return r;
}

int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	int r;

	va_start(ap, cmd);
	r = real_fcntl(fd, cmd, va_arg(ap, void *));
	va_end(ap);
	return r;
}
