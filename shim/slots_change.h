/* SPDX-License-Identifier: MIT */
/*
 * slots_change.h - a birth and a death: what they write into the slot, and the counters: open now,
 * most ever, of the site, over time. For slots.c, and inlined into the ways of call_births.h where
 * no other thread is there.
 *
 * `alone`: no other thread is there. A constant to the compiler, so that it is asked once for all
 * the counters of a birth or death.
 */
#ifndef SHIM_SLOTS_CHANGE_H
#define SHIM_SLOTS_CHANGE_H

#include "slots.h"

/* ---- the slot ---------------------------------------------------------------------------------
 */

static inline uint32_t slots_seq(const struct record_slot *s)
{
	uint32_t seq = record_peek(&s->seq);

	if (likely(!(seq & 1)))
		return seq;
	store_missed(MISS_race);
	return seq - 1;
}

/*
 * What the slot was. Of threads that change one number at once each sees another's doing, so that
 * every birth and death is counted once.
 */
static INLINED uint8_t slots_set_state(bool alone, struct record_slot *s, uint8_t state)
{
	uint8_t was = s->state;

	if (!alone)
		return __atomic_exchange_n(&s->state, state, __ATOMIC_ACQ_REL);
	record_poke(&s->state, state);
	return was;
}

/*
 * `s` is free. false: two threads made the number at once, and one of them lost it. Where there is
 * one thread only, nobody else knows the number until the call returns.
 */
static INLINED bool slots_fill_in(bool alone, struct record_slot *s, const struct slots_birth *b)
{
	uint32_t seq = slots_seq(s);
	uint8_t was;

	record_poke(&s->seq, seq + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* odd is seen before any new field is */
	s->kind = b->kind;
	s->call = b->call;
	s->flags = b->flags;
	s->uses = 0;
	s->birth_ns = b->now_ns;
	s->site = b->site;
	s->target = b->target;
	s->failed = 0;
	s->fails = 0;
	s->failed_ns = 0;
	s->mode_nonblock = s->mode_send = s->mode_receive = 0;
	s->close_stack = 0;
	was = slots_set_state(alone, s, SLOT_open);
	record_publish(&s->seq, seq + 2); /* pairs with the reader's observe of seq */
	return alone || likely(was != SLOT_open);
}

/*
 * Nothing but the state changes, which is one byte; another seq says that it did. false: it is not
 * open, or another thread's close is counted.
 */
static INLINED bool slots_set_closing(bool alone, struct record_slot *s, uint32_t *ret_seq)
{
	uint32_t seq = slots_seq(s) + 2;

	if (unlikely(s->state != SLOT_open))
		return false;
	if (unlikely(slots_set_state(alone, s, SLOT_closing) != SLOT_open) && !alone)
		return false;
	record_publish(&s->seq, seq);
	*ret_seq = seq;
	return true;
}

static INLINED void slots_set_closed(bool alone, struct record_slot *s, uint32_t seq,
				     uint32_t stack)
{
	uint8_t closing = SLOT_closing;

	if (unlikely(record_peek(&s->seq) != seq))
		return;
	s->close_stack = stack;
	if (alone)
		record_poke(&s->state, SLOT_closed);
	else /* unless another thread has the number by now */
		__atomic_compare_exchange_n(&s->state, &closing, SLOT_closed, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/* ---- counters ---------------------------------------------------------------------------------
 */

static inline void keep_highest(uint32_t *highest, uint32_t n)
{
	if (unlikely(n > record_peek(highest)))
		record_poke(highest, n);
}

static inline bool is_counted(uint32_t flags)
{
	return likely(!(flags & (SLOT_INHERITED | SLOT_UNSEEN)));
}

/* One that was counted when it was born here; `site`: where, 0 unknown. */
static INLINED void slots_count_own_death(bool alone, uint32_t id, uint64_t now_ns)
{
	struct record_header *h = store.head;
	struct record_site *site = store_site_at(id);

	count_shared32(alone, &h->fds_open, (uint32_t)-1);
	count_shared64(alone, &h->deaths, 1);
	if (unlikely(!id))
		return;
	count_shared64(alone, &site->deaths, 1);
	count_shared32(alone, &site->open, (uint32_t)-1);
	store_site_died(site, store_site_bucket(site, now_ns));
}

static INLINED void slots_count_death(bool alone, const struct record_slot *s, uint64_t now_ns)
{
	if (is_counted(s->flags))
		slots_count_own_death(alone, s->site, now_ns);
	else /* nor was its birth, here */
		count_shared32(alone, &store.head->fds_open, (uint32_t)-1);
}

/* `site`: of the birth; NULL: none. */
static INLINED void slots_count_birth(bool alone, const struct slots_birth *b,
				      struct record_site *site)
{
	struct record_header *h = store.head;

	count_shared32(alone, &h->fds_open, 1);
	keep_highest(&h->fds_peak, record_peek(&h->fds_open));
	if (!is_counted(b->flags))
		return;
	count_shared64(alone, &h->births, 1);
	if (unlikely(!site))
		return;
	count_shared64(alone, &site->count, 1);
	count_shared32(alone, &site->open, 1);
	keep_highest(&site->open_peak, record_peek(&site->open));
	store_site_born(site, store_site_bucket(site, b->now_ns), b->now_ns);
}

/* HOT: the same, in a known site, with open fds over time; less is asked for less can be. */
static INLINED void slots_count_plain_birth(const struct slots_birth *b, struct record_site *site)
{
	struct record_header *h = store.head;
	uint32_t i;

	count_add32(&h->fds_open, 1);
	count_add64(&h->births, 1);
	count_add64(&site->count, 1);
	count_add32(&site->open, 1);
	keep_highest(&site->open_peak, record_peek(&site->open));
	i = store_site_bucket(site, b->now_ns);
	store_site_born(site, i, b->now_ns);
	if (unlikely(record_peek(&h->fds_open) > record_peek(&h->series_open[i])))
		store_most_open(i);
}

#endif
