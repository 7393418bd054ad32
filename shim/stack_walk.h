/* SPDX-License-Identifier: MIT */
/*
 * stack_walk.h - what a walk has read: between stack.c, which walks, and stack_memo.c, which
 * recognises a stack by it.
 */
#ifndef SHIM_STACK_WALK_H
#define SHIM_STACK_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include "attrs.h"
#include "stack.h"

#define READS_MAX 88
#define READS_FP 0xfffeu /* in place of a distance: the frame pointer in the seed's frame */

/*
 * The read set of a walk: every word of the stack that it depended on, innermost first, with the
 * value found. The same words under the same generation lead to the same walk.
 */
struct stack_reads {
	uint32_t generation; /* of the unwind tables, from before the walk */
	uint16_t used; /* READS_MAX + 1: the walk cannot be kept: too many, too far away, lost */
	uint16_t at[READS_MAX]; /* (address - seed->cfa) / 8 */
	uint64_t value[READS_MAX];
};

/* How a walk ended. */
struct stack_end {
	unsigned flags; /* STACK_* of record.h */
	uint32_t hash;  /* of its addresses */
};

static inline uint64_t stack_hash(uint64_t hash, uintptr_t pc)
{
	return (hash ^ pc) * 0x9e3779b97f4a7c15u;
}

/* The upper half: a bit of an address only ever changes bits above its own. */
static inline uint32_t stack_hash_end(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

/* stack_capture(), and what it read unless ret_reads is NULL. */
unsigned stack_capture_reads(const struct stack_seed *seed, uint64_t *ret_pc, unsigned max,
			     struct stack_end *ret, struct stack_reads *ret_reads);
/* Where a stack lies, as far as it is mapped for as long as it is run on. */
struct stack_bounds {
	uintptr_t low, high;
};
extern HIDDEN struct stack_bounds stack_main; /* the main thread's */
extern HIDDEN THREAD struct stack_bounds stack_thread; /* of this one, once it was looked for */
/* How many bytes from cfa on can be read because that stack is known. */
uintptr_t stack_known_bytes(uintptr_t cfa);
/* The same without a look for it. */
static inline uintptr_t stack_known_already(uintptr_t cfa)
{
	if (likely(cfa >= stack_main.low) && likely(cfa < stack_main.high))
		return stack_main.high - cfa;
	if (likely(cfa >= stack_thread.low) && likely(cfa < stack_thread.high))
		return stack_thread.high - cfa;
	return 0;
}
/* The frame pointer as it was in the seed's frame when it called the wrapper. */
bool stack_seed_fp(const struct stack_seed *seed, uintptr_t *ret_fp);

#endif
