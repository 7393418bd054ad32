/* SPDX-License-Identifier: MIT */
/*
 * stack_reach.h - which words of a stack may be read, so that a damaged stack cannot make the walk
 * fault. Part of stack.c, its only user.
 *
 * The main thread's stack reaches to __libc_stack_end, a thread's to its descriptor, which libc
 * puts on top of it; from the present frame up to there everything is mapped. Any other stack
 * (sigaltstack, coroutine) is asked for page by page, by a system call that reads one word and does
 * nothing; where none may be made (seccomp), the trace ends.
 */
#ifndef SHIM_STACK_REACH_H
#define SHIM_STACK_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include "attrs.h"
#include "self.h"
#include "stack_arch.h"
#include "stack_walk.h"
#include "sysc.h"

#define REACH_PAGE 4096u
#define REACH_MAIN_MAX (64ul << 20)  /* nothing else is mapped so close below the main stack */
#define REACH_THREAD_MAX (1ul << 32) /* stacks of threads */
#define REACH_ABOVE_MAX (1ul << 20)  /* descriptor and thread-local storage */

struct reach {
	uintptr_t low, high;               /* may be read; both are aligned */
	uintptr_t before_low, before_high; /* the same of the stack before a signal frame */
	bool asking;     /* of a stack that is not known: ask for further pages */
	uint8_t outcome; /* of the last step() */
	uintptr_t lr;    /* after a signal frame: the interrupted frame's link register */
	bool reads_fp;   /* the frame pointer of the seed's frame may be looked up */
	const struct stack_seed *seed;
	struct stack_reads *reads; /* NULL: nobody wants to know */
};

/* Part of ld.so's interface since 2.2.5: where the kernel put argc. */
extern void *__libc_stack_end __attribute__((weak));

AT_START struct stack_bounds stack_main;
THREAD struct stack_bounds stack_thread;
static THREAD bool reach_looked; /* stack_thread is as good as it gets */

/* From the constructor, on the main thread. */
static void reach_warm_up(void)
{
	struct rlimit limit = {0, 0};
	uintptr_t top = &__libc_stack_end ? (uintptr_t)__libc_stack_end : 0;

	reach_looked = true;
	sysc(SYS_prlimit64, 0, RLIMIT_STACK, 0, &limit);
	if (limit.rlim_cur > REACH_MAIN_MAX)
		limit.rlim_cur = REACH_MAIN_MAX;
	if (top > limit.rlim_cur)
		stack_main = (struct stack_bounds){top - limit.rlim_cur, top};
}

/*
 * libc keeps base, size and guard size of a thread's stack side by side in its descriptor, which
 * lies inside of that stack. Only a triple that fits together so is taken.
 */
static COLD void reach_look(void)
{
	uintptr_t self = (uintptr_t)__builtin_thread_pointer();
	const uintptr_t *p = (const uintptr_t *)(intptr_t)((intptr_t)self + REGS_THREAD_FIRST);
	const uintptr_t *end = (const uintptr_t *)(intptr_t)((intptr_t)self + REGS_THREAD_LAST);

	for (; p + 2 < end; p++) {
		uintptr_t base = p[0], size = p[1], guard = p[2];

		if (base & 15 || base >= self || self - base > REACH_THREAD_MAX)
			continue;
		if (size <= self - base || size - (self - base) > REACH_ABOVE_MAX ||
		    guard >= self - base)
			continue;
		stack_thread.low = base + guard;
		stack_thread.high = self;
		break;
	}
	reach_looked = true;
}

static const struct stack_bounds *reach_stack_of(uintptr_t sp)
{
	if (sp - stack_main.low < stack_main.high - stack_main.low)
		return &stack_main;
	if (unlikely(!reach_looked))
		reach_look();
	if (sp - stack_thread.low < stack_thread.high - stack_thread.low)
		return &stack_thread;
	return NULL;
}

static inline void reach_set(struct reach *r, uintptr_t low, uintptr_t high)
{
	r->low = low & -8ul;
	r->high = high & -8ul;
}

/* Is addr one of the words from low to high? */
static inline bool reach_within(uintptr_t low, uintptr_t high, uintptr_t addr)
{
	return !(addr & 7) && addr - low < high - low;
}

/* `here` is an address in a frame that is active now, on the stack of the seed. */
static inline void reach_start(struct reach *r, uintptr_t here)
{
	uintptr_t cfa = r->seed->cfa;
	const struct stack_bounds *s = reach_stack_of(cfa);

	r->asking = !s;
	reach_set(r, here, s ? s->high : (cfa & -(uintptr_t)REACH_PAGE) + REACH_PAGE);
	if (unlikely(cfa - here > REACH_ABOVE_MAX || cfa & 7)) {
		r->high = r->low; /* that seed is not ours */
		r->asking = false;
	}
}

/* A signal frame leads to sp, maybe on another stack: a handler runs on a stack of its own. */
static COLD void reach_switch(struct reach *r, uintptr_t sp)
{
	const struct stack_bounds *s = reach_stack_of(sp);
	uintptr_t page = sp & -(uintptr_t)REACH_PAGE;

	if (reach_within(r->low, r->high, sp & -8ul))
		return;
	r->before_low = r->low;
	r->before_high = r->high;
	r->asking = !s || !(self_gate.seccomp || self_readable(page));
	reach_set(r, page, r->asking ? page : s->high);
}

static COLD bool reach_ask(struct reach *r, uintptr_t addr)
{
	uintptr_t page = addr & -(uintptr_t)REACH_PAGE;

	if (reach_within(r->before_low, r->before_high, addr))
		return true;
	if (addr & 7 || !r->asking || !self_readable(page))
		return false;
	if (page == r->high)
		r->high += REACH_PAGE;
	else
		reach_set(r, page, page + REACH_PAGE);
	return true;
}

static inline void reach_note_at(struct stack_reads *reads, uintptr_t at, uintptr_t value)
{
	unsigned i = reads->used;

	if (unlikely(i >= READS_MAX) || unlikely(at > READS_FP)) {
		reads->used = READS_MAX + 1;
		return;
	}
	reads->at[i] = (uint16_t)at;
	reads->value[i] = value;
	reads->used = (uint16_t)(i + 1);
}

/* The word at addr was read. Words below the seed and far above it are too far away. */
static inline void reach_note(struct stack_reads *reads, const struct stack_seed *seed,
			      uintptr_t addr, uintptr_t value)
{
	uintptr_t at = (addr - seed->cfa) / 8;

	reach_note_at(reads, at == READS_FP ? at + 1 : at, value);
}

/* The word at addr, which may be anywhere. */
static inline bool reach_load(struct reach *r, uintptr_t addr, uintptr_t *ret)
{
	if (unlikely(!reach_within(r->low, r->high, addr)) && !reach_ask(r, addr))
		return false;
	*ret = *(const uintptr_t *)addr;
	if (r->reads)
		reach_note(r->reads, r->seed, addr, *ret);
	return true;
}

#endif
