/* SPDX-License-Identifier: MIT */
/*
 * call_look.c - see call.h. A process that only waits for an inherited fd (the pipe that tells it
 * its parent's end) uses it.
 */
#include "call.h"

#define MOST 64 /* pollfds; more of a set are not looked at */

static void touch(int fd)
{
	struct record_slot *s = fd >= 0 ? slots_at(fd) : NULL;

	if (s)
		slots_touch(s);
}

COLD void call_look_poll_fds(const struct pollfd *fds, nfds_t n)
{
	size_t want = n < MOST ? n : MOST;

	if (!call_ready() || !call_readable(fds, want * sizeof(*fds)))
		return;
	for (size_t i = 0; i < want; i++)
		touch(fds[i].fd);
}

static void touch_set(const fd_set *set, size_t words)
{
	const unsigned long *bits = (const unsigned long *)set;

	for (size_t i = 0; i < words; i++)
		for (unsigned long left = bits[i]; left; left &= left - 1)
			touch((int)(i * 64) + __builtin_ctzl(left));
}

COLD void call_look_sets(int n, const fd_set *rd, const fd_set *wr, const fd_set *ex)
{
	const fd_set *const sets[] = {rd, wr, ex};
	size_t words = n > 0 && n <= FD_SETSIZE ? (size_t)(n + 63) / 64 : 0;

	if (!call_ready())
		return;
	for (size_t i = 0; i < 3; i++)
		if (call_readable(sets[i], words * sizeof(unsigned long)))
			touch_set(sets[i], words);
}
