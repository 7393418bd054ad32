/* SPDX-License-Identifier: MIT */
/*
 * stack.h - the calling thread's stack, without malloc, lock, system call or fd.
 *
 * Layers: stack_memo.c (a whole stack seen before), stack.c (this interface: the walk),
 * stack_rules.c (pc -> unwind rule cache), stack_cfi.c (call frame information of loaded objects).
 * arch/ holds what differs by processor. All functions are async-signal-safe and thread-safe, and
 * need some 2 KiB of stack beside the caller's arrays.
 */
#ifndef SHIM_STACK_H
#define SHIM_STACK_H

#include <stdbool.h>
#include <stdint.h>

/* Where to start: the frame of an interposed function's caller. */
struct stack_seed {
	uintptr_t pc;  /* return address of the interposed function */
	uintptr_t cfa; /* its canonical frame address: the caller's sp once it has returned */
};

/* Field by field, so that compilers see that no memory is needed for it where it is passed on. */
static inline struct stack_seed stack_seed_copied(struct stack_seed seed)
{
	return (struct stack_seed){seed.pc, seed.cfa};
}

/*
 * Unwind the calling thread from `seed` outwards. ret_pc[0] is seed->pc, then the return address of
 * its caller, ... ; a pc that a signal interrupted carries STACK_PC_EXACT. Writes at most `max`.
 *
 * ret_flags: STACK_CUT when there was more than `max`, STACK_LOST when a frame without unwind
 * tables or a frame that makes no sense ended the trace early; 0 when it reached the outermost
 * frame. Returns the number of frames, at least 1. Bounded work, never faults on a damaged stack.
 */
unsigned stack_capture(const struct stack_seed *seed, uint64_t *ret_pc, unsigned max,
		       unsigned *ret_flags);

/*
 * Is nothing of ours being executed further out than `seed`, which is our caller's? Else a signal
 * interrupted it, or it waits for what it called. False where that takes long to tell.
 */
bool stack_is_outermost(const struct stack_seed *seed);

/* Called once from the constructor, which may use libc. */
void stack_warm_up(void);

/* Objects may have been unloaded: forget every cached rule. */
void stack_forget(void);

#endif
