/* SPDX-License-Identifier: MIT */
/*
 * stack.c - walks the calling thread's stack by the rules of stack_rules.h, from the seed's frame
 * outwards. The frame pointer is looked up only when a frame needs it: most stacks never do. No
 * malloc, lock or fd; no system call on the stacks of threads.
 *
 * A stack that makes no sense ends the trace: the CFA must grow from frame to frame, addresses must
 * be aligned, and nothing is read that stack_reach.h does not know to be readable.
 */
#include <signal.h>
#include <sys/auxv.h>
#include "record.h"
#include "stack.h"
#include "stack_reach.h"
#include "stack_rules.h"
#include "stack_walk.h"

#define FRAME_MAX (16u << 20)
#define OWN_FRAMES 16 /* between here and the wrapper's caller */
#define VDSO_TEXT 4096u
#define ALWAYS_INLINE __attribute__((always_inline)) inline

enum outcome { STEP_on, STEP_end, STEP_lost };

/* In place of an address; both are unaligned, so that they cannot be read by mistake. */
enum { FP_AT_SEED = 1, FP_AT_NOWHERE = 2 };

struct frame {
	uintptr_t pc; /* with STACK_PC_EXACT where a signal interrupted it: no return address */
	uintptr_t sp;
	uintptr_t fp_at; /* where the frame pointer is saved: read when needed, not before */
};

static AT_START uintptr_t vdso; /* 0: there is none */

/* ---- the frame pointer ----------------------------------------------------------------------- */

static COLD bool odd_fp(struct reach *r, uintptr_t fp_at, uintptr_t *ret)
{
	if (fp_at != FP_AT_SEED || !r->reads_fp || !stack_seed_fp(r->seed, ret))
		return false;
	if (r->reads)
		reach_note_at(r->reads, READS_FP, *ret);
	return true;
}

static inline bool find_fp(const struct frame *f, struct reach *r, uintptr_t *ret)
{
	if (unlikely(f->fp_at & 7))
		return odd_fp(r, f->fp_at, ret);
	return reach_load(r, f->fp_at, ret);
}

/* ---- one frame outwards ---------------------------------------------------------------------- */

static enum outcome step_signal(struct frame *f, struct reach *r)
{
	uintptr_t at = f->sp, pc, sp, lr = 0;

	if (!reach_load(r, at + REGS_SIGNAL_PC, &pc) || !reach_load(r, at + REGS_SIGNAL_SP, &sp))
		return STEP_lost;
	if (sp & 7 || (REGS_SIGNAL_LR && !reach_load(r, at + REGS_SIGNAL_LR, &lr)))
		return STEP_lost;
	reach_switch(r, sp);
	r->lr = lr;
	*f = (struct frame){pc | STACK_PC_EXACT, sp, at + REGS_SIGNAL_FP};
	return STEP_on;
}

static bool is_sigreturn(uintptr_t pc)
{
	if (!REGS_SIGRETURN_BARE || pc & 3)
		return false;
	if ((!vdso || pc - vdso >= VDSO_TEXT) && (!self_readable(pc) || !self_readable(pc + 4)))
		return false;
	return regs_is_sigreturn((const uint32_t *)pc);
}

static bool find_cfa(const struct frame *f, struct reach *r, const struct stack_rule *rule,
		     uintptr_t *ret_cfa)
{
	uintptr_t offset = (uintptr_t)(intptr_t)rule->cfa, base = f->sp;

	if ((rule->from_fp || rule->how == HOW_deref) && !find_fp(f, r, &base))
		return false;
	if (rule->how == HOW_deref)
		return reach_load(r, base + offset, ret_cfa);
	if (rule->how == HOW_plt)
		offset = 8 + ((f->pc & 15) * 8 >= offset ? 8 : 0);
	*ret_cfa = base + offset;
	return true;
}

/* Where the caller's frame pointer is, when this frame has it. */
static uintptr_t find_fp_at(const struct frame *f, struct reach *r, const struct stack_rule *rule,
			    uintptr_t cfa)
{
	uintptr_t fp;

	if (rule->fp_how == FP_same)
		return f->fp_at;
	if (rule->fp_how == FP_saved)
		return cfa + (uintptr_t)(intptr_t)rule->fp;
	if (rule->fp_how == FP_by_fp && find_fp(f, r, &fp))
		return fp + (uintptr_t)(intptr_t)rule->fp;
	return FP_AT_NOWHERE;
}

/* Any frame. r->outcome says how it went; pc is 0 where that was no step. */
static COLD struct frame step(struct frame f, struct reach *r)
{
	static const struct frame nowhere;
	bool exact = f.pc & STACK_PC_EXACT, no_rule;
	struct stack_rule rule;
	uintptr_t cfa, pc = r->lr;

	f.pc &= ~STACK_PC_EXACT;
	rule = stack_rule_find(f.pc - !exact);
	no_rule = rule.how == HOW_none || rule.how == HOW_end;
	r->outcome = rule.how == HOW_end ? STEP_end : STEP_lost;
	if (rule.how == HOW_signal || (no_rule && is_sigreturn(f.pc))) {
		r->outcome = (uint8_t)step_signal(&f, r);
		return r->outcome == STEP_on ? f : nowhere;
	}
	if (no_rule || !find_cfa(&f, r, &rule, &cfa))
		return nowhere;
	if (cfa & 7 || cfa - f.sp - REGS_FRAME_MIN > FRAME_MAX || (!rule.ra_saved && !exact))
		return nowhere;
	if (rule.ra_saved && !reach_load(r, cfa + (uintptr_t)(intptr_t)rule.ra, &pc))
		return nowhere;
	r->outcome = STEP_on;
	return (struct frame){REGS_STRIP(pc), cfa, find_fp_at(&f, r, &rule, cfa)};
}

/* The frame pointer of a frame that uses it, where it is saved as most are. */
static inline bool fast_fp(const struct frame *f, const struct reach *r, uintptr_t *ret)
{
	uintptr_t fp;

	if (!reach_within(r->low, r->high, f->fp_at))
		return false;
	fp = *(const uintptr_t *)f->fp_at;
	if (fp & 7 || fp - f->sp > FRAME_MAX)
		return false;
	*ret = fp;
	return true;
}

/* Not a simple rule by sp in its first place: is it one by fp, or in the second? */
static inline bool fast_other(const struct frame *f, const struct reach *r, uint64_t generation,
			      uint64_t *rule, uintptr_t *ret_base)
{
	if (*rule >= RULES_ODD)
		*rule = stack_rule_in(stack_rule_place(f->pc) ^ RULES_SECOND, f->pc, generation);
	return *rule < REGS_FROM_FP || (*rule < RULES_ODD && fast_fp(f, r, ret_base));
}

/*
 * HOT: the frames that nearly all are. What counts is the chain from pc over its rule and sp to the
 * next pc; all else is beside it. Simple rules only ever lead upwards and by whole words, so one
 * comparison bounds what is read. false: nothing was changed.
 */
static ALWAYS_INLINE bool step_fast(struct frame *f, const struct reach *r,
				    struct stack_reads *reads, uint64_t generation)
{
	uintptr_t base = f->sp, cfa, ra_at, pc;
	uint64_t rule;

	if (unlikely(!stack_rule_possible(f->pc)))
		return false;
	rule = stack_rule_in(stack_rule_place(f->pc), f->pc, generation);
	if (unlikely(rule >= REGS_FROM_FP) && !fast_other(f, r, generation, &rule, &base))
		return false;
	cfa = base + regs_cfa(rule);
	ra_at = regs_ra_at(rule, cfa);
	if (unlikely(cfa > r->high))
		return false;
	pc = *(const uintptr_t *)ra_at;
	if (reads && rule >= REGS_FROM_FP)
		reach_note(reads, r->seed, f->fp_at, base);
	if (reads)
		reach_note(reads, r->seed, ra_at, pc);
	f->pc = REGS_STRIP(pc);
	f->sp = cfa;
	if (regs_fp_saved(rule))
		f->fp_at = regs_fp_at(rule, cfa);
	return true;
}

/* ---- the trace ------------------------------------------------------------------------------- */

/*
 * Through the shim's own frames: the register is where one of them saved it, or still the same.
 * Asking for the frame address makes the compiler save the caller's frame pointer there.
 */
__attribute__((noinline)) bool stack_seed_fp(const struct stack_seed *seed, uintptr_t *ret_fp)
{
	uintptr_t fp_at = (uintptr_t)__builtin_frame_address(0);
	struct frame f = {(uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0)),
			  (uintptr_t)__builtin_dwarf_cfa(), fp_at};
	uint64_t generation = __atomic_load_n(&stack_rule_generation, __ATOMIC_RELAXED);
	struct reach r = {.seed = seed};

	reach_start(&r, fp_at & -64ul);
	r.outcome = STEP_on;
	for (int i = 0; i < OWN_FRAMES && f.pc && f.sp < seed->cfa; i++)
		if (!step_fast(&f, &r, NULL, generation))
			f = step(f, &r);
	return f.sp == seed->cfa && f.pc == seed->pc && find_fp(&f, &r, ret_fp);
}

uintptr_t stack_known_bytes(uintptr_t cfa)
{
	const struct stack_bounds *s = reach_stack_of(cfa);

	return s ? s->high - cfa : 0;
}

/* The hash of the addresses is made on the way, while the next one is waited for. */
static ALWAYS_INLINE unsigned walk(struct reach *r, uint64_t *ret_pc, unsigned max,
				   struct stack_end *ret, struct stack_reads *reads)
{
	uint64_t generation = __atomic_load_n(&stack_rule_generation, __ATOMIC_RELAXED), hash = 0;
	struct frame f = {r->seed->pc, r->seed->cfa, FP_AT_SEED};
	uint64_t *at = ret_pc, *const end = ret_pc + max;

	r->reads = reads;
	r->reads_fp = true;
	r->outcome = STEP_on;
	reach_start(r, (uintptr_t)r);
	do {
		*at++ = f.pc;
		hash = stack_hash(hash, f.pc);
		if (unlikely(!step_fast(&f, r, reads, generation)))
			f = step(f, r);
		__asm__("" : "+r"(f.pc), "+r"(f.sp)); /* not both in one vector register */
	} while (f.pc && at < end);
	if (r->outcome == STEP_on && !f.pc)
		r->outcome = STEP_end;
	ret->hash = stack_hash_end(hash);
	return (unsigned)(at - ret_pc);
}

unsigned stack_capture_reads(const struct stack_seed *seed, uint64_t *ret_pc, unsigned max,
			     struct stack_end *ret, struct stack_reads *ret_reads)
{
	static const uint8_t flags[] = {
		[STEP_on] = STACK_CUT, [STEP_end] = 0, [STEP_lost] = STACK_LOST};
	struct reach r = {.seed = seed};
	unsigned n;

	if (ret_reads) {
		ret_reads->generation = __atomic_load_n(&stack_generation, __ATOMIC_ACQUIRE);
		ret_reads->used = 0;
		n = walk(&r, ret_pc, max, ret, ret_reads);
		if (r.outcome == STEP_lost)
			ret_reads->used = READS_MAX + 1;
	} else {
		n = walk(&r, ret_pc, max, ret, NULL);
	}
	ret->flags = flags[r.outcome];
	return n;
}

unsigned stack_capture(const struct stack_seed *seed, uint64_t *ret_pc, unsigned max,
		       unsigned *ret_flags)
{
	struct stack_end end;
	unsigned n = stack_capture_reads(seed, ret_pc, max, &end, NULL);

	*ret_flags = end.flags;
	return n;
}

/* ---- whose frames ---------------------------------------------------------------------------- */

#define OUTERMOST_BYTES (32u << 10)

/* The linker's: where this library begins, and where its code ends. */
extern HIDDEN const char __ehdr_start[], etext[];

/*
 * Every word is held against our code: our frames leave return addresses, a signal where it came.
 * What was left there by calls that are over is taken for one of them; that is rare, and costs
 * time.
 */
bool stack_is_outermost(const struct stack_seed *seed)
{
	uintptr_t own = (uintptr_t)__ehdr_start, own_bytes = (uintptr_t)etext - own;
	const uintptr_t address = (UINT64_C(1) << 48) - 1; /* without a signature above it */
	uintptr_t at = seed->cfa;
	stack_t aside;

	if (at & 7 || at - stack_main.low >= stack_main.high - stack_main.low ||
	    stack_main.high - at > OUTERMOST_BYTES)
		return false;
	if (self_gate.seccomp || sysc(SYS_sigaltstack, 0L, &aside) || aside.ss_flags & SS_ONSTACK)
		return false;
	for (; at < stack_main.high; at += sizeof(uintptr_t))
		if ((*(const uintptr_t *)at & address) - own < own_bytes)
			return false;
	return true;
}

START_CODE void stack_warm_up(void)
{
	vdso = getauxval(AT_SYSINFO_EHDR);
	reach_warm_up();
	stack_cfi_warm_up();
}
