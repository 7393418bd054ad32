/* SPDX-License-Identifier: MIT */
/*
 * wrap_process.c - wrappers by hand: what makes, changes or ends the process itself. vfork is not
 * here: a C function cannot return twice (see arch/).
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "call.h"
#include "child.h"
#include "real.h"
#include "sysc.h"

static void forked(pid_t child)
{
	uint64_t seq;
	struct record_event *e;

	if (!call_ready())
		return;
	self_add64(&store.head->forks, 1);
	call_sharing();
	e = store_event_begin(&seq);
	if (!e)
		return;
	*e = (struct record_event){.time_ns = self_now_coarse(),
				   .tid = self_tid(),
				   .call = CALL_fork,
				   .fd = -1,
				   .type = EVENT_fork,
				   .arg = (uint64_t)child};
	store_event_end(e, seq);
}

EXPORT pid_t fork(void)
{
	const struct call_what w = {.call = CALL_fork, .fd = -1};
	struct call_ruled x;
	long faked;
	int saved;
	pid_t r;

	if (!real_ready())
		return -1;
	if (call_rules(&w, &x, CALL_SEED, &faked))
		return (pid_t)faked;
	rules_forking();
	slots_before_fork();
	do
		r = real.fork();
	while (call_again(r < 0, &w, &x, CALL_SEED));
	saved = errno;
	if (r == 0)
		call_ready(); /* the gate is closed here: makes the child's record */
	else if (r > 0)
		forked(r);
	slots_after_fork();
	errno = saved;
	return r;
}

EXPORT void _exit(int status)
{
	if (real_ready() && !self_vforked())
		child_end(status);
	for (;;)
		sysc(SYS_exit_group, status);
}

CALL_ALIAS(_Exit, _exit);

EXPORT int chdir(const char *path)
{
	const struct call_what w = {.call = CALL_chdir, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	long faked;
	int r;

	if (!real_ready())
		return -1;
	if (call_rules(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.chdir(path);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0 && call_ready())
		record_poke(&store.head->cwd, 0);
	return r;
}

EXPORT int fchdir(int fd)
{
	const struct call_what w = {.call = CALL_fchdir, .fd = fd};
	struct call_ruled x;
	long faked;
	int r;

	if (!real_ready())
		return -1;
	if (call_rules(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	do
		r = real.fchdir(fd);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0 && call_ready())
		record_poke(&store.head->cwd, 0);
	return r;
}

/* The new root as seen from outside, before "/" means something else. */
EXPORT int chroot(const char *path)
{
	const struct call_what w = {.call = CALL_chroot, .fd = -1, .at = AT_FDCWD, .path = path};
	struct call_ruled x;
	uint32_t root = 0;
	long faked;
	int r;

	if (!real_ready())
		return -1;
	if (call_rules(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (call_ready() && !sysc(SYS_faccessat, AT_FDCWD, path, 0))
		root = store_path(STORE_CWD, path);
	do
		r = real.chroot(path);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0 && call_ready()) {
		record_poke(&store.head->root, root);
		record_poke(&store.head->cwd, 0);
	}
	return r;
}

/* ---- seccomp: after the filter is in, the shim makes no system call of its own
 * ------------------- */

static void before_filter(void)
{
	if (!call_ready())
		return;
	store_reserve();
	self_tid();
	store.head->seccomp = 1;
	self_gate.seccomp = 1;
}

static void filter_failed(void)
{
	if (self_gate.state != SELF_ready)
		return;
	store.head->seccomp = 0;
	self_gate.seccomp = 0;
}

EXPORT int prctl(int option, ...)
{
	const struct call_what w = {.call = CALL_prctl, .fd = -1};
	bool filter = option == PR_SET_SECCOMP;
	struct call_ruled x;
	unsigned long a[4];
	va_list ap;
	long faked;
	int r;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (!real_ready())
		return (int)sysc(SYS_prctl, option, a[0], a[1], a[2], a[3]);
	if (call_rules(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (filter)
		before_filter();
	do
		r = real.prctl(option, a[0], a[1], a[2], a[3]);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (filter && r)
		filter_failed();
	if (option == PR_SET_NAME && r == 0 && call_ready() && self_tid() == store.head->pid)
		sysc(SYS_prctl, PR_GET_NAME, store.head->comm); /* no thread's own */
	return r;
}

/* ---- the limit of open files --------------------------------------------------------------------
 */

/* The structures of both names are alike, their types are not. */
EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	int r;

	if (!real_ready())
		return -1;
	r = real.setrlimit(resource, limit);
	if (r == 0 && resource == RLIMIT_NOFILE)
		call_nofile(limit->rlim_cur, limit->rlim_max, CALL_SEED);
	return r;
}

EXPORT int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit)
{
	int r;

	if (!real_ready())
		return -1;
	r = real.setrlimit64(resource, limit);
	if (r == 0 && resource == RLIMIT_NOFILE)
		call_nofile(limit->rlim_cur, limit->rlim_max, CALL_SEED);
	return r;
}

static bool sets_own_files(int r, pid_t pid, __rlimit_resource_t resource, const void *limit)
{
	return r == 0 && resource == RLIMIT_NOFILE && limit &&
	       (!pid || (uint32_t)pid == self_gate.pid);
}

EXPORT int prlimit(pid_t pid, __rlimit_resource_t resource, const struct rlimit *limit,
		   struct rlimit *old)
{
	int r;

	if (!real_ready())
		return -1;
	r = real.prlimit(pid, resource, limit, old);
	if (sets_own_files(r, pid, resource, limit))
		call_nofile(limit->rlim_cur, limit->rlim_max, CALL_SEED);
	return r;
}

EXPORT int prlimit64(pid_t pid, __rlimit_resource_t resource, const struct rlimit64 *limit,
		     struct rlimit64 *old)
{
	int r;

	if (!real_ready())
		return -1;
	r = real.prlimit64(pid, resource, limit, old);
	if (sets_own_files(r, pid, resource, limit))
		call_nofile(limit->rlim_cur, limit->rlim_max, CALL_SEED);
	return r;
}

/* ---- syscall(): programs that go round libc, where it concerns fds
 * ------------------------------- */

static const struct raw {
	long number;
	uint16_t kind;
	uint8_t path_arg; /* 1 + index of the path, 0 none; the directory is the one before it */
} makes_fd[] = {
#ifdef SYS_open
	{SYS_open, KIND_file, 1},
	{SYS_creat, KIND_file, 1},
	{SYS_epoll_create, KIND_epoll, 0},
	{SYS_eventfd, KIND_eventfd, 0},
	{SYS_inotify_init, KIND_inotify, 0},
#endif
	{SYS_openat, KIND_file, 2},
	{SYS_openat2, KIND_file, 2},
	{SYS_memfd_create, KIND_memfd, 0},
	{SYS_eventfd2, KIND_eventfd, 0},
	{SYS_epoll_create1, KIND_epoll, 0},
	{SYS_timerfd_create, KIND_timerfd, 0},
	{SYS_inotify_init1, KIND_inotify, 0},
	{SYS_pidfd_open, KIND_pidfd, 0},
	{SYS_pidfd_getfd, KIND_unknown, 0},
	{SYS_io_uring_setup, KIND_io_uring, 0},
	{SYS_userfaultfd, KIND_userfaultfd, 0},
	{SYS_perf_event_open, KIND_perf, 0},
	{SYS_fanotify_init, KIND_fanotify, 0},
};

static void raw_birth(long number, const long *a, int fd, const struct stack_seed *seed)
{
	struct call_what w = {.call = CALL_syscall, .fd = -1, .at = AT_FDCWD};

	for (size_t i = 0; i < sizeof(makes_fd) / sizeof(makes_fd[0]); i++) {
		const struct raw *m = &makes_fd[i];

		if (m->number != number)
			continue;
		if (m->path_arg)
			w.path = (const char *)a[m->path_arg - 1];
		if (m->path_arg == 2)
			w.at = (int)a[0];
		call_birth(&w, fd, (enum record_kind)m->kind, 0, seed);
		return;
	}
}

EXPORT long syscall(long number, ...)
{
	const struct call_what w = {.call = CALL_syscall, .fd = -1};
	struct call_ruled x;
	long a[6], r;
	uint32_t seq = 0;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (!real_ready())
		return sysc(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (call_rules(&w, &x, CALL_SEED, &r))
		return r;
	if (number == SYS_seccomp)
		before_filter();
	if (number == SYS_close)
		seq = call_closing((int)a[0]);
	r = real.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_close)
		call_closed((int)a[0], seq, (int)r, CALL_SEED);
	else if (number == SYS_seccomp && r < 0)
		filter_failed();
	else if (r >= 0)
		raw_birth(number, a, (int)r, CALL_SEED);
	return r;
}

/* ---- modules ----------------------------------------------------------------------------------
 */

EXPORT int dlclose(void *handle)
{
	int r;

	if (!real_ready())
		return -1;
	r = real.dlclose(handle);
	if (r == 0)
		stack_forget(); /* also when no recorded stack went through what is gone */
	if (call_ready())
		store_modules_check();
	return r;
}
