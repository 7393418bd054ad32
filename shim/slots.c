/* SPDX-License-Identifier: MIT */
/*
 * slots.c - see slots.h. Slots of low numbers lie in one array that grows as numbers do; the few
 * far above them get chunks of their own from the end of the part.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "calls.h"
#include "slots.h"
#include "slots_change.h"
#include "sysc.h"

#define CHUNK RECORD_CHUNK_FDS

AT_START struct record_slot *slots_base;
AT_START uint32_t slots_untouched;
AT_START uint64_t slots_marked_ns;
AT_START uint32_t slots_births_apart;

static uint32_t *chunk_table(void)
{
	return store_part(PART_chunks);
}

static uint32_t chunk_count(void)
{
	return (uint32_t)(store.head->part[PART_slots].size_bytes /
			  (CHUNK * sizeof(struct record_slot)));
}

/* 1 + first fd / CHUNK of far chunk i; 0 unused. They are taken from the last on. */
static uint32_t far_base(uint32_t i)
{
	if ((uint64_t)(i + 1) * sizeof(uint32_t) > store.head->part[PART_chunks].real_bytes)
		return 0;
	return record_observe(&chunk_table()[i]);
}

void slots_start(void)
{
	slots_base = store_part(PART_slots);
	store_tick.ns = 0; /* of the record before this one */
	slots_births_apart |= store.head->root;
	self_slots((uint32_t)store.head->part[PART_slots].used * CHUNK);
}

/* ---- finding and making -----------------------------------------------------------------------
 */

struct record_slot *slots_far(int fd)
{
	uint32_t wanted = 1 + (uint32_t)fd / CHUNK;
	uint32_t first, i;

	if (fd < 0 || self_gate.state != SELF_ready || !store.head->part[PART_chunks].real_bytes)
		return NULL;
	first = (uint32_t)store.head->part[PART_slots].used;
	for (i = chunk_count(); i-- > first;) {
		uint32_t base = far_base(i);

		if (base == wanted)
			return slots_base + (uint64_t)i * CHUNK + (uint32_t)fd % CHUNK;
		if (!base)
			break;
	}
	return NULL;
}

/* Numbers that were far are near once the array has grown to `to` chunks. */
static void take_in_far(uint64_t from, uint64_t to)
{
	uint32_t base;

	for (uint32_t i = chunk_count(); i-- > to && (base = far_base(i));)
		if (base > from && base <= to)
			memcpy(slots_base + (uint64_t)(base - 1) * CHUNK,
			       slots_base + (uint64_t)i * CHUNK, CHUNK * sizeof(*slots_base));
}

/* Extend the array so that it covers fd. */
static bool grow_near(int fd)
{
	struct record_part *p = &store.head->part[PART_slots];
	uint64_t want = (uint64_t)fd / CHUNK + 1;
	uint64_t bytes = want * CHUNK * sizeof(struct record_slot);

	if (bytes > p->size_bytes || far_base((uint32_t)want - 1) || !store_real(PART_slots, bytes))
		return false;
	take_in_far(record_peek(&p->used), want);
	if (record_peek(&p->used) < want)
		record_publish(&p->used, want);
	if (record_peek(&self_gate.slots_below) < want * CHUNK)
		self_slots((uint32_t)want * CHUNK);
	return true;
}

/* A chunk of its own for a number far above the others. One page; bypasses store_real's prefix. */
static struct record_slot *grow_far(int fd)
{
	uint32_t wanted = 1 + (uint32_t)fd / CHUNK;
	uint32_t n = chunk_count();

	if (!store_real(PART_chunks, (uint64_t)n * sizeof(uint32_t)))
		return NULL;
	for (uint32_t i = n; i-- > store.head->part[PART_slots].used;) {
		uint32_t none = 0;

		if (!store_real_page(slots_base + (uint64_t)i * CHUNK))
			return NULL;
		if (__atomic_compare_exchange_n(&chunk_table()[i], &none, wanted, false,
						__ATOMIC_RELEASE, __ATOMIC_ACQUIRE) ||
		    none == wanted)
			return slots_base + (uint64_t)i * CHUNK + (uint32_t)fd % CHUNK;
	}
	return NULL;
}

static COLD struct record_slot *make(int fd)
{
	uint32_t below = record_peek(&self_gate.slots_below);
	struct record_slot *s = NULL;

	if (fd < 0)
		return NULL;
	if ((uint32_t)fd >= RECORD_FDS_MAX) {
		store_missed(MISS_slot_high);
		return NULL;
	}
	if ((uint32_t)fd < 4 * below + 1024 && grow_near(fd))
		s = slots_base + fd;
	else
		s = grow_far(fd);
	if (!s)
		store_missed(MISS_slot_space);
	return s;
}

int slots_end(void)
{
	uint32_t n = chunk_count(), first = (uint32_t)store.head->part[PART_slots].used;
	uint32_t end = first * CHUNK;

	for (uint32_t i = n; i-- > first;) {
		uint32_t base = far_base(i);

		if (!base)
			break;
		if (base * CHUNK > end)
			end = base * CHUNK;
	}
	return (int)end;
}

/* ---- changing ---------------------------------------------------------------------------------
 */

COLD uint64_t slots_now_exact(void)
{
	uint64_t mark = record_peek(&slots_marked_ns), now = self_clock(CLOCK_MONOTONIC);

	return now > mark ? now : mark;
}

uint64_t slots_mark(void)
{
	uint64_t old = record_peek(&slots_marked_ns), mark;

	slots_births_apart = 1;
	do {
		mark = self_clock(CLOCK_MONOTONIC) + 1; /* births of this very ns are before it */
		if (mark <= old)
			mark = old + 1;
	} while (!__atomic_compare_exchange_n(&slots_marked_ns, &old, mark, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return mark;
}

static inline struct record_site *site_of(const struct slots_birth *b)
{
	return b->site ? store_site_at(b->site) : NULL;
}

/* Two threads made the number at once: one of them lost it. */
static COLD void born_twice(struct record_slot *s, const struct slots_birth *b)
{
	slots_count_birth(false, b, site_of(b));
	store_missed(MISS_race);
	slots_count_death(false, s, b->now_ns);
}

static INLINED void born(bool alone, struct record_slot *s, const struct slots_birth *b)
{
	if (likely(slots_fill_in(alone, s, b)))
		slots_count_birth(alone, b, site_of(b));
	else
		born_twice(s, b);
}

/* A constant in each. */
static INLINED void born_here(struct record_slot *s, const struct slots_birth *b)
{
	if (likely(__libc_single_threaded))
		born(true, s, b);
	else
		born(false, s, b);
}

/* There is no slot for it yet, or a close was missed. */
static WARM void birth_apart(int fd, struct record_slot *s, const struct slots_birth *b)
{
	if (s) /* of dup2 it is another thread's, at the same time */
		slots_lost(fd, 0, b->call != CALL_dup2 && b->call != CALL_dup3);
	else
		s = make(fd);
	if (s)
		born_here(s, b);
}

void slots_birth(int fd, const struct slots_birth *b)
{
	struct record_slot *s = slots_at(fd);

	if (unlikely(!s) || unlikely(s->state == SLOT_open))
		birth_apart(fd, s, b);
	else
		born_here(s, b);
}

/* That it had a lock, and until when, is known until the number is used again. */
static COLD void let_go(struct record_slot *s)
{
	if (s->flags & SLOT_LOCKED && !s->failed_ns)
		record_poke(&s->failed_ns, self_now_coarse());
}

uint32_t slots_closing(struct record_slot *s)
{
	bool alone = __libc_single_threaded;
	uint32_t seq;

	if (unlikely(!slots_set_closing(alone, s, &seq)))
		return 0;
	if (unlikely(s->flags & SLOT_LOCKED))
		let_go(s);
	slots_count_death(alone, s, self_now_coarse());
	return seq;
}

void slots_closed(int fd, uint32_t seq, uint32_t stack)
{
	struct record_slot *s = slots_at(fd);

	if (seq && s)
		slots_set_closed(__libc_single_threaded, s, seq, stack);
}

void slots_reopened(int fd, uint32_t seq)
{
	struct record_slot *s = slots_at(fd);

	if (!seq || !s || record_peek(&s->seq) != seq)
		return;
	record_poke(&s->state, SLOT_open);
	self_add32(&store.head->fds_open, 1);
	if (s->flags & (SLOT_INHERITED | SLOT_UNSEEN))
		return;
	self_add64(&store.head->deaths, (uint64_t)-1);
	if (s->site) {
		self_add64(&store_site_at(s->site)->deaths, (uint64_t)-1);
		self_add32(&store_site_at(s->site)->open, 1);
	}
}

void slots_lost(int fd, uint32_t stack, bool unseen)
{
	struct record_slot *s = slots_at(fd);
	uint32_t seq = s && s->state == SLOT_open ? slots_closing(s) : 0;

	if (!seq)
		return;
	slots_closed(fd, seq, stack);
	if (unseen)
		store_unseen(false, s->kind);
}

void slots_verify(int fd)
{
	const struct record_slot *s = slots_at(fd);
	uint32_t seq = s ? record_observe(&s->seq) : 0;

	if (!s || s->state != SLOT_open || self_gate.seccomp)
		return;
	if (sysc(SYS_fcntl, fd, F_GETFD) != -EBADF || record_peek(&s->seq) != seq)
		return;
	slots_lost(fd, 0, false);
	store_missed(MISS_race);
}

void slots_found(int fd, uint8_t kind, uint32_t flags, uint64_t now_ns)
{
	const struct slots_birth b = {.now_ns = now_ns, .flags = flags, .kind = kind};

	slots_birth(fd, &b);
}

void slots_set_flags(int fd, uint32_t set, uint32_t clear)
{
	struct record_slot *s = slots_at(fd);

	if (s && s->state == SLOT_open)
		record_poke(&s->flags, (s->flags & ~clear) | set);
}

void slots_locked(int fd, bool locked)
{
	struct record_slot *s = slots_at(fd);

	if (!s || s->state != SLOT_open)
		return;
	if (!locked) {
		let_go(s);
		return;
	}
	record_poke(&s->failed_ns, 0);
	record_poke(&s->flags, s->flags | SLOT_LOCKED);
}

void slots_execed(int fd)
{
	struct record_slot *s = slots_at(fd);

	if (!s || s->state != SLOT_open)
		return;
	s->flags = (s->flags & ~SLOT_TOUCHED) | SLOT_EXECED | SLOT_INHERITED;
	s->uses &= SLOT_USE_PENDING;
	slots_untouched++;
}

COLD void slots_touched(struct record_slot *s)
{
	record_poke(&s->flags, s->flags | SLOT_TOUCHED);
	if (record_peek(&slots_untouched))
		self_add32(&slots_untouched, -1u);
}
