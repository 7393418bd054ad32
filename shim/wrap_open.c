/* SPDX-License-Identifier: MIT */
/*
 * wrap_open.c - wrappers by hand: functions that make fds in ways a row cannot say (variable
 * arguments, two fds at once, fds that arrive in messages, kinds that depend on arguments).
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include "call_births.h"
#include "child.h"
#include "real.h"
#include "sysc.h"
#include "cut.h"
#include "wrap_parts.h"

/*
 * ---- open: the mode argument is there with O_CREAT or O_TMPFILE, and looked at then only; it is
 * passed on in its register whatever it is
 */

static int raw_openat(int at, const char *path, int flags, mode_t mode)
{
	long r = sysc(SYS_openat, at, path, flags, mode);

	if (r >= 0)
		return (int)r;
	errno = (int)-r;
	return -1;
}

static int real_open(uint16_t call, int at, const char *path, int flags, mode_t mode)
{
	if (!real_ready())
		return raw_openat(at, path, flags, mode);
	return call == CALL_open ? real.open(path, flags, mode)
				 : real.openat(at, path, flags, mode);
}

static WARM int opened(struct call_what what, int r, struct stack_seed seed)
{
	call_birth(&what, r, call_open_kind(what.flags), call_open_flags(what.flags), &seed);
	return r;
}

/* A rule is armed, or the first try `failed`. The seed is that of the exported function's caller.
 */
static COLD int open_apart(struct call_what what, mode_t mode, bool failed, struct stack_seed seed)
{
	const struct call_what *w = &what;
	struct call_ruled x = {.on = false};
	long faked;
	int r = -1;

	if (!failed && call_rules(w, &x, &seed, &faked))
		return (int)faked;
	if (!failed)
		r = real_open(w->call, w->at, w->path, w->flags, mode);
	while (call_again(r < 0, w, &x, &seed))
		r = real_open(w->call, w->at, w->path, w->flags, mode);
	return r < 0 ? r : opened(call_copied(w), r, seed);
}

/* Are rules to be asked, or the real functions not found yet? */
static inline bool is_apart(uint16_t call)
{
	return unlikely(rules_armed(call)) || unlikely(!real_loaded);
}

/* The wrapper's caller is its own: it is part of it. */
static INLINED int open_done(const struct call_what *w, mode_t mode, int r)
{
	if (unlikely(r < 0))
		return open_apart(call_copied(w), mode, true, CALL_SEED_HERE);
	if (likely(call_opened(w, r, stack_memo_find(CALL_SEED_HERE))))
		return r;
	return opened(call_copied(w), r, CALL_SEED_HERE);
}

/* Declared as if the mode were always there: it would be in this register. */
EXPORT HOT int open_moded(const char *path, int flags, mode_t mode) __asm__("open");
int open_moded(const char *path, int flags, mode_t mode)
{
	const struct call_what w = {
		.call = CALL_open, .fd = -1, .flags = flags, .at = AT_FDCWD, .path = path};
	int r;

	if (is_apart(CALL_open))
		return open_apart(call_copied(&w), mode, false, CALL_SEED_HERE);
	r = real.open(path, flags, mode);
	return open_done(&w, mode, r);
}
CALL_ALIAS_TYPED(open64, open);
CALL_ALIAS_TYPED(__open, open);
CALL_ALIAS_TYPED(__open64, open);

EXPORT HOT int openat_moded(int at, const char *path, int flags, mode_t mode) __asm__("openat");
int openat_moded(int at, const char *path, int flags, mode_t mode)
{
	const struct call_what w = {
		.call = CALL_openat, .fd = -1, .flags = flags, .at = at, .path = path};
	int r;

	if (is_apart(CALL_openat))
		return open_apart(call_copied(&w), mode, false, CALL_SEED_HERE);
	r = real.openat(at, path, flags, mode);
	return open_done(&w, mode, r);
}
CALL_ALIAS_TYPED(openat64, openat);

/* ---- sockets ----------------------------------------------------------------------------------
 */

EXPORT int socket(int domain, int type, int protocol)
{
	const struct call_what w = {.call = CALL_socket, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.socket(domain, type, protocol);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (likely(r >= 0))
		call_birth(&w, r, call_socket_kind(domain, type),
			   wrap_flags(type & SOCK_NONBLOCK, type & SOCK_CLOEXEC), CALL_SEED);
	return r;
}

EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
	const struct call_what w = {.call = CALL_socketpair, .fd = -1};
	enum record_kind kind = call_socket_kind(domain, type);
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.socketpair(domain, type, protocol, fds);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_pair(&w, r, fds, kind, kind,
			 wrap_flags(type & SOCK_NONBLOCK, type & SOCK_CLOEXEC) | SLOT_CONNECTED,
			 CALL_SEED);
}

EXPORT int pipe(int fds[2])
{
	const struct call_what w = {.call = CALL_pipe, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.pipe(fds);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_pair(&w, r, fds, KIND_pipe_read, KIND_pipe_write, 0, CALL_SEED);
}
CALL_ALIAS(__pipe, pipe);

EXPORT int pipe2(int fds[2], int flags)
{
	const struct call_what w = {.call = CALL_pipe2, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.pipe2(fds, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return wrap_pair(&w, r, fds, KIND_pipe_read, KIND_pipe_write,
			 wrap_flags(flags & O_NONBLOCK, flags & O_CLOEXEC), CALL_SEED);
}

static int accepted(const struct call_what *w, int r, int flags, const struct stack_seed *seed)
{
	if (unlikely(r < 0))
		return r;
	if (!slots_use(w->fd))
		call_used(w->fd);
	call_birth(w, r, KIND_unknown,
		   wrap_flags(flags & SOCK_NONBLOCK, flags & SOCK_CLOEXEC) | SLOT_CONNECTED |
			   SLOT_ACCEPTED,
		   seed);
	return r;
}

EXPORT int accept(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len)
{
	const struct call_what w = {.call = CALL_accept, .fd = fd};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.accept(fd, addr, len);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return accepted(&w, r, 0, CALL_SEED);
}

EXPORT int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *restrict len, int flags)
{
	const struct call_what w = {.call = CALL_accept4, .fd = fd};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.accept4(fd, addr, len, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	return accepted(&w, r, flags, CALL_SEED);
}

/* signalfd(-1, ...) makes an fd, signalfd(fd, ...) changes one. */
EXPORT int signalfd(int fd, const sigset_t *mask, int flags)
{
	const struct call_what w = {.call = CALL_signalfd, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.signalfd(fd, mask, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r >= 0 && fd == -1)
		call_birth(&w, r, KIND_signalfd,
			   wrap_flags(flags & SFD_NONBLOCK, flags & SFD_CLOEXEC), CALL_SEED);
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

void wrap_received(uint16_t call, struct msghdr *msg, const struct stack_seed *seed)
{
	if (!call_ready())
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len >= CMSG_LEN(0))
			received_one(call, c, seed);
}

COLD void wrap_passed(const struct msghdr *msg)
{
	struct msghdr m = *msg; /* CMSG_NXTHDR wants to be able to change it */

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len < CMSG_LEN(0))
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			call_passing(fd);
		}
	}
}

/* With room for fewer bytes; the rest of *msg is the kernel's to fill in. */
static COLD ssize_t recvmsg_cut(int fd, struct msghdr *msg, int flags, const struct call_ruled *x)
{
	struct iovec room[CUT_IOVS], *const iov = msg->msg_iov;
	const size_t parts = msg->msg_iovlen;
	ssize_t r;

	msg->msg_iovlen =
		cut_iov(iov, parts, 0, cut_limit(cut_total(iov, parts), x->cut, x->half), room);
	msg->msg_iov = room;
	r = real.recvmsg(fd, msg, flags);
	msg->msg_iov = iov;
	msg->msg_iovlen = parts;
	return r;
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	const struct call_what w = {.call = CALL_recvmsg, .fd = fd, .flags = flags};
	struct call_ruled x;
	long r;

	if (wrap_ruled(&w, &x, CALL_SEED, &r))
		return r;
	do
		r = unlikely(x.on && (x.cut || x.half)) ? recvmsg_cut(fd, msg, flags, &x)
							: real.recvmsg(fd, msg, flags);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (unlikely(r >= 0 && msg->msg_controllen))
		wrap_received(CALL_recvmsg, msg, CALL_SEED);
	if (r >= 0 && unlikely(!slots_use(fd)))
		call_used(fd);
	return r;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *vec, unsigned int n, int flags,
		    struct timespec *timeout)
{
	const struct call_what w = {.call = CALL_recvmmsg, .fd = fd, .flags = flags};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (unlikely(x.on))
		n = (unsigned)cut_limit(n, x.cut, x.half);
	do
		r = real.recvmmsg(fd, vec, n, flags, timeout);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	for (int i = 0; i < r; i++)
		if (unlikely(vec[i].msg_hdr.msg_controllen))
			wrap_received(CALL_recvmmsg, &vec[i].msg_hdr, CALL_SEED);
	if (r >= 0 && unlikely(!slots_use(fd)))
		call_used(fd);
	return r;
}
