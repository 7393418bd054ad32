/* SPDX-License-Identifier: MIT */
/*
 * x86_64_regs.h - what the unwinder must know of the processor: DWARF numbers of the registers it
 * follows, its own registers, and where the kernel puts those of code that a signal interrupted.
 */
#ifndef SHIM_ARCH_REGS_H
#define SHIM_ARCH_REGS_H

#include <stdint.h>

#define REGS_FP 6  /* rbp */
#define REGS_SP 7  /* rsp */
#define REGS_RA 16 /* the return address column */

struct regs {
	uintptr_t pc, sp, fp;
	uintptr_t lr; /* not on this processor */
};

/* Must be inlined: these are the registers of the function that it stands in. */
#define REGS_HERE(r)                                                               \
	__asm__ volatile("leaq 0(%%rip), %0\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2" \
			 : "=r"((r)->pc), "=r"((r)->sp), "=r"((r)->fp))

/* Offsets from sp in a signal frame: struct ucontext begins there (kernel: rt_sigframe). */
#define REGS_SIGNAL_FP 120
#define REGS_SIGNAL_SP 160
#define REGS_SIGNAL_PC 168
#define REGS_SIGNAL_LR 0

/* The canonical frame address is the caller's sp, above the return address that call pushed. */
#define REGS_RA_OFFSET (-8)
#define REGS_STRIP(pc) (pc)

#endif
