/* SPDX-License-Identifier: MIT */
/*
 * slots_count.h - the counters of a birth and of a death: open now, most ever, of the site, over
 * time. For slots.c.
 */
#ifndef SHIM_SLOTS_COUNT_H
#define SHIM_SLOTS_COUNT_H

#include "slots.h"

static inline void keep_highest(uint32_t *highest, uint32_t n)
{
	if (unlikely(n > record_peek(highest)))
		record_poke(highest, n);
}

static inline bool is_counted(uint32_t flags)
{
	return likely(!(flags & (SLOT_INHERITED | SLOT_UNSEEN)));
}

static INLINED void death(bool alone, const struct record_slot *s, uint64_t now_ns)
{
	struct record_site *site;

	count_shared32(alone, &store.head->fds_open, (uint32_t)-1);
	if (!is_counted(s->flags)) /* nor was its birth, here */
		return;
	count_shared64(alone, &store.head->deaths, 1);
	if (!s->site)
		return;
	site = store_site_at(s->site);
	count_shared64(alone, &site->deaths, 1);
	count_shared32(alone, &site->open, (uint32_t)-1);
	store_site_series(site, now_ns, false);
}

static INLINED void birth(bool alone, const struct slots_birth *b)
{
	struct record_site *site;

	count_shared32(alone, &store.head->fds_open, 1);
	keep_highest(&store.head->fds_peak, record_peek(&store.head->fds_open));
	if (!is_counted(b->flags))
		return;
	count_shared64(alone, &store.head->births, 1);
	if (!b->site)
		return;
	site = store_site_at(b->site);
	count_shared64(alone, &site->count, 1);
	count_shared32(alone, &site->open, 1);
	keep_highest(&site->open_peak, record_peek(&site->open));
	store_site_series(site, b->now_ns, true);
}

static WARM void count_death_among_threads(const struct record_slot *s, uint64_t now_ns)
{
	death(false, s, now_ns);
}

static WARM void count_birth_among_threads(const struct slots_birth *b)
{
	birth(false, b);
}

static inline void count_death(const struct record_slot *s, uint64_t now_ns)
{
	if (likely(__libc_single_threaded))
		death(true, s, now_ns);
	else
		count_death_among_threads(s, now_ns);
}

static inline void count_birth(const struct slots_birth *b)
{
	if (likely(__libc_single_threaded))
		birth(true, b);
	else
		count_birth_among_threads(b);
}

#endif
