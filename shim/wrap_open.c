/* SPDX-License-Identifier: MIT */
/*
 * wrap_open.c - wrappers by hand: functions that make fds in ways a row cannot say (variable
 * arguments, two fds at once, fds that arrive in messages, kinds that depend on arguments).
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include "call.h"
#include "child.h"
#include "real.h"
#include "sysc.h"

static uint32_t flags_of(int nonblock, int cloexec)
{
	return (nonblock ? SLOT_NONBLOCK : 0u) | (cloexec ? SLOT_CLOEXEC : 0u);
}

/* ---- open: the mode argument exists only with O_CREAT or O_TMPFILE ------------------------------
 */

static bool has_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

static int raw_openat(int at, const char *path, int flags, mode_t mode)
{
	long r = sysc(SYS_openat, at, path, flags, mode);

	if (r >= 0)
		return (int)r;
	errno = (int)-r;
	return -1;
}

static int opened(uint16_t call, int r, int at, const char *path, int flags,
		  const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = -1, .flags = flags, .at = at, .path = path};

	if (likely(r >= 0))
		call_birth(&w, r, flags & O_DIRECTORY ? KIND_dir : KIND_file,
			   flags_of(flags & O_NONBLOCK, flags & O_CLOEXEC), seed);
	else
		call_failed(&w, seed);
	return r;
}

EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int r;

	if (has_mode(flags)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	r = real_ready() ? real.open(path, flags, mode) : raw_openat(AT_FDCWD, path, flags, mode);
	return opened(CALL_open, r, AT_FDCWD, path, flags, CALL_SEED);
}

CALL_ALIAS(open64, open);

EXPORT int openat(int at, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int r;

	if (has_mode(flags)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	r = real_ready() ? real.openat(at, path, flags, mode) : raw_openat(at, path, flags, mode);
	return opened(CALL_openat, r, at, path, flags, CALL_SEED);
}

CALL_ALIAS(openat64, openat);

/* ---- sockets ----------------------------------------------------------------------------------
 */

EXPORT int socket(int domain, int type, int protocol)
{
	const struct call_what w = {.call = CALL_socket, .fd = -1};
	int r;

	if (!real_ready())
		return -1;
	r = real.socket(domain, type, protocol);
	if (likely(r >= 0))
		call_birth(&w, r, call_socket_kind(domain, type),
			   flags_of(type & SOCK_NONBLOCK, type & SOCK_CLOEXEC), CALL_SEED);
	else
		call_failed(&w, CALL_SEED);
	return r;
}

static int pair_made(uint16_t call, int r, const int fds[2], enum record_kind first,
		     enum record_kind second, uint32_t flags, const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = -1};

	if (likely(r == 0)) {
		call_birth(&w, fds[0], first, flags, seed);
		call_birth(&w, fds[1], second, flags, seed);
	} else {
		call_failed(&w, seed);
	}
	return r;
}

EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
	enum record_kind kind = call_socket_kind(domain, type);

	if (!real_ready())
		return -1;
	return pair_made(CALL_socketpair, real.socketpair(domain, type, protocol, fds), fds, kind,
			 kind, flags_of(type & SOCK_NONBLOCK, type & SOCK_CLOEXEC) | SLOT_CONNECTED,
			 CALL_SEED);
}

EXPORT int pipe(int fds[2])
{
	if (!real_ready())
		return -1;
	return pair_made(CALL_pipe, real.pipe(fds), fds, KIND_pipe_read, KIND_pipe_write, 0,
			 CALL_SEED);
}

EXPORT int pipe2(int fds[2], int flags)
{
	if (!real_ready())
		return -1;
	return pair_made(CALL_pipe2, real.pipe2(fds, flags), fds, KIND_pipe_read, KIND_pipe_write,
			 flags_of(flags & O_NONBLOCK, flags & O_CLOEXEC), CALL_SEED);
}

static int accepted(uint16_t call, int r, int fd, int flags, const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = fd};

	if (unlikely(r < 0)) {
		call_failed(&w, seed);
		return r;
	}
	if (!slots_use(fd))
		call_used(fd);
	call_birth(&w, r, KIND_unknown,
		   flags_of(flags & SOCK_NONBLOCK, flags & SOCK_CLOEXEC) | SLOT_CONNECTED |
			   SLOT_ACCEPTED,
		   seed);
	return r;
}

EXPORT int accept(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len)
{
	if (!real_ready())
		return -1;
	return accepted(CALL_accept, real.accept(fd, addr, len), fd, 0, CALL_SEED);
}

EXPORT int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len, int flags)
{
	if (!real_ready())
		return -1;
	return accepted(CALL_accept4, real.accept4(fd, addr, len, flags), fd, flags, CALL_SEED);
}

/* signalfd(-1, ...) makes an fd, signalfd(fd, ...) changes one. */
EXPORT int signalfd(int fd, const sigset_t *mask, int flags)
{
	const struct call_what w = {.call = CALL_signalfd, .fd = -1};
	int r;

	if (!real_ready())
		return -1;
	r = real.signalfd(fd, mask, flags);
	if (r >= 0 && fd == -1)
		call_birth(&w, r, KIND_signalfd,
			   flags_of(flags & SFD_NONBLOCK, flags & SFD_CLOEXEC), CALL_SEED);
	else if (r < 0)
		call_failed(&w, CALL_SEED);
	return r;
}

/* ---- fds that arrive in messages (SCM_RIGHTS) ---------------------------------------------------
 */

static void received_one(uint16_t call, const struct cmsghdr *c, const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = -1};
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int got;

		memcpy(&got, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		if (got >= 0)
			call_birth(&w, got, child_kind(got), SLOT_PASSED, seed);
	}
}

static void received(uint16_t call, struct msghdr *msg, const struct stack_seed *seed)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len >= CMSG_LEN(0))
			received_one(call, c, seed);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t r;

	if (!real_ready())
		return -1;
	r = real.recvmsg(fd, msg, flags);
	if (unlikely(r >= 0 && msg->msg_controllen))
		received(CALL_recvmsg, msg, CALL_SEED);
	if (likely(r >= 0) && likely(slots_use(fd)))
		return r;
	return call_io(CALL_recvmsg, fd, r, 0, flags, CALL_SEED);
}

EXPORT int recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags,
		    struct timespec *timeout)
{
	int r;

	if (!real_ready())
		return -1;
	r = real.recvmmsg(fd, vec, n, flags, timeout);
	for (int i = 0; i < r; i++)
		if (unlikely(vec[i].msg_hdr.msg_controllen))
			received(CALL_recvmmsg, &vec[i].msg_hdr, CALL_SEED);
	if (likely(r >= 0) && likely(slots_use(fd)))
		return r;
	return (int)call_io(CALL_recvmmsg, fd, r, 0, flags, CALL_SEED);
}
