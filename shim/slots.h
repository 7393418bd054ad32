/* SPDX-License-Identifier: MIT */
/*
 * slots.h - what is known of each open fd number. One cache line a slot, so that threads working on
 * different fds share nothing.
 *
 * A number changes hands at close: the slot is put into SLOT_closing before the real close, because
 * another thread may own the number right after it. Writers bracket a change by an odd seq; they
 * never wait for each other.
 */
#ifndef SHIM_SLOTS_H
#define SHIM_SLOTS_H

#include "count.h"
#include "ruleset.h"
#include "store.h"

extern HIDDEN struct record_slot *slots_base;

struct slots_birth {
	uint64_t now_ns;
	uint32_t site;   /* 1 + index, 0 unknown */
	uint32_t target; /* string */
	uint32_t flags;  /* SLOT_* */
	uint16_t call;
	uint8_t kind;
};

/* Called after the record was made, continued or copied. */
void slots_start(void);

/* The slot of fd, or NULL. COLD part of slots_at: numbers far above the others. */
struct record_slot *slots_far(int fd);

static inline struct record_slot *slots_at(int fd)
{
	struct record_slot *s = slots_base + (unsigned)fd;

	if (unlikely((unsigned)fd >= record_peek(&self_gate.slots_below)))
		return slots_far(fd);
	if (!s) /* as the compiler cannot know */
		__builtin_unreachable();
	return s;
}

/* The same, NULL too where nothing is ready. */
static inline struct record_slot *slots_near(int fd)
{
	struct record_slot *s = slots_base + (unsigned)fd;

	if (unlikely((unsigned)fd >= record_peek(&self_gate.slots_below)))
		return NULL;
	if (!s) /* as the compiler cannot know */
		__builtin_unreachable();
	return s;
}

static inline struct record_slot *slots_if_open(struct record_slot *s)
{
	return s && likely(s->state == SLOT_open) ? s : NULL;
}

/*
 * HOT: a call on fd succeeded; count it. false sends the caller to its COLD part: the shim is not
 * ready, fd has no slot, or an EAGAIN on it waits for its fate.
 */
static inline bool slots_use(int fd)
{
	unsigned at = (unsigned)fd;

	if (unlikely(at >= self_gate.slots_below))
		return false;
	return !unlikely(count_up_is_negative(&slots_base[at].uses));
}

/*
 * The same in two steps, for HOT: the place of a slot is looked at before the call, and the call is
 * counted before it is made, because what is still needed after it has to be kept meanwhile.
 *
 * A place is the fd number times 8, and the slot lies 8 times as far in bytes: what the processor
 * does while it forms an address. `armed` is 0, or leads out of the array.
 */
_Static_assert(RECORD_FDS_MAX * 8ull <= RULES_ARMED(0), "armed is above any place");
_Static_assert(sizeof(struct record_slot) == 64, "8 times 8");
static inline bool slots_place(int fd, uint32_t armed, uint32_t *ret_place)
{
	*ret_place = (uint32_t)fd * 8 | armed;
	return likely(*ret_place < self_gate.places_end);
}

static inline struct record_slot *slots_in_place(uint32_t place)
{
	return (struct record_slot *)((uint8_t *)slots_base + (uint64_t)place * 8);
}

/* false: an EAGAIN on it waits for its fate. */
static inline bool slots_count(uint32_t place)
{
	return !unlikely(count_up_is_negative(&slots_in_place(place)->uses));
}

/*
 * It failed: it was no use. There may be none left: fd can have another owner since. Its slot; NULL
 * when it is out of reach.
 */
static inline struct record_slot *slots_uncount(int fd)
{
	uint32_t place;
	struct record_slot *s;

	if (unlikely(!slots_place(fd, 0, &place)))
		return NULL;
	s = slots_in_place(place);
	if (likely(s->uses & ~SLOT_USE_PENDING))
		count_add32(&s->uses, UINT32_MAX);
	return s;
}

void slots_birth(int fd, const struct slots_birth *b);
/*
 * The time of a birth: of the tick, which costs next to nothing; but exact from the first mark on,
 * so that births after a mark are told from those before it.
 */
uint64_t slots_now_exact(void);
extern HIDDEN uint64_t slots_marked_ns; /* the latest mark; 0 none yet */
static inline uint64_t slots_now(void)
{
	return likely(!record_peek(&slots_marked_ns)) ? self_now_coarse() : slots_now_exact();
}
/*
 * Not 0: there is a mark, a quarantine or another root directory, and births take the way that asks
 * for each. It stays so.
 */
extern HIDDEN uint32_t slots_births_apart;
/* A new mark: births so far are before it, all others are not. */
uint64_t slots_mark(void);
/*
 * s, which is open, is about to be closed. Returns its seq to give to slots_closed, 0 when another
 * thread is closing it.
 */
uint32_t slots_closing(struct record_slot *s);
/* It has been closed, from `stack`. Nothing when the number has a new owner already. */
void slots_closed(int fd, uint32_t seq, uint32_t stack);
/* The close failed and fd is still open. */
void slots_reopened(int fd, uint32_t seq);
/* fd was closed by other means (dup2 onto it, exec, unseen); `unseen` counts it as missed. */
void slots_lost(int fd, uint32_t stack, bool unseen);
/*
 * Another thread may have closed a number after the call that made it and before its birth here:
 * asked after both, so that whichever comes last sees it. Otherwise the slot would stay open.
 */
void slots_verify(int fd);
static inline void slots_raced(int fd)
{
	if (unlikely(!__libc_single_threaded))
		slots_verify(fd);
}
/* An fd that exists but was not seen to appear. */
void slots_found(int fd, uint8_t kind, uint32_t flags, uint64_t now_ns);
/*
 * The slots of a fork child are those of its parent at the instant of the fork; but the record is
 * shared memory, in which the parent goes on. So the parent puts them into the record that waits
 * for the child (store_spare.h), or keeps a private copy across the fork; neither while a fork of
 * another thread has them.
 */
void slots_before_fork(const char *session, struct store_fork *f);
/* Parent; and whether there is a child. */
void slots_after_fork(const struct store_fork *f, bool child);
/* In the child of thread `tid`, once it has a record: the copy, all marked inherited. */
void slots_inherit(uint32_t tid);
void slots_set_flags(int fd, uint32_t set, uint32_t clear);
/* The description of fd got a lock (SLOT_LOCKED), or gave it back. */
void slots_locked(int fd, bool locked);
/* fd is there in a new image: was it leaked into it? That is when nothing is ever done with it. */
void slots_execed(int fd);
/* Something other than I/O is done with it. */
void slots_touched(struct record_slot *s);
static inline void slots_touch(struct record_slot *s)
{
	if (unlikely((s->flags & (SLOT_EXECED | SLOT_TOUCHED)) == SLOT_EXECED))
		slots_touched(s);
}
/* How many are left that survived an exec and were not touched since, at most; not exact. */
extern HIDDEN uint32_t slots_untouched;
/* Highest fd number that may have a slot, plus one. */
int slots_end(void);

#endif
