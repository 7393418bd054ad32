/* SPDX-License-Identifier: MIT */
/*
 * x86_64_regs.h - what the unwinder must know of the processor: DWARF numbers of the registers it
 * follows, its own registers, where the kernel puts those of code that a signal interrupted, and
 * how a rule is packed. Included by stack_arch.h only.
 */
#ifndef SHIM_ARCH_REGS_H
#define SHIM_ARCH_REGS_H

#include <stdint.h>
#include "../stack_cfi.h"

#define REGS_FP 6  /* rbp */
#define REGS_SP 7  /* rsp */
#define REGS_RA 16 /* the return address column */

/* Offsets from sp in a signal frame: struct ucontext begins there (kernel: rt_sigframe). */
#define REGS_SIGNAL_FP 120
#define REGS_SIGNAL_SP 160
#define REGS_SIGNAL_PC 168
#define REGS_SIGNAL_LR 0

/* A frame is at least its return address. */
#define REGS_FRAME_MIN 8
#define REGS_STRIP(pc) (pc)

/* The thread's own descriptor (struct pthread) begins at the thread pointer. */
#define REGS_THREAD_FIRST 0x400
#define REGS_THREAD_LAST 0x800

/* libc's signal trampoline has call frame information. */
static inline bool regs_is_sigreturn(const uint32_t *code)
{
	(void)code;
	return false;
}
#define REGS_SIGRETURN_BARE false

/*
 * A simple rule in 16 bits: from_fp 1, cfa / 8 12, where fp is saved 3 (0: the same, else at
 * CFA - 8 - 8 * n). The return address always is where `call` pushed it.
 */
#define REGS_SIMPLE_BITS 16
#define REGS_FROM_FP 0x8000u

static inline bool regs_pack(const struct stack_rule *r, uint64_t *ret)
{
	bool saved = r->fp_how == FP_saved;

	if (r->how != HOW_plain || !r->ra_saved || r->ra != -8 || r->cfa < 8 || r->cfa > 0x7ff8)
		return false;
	if (r->fp_how != FP_same && (!saved || r->fp > -16 || r->fp < -64))
		return false;
	*ret = (r->from_fp ? REGS_FROM_FP : 0) | (uint64_t)r->cfa |
	       (saved ? (uint64_t)(-8 - r->fp) / 8 : 0);
	return true;
}

static inline uintptr_t regs_cfa(uint64_t rule)
{
	return rule & 0x7ff8;
}

static inline uintptr_t regs_ra_at(uint64_t rule, uintptr_t cfa)
{
	(void)rule;
	return cfa - 8;
}

static inline bool regs_fp_saved(uint64_t rule)
{
	return rule & 7;
}

static inline uintptr_t regs_fp_at(uint64_t rule, uintptr_t cfa)
{
	return cfa - 8 - (rule & 7) * 8;
}

#endif
