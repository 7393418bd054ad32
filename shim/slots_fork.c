/* SPDX-License-Identifier: MIT */
/*
 * slots_fork.c - the slots of a fork child are its parent's at the instant of the fork. They go
 * into the record that waits for the child, or else into a private copy: the parent's own lie in
 * shared memory, in which it goes on. Called by the fork wrapper in both, by child.c in the child.
 */
#include <string.h>
#include <sys/mman.h>
#include "slots.h"
#include "store_spare.h"
#include "sysc.h"

#define CHUNK RECORD_CHUNK_FDS
#define KEPT_SLOTS (4 * CHUNK) /* more are kept in a mapping of their own */

static struct record_slot kept_here[KEPT_SLOTS];
static AT_START struct {
	uint32_t by; /* tid */
	struct record_slot *slots;
	uint64_t count;
} kept;

static void *map(uint64_t bytes)
{
	long at = sysc(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	return at < 0 && at > -4096 ? NULL : (void *)at;
}

static bool inherit_one(struct record_slot *s)
{
	s->seq &= ~1u; /* the parent may have been writing it */
	s->flags |= SLOT_INHERITED;
	s->failed = s->fails = 0;
	s->uses = s->flags & SLOT_EXECED ? s->uses & ~SLOT_USE_PENDING : 0;
	if (s->state != SLOT_open && !(s->flags & SLOT_QUARANTINED))
		s->state = SLOT_free;
	return s->state == SLOT_open;
}

/* ---- parent -----------------------------------------------------------------------------------
 */

/* Into the record that waits; what a child before had there beyond them is cleared. */
static void copy_to(struct record_header *x, uint64_t stale)
{
	const struct record_part *p = &store.head->part[PART_slots];
	struct record_slot *to = (struct record_slot *)((uint8_t *)x + p->offset_bytes);
	uint64_t used = record_peek(&x->part[PART_slots].used); /* the header is a copy by now */
	uint64_t count = (used < p->used ? used : p->used) * CHUNK;
	uint32_t open = 0;

	memcpy(to, slots_base, count * sizeof(*to));
	if (stale > count * sizeof(*to))
		memset(to + count, 0, stale - count * sizeof(*to));
	for (uint64_t i = 0; i < count; i++)
		open += inherit_one(&to[i]);
	x->fds_open = x->fds_peak = open;
}

static void keep_copy(void)
{
	uint64_t count = store.head->part[PART_slots].used * CHUNK;

	kept.by = self_tid();
	kept.slots = count <= KEPT_SLOTS ? kept_here : map(count * sizeof(*kept.slots));
	kept.count = kept.slots ? count : 0;
	if (kept.slots)
		memcpy(kept.slots, slots_base, count * sizeof(*kept.slots));
}

void slots_before_fork(const char *session, struct store_fork *f)
{
	uint64_t stale;

	if (self_gate.state != SELF_ready || self_gate.seccomp || self_vforked() ||
	    __atomic_exchange_n(&self_gate.forking, 1, __ATOMIC_ACQUIRE))
		return;
	f->kept = true;
	f->spare = store_spare_prepare(session, &stale);
	if (f->spare)
		copy_to(f->spare, stale);
	else
		keep_copy();
}

static void forget_copy(void)
{
	if (!kept.slots)
		return;
	if (kept.slots != kept_here)
		sysc(SYS_munmap, kept.slots, kept.count * sizeof(*kept.slots));
	kept.slots = NULL;
}

void slots_after_fork(const struct store_fork *f, bool child)
{
	if (!f->kept)
		return;
	if (f->spare)
		store_spare_forked(child);
	forget_copy();
	__atomic_store_n(&self_gate.forking, 0, __ATOMIC_RELEASE);
}

/* ---- child ------------------------------------------------------------------------------------
 */

static void inherit(uint32_t tid)
{
	uint64_t count = store.head->part[PART_slots].used * CHUNK;
	int end = slots_end();
	uint32_t open = 0;

	if (kept.slots && kept.by == tid) {
		memcpy(slots_base, kept.slots, kept.count * sizeof(*kept.slots));
		if (count > kept.count) /* what the parent made since */
			memset(slots_base + kept.count, 0,
			       (count - kept.count) * sizeof(*kept.slots));
	}
	for (int fd = 0; fd < end; fd++) {
		struct record_slot *s = slots_at(fd);

		if (!s)
			fd |= (int)CHUNK - 1;
		else
			open += inherit_one(s);
	}
	store.head->fds_open = store.head->fds_peak = open;
}

void slots_inherit(uint32_t tid)
{
	if (store.head->spare == SPARE_none) /* else it was done before the fork */
		inherit(tid);
	forget_copy(); /* of whichever thread it was */
}
