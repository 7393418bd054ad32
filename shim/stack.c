/* SPDX-License-Identifier: MIT */
/*
 * stack.c - walks the calling thread's stack by the rules of stack_rules.h. No malloc, lock, fd; no
 * system call but one to see whether a page of stack can be read, once a page and thread.
 *
 * A stack that makes no sense ends the trace: the CFA must grow from frame to frame, addresses must
 * be aligned, and nothing is read outside pages known to be readable.
 */
#include <signal.h>
#include <stdbool.h>
#include "record.h"
#include "self.h"
#include "stack.h"
#include "stack_arch.h"
#include "stack_rules.h"
#include "sysc.h"

#define FRAME_MAX (16u << 20)
#define OWN_FRAMES 16 /* between here and the wrapper's caller */
#define PAGES_DOWN 16

struct walk {
	struct regs r;
	bool exact; /* pc is where a signal interrupted, not a return address */
};

/* Pages of this thread's stack that are known to be readable: [low, high). */
static THREAD uintptr_t low, high;

/* ---- may this be read? ------------------------------------------------------------------------ */

/* The kernel reads the new mask before it looks at `how`: EFAULT, else EINVAL and nothing changes. */
static bool readable(uintptr_t page)
{
	if (self_gate.seccomp)
		return false;
	return sysc(SYS_rt_sigprocmask, -1, page, 0, 8) != -14 /* EFAULT */;
}

static COLD bool extend(uintptr_t sp, uintptr_t addr)
{
	uintptr_t page = sp & ~(uintptr_t)(RECORD_PAGE - 1);

	if (page >= high || page + PAGES_DOWN * RECORD_PAGE < low)
		low = high = page; /* another stack */
	for (uintptr_t p = low; p > page; p -= RECORD_PAGE) {
		if (!readable(p - RECORD_PAGE)) {
			low = high = page;
			break;
		}
		low = p - RECORD_PAGE;
	}
	while (high <= addr && readable(high))
		high += RECORD_PAGE;
	return addr >= low && addr < high;
}

/* The word at addr, on the stack that sp is on. */
static inline bool load(uintptr_t sp, uintptr_t addr, uintptr_t *ret)
{
	if (unlikely(addr & 7) || unlikely(addr < sp) || unlikely(addr - sp > FRAME_MAX))
		return false;
	if ((unlikely(sp < low) || unlikely(addr >= high)) && !extend(sp, addr))
		return false;
	*ret = *(const uintptr_t *)addr;
	return true;
}

/* ---- one frame outwards ----------------------------------------------------------------------- */

enum outcome { STEP_on, STEP_end, STEP_lost };

static enum outcome step_signal(struct walk *w)
{
	struct regs n = { 0 };
	uintptr_t sp = w->r.sp;

	if (!load(sp, sp + REGS_SIGNAL_PC, &n.pc) || !load(sp, sp + REGS_SIGNAL_SP, &n.sp) ||
	    !load(sp, sp + REGS_SIGNAL_FP, &n.fp))
		return STEP_lost;
	if (REGS_SIGNAL_LR && !load(sp, sp + REGS_SIGNAL_LR, &n.lr))
		return STEP_lost;
	w->r = n;
	w->exact = true;
	return STEP_on;
}

static bool find_cfa(const struct walk *w, struct stack_rule rule, uintptr_t *ret)
{
	switch (rule.how) {
	case HOW_sp:
		*ret = w->r.sp + (uintptr_t)(intptr_t)rule.cfa;
		return true;
	case HOW_fp:
		*ret = w->r.fp + (uintptr_t)(intptr_t)rule.cfa;
		return true;
	case HOW_fp_deref:
		return load(w->r.sp, w->r.fp + (uintptr_t)(intptr_t)rule.cfa, ret);
	case HOW_plt:
		*ret = w->r.sp + 8 + ((w->r.pc & 15) >= 11 ? 8 : 0);
		return true;
	default:
		return false;
	}
}

static inline enum outcome step(struct walk *w)
{
	struct stack_rule rule = stack_rule_find(w->r.pc - !w->exact);
	uintptr_t cfa, pc, sp = w->r.sp, fp = w->r.fp;

	if (unlikely(rule.how == HOW_signal))
		return step_signal(w);
	if (unlikely(rule.how == HOW_end))
		return STEP_end;
	if (unlikely(!find_cfa(w, rule, &cfa)) || unlikely(cfa < sp) || unlikely(cfa - sp > FRAME_MAX))
		return STEP_lost;
	if (!rule.ra8)
		pc = w->r.lr;
	else if (!load(sp, cfa + (uintptr_t)(intptr_t)rule.ra8 * 8, &pc))
		return STEP_lost;
	if (rule.fp2 && !load(sp,
			      (rule.fp2 & 1 ? fp : cfa) +
				      (uintptr_t)(intptr_t)(rule.fp2 >> 1) * 8,
			      &fp))
		return STEP_lost;
	pc = REGS_STRIP(pc);
	if (unlikely(cfa == sp) && (rule.ra8 || pc == w->r.pc))
		return STEP_lost; /* no progress */
	w->r = (struct regs){ .pc = pc, .sp = cfa, .fp = fp };
	w->exact = false;
	return pc ? STEP_on : STEP_end;
}

/* ---- the trace -------------------------------------------------------------------------------- */

/* From here to the wrapper's caller: our own frames are not reported. */
static inline bool leave_shim(struct walk *w, const struct stack_seed *seed)
{
	for (int i = 0; i < OWN_FRAMES && w->r.sp < seed->cfa; i++)
		if (step(w) != STEP_on)
			return false;
	return w->r.sp == seed->cfa && w->r.pc == seed->pc;
}

__attribute__((noinline)) unsigned stack_capture(const struct stack_seed *seed, uint64_t *ret_pc,
						 unsigned max, unsigned *ret_flags)
{
	struct walk w = { .exact = true };
	enum outcome o = STEP_on;
	unsigned n = 0;

	REGS_HERE(&w.r);
	ret_pc[n++] = seed->pc;
	if (!leave_shim(&w, seed)) {
		*ret_flags = STACK_LOST;
		return n;
	}
	while (n < max && (o = step(&w)) == STEP_on)
		ret_pc[n++] = w.r.pc | (w.exact ? STACK_PC_EXACT : 0);
	if (o == STEP_on)
		o = step(&w) == STEP_end ? STEP_end : STEP_on; /* was that the last one? */
	*ret_flags = o == STEP_end ? 0 : o == STEP_on ? STACK_CUT : STACK_LOST;
	return n;
}

void stack_warm_up(void)
{
	const struct stack_seed here = { (uintptr_t)__builtin_return_address(0),
					 (uintptr_t)__builtin_dwarf_cfa() };
	uint64_t pc[8];
	unsigned flags;

	stack_capture(&here, pc, 8, &flags);
}
