/* SPDX-License-Identifier: MIT */
/*
 * wrap_thread.c - wrappers by hand: threads and processes that libc makes inside itself, and the
 * limit on open files.
 */
#include <errno.h>
#include "child.h"
#include "config.h"
#include "real.h"
#include "wrap_parts.h"

/* Returns its error and leaves errno alone. */
EXPORT int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
			  void *(*fn)(void *), void *restrict arg)
{
	const struct call_what w = {.call = CALL_pthread_create, .fd = -1};
	int saved = errno, error;
	struct call_ruled x;
	long faked;

	if (!real_ready())
		return ENOSYS;
	if (call_rules(&w, &x, CALL_SEED, &faked)) {
		error = faked < 0 ? errno : (int)faked;
	} else {
		do
			errno = error = real.pthread_create(thread, attr, fn, arg);
		while (call_again(error, &w, &x, CALL_SEED));
	}
	errno = saved;
	return error;
}

/*
 * The child begins in fn and never comes back here. One that shares our memory and stops us, as
 * vfork's does, must find the count raised: it would else change our slots.
 */
EXPORT int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	const struct call_what w = {.call = CALL_clone, .fd = -1};
	bool shares = flags & CLONE_VM && flags & CLONE_VFORK && !(flags & CLONE_SETTLS);
	struct store_fork f = {.spare = NULL};
	struct call_ruled x;
	void *a[3];
	va_list ap;
	long faked;
	int r;

	if (!real_ready())
		return -1;
	va_start(ap, arg);
	for (int i = 0; i < 3; i++)
		a[i] = va_arg(ap, void *);
	va_end(ap);
	if (call_rules(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (!(flags & CLONE_VM)) /* what its child does first is not ours: no spare */
		slots_before_fork(NULL, &f);
	do {
		self_vfork_depth += shares;
		r = real.clone(fn, stack, flags, arg, a[0], a[1], a[2]);
		self_vfork_depth -= shares;
	} while (call_again(r < 0, &w, &x, CALL_SEED));
	slots_after_fork(&f, r > 0);
	return r;
}
CALL_ALIAS(__clone, clone);

/* The child's terminal is its 0, 1 and 2. */
static void terminal(uint16_t call, const struct stack_seed *seed)
{
	const struct call_what w = {.call = call, .fd = -1};

	for (int fd = 0; fd < 3; fd++)
		wrap_birth_over(&w, fd, KIND_tty, seed);
}

EXPORT pid_t forkpty(int *master, char *name, const struct termios *t, const struct winsize *size)
{
	const struct call_what w = {.call = CALL_forkpty, .fd = -1};
	struct store_fork f;
	struct call_ruled x;
	long faked;
	int saved;
	pid_t r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (pid_t)faked;
	child_forking(&f, CALL_SEED);
	do
		r = real.forkpty(master, name, t, size);
	while (r && call_again(r < 0, &w, &x, CALL_SEED));
	saved = errno;
	child_forked(&f, r);
	if (r == 0)
		terminal(CALL_forkpty, CALL_SEED);
	else if (r > 0)
		call_birth(&w, *master, KIND_tty, 0, CALL_SEED);
	errno = saved;
	return r;
}

EXPORT int login_tty(int fd)
{
	const struct call_what w = {.call = CALL_login_tty, .fd = fd};
	struct call_ruled x;
	uint32_t seq = 0;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (fd > 2)
		seq = call_closing(fd);
	r = real.login_tty(fd);
	if (r == 0) {
		terminal(CALL_login_tty, CALL_SEED);
		call_closed(fd, seq, 0, CALL_SEED);
	} else if (seq) {
		slots_reopened(fd, seq);
	}
	return r;
}

/* ---- the limit on open files --------------------------------------------------------------------
 */

EXPORT int setrlimit(__rlimit_resource_t which, const struct rlimit *limit)
{
	const struct call_what w = {.call = CALL_setrlimit, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	r = real.setrlimit(which, limit);
	if (r == 0 && which == RLIMIT_NOFILE)
		call_nofile(limit->rlim_cur, limit->rlim_max, CALL_SEED);
	return r;
}
CALL_ALIAS_TYPED(setrlimit64, setrlimit);

EXPORT int prlimit(pid_t pid, enum __rlimit_resource which, const struct rlimit *limit,
		   struct rlimit *old)
{
	const struct call_what w = {.call = CALL_prlimit, .fd = -1};
	struct call_ruled x;
	long faked;
	int r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	r = real.prlimit(pid, which, limit, old);
	if (r == 0 && which == RLIMIT_NOFILE && limit && (!pid || (uint32_t)pid == self_gate.pid))
		call_nofile(limit->rlim_cur, limit->rlim_max, CALL_SEED);
	return r;
}
CALL_ALIAS_TYPED(prlimit64, prlimit);
