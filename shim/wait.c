/* SPDX-License-Identifier: MIT */
/*
 * wait.c - see wait.h. POLLOUT of an AF_UNIX stream comes only when its memory falls to a quarter
 * of SO_SNDBUF, though a send would succeed long before: so poll waits in slices. For a connect()
 * to a full backlog or a full datagram queue poll says ready at once and for ever: two such lies
 * and the rest is back-off (unix(7), measured in docs/rules.md).
 */
#include <errno.h>
#include <poll.h>
#include "real.h"
#include "self.h"
#include "sysc.h"
#include "wait.h"

#define SLICE_NS 50000000u
#define BACKOFF_FIRST_NS 1000000u
#define BACKOFF_MOST_NS 50000000u
#define LIE_NS 1000000u /* ready again this soon after a failed try */
#define LIES 2

static struct timespec time_of(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
				 .tv_nsec = (long)(ns % 1000000000u)};
}

static long poll_for(struct wait *w, uint64_t ns, bool fd)
{
	struct timespec t = time_of(ns);
	struct pollfd p = {.fd = w->fd, .events = w->events};
	long r;

	if (!w->cancellable)
		return sysc(SYS_ppoll, &p, fd ? 1 : 0, &t, 0, 8);
	r = real.ppoll(&p, fd ? 1 : 0, &t, NULL);
	return r < 0 ? -errno : r;
}

/* Half to all of the back-off: processes that failed together do not come back together. */
static uint64_t jittered(uint64_t ns, uint64_t now)
{
	uint64_t h = (now ^ self_tid()) * 0xff51afd7ed558ccdu;

	return ns / 2 + (h >> 33) % (ns / 2 + 1);
}

bool wait_sleep(uint64_t ns)
{
	struct timespec t = time_of(ns);

	return sysc(SYS_nanosleep, &t, 0) != -EINTR;
}

static enum wait_end back_off(struct wait *w, uint64_t now)
{
	uint64_t left = w->deadline_ns - now, ns;

	if (!w->backoff_ns)
		w->backoff_ns = BACKOFF_FIRST_NS;
	ns = jittered(w->backoff_ns, now);
	w->backoff_ns *= 2;
	if (w->backoff_ns > BACKOFF_MOST_NS)
		w->backoff_ns = BACKOFF_MOST_NS;
	return poll_for(w, ns < left ? ns : left, false) == -EINTR ? WAIT_signal : WAIT_again;
}

enum wait_end wait_step(struct wait *w)
{
	uint64_t now = self_clock(CLOCK_MONOTONIC), left;
	long r;

	if (now >= w->deadline_ns)
		return WAIT_deadline;
	if (w->ready_ns && now - w->ready_ns < LIE_NS)
		w->lies++;
	if (!w->events || w->lies >= LIES)
		return back_off(w, now);
	left = w->deadline_ns - now;
	r = poll_for(w, left < SLICE_NS ? left : SLICE_NS, true);
	if (r == -EINTR)
		return WAIT_signal;
	w->ready_ns = r > 0 ? self_clock(CLOCK_MONOTONIC) : 0;
	return WAIT_again;
}
