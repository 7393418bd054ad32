/* SPDX-License-Identifier: MIT */
/*
 * call_look.c - see call.h. A process that only waits for an inherited fd (the pipe that tells it
 * its parent's end) uses it. The target's memory is read by a system call: a pointer that the
 * kernel will refuse must not crash here.
 */
#include <errno.h>
#include <sys/uio.h>
#include "call.h"
#include "sysc.h"

#define MOST 64 /* pollfds; more of a set are not looked at */

static void touch(int fd)
{
	struct record_slot *s = fd >= 0 ? slots_at(fd) : NULL;

	if (s)
		slots_touch(s);
}

static long copy(void *to, const void *from, size_t bytes)
{
	const struct iovec local = {to, bytes}, remote = {(void *)(uintptr_t)from, bytes};

	return sysc(SYS_process_vm_readv, self_gate.pid, &local, 1, &remote, 1, 0);
}

COLD void call_look_poll_fds(const struct pollfd *fds, nfds_t n)
{
	struct pollfd p[MOST];
	size_t want = n < MOST ? n : MOST;

	if (!call_ready() || self_gate.seccomp ||
	    copy(p, fds, want * sizeof(*p)) != (long)(want * sizeof(*p)))
		return;
	for (size_t i = 0; i < want; i++)
		touch(p[i].fd);
}

static void touch_set(const unsigned long *bits, size_t words)
{
	for (size_t i = 0; i < words; i++)
		for (unsigned long left = bits[i]; left; left &= left - 1)
			touch((int)(i * 64) + __builtin_ctzl(left));
}

COLD void call_look_sets(int n, const fd_set *rd, const fd_set *wr, const fd_set *ex)
{
	const fd_set *const sets[] = {rd, wr, ex};
	unsigned long bits[FD_SETSIZE / 64];
	size_t words = n > 0 && n <= FD_SETSIZE ? (size_t)(n + 63) / 64 : 0;

	if (!call_ready() || self_gate.seccomp)
		return;
	for (size_t i = 0; i < 3; i++)
		if (sets[i] && copy(bits, sets[i], words * 8) == (long)(words * 8))
			touch_set(bits, words);
}
