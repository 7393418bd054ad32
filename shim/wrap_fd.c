/* SPDX-License-Identifier: MIT */
/*
 * wrap_fd.c - wrappers by hand: closing (the fd is forgotten before the real close), sharing, the
 * modes of an fd, and locks (whose arguments depend on a command).
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include "call.h"
#include "real.h"
#include "sysc.h"

/* ---- closing ----------------------------------------------------------------------------------
 */

EXPORT int close(int fd)
{
	uint32_t seq;
	int r;

	if (!real_ready())
		return (int)sysc(SYS_close, fd);
	seq = call_closing(fd);
	r = real.close(fd);
	call_closed(fd, seq, r, CALL_SEED);
	return r;
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	int r;

	if (!real_ready())
		return -1;
	if (!((unsigned)flags & CLOSE_RANGE_CLOEXEC))
		call_close_range(first, last, CALL_SEED);
	r = real.close_range(first, last, flags);
	return r;
}

EXPORT void closefrom(int first)
{
	if (!real_ready())
		return;
	call_close_range(first < 0 ? 0 : (unsigned)first, ~0u, CALL_SEED);
	real.closefrom(first);
}

/* ---- sharing ----------------------------------------------------------------------------------
 */

static int duplicated(uint16_t call, int r, int from, bool same, uint32_t flags,
		      const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = from};

	if (unlikely(r < 0))
		call_failed(&w, seed);
	else if (!same)
		call_dup(call, from, r, flags, seed);
	return r;
}

EXPORT int dup(int fd)
{
	if (!real_ready())
		return -1;
	return duplicated(CALL_dup, real.dup(fd), fd, false, 0, CALL_SEED);
}

EXPORT int dup2(int fd, int to)
{
	if (!real_ready())
		return -1;
	return duplicated(CALL_dup2, real.dup2(fd, to), fd, fd == to, 0, CALL_SEED);
}

EXPORT int dup3(int fd, int to, int flags)
{
	if (!real_ready())
		return -1;
	return duplicated(CALL_dup3, real.dup3(fd, to, flags), fd, false,
			  flags & O_CLOEXEC ? SLOT_CLOEXEC : 0, CALL_SEED);
}

/* ---- fcntl and ioctl: the argument is read by command -------------------------------------------
 */

static bool is_lock(int cmd)
{
	return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW ||
	       cmd == F_SETLEASE;
}

static void fcntl_done(int fd, int cmd, long arg, const struct stack_seed *seed)
{
	switch (cmd) {
	case F_SETFD:
		call_mode(fd, arg & FD_CLOEXEC ? SLOT_CLOEXEC : 0, SLOT_CLOEXEC, 0, seed);
		break;
	case F_SETFL:
		call_mode(fd, arg & O_NONBLOCK ? SLOT_NONBLOCK : 0, SLOT_NONBLOCK, 0, seed);
		break;
	case F_SETLEASE:
		call_mode(fd, arg != F_UNLCK ? SLOT_LEASED : 0, SLOT_LEASED, 0, seed);
		break;
	default:
		break;
	}
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	struct call_what w = {.call = CALL_fcntl, .fd = fd};
	va_list ap;
	long arg;
	int r;

	/* Every command takes at most one argument, in one register: a pointer or an int. */
	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (!real_ready())
		return (int)sysc(SYS_fcntl, fd, cmd, arg);
	r = real.fcntl(fd, cmd, arg);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return duplicated(CALL_fcntl, r, fd, false,
				  cmd == F_DUPFD_CLOEXEC ? SLOT_CLOEXEC : 0, CALL_SEED);
	if (likely(r >= 0)) {
		fcntl_done(fd, cmd, arg, CALL_SEED);
		return r;
	}
	if (is_lock(cmd)) {
		w.lock_cmd = cmd;
		w.lock = cmd == F_SETLEASE ? NULL : (const void *)arg;
	}
	if (cmd != F_GETFD && cmd != F_GETFL) /* asking whether a number is open is no misuse */
		call_failed(&w, CALL_SEED);
	return r;
}

CALL_ALIAS(fcntl64, fcntl);

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	const struct call_what w = {.call = CALL_ioctl, .fd = fd};
	va_list ap;
	void *arg;
	int r;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!real_ready())
		return -1;
	r = real.ioctl(fd, request, arg);
	if (unlikely(r < 0))
		call_failed(&w, CALL_SEED);
	else if (request == FIONBIO)
		call_mode(fd, *(int *)arg ? SLOT_NONBLOCK : 0, SLOT_NONBLOCK, 0, CALL_SEED);
	else if (request == FIOCLEX || request == FIONCLEX)
		call_mode(fd, request == FIOCLEX ? SLOT_CLOEXEC : 0, SLOT_CLOEXEC, 0, CALL_SEED);
	return r;
}

static uint32_t timeout_ms(const void *value, socklen_t len)
{
	const struct timeval *t = value;

	return len < sizeof(*t) ? 0 : (uint32_t)(t->tv_sec * 1000 + (t->tv_usec + 999) / 1000);
}

EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int r;

	if (!real_ready())
		return -1;
	r = real.setsockopt(fd, level, name, value, len);
	if (r == 0 && level == SOL_SOCKET && (name == SO_SNDTIMEO || name == SO_RCVTIMEO)) {
		uint32_t ms = timeout_ms(value, len);
		uint32_t bit = name == SO_SNDTIMEO ? SLOT_SNDTIMEO : SLOT_RCVTIMEO;

		call_mode(fd, ms ? bit : 0, bit, ms, CALL_SEED);
	}
	return r;
}

/* ---- addresses --------------------------------------------------------------------------------
 */

EXPORT int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	struct call_what w = {
		.call = CALL_connect, .fd = fd, .addr = addr.__sockaddr__, .addr_bytes = len};
	int r;

	if (!real_ready())
		return -1;
	r = real.connect(fd, addr, len);
	if (r == 0 || errno == EINPROGRESS)
		call_address(fd, w.addr, len, SLOT_CONNECTED);
	if (likely(r == 0 && slots_use(fd)))
		return r;
	if (r == 0)
		call_used(fd);
	else
		call_failed(&w, CALL_SEED);
	return r;
}

/* A row could not say where to: it is the target of a full datagram queue. */
EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr,
		      socklen_t len)
{
	ssize_t r;

	if (!real_ready())
		return -1;
	r = real.sendto(fd, buf, n, flags, addr, len);
	if (likely(r >= 0) && likely(slots_use(fd)))
		return r;
	if (r >= 0)
		call_used(fd);
	else
		call_failed(&(const struct call_what){.call = CALL_sendto,
						      .fd = fd,
						      .flags = flags,
						      .bytes = n,
						      .addr = addr.__sockaddr__,
						      .addr_bytes = len},
			    CALL_SEED);
	return r;
}

EXPORT int bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const struct call_what w = {.call = CALL_bind, .fd = fd};
	int r;

	if (!real_ready())
		return -1;
	r = real.bind(fd, addr, len);
	if (r == 0)
		call_address(fd, addr.__sockaddr__, len, 0);
	else
		call_failed(&w, CALL_SEED);
	return r;
}

EXPORT int listen(int fd, int backlog)
{
	int r;

	if (!real_ready())
		return -1;
	r = real.listen(fd, backlog);
	if (r == 0)
		call_listening(fd, (uint32_t)backlog, CALL_SEED);
	return r;
}

/* ---- locks ------------------------------------------------------------------------------------
 */

EXPORT int flock(int fd, int op)
{
	const struct call_what w = {.call = CALL_flock, .fd = fd, .lock_cmd = op};
	int r;

	if (!real_ready())
		return -1;
	r = real.flock(fd, op);
	if (likely(r == 0 && slots_use(fd)))
		return r;
	if (r == 0)
		call_used(fd);
	else
		call_failed(&w, CALL_SEED);
	return r;
}

EXPORT int lockf(int fd, int cmd, off_t len)
{
	const struct call_what w = {
		.call = CALL_lockf, .fd = fd, .lock_cmd = cmd, .bytes = (size_t)len};
	int r;

	if (!real_ready())
		return -1;
	r = real.lockf(fd, cmd, len);
	if (r)
		call_failed(&w, CALL_SEED);
	return r;
}
CALL_ALIAS(lockf64, lockf);
