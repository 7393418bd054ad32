/* SPDX-License-Identifier: MIT */
/*
 * aarch64_regs.h - what the unwinder must know of the processor: DWARF numbers of the registers it
 * follows, its own registers, where the kernel puts those of code that a signal interrupted, and
 * how a rule is packed. Included by stack_arch.h only.
 */
#ifndef SHIM_ARCH_REGS_H
#define SHIM_ARCH_REGS_H

#include <stdint.h>
#include "../stack_cfi.h"

#define REGS_FP 29
#define REGS_SP 31
#define REGS_RA 30

/* Offsets from sp in a signal frame: siginfo (128), then ucontext; registers 176 + 8 into it. */
#define REGS_SIGNAL_BASE 312
#define REGS_SIGNAL_FP (REGS_SIGNAL_BASE + 29 * 8)
#define REGS_SIGNAL_LR (REGS_SIGNAL_BASE + 30 * 8)
#define REGS_SIGNAL_SP (REGS_SIGNAL_BASE + 31 * 8)
#define REGS_SIGNAL_PC (REGS_SIGNAL_BASE + 32 * 8)

/* A frame may be empty: the return address is in x30. */
#define REGS_FRAME_MIN 0
/* Pointer authentication codes sit above the 48 bits of a user address. */
#define REGS_STRIP(pc) ((pc)&0xffffffffffffull)

/* The thread's own descriptor (struct pthread) ends at the thread pointer. */
#define REGS_THREAD_FIRST (-0x700)
#define REGS_THREAD_LAST 0

/* mov x8, #139; svc #0: the kernel's trampoline, which need not have call frame information. */
static inline bool regs_is_sigreturn(const uint32_t *code)
{
	return code[0] == 0xd2801168 && code[1] == 0xd4000001;
}
#define REGS_SIGRETURN_BARE true

/*
 * A simple rule in 16 bits: from_fp 1, cfa / 16 7, where x30 is saved 7 (at CFA - 8 * n), and
 * whether x29 is saved, just below.
 */
#define REGS_SIMPLE_BITS 16
#define REGS_FROM_FP 0x8000u

static inline bool regs_pack(const struct stack_rule *r, uint64_t *ret)
{
	bool saved = r->fp_how == FP_saved;

	if (r->how != HOW_plain || !r->ra_saved || r->cfa < 16 || r->cfa > 127 * 16 ||
	    r->cfa % 16 || r->ra > -8 || r->ra < -127 * 8 || -r->ra > r->cfa)
		return false;
	if (r->fp_how != FP_same && (!saved || r->fp != r->ra - 8))
		return false;
	*ret = (r->from_fp ? REGS_FROM_FP : 0) | (uint64_t)r->cfa / 16 << 8 |
	       (uint64_t)-r->ra / 8 << 1 | saved;
	return true;
}

static inline uintptr_t regs_cfa(uint64_t rule)
{
	return (rule & 0x7f00) >> 4;
}

static inline uintptr_t regs_ra_at(uint64_t rule, uintptr_t cfa)
{
	return cfa - (rule & 0xfe) * 4;
}

static inline bool regs_fp_saved(uint64_t rule)
{
	return rule & 1;
}

static inline uintptr_t regs_fp_at(uint64_t rule, uintptr_t cfa)
{
	return regs_ra_at(rule, cfa) - 8;
}

#endif
