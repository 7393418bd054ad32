/* SPDX-License-Identifier: MIT */
/*
 * call_fate.c - follows an EAGAIN to its fate: did the target wait for the fd, call again at once,
 * or close it? Only counts; what it means is for the tool.
 */
#include "call.h"

/*
 * A pause between two tries is a back-off, not a spin. The coarse clock jumps by a tick (1 to 10
 * ms) also between two calls at once: what is told apart here must be longer. A pause that is not
 * is counted as a spin, and shows in the rate.
 */
#define RETRY_PAUSE_NS 12000000u

static WARM void count_wait(struct record_site *site, uint64_t waited_ns)
{
	uint64_t us = waited_ns / 1000;
	unsigned i = 0;

	self_add64(&site->waited_ns, waited_ns);
	if (waited_ns > record_peek(&site->waited_max_ns))
		record_poke(&site->waited_max_ns, waited_ns);
	for (; us && i < 11; us >>= 2)
		i++;
	self_add32(&site->wait_hist[i], 1);
}

static INLINED void count(struct record_site *site, enum record_fate fate, uint64_t waited_ns)
{
	self_add64(&site->fate[fate], 1);
	if (fate != FATE_gave_up && fate != FATE_drained)
		count_wait(site, waited_ns);
}

/* The commonest: the clock stands still for most of them. */
static inline void count_spun(struct record_site *site, uint64_t waited_ns)
{
	self_add64(&site->fate[FATE_spun], 1);
	if (unlikely(waited_ns))
		self_add64(&site->spun_ns, waited_ns);
}

static uint64_t since(const struct record_slot *s, uint64_t now_ns)
{
	return now_ns > s->failed_ns ? now_ns - s->failed_ns : 0;
}

/* The fate of the EAGAIN before this call; `stamp` is call_fate_stamp(self_tid()). */
static INLINED void settle(struct record_slot *s, uint64_t now_ns, uint32_t stamp,
			   enum record_fate at_once)
{
	struct record_site *site = store_site_at(s->failed);
	uint64_t waited = since(s, now_ns);

	if ((s->fails ^ stamp) & ~FAILS_DRAINED)
		count(site, s->fails & FAILS_DRAINED ? FATE_drained : FATE_waited, waited);
	else if (at_once == FATE_spun && likely(waited <= RETRY_PAUSE_NS))
		count_spun(site, waited);
	else
		count(site, FATE_retried, waited);
}

/* It waited already: in the kernel, for the timeout of its direction. */
static bool timed_out(const struct record_slot *s, const struct record_site *site, bool at_once)
{
	uint32_t timeout = call_receives(site->call) ? SLOT_RCVTIMEO : SLOT_SNDTIMEO;

	return !at_once && !(s->flags & SLOT_NONBLOCK) && s->flags & timeout;
}

WARM void call_fate_failed(struct record_slot *s, uint32_t site, uint64_t now_ns, bool at_once)
{
	struct record_site *x = store_site_at(site);
	uint32_t stamp = call_fate_stamp(self_tid());

	if (s->failed) {
		settle(s, now_ns, stamp, FATE_spun);
	} else if (timed_out(s, x, at_once)) {
		count(x, FATE_timed_out, call_timeout_ms(s, call_receives(x->call)) * 1000000ull);
		return;
	}
	call_fate_begins(__libc_single_threaded, s, site, stamp, call_receives(x->call), now_ns);
}

static WARM void succeeded_else(struct record_slot *s, uint32_t stamp)
{
	settle(s, self_now_coarse(), stamp, FATE_retried);
}

/* HOT: who reads until EAGAIN and waits has one a turn. */
static INLINED void succeeded(struct record_slot *s)
{
	uint32_t stamp = call_fate_stamp(self_tid()), failed = s->failed, fails = s->fails;
	bool alone = __libc_single_threaded;

	if (likely(alone))
		count_and32(&s->uses, ~SLOT_USE_PENDING);
	else
		__atomic_fetch_and(&s->uses, ~SLOT_USE_PENDING, __ATOMIC_RELAXED);
	if (likely(failed) && likely(fails & FAILS_DRAINED) &&
	    likely((fails ^ stamp) & ~FAILS_DRAINED))
		count_shared64(alone, &store_site_at(failed)->fate[FATE_drained], 1);
	else if (failed)
		succeeded_else(s, stamp);
	s->failed = s->fails = 0;
}

void call_fate_succeeded(struct record_slot *s)
{
	succeeded(s);
}

HOT ssize_t call_settled(int fd, ssize_t r)
{
	struct record_slot *s = likely(call_ready()) ? slots_at(fd) : NULL;

	if (likely(s) && likely(s->uses & SLOT_USE_PENDING))
		succeeded(s);
	return r;
}

void call_fate_closed(struct record_slot *s)
{
	if (s->failed)
		count(store_site_at(s->failed), FATE_gave_up, 0);
	s->failed = s->fails = 0;
}

void call_fate_retried(uint32_t site, bool masked, uint64_t waited_ns)
{
	count(store_site_at(site), masked ? FATE_masked : FATE_unmasked, waited_ns);
}
