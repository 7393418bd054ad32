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
#include "call_births.h"
#include "quarantine.h"
#include "real.h"
#include "sysc.h"
#include "wrap_parts.h"
#include "wrap_ruled.h"

/* ---- closing ----------------------------------------------------------------------------------
 */

/* A number that is held back is closed to the target. */
static COLD int refuse(const struct call_what *w, bool misuse, const struct stack_seed *seed)
{
	errno = EBADF;
	if (misuse)
		call_failed(w, seed);
	return -1;
}

static COLD int close_and_hold(int fd, const struct stack_seed *seed)
{
	const struct call_what w = {.call = CALL_close, .fd = fd};
	uint32_t seq;
	int r;

	if (quarantine_has(fd))
		return refuse(&w, true, seed);
	seq = call_closing(fd);
	r = seq && quarantine_take(fd) ? 0 : real.close(fd);
	call_closed(fd, seq, r, seed);
	return r;
}

/* A rule, threads, or a slot that is not as most are. */
static WARM int close_apart(int fd, struct stack_seed seed)
{
	uint32_t seq;
	int r;

	if (unlikely(!real_ready()))
		return (int)sysc(SYS_close, fd);
	seq = call_closing(fd);
	r = real.close(fd);
	call_closed(fd, seq, r, &seed);
	return r;
}

static COLD int close_ruled(int fd, struct stack_seed seed)
{
	const struct call_what w = {.call = CALL_close, .fd = fd};
	struct call_ruled x;
	long faked;
	int r;

	if (!real_ready())
		return (int)sysc(SYS_close, fd);
	if (call_rules(&w, &x, &seed, &faked))
		return (int)faked;
	r = quarantine_room ? close_and_hold(fd, &seed) : close_apart(fd, seed);
	return x.on ? call_close_ruled(r, &x) : r;
}

EXPORT HOT int close(int fd)
{
	struct record_slot *s;
	uint32_t seq, stack;
	int r;

	if (unlikely(rules_armed(CALL_close) || quarantine_room))
		return close_ruled(fd, CALL_SEED_HERE);
	s = call_closes(fd, &seq);
	if (unlikely(!s))
		return close_apart(fd, CALL_SEED_HERE);
	r = real.close(fd);
	stack = stack_memo_find(CALL_SEED_HERE).id;
	if (unlikely(!stack))
		stack = call_stack_new(CALL_SEED_HERE);
	slots_set_closed(true, s, seq, stack); /* also if it says EINTR or EIO: close(2) */
	if (unlikely(r))
		call_close_failed(fd, seq, CALL_SEED_HERE);
	return r;
}
CALL_ALIAS(__close, close);

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	const struct call_what w = {.call = CALL_close_range, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (!((unsigned)flags & CLOSE_RANGE_CLOEXEC))
		call_close_range(first, last, CALL_SEED);
	r = real.close_range(first, last, flags);
	if (unlikely(x.on))
		return call_close_ruled(r, &x);
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

/* dup2 onto a number that is held back makes it the target's. */
static COLD void made_way(int to, int r)
{
	int saved = errno;

	if (r < 0)
		quarantine_again(to);
	errno = saved;
}

static bool make_way(int to)
{
	bool held = quarantine_has(to);

	if (unlikely(held))
		quarantine_forget((uint32_t)to, (uint32_t)to);
	return held;
}

EXPORT int dup(int fd)
{
	const struct call_what w = {.call = CALL_dup, .fd = fd};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (quarantine_has(fd))
		return refuse(&w, true, CALL_SEED);
	do
		r = real.dup(fd);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_duplicated(&w, r, false, 0, CALL_SEED);
}

EXPORT int dup2(int fd, int to)
{
	const struct call_what w = {.call = CALL_dup2, .fd = fd};
	struct call_ruled x;
	bool held;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (quarantine_has(fd))
		return refuse(&w, true, CALL_SEED);
	held = make_way(to);
	do
		r = real.dup2(fd, to);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (unlikely(held))
		made_way(to, r);
	return wrap_duplicated(&w, r, fd == to, 0, CALL_SEED);
}
CALL_ALIAS(__dup2, dup2);

EXPORT int dup3(int fd, int to, int flags)
{
	const struct call_what w = {.call = CALL_dup3, .fd = fd};
	struct call_ruled x;
	bool held;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (quarantine_has(fd))
		return refuse(&w, true, CALL_SEED);
	held = make_way(to);
	do
		r = real.dup3(fd, to, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (unlikely(held))
		made_way(to, r);
	return wrap_duplicated(&w, r, false, flags & O_CLOEXEC ? SLOT_CLOEXEC : 0, CALL_SEED);
}

/* ---- fcntl and ioctl: the argument is read by command -------------------------------------------
 */

/* Nothing is ruled, no number is held back. */
static WARM int fcntl_plainly(int fd, int cmd, long arg, const struct stack_seed *seed)
{
	int r = real.fcntl(fd, cmd, arg);

	if (likely(r >= 0) && likely(cmd == F_SETFL)) {
		call_nonblock(fd, arg & O_NONBLOCK, seed);
		return r;
	}
	const struct call_what w = wrap_fcntl_what(fd, cmd, arg);

	if (likely(r >= 0))
		wrap_fcntl_done(&w, cmd, arg, r, seed);
	else
		call_failed(&w, seed);
	return r;
}

static COLD int fcntl_apart(int fd, int cmd, long arg, const struct stack_seed *seed)
{
	struct call_what w = wrap_fcntl_what(fd, cmd, arg);
	struct call_ruled x;
	long faked;
	int r;

	if (!real_ready())
		return (int)sysc(SYS_fcntl, fd, cmd, arg);
	if (call_rules(&w, &x, seed, &faked))
		return (int)faked;
	if (quarantine_has(fd))
		return refuse(&w, !wrap_asks(cmd), seed);
	do
		r = real.fcntl(fd, cmd, arg);
	while (!wrap_asks(cmd) && call_again(r < 0, &w, &x, seed));
	if (likely(r >= 0) && !wrap_asks(cmd))
		wrap_fcntl_done(&w, cmd, arg, r, seed);
	return r;
}

EXPORT int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	/* Every command takes at most one argument, in one register: a pointer or an int. */
	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (unlikely(rules_armed(CALL_fcntl) || quarantine_room || !real_loaded))
		return fcntl_apart(fd, cmd, arg, CALL_SEED);
	return wrap_asks(cmd) ? real.fcntl(fd, cmd, arg) : fcntl_plainly(fd, cmd, arg, CALL_SEED);
}

CALL_ALIAS(fcntl64, fcntl);
CALL_ALIAS(__fcntl, fcntl);

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	const struct call_what w = {.call = CALL_ioctl, .fd = fd};
	struct call_ruled x;
	long faked;
	va_list ap;
	void *arg;
	int r;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.ioctl(fd, request, arg);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (unlikely(r < 0))
		return r;
	if (request == FIONBIO)
		call_nonblock(fd, *(int *)arg, CALL_SEED);
	else if (request == FIOCLEX || request == FIONCLEX)
		call_mode(fd, request == FIOCLEX ? SLOT_CLOEXEC : SLOT_MEANT,
			  SLOT_CLOEXEC | SLOT_MEANT, 0, CALL_SEED);
	return r;
}

static uint32_t timeout_ms(const void *value, socklen_t len)
{
	const struct timeval *t = value;

	return len < sizeof(*t) ? 0 : (uint32_t)(t->tv_sec * 1000 + (t->tv_usec + 999) / 1000);
}

EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	const struct call_what w = {.call = CALL_setsockopt, .fd = fd};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
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
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.connect(fd, addr, len);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0 || errno == EINPROGRESS)
		call_address(fd, w.addr, len, SLOT_CONNECTED);
	if (likely(r == 0 && slots_use(fd)))
		return r;
	if (r == 0)
		call_used(fd);
	return r;
}
CALL_ALIAS(__connect, connect);

/* A row could not say where to: it is the target of a full datagram queue. */
EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr,
		      socklen_t len)
{
	const struct call_what w = {.call = CALL_sendto,
				    .fd = fd,
				    .flags = flags,
				    .bytes = n,
				    .addr = addr.__sockaddr__,
				    .addr_bytes = len};
	struct call_ruled x;
	long r;

	if (wrap_ruled(&w, &x, CALL_SEED, &r))
		return r;
	if (likely(!x.on)) {
		do
			r = real.sendto(fd, buf, n, flags, addr, len);
		while (call_again(r < 0, &w, &x, CALL_SEED));
	} else {
		BEGIN_buf do
		{
			ADJUST_buf r = real.sendto(fd, buf, n, flags, addr, len);
		}
		while (call_again(r < 0, &w, &x, CALL_SEED) ||
		       (r > 0 && call_more(&w, &x, (size_t)r, TOTAL_buf, CALL_SEED)))
			;
		r = x.done ? (long)x.done : r;
	}
	if (r >= 0 && unlikely(!slots_use(fd)))
		call_used(fd);
	if (r >= 0 && unlikely((size_t)r < n))
		call_short(&w, CALL_SEED);
	return r;
}

EXPORT int bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const struct call_what w = {
		.call = CALL_bind, .fd = fd, .addr = addr.__sockaddr__, .addr_bytes = len};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.bind(fd, addr, len);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0)
		call_address(fd, addr.__sockaddr__, len, 0);
	return r;
}

EXPORT int listen(int fd, int backlog)
{
	const struct call_what w = {.call = CALL_listen, .fd = fd};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.listen(fd, backlog);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0)
		call_listening(fd, (uint32_t)backlog, CALL_SEED);
	return r;
}

/* ---- locks ------------------------------------------------------------------------------------
 */

EXPORT int flock(int fd, int op)
{
	const struct call_what w = {.call = CALL_flock, .fd = fd, .lock_cmd = op};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.flock(fd, op);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0)
		call_locked(&w);
	return r;
}

EXPORT int lockf(int fd, int cmd, off_t len)
{
	const struct call_what w = {
		.call = CALL_lockf, .fd = fd, .lock_cmd = cmd, .bytes = (size_t)len};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.lockf(fd, cmd, len);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0)
		call_locked(&w);
	return r;
}
CALL_ALIAS(lockf64, lockf);
