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
#include "child.h"
#include "config.h"
#include "real.h"
#include "store_spare.h"
#include "sysc.h"
#include "wrap_parts.h"

static void forked(pid_t child)
{
	uint64_t seq;
	struct record_event *e;

	if (!call_ready())
		return;
	self_add64(&store.head->forks, 1);
	call_sharing();
	e = store_event_begin(false, &seq);
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
	struct store_fork f;
	struct call_ruled x;
	long faked;
	int saved;
	pid_t r;

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (pid_t)faked;
	child_forking(&f, CALL_SEED);
	do
		r = real.fork();
	while (r && call_again(r < 0, &w, &x, CALL_SEED)); /* the child has nothing to end */
	if (r == 0) { /* nothing here sets errno: looking for it would be a fault more */
		child_forked(&f, 0);
		return 0;
	}
	saved = errno;
	if (r > 0)
		forked(r);
	child_forked(&f, r);
	errno = saved;
	return r;
}
CALL_ALIAS(__fork, fork);

EXPORT void _exit(int status)
{
	if (real_ready() && !self_vforked())
		child_end(status);
	if (real_loaded)
		real._exit(status); /* a sanitizer's writes out what stdio holds */
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

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
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

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
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

	if (wrap_ruled(&w, &x, CALL_SEED, &faked))
		return (int)faked;
	if (call_ready() && !sysc(SYS_faccessat, AT_FDCWD, path, 0))
		root = store_path(STORE_CWD, path);
	do
		r = real.chroot(path);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (r == 0 && call_ready()) {
		slots_births_apart = 1;
		record_poke(&store.head->root, root);
		record_poke(&store.head->cwd, 0);
	}
	return r;
}

/* ---- seccomp: after the filter is in, the shim makes no system call of its own
 * ------------------- */

void wrap_before_filter(void)
{
	if (!call_ready())
		return;
	store_reserve();
	store_spare_rename(config.session); /* an exec could not do it any more */
	store_spare_forbid(true);
	self_tid();
	store.head->seccomp = 1;
	self_gate.seccomp = 1;
}

void wrap_filter_failed(void)
{
	if (self_gate.state != SELF_ready)
		return;
	store_spare_forbid(false);
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
		wrap_before_filter();
	do
		r = real.prctl(option, a[0], a[1], a[2], a[3]);
	while (call_again(r < 0, &w, &x, CALL_SEED));
	if (filter && r)
		wrap_filter_failed();
	if (option == PR_SET_NAME && r == 0 && call_ready() && self_tid() == store.head->pid)
		sysc(SYS_prctl, PR_GET_NAME, store.head->comm); /* no thread's own */
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
